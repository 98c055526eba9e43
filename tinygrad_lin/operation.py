"""What a row of the table of derivatives holds, and what follows from it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    Interval = tuple[float, float]


class Operation:
    """One row of the table.

    Attributes:
        name: what it is called, in code and in ``Value.op``.
        formula: its value.
        partials: its local derivatives, one formula for each operand.
        sign: what a drawing writes in the node.
        tex: how TeX writes it, with ``{x}`` and ``{y}`` for the operands.
        defined: where it has a value, as a predicate of its operands; empty for everywhere.
        smooth: where its derivatives of every order are continuous, as a predicate of its operands
            (within ``defined``); empty for everywhere. The two sides of a corner or a pole are
            joined by "or".
        branch: where the smooth pieces are too many to list, a formula that has another value on
            each.
        draw: for each operand the interval a test may draw from: well inside the domain, and not
            so far out that numbers overflow.
        operands: the names of the operands; a starred one stands for many.
        special: the special method of the operator that stands for it, such as ``__add__``.
        ufunc: what NumPy calls the operation.
        folds: whether it takes more than two operands, which it combines from left to right.
    """

    def __init__(
        self,
        name: str,
        formula: str,
        partials: tuple[str, ...],
        sign: str = "",
        tex: str = "",
        *,
        defined: str = "",
        smooth: str = "",
        branch: str = "",
        draw: tuple[Interval, ...] = (),
        operands: tuple[str, ...] = (),
        special: str = "",
        ufunc: str = "",
        folds: bool = False,
    ) -> None:
        self.name: str = name
        self.formula: str = formula
        self.partials: tuple[str, ...] = partials
        self.sign: str = sign or name
        self.operands: tuple[str, ...] = operands or ("x", "y")[: len(partials)]
        self.tex: str = tex or rf"\operatorname{{{{{name}}}}}" + self._arguments("{%s}")
        self.defined: str = defined
        self.smooth: str = smooth
        self.branch: str = branch
        self.draw: tuple[Interval, ...] = draw or ((-10.0, 10.0),) * len(partials)
        self.special: str = special
        self.ufunc: str = ufunc or name
        self.folds: bool = folds

    @property
    def is_math_function(self) -> bool:
        """Whether it is a function of Python or of :mod:`math`, which its formula only calls."""
        return self.formula == self.name + self._arguments()

    @property
    def smooth_pieces(self) -> tuple[str, ...]:
        """The predicates of the pieces that corners and poles divide its domain into, if any do."""
        return tuple(self.smooth.split(" or ")) if self.smooth else ()

    @property
    def many(self) -> list[str]:
        """The operands that stand for many, without their stars."""
        return [x[1:] for x in self.operands if x.startswith("*")]

    @property
    def variadic(self) -> bool:
        """Whether an operand stands for many, as in a sum."""
        return self.operands[0].startswith("*")

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of its function's parameters; the operand ``*x`` comes as a sequence xs."""
        return tuple([f"{x[1:]}s" if x.startswith("*") else x for x in self.operands])

    @property
    def signature(self) -> str:
        """The parameters of the function of an operation with starred operands."""
        many = len(self.many)
        singles = [f"{x}=0.0" for x in self.parameters[many:]]
        return ", ".join([*self.parameters[:many], *singles])

    @property
    def methods(self) -> list[str]:
        """The names of its methods in Value; an operation that takes sequences has none."""
        methods = [] if self.variadic else [self.name]
        if self.special:
            methods.append(self.special)
            if len(self.partials) == 2:  # with a number on the left of the operator
                methods.append(self.special.replace("__", "__r", 1))
        return methods

    def grouped(self, operands: Sequence[Any]) -> list[Any]:
        """Operands in a flat list as the arguments of its function: those of ``*x`` as one list.

        >>> from tinygrad_lin import TABLE
        >>> TABLE["dot"].grouped([1.0, 2.0, 3.0, 4.0, 5.0])
        [[1.0, 2.0], [3.0, 4.0], 5.0]
        """
        many = len(self.many)
        n = (len(operands) - len(self.operands) + many) // many if many else 0
        columns = [list(operands[k * n : (k + 1) * n]) for k in range(many)]
        return columns + list(operands[many * n :])

    def _arguments(self, pattern: str = "%s") -> str:
        return "(" + ", ".join(pattern % name for name in self.operands) + ")"

    def __repr__(self) -> str:
        return f"<operation {self.name}{self._arguments()} = {self.formula}>"
