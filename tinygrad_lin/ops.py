"""The table of derivatives, like the page at the back of a calculus book.

A row is everything there is to know about one operation, and adding an operation is adding a row.
The engine, higher derivatives, the drawing and the tests all read these rows; nothing else in the
package lists the operations.

Formulas are written once, in a tiny vocabulary: the operands' names, ``out`` for the operation's
own result, numbers, ``+ - * /`` and unary minus, functions, and ``a if condition else b``. A
condition is a comparison with ``< <= > >=``, or a bare ``x``, which holds unless x is 0.
The functions are those of other rows and those of :mod:`math`; ``sum[...]`` adds over
the operands whose name is starred. (There is no ``==`` and no ``**``: Values compare by identity,
and ``pow`` is a row.) Whoever reads a formula gives these names a meaning: floats, Values, arrays.
"""

from __future__ import annotations

import math

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    Interval = tuple[float, float]

EVERYWHERE = ""
"""The predicate of an operation that is defined, or smooth, for all numbers."""


class Operation:
    """One row of the table.

    Attributes:
        name: what it is called, in code and in ``Value.op``.
        formula: its value.
        partials: its local derivatives, one formula for each operand.
        sign: what a drawing writes in the node.
        tex: how TeX writes it, with ``{x}`` and ``{y}`` for the operands.
        defined: where it has a value, as a predicate of its operands.
        smooth: where its derivatives of every order are continuous, as a predicate of its operands
            (within ``defined``). What lies on either side of a corner or a pole is joined by "or".
        draw: for each operand the interval a test may draw from: well inside the domain, and not
            so far out that numbers overflow.
        operands: the names of the operands; a starred one stands for many.
        special: the name of the method when it is written with one of Python's operators.
        ufunc: what NumPy calls the operation.
        folds: whether more than two operands fold from the left.
    """

    __slots__ = (
        "defined",
        "draw",
        "folds",
        "formula",
        "name",
        "operands",
        "partials",
        "sign",
        "smooth",
        "special",
        "tex",
        "ufunc",
    )

    def __init__(
        self,
        name: str,
        formula: str,
        partials: tuple[str, ...],
        sign: str = "",
        tex: str = "",
        *,
        defined: str = EVERYWHERE,
        smooth: str = EVERYWHERE,
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
        self.draw: tuple[Interval, ...] = draw or ((-10.0, 10.0),) * len(partials)
        self.special: str = special
        self.ufunc: str = ufunc or name
        self.folds: bool = folds

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

    def grouped(self, operands: Sequence[Any]) -> list[Any]:
        """Operands in a flat list as the arguments of its function: those of ``*x`` as one list.

        >>> TABLE["dot"].grouped([1.0, 2.0, 3.0, 4.0, 5.0])
        [[1.0, 2.0], [3.0, 4.0], 5.0]
        """
        many = sum(name.startswith("*") for name in self.operands)
        n = (len(operands) - len(self.operands) + many) // many if many else 0
        return [list(operands[k * n : (k + 1) * n]) for k in range(many)] + list(
            operands[many * n :]
        )

    def _arguments(self, pattern: str = "%s") -> str:
        return "(" + ", ".join(pattern % name for name in self.operands) + ")"

    def __repr__(self) -> str:
        return f"<operation {self.name}{self._arguments()} = {self.formula}>"


# fmt: off
_ROWS = (
    #          name        formula        local derivatives       sign      TeX
    Operation("add",      "x + y",       ("1.0", "1.0"),         "+",      "{x} + {y}", special="__add__"),
    Operation("sub",      "x - y",       ("1.0", "-1.0"),        "−",      "{x} - {y}", special="__sub__",
              ufunc="subtract"),
    Operation("mul",      "x * y",       ("y", "x"),             "×",      r"{x} \cdot {y}", special="__mul__",
              ufunc="multiply"),
    Operation("div",      "x / y",       ("1.0 / y", "-out / y"), "÷",     r"\frac{{{x}}}{{{y}}}",
              special="__truediv__", ufunc="divide",
              defined="abs(y) > 0", smooth="y < 0 or y > 0", draw=((-10.0, 10.0), (0.1, 10.0))),
    Operation("neg",      "-x",          ("-1.0",),              "−",      "-{x}", special="__neg__",
              ufunc="negative"),
    # 0 ** 0 is 1 and does not depend on the base; 0 ** y is 0 and does not depend on the exponent.
    Operation("pow",      "pow(x, y)",   ("y * pow(x, y - 1.0) if y else y * out / x if x else 0.0",
                                          "out * log(x) if x else 0.0"),
                                                                 "xʸ",     "{x}^{{{y}}}", special="__pow__",
              defined="x > 0 or x >= 0 and y >= 0 or y % 1 == 0 and abs(x) > 0",
              smooth="y % 1 == 0 <= y or x < 0 or x > 0", draw=((0.1, 10.0), (-3.0, 3.0))),
    Operation("exp",      "exp(x)",      ("out",),               "exp",    "e^{{{x}}}",
              defined="x <= 709.782712893384", draw=((-10.0, 10.0),)),
    Operation("log",      "log(x)",      ("1.0 / x",),           "ln",     r"\ln {x}",
              defined="x > 0", draw=((0.01, 100.0),)),
    Operation("log1p",    "log1p(x)",    ("1.0 / (1.0 + x)",),   "ln(1+x)", r"\ln(1 + {x})",
              defined="x > -1", draw=((-0.9, 100.0),)),
    Operation("expm1",    "expm1(x)",    ("exp(x)",),            "exp−1",  "e^{{{x}}} - 1",
              defined="x <= 709.782712893384", draw=((-10.0, 10.0),)),
    Operation("sqrt",     "sqrt(x)",     ("0.5 / out",),         "√",      r"\sqrt{{{x}}}",
              defined="x >= 0", smooth="x > 0", draw=((0.01, 100.0),)),
    Operation("sin",      "sin(x)",      ("cos(x)",),            "sin",    r"\sin {x}", defined="abs(x) < inf"),
    Operation("cos",      "cos(x)",      ("-sin(x)",),           "cos",    r"\cos {x}", defined="abs(x) < inf"),
    Operation("tan",      "tan(x)",      ("1.0 + out * out",),   "tan",    r"\tan {x}", defined="abs(x) < inf",
              draw=((-1.5, 1.5),)),
    Operation("tanh",     "tanh(x)",     ("1.0 - out * out",),   "tanh",   r"\tanh {x}", draw=((-4.0, 4.0),)),
    Operation("atan",     "atan(x)",     ("1.0 / (1.0 + x * x)",), "atan", r"\arctan {x}"),
    # The sigmoid from whichever side its exponential cannot overflow.
    Operation("sigmoid",  "1.0 / (1.0 + exp(-x)) if x >= 0.0 else exp(x) / (1.0 + exp(x))",
                                         ("out * sigmoid(-x)",), "σ",      r"\sigma({x})"),
    Operation("softplus", "x + log1p(exp(-x)) if x > 0.0 else log1p(exp(x))",
                                         ("sigmoid(x)",),        "softplus", r"\ln(1 + e^{{{x}}})"),
    # At a kink: the slope of relu and abs is 0, and a tie of maximum or minimum gives half to each.
    Operation("relu",     "0.0 if x <= 0.0 else x", ("0.0 if x <= 0.0 else 1.0",), "relu",
              r"\max(0, {x})", smooth="x < 0 or x > 0"),
    Operation("abs",      "abs(x)",      ("1.0 if x > 0.0 else -1.0 if x < 0.0 else 0.0",), "|x|",
              r"\left|{x}\right|", ufunc="absolute", smooth="x < 0 or x > 0"),
    Operation("minimum",  "x if x < y else y if y <= x else x + y",
              ("0.0 if x > y else 1.0 if x < y else 0.5",
               "0.0 if y > x else 1.0 if y < x else 0.5"),       "min",    r"\min({x}, {y})",
              smooth="x < y or x > y", folds=True),
    Operation("maximum",  "x if x > y else y if y >= x else x + y",
              ("0.0 if x < y else 1.0 if x > y else 0.5",
               "0.0 if y < x else 1.0 if y > x else 0.5"),       "max",    r"\max({x}, {y})",
              smooth="x < y or x > y", folds=True),
    Operation("dot",      "sum[x * y] + bias", ("y", "x", "1.0"), "x·y",   r"\sum {x} {y} + {bias}",
              operands=("*x", "*y", "bias")),
    Operation("total",    "sum[x]",      ("1.0",),               "Σ",      r"\sum {x}", operands=("*x",)),
)
# fmt: on


def over_sequences(operation: Operation) -> tuple[str, str]:
    """The formula of a row with starred operands, and the tuple of all its local derivatives.

    Both are in terms of the sequences xs, ys, ... of n numbers each, x standing for one of xs.

    >>> over_sequences(TABLE["dot"])
    ('sum([x * y for x, y, in zip(xs, ys)]) + bias', '(*ys, *xs, 1.0, )')
    """

    def spread(operand: str, partial: str) -> str:
        if not operand.startswith("*"):
            return f"{written_out(operation, partial)}, "
        if partial in operation.many:
            return f"*{partial}s, "
        if partial.lstrip("-").replace(".", "", 1).isdecimal():
            return f"*[{partial}] * n, "
        return f"*[{written_out(operation, partial)} {loop(operation)}], "

    partials = "".join(map(spread, operation.operands, operation.partials))
    return written_out(operation, operation.formula), f"({partials})"


def written_out(operation: Operation, formula: str) -> str:
    """A formula with its sums written over the sequences xs, ys, ..."""
    for x in operation.many:
        formula = formula.replace(f"sum[{x}]", f"sum({x}s)")
    return formula.replace("sum[", "sum([").replace("]", f" {loop(operation)}])")


def loop(operation: Operation) -> str:
    """What goes through the sequences, x standing for one of xs."""
    many = operation.many
    return f"for {', '.join(many)}, in zip({', '.join(operation.parameters[: len(many)])})"


class Table(dict[str, Operation]):
    """Rows by name, gone through as they are now: another thread may add one meanwhile."""

    def __iter__(self) -> Iterator[str]:
        return iter(list(super().keys()))

    def values(self) -> list[Operation]:  # type: ignore[override]
        """The rows."""
        return list(super().values())

    def items(self) -> list[tuple[str, Operation]]:  # type: ignore[override]
        """Names and rows."""
        return list(super().items())


TABLE = Table()
"""The rows by name, the user's own included (see :func:`tinygrad_lin.add_operation`)."""


FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""Every row as a function of Values and numbers, by name; `recording.py` makes them."""


class Reader:
    """Reads formulas, giving every name in them the meaning that one kind of number has for it."""

    def __init__(self, meanings: dict[str, Any]) -> None:
        self.meanings = meanings
        self._read: dict[tuple[str, str], Callable[..., Any]] = {}

    def __call__(self, formula: str, names: str) -> Callable[..., Any]:
        """The formula as a function of the comma-separated names."""
        key = formula, names
        if key not in self._read:
            self._read[key] = eval(f"lambda {names}: {formula}", self.meanings)  # a row  # nosec B307
        return self._read[key]


FLOATS = Reader({**vars(math)})
"""Formulas read with floats. Every row that is not a function of math brings its own formula."""


def enter(operation: Operation) -> None:
    """Put a row into the table, and its name among the functions that formulas may use."""
    name = operation.name
    TABLE[name] = operation
    if not operation.variadic and not operation.formula.startswith(f"{name}("):
        FLOATS.meanings[name] = FLOATS(operation.formula, ", ".join(operation.operands))


for _row in _ROWS:
    enter(_row)
