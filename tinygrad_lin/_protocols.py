"""What Python and NumPy ask of a number, beside arithmetic: comparing, formatting, copying."""

from __future__ import annotations

from tinygrad_lin._numpy import array_ufunc
from tinygrad_lin._operands import number
from tinygrad_lin.errors import OperandError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from tinygrad_lin.value import Number, Value


class Protocols:
    """The part of Value that backpropagation does not need."""

    __slots__ = ()

    if TYPE_CHECKING:
        _datum: Any

        def abs(self) -> Value: ...

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

    def __pos__(self) -> Value:
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

    def __copy__(self) -> Value:
        """A Value of its own, made from the same operands."""
        from tinygrad_lin._pickling import copy_node

        return copy_node(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        from tinygrad_lin._pickling import copy_graph

        return copy_graph(self, memo)

    def __reduce__(self) -> tuple[Any, ...]:
        from tinygrad_lin._pickling import reduce_graph

        return reduce_graph(self)


def data_of(operand: Value | Number) -> float:
    """The number in a Value, or the number itself."""
    return operand._datum if isinstance(operand, Protocols) else number(operand)
