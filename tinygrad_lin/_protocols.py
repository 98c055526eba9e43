"""What Python, NumPy and people ask of a Value beside arithmetic: names, comparisons, copies."""

from __future__ import annotations

from tinygrad_lin._numpy import array_ufunc
from tinygrad_lin._operands import to_float
from tinygrad_lin.errors import OperandError, short_repr
from tinygrad_lin.scopes import Label

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from tinygrad_lin._operands import Number
    from tinygrad_lin._operations import Operations
    from tinygrad_lin.operation import Operation
    from tinygrad_lin.value import Value
else:
    Operations = object


class Protocols(Operations):
    """The part of Value that backpropagation does not need."""

    __slots__ = ()

    if TYPE_CHECKING:
        operation: Operation | None
        _datum: float
        _label: str

        # The root of the package sets it, for it draws.
        def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]: ...

    @property
    def label(self) -> str:
        """A name for drawings, explanations and error messages; empty when there is none."""
        return getattr(self, "_label", "")

    @label.setter
    def label(self, text: str) -> None:
        if not isinstance(text, str):
            hint = "; Value(data, label) has no operands" if isinstance(text, tuple | set) else ""
            raise OperandError(
                f"a label is a str, not {type(text).__name__}: {short_repr(text)}{hint}"
            )
        self._label = Label(text, self.scope) if self.scope else text

    @property
    def scope(self) -> tuple[str, ...]:
        """The names of the scopes it was recorded in, outermost first (see tinygrad_lin.scope)."""
        return getattr(self.label, "scope", ())

    def __lt__(self, other: Value | Number) -> bool:
        return self._datum < data_of(other)

    def __le__(self, other: Value | Number) -> bool:
        return self._datum <= data_of(other)

    def __gt__(self, other: Value | Number) -> bool:
        return self._datum > data_of(other)

    def __ge__(self, other: Value | Number) -> bool:
        return self._datum >= data_of(other)

    def __bool__(self) -> bool:
        return self._datum != 0.0

    def __pos__(self: Value) -> Value:  # type: ignore[misc]
        return self

    def __abs__(self) -> Value:
        return self.abs()

    def __round__(self, digits: int | None = None) -> float:
        return round(self._datum, digits)

    def __format__(self, spec: str) -> str:
        return format(self._datum, spec) if spec else repr(self)

    def __float__(self) -> NoReturn:
        raise OperandError(
            f"float({self!r}) would leave the graph silently, and so would a function of math: "
            "take .data for the number, or the function from tinygrad_lin "
            "(tinygrad_lin.exp, .log, .sin, ...) for a Value"
        )

    __int__ = __float__
    __array_ufunc__ = array_ufunc

    def item(self) -> float:
        """The number, by the name that NumPy and PyTorch have for it."""
        return self._datum

    # What micrograd calls them.

    @property
    def _prev(self: Value) -> tuple[Value, ...]:  # type: ignore[misc]
        return self.inputs

    @property
    def _op(self) -> str:
        return self.operation.sign if self.operation else ""

    def _backward(self: Value) -> None:  # type: ignore[misc]
        self.propagate()

    def __copy__(self: Value) -> Value:  # type: ignore[misc]
        """A Value of its own, made from the same operands."""
        from tinygrad_lin._pickling import copy_node

        return copy_node(self)

    def __deepcopy__(self: Value, memo: dict[int, Any]) -> Value:  # type: ignore[misc]
        from tinygrad_lin._pickling import copy_graph

        return copy_graph(self, memo)

    def __reduce__(self: Value) -> tuple[Any, ...]:  # type: ignore[misc]
        from tinygrad_lin._pickling import reduce_graph

        return reduce_graph(self)


def data_of(operand: Value | Number) -> float:
    """The number in a Value, or the number itself."""
    return operand._datum if isinstance(operand, Protocols) else to_float(operand)
