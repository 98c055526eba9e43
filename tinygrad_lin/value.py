"""A Value holds one number and remembers where it came from.

Arithmetic on Values makes new Values and so records a graph: every result knows its operation, the
operands it was made from, and the local derivative on the edge to each of them::

    w ──(∂a/∂w = x)──▶ ┐
    x ──(∂a/∂x = w)──▶ ┴ a = w × x

That is all the chain rule needs; `reverse.py` walks these edges backwards. The operations
themselves are rows of the table in `ops.py`; `recording.py` makes methods of them.
"""

from __future__ import annotations

from math import isinf
from operator import ge, gt, is_, is_not, le, lt
from threading import Lock

from tinygrad_lin.errors import DomainError, OperandError, shown
from tinygrad_lin.ops import FUNCTIONS, TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction
    from typing import Any, NoReturn, TypeAlias, final

    from numpy import floating, integer

    from tinygrad_lin._operations import Operations
    from tinygrad_lin.ops import Operation

    Number: TypeAlias = float | floating[Any] | integer[Any] | Fraction
else:
    Operations = object

    def final(cls: type) -> type:  # noqa: D103  (typing.final, without the cost of its import)
        return cls


class Label(str):
    """A label that also knows the scope in which its Value was recorded."""

    def __new__(cls, text: str, scope: tuple[str, ...]) -> Label:
        """A label in a scope."""
        label = super().__new__(cls, text)
        label.scope = scope
        return label

    def __getnewargs__(self) -> tuple[str, tuple[str, ...]]:  # type: ignore[override]
        return str(self), self.scope

    scope: tuple[str, ...]


class LeafMaker(type):
    """Makes `Value(3.0)` a leaf, and leaves `blank()` below free of any Python code: an operation
    fills its node in by itself, and every nanosecond there counts.
    """

    def __call__(cls, data: Number, label: str = "") -> Any:
        """A leaf."""
        leaf = blank()
        leaf._datum = number(data)
        if type(label) is not str or label:
            leaf.label = label
        leaf.grad = 0.0
        leaf.operation = leaf._left = leaf._right = None
        return leaf


@final
class Value(Operations, metaclass=LeafMaker):
    """One number, its gradient, and how it was made.

    Args:
        data: a real number: a Python, NumPy or other scalar, or an array of one element.
        label: a name for drawings, explanations and error messages.

    Attributes:
        grad: the derivative of the last root that ran :meth:`backward` with respect to this
            Value. On leaves it accumulates, as in PyTorch; set it to 0.0 to begin anew.
        operation: the row of the table of derivatives that made this Value, None for a leaf.

    Raises:
        OperandError: ``data`` is not one real number (a TypeError).

    Equality and hash go by identity, so Values live in sets and dicts; ``<``, ``>`` and ``bool()``
    go by the data.

    >>> w, x, b = Value(2.0, "w"), Value(3.0, "x"), Value(1.0, "b")
    >>> a = w * x + b
    >>> a.backward()
    >>> a.data, w.grad, x.grad, b.grad
    (7.0, 3.0, 2.0, 1.0)
    """

    # An operand that is a constant has no Value: then the slot of its local derivative holds the
    # constant. A node of many operands (dot, total) has neither left nor right, and keeps a tuple
    # of its local derivatives in _dleft and one of its inputs in _dright.
    __slots__ = (
        "_datum",
        "_dleft",  # d self / d left
        "_dright",
        "_label",  # unset on most nodes; a Label where there is a scope
        "_left",
        "_right",
        "grad",
        "operation",
        "pending",  # for backward(): how many uses, but one, are still to add their share
    )

    if TYPE_CHECKING:
        grad: float
        operation: Operation | None
        _datum: float
        _label: str
        _left: Value | None
        _right: Value | None
        _dleft: Any
        _dright: Any
        pending: int

        def __init__(self, data: Number, label: str = "") -> None: ...

        def backward(self) -> None:
            """See tinygrad_lin/reverse.py, where it is."""

    @property
    def data(self) -> float:
        """The number. On a leaf it can be set; elsewhere it is what the operation made of it."""
        return self._datum

    @data.setter
    def data(self, new: Number) -> None:
        if self.operation is not None:
            raise AttributeError(
                f"the data of {self!r} is the result of {self.op} and cannot be set; "
                "set the data of leaves and compute it again"
            )
        self._datum = number(new)

    @property
    def label(self) -> str:
        """A name for drawings, explanations and error messages; empty when there is none."""
        try:
            return self._label
        except AttributeError:
            return ""

    @label.setter
    def label(self, text: str) -> None:
        if not isinstance(text, str):
            raise OperandError(f"a label is a str, not {type(text).__name__}: {shown(text)}")
        self._label = Label(text, self.scope) if self.scope else text

    @property
    def scope(self) -> tuple[str, ...]:
        """The names of the scopes it was recorded in, outermost first (see tinygrad_lin.scope)."""
        try:
            return getattr(self._label, "scope", ())
        except AttributeError:
            return ()

    @property
    def op(self) -> str | None:
        """The name of the operation that made this Value, None for a leaf."""
        return self.operation.name if self.operation else None

    @property
    def operands(self) -> tuple[Value | float, ...]:
        """What the operation was applied to, in order; constants are floats."""
        if self.operation is None:
            return ()
        if self._left is None and self._right is None:
            operands: tuple[Value | float, ...] = getattr(self._dright, "operands", self._dright)
            return operands
        left = self._dleft if self._left is None else self._left
        if len(self.operation.partials) == 1:
            return (left,)
        return left, self._dright if self._right is None else self._right

    @property
    def inputs(self) -> tuple[Value, ...]:
        """The operands that are Values, in order and with repeats; ``x * x`` has two."""
        left, right = self._left, self._right
        if left is None:
            if right is not None:
                return (right,)
            return () if self.operation is None else tuple(self._dright)
        return (left,) if right is None else (left, right)

    @property
    def partials(self) -> tuple[float, ...]:
        """The local derivatives d self / d input, one for each input, as of when it was made."""
        if self.operation is None:
            return ()
        if self._left is None and self._right is None:
            return tuple(self._dleft)
        if self._left is None:
            return (self._dright,)
        return (self._dleft,) if self._right is None else (self._dleft, self._dright)

    def __abs__(self) -> Value:
        return self.abs()

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

    def __repr__(self) -> str:
        op = f", op={self.op!r}" if self.operation else ""
        label = f", label={self.label!r}" if self.label else ""
        return f"Value({self._datum!r}, grad={self.grad!r}{op}{label})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """What a notebook shows: the graph, or text where there is no Graphviz."""
        from tinygrad_lin import draw

        shown: dict[str, Any] = {"text/plain": repr(self)}
        try:
            drawing = draw(self)
            shown |= {
                "image/svg+xml": drawing.pipe("svg", encoding="utf-8"),
                "image/png": drawing.pipe("png"),
            }
        except (ImportError, OSError, ValueError):
            pass
        return shown

    def __float__(self) -> NoReturn:
        raise OperandError(
            f"float({self!r}) would leave the graph silently, and so would a function of math: "
            "take .data for the number, or the function from tinygrad_lin "
            "(tinygrad_lin.exp, .log, .sin, ...) for a Value"
        )

    __int__ = __float__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """NumPy's functions and its scalars on the left of an operator work as our own do.

        With an array of Values they go element by element. An array of numbers is no Value.
        """
        import numpy

        if method != "__call__" or options:
            used = f".{method}" if method != "__call__" else f" with {', '.join(options)}="
            raise OperandError(
                f"numpy.{ufunc.__name__}{used} does not take a Value: call numpy.{ufunc.__name__} "
                "with the operands alone, or make an array of Values first"
            )
        arrays = [x for x in inputs if isinstance(x, numpy.ndarray)]
        relation = RELATIONS.get(ufunc.__name__)
        operate = relation or function_of(ufunc)
        if relation in (is_, is_not) or any(array.dtype == object for array in arrays):
            objects = [numpy.array(x, object) if type(x) is Value else x for x in inputs]
            with numpy.errstate(all="ignore"):  # what is wrong is an error of ours
                result = numpy.frompyfunc(operate, len(objects), 1)(*objects)
            return numpy.asarray(result, bool)[()] if relation else result
        return relation(*map(data_of, inputs)) if relation else operate(*inputs)

    def __copy__(self) -> Value:
        """A Value of its own, made from the same operands."""
        from tinygrad_lin.copying import parts, put_together

        return put_together(parts(self, lambda operand: operand))

    def __deepcopy__(self, memo: dict[int, Any]) -> Value:
        from tinygrad_lin.copying import copied

        return copied(self, memo)

    def __reduce__(self) -> tuple[Any, ...]:
        from tinygrad_lin.copying import pickled

        return pickled(self)

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Value cannot be subclassed; hold one, or add an operation instead")


blank: Callable[[], Any] = type.__call__.__get__(Value)
"""A Value with nothing in it yet."""

MAKERS = [globals()]
"""The namespaces in which `blank` makes Values: while a scope is open, it notes the scope too."""

MAKING = Lock()
"""Held while these change."""


RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "equal": is_,
    "not_equal": is_not,
    "less": lt,
    "less_equal": le,
    "greater": gt,
    "greater_equal": ge,
}
"""What NumPy's comparisons are for Values; equality goes by identity."""

UFUNCS: dict[Any, str] = {}
"""The names of the rows that NumPy's functions have been found to be."""


def function_of(ufunc: Any) -> Callable[..., Any]:
    """The function of the row that a function of NumPy's is."""
    if UFUNCS.get(ufunc) not in TABLE:
        import numpy

        for operation in TABLE.values():
            if getattr(numpy, operation.ufunc, None) is ufunc:
                UFUNCS[ufunc] = operation.name
                break
        else:
            name = ufunc.__name__
            raise OperandError(
                f"numpy.{name} has no derivative here; see tinygrad_lin.add_operation"
            )
    return FUNCTIONS[UFUNCS[ufunc]]


def number(given: Any) -> float:
    """A float from anything that is one real number, or an OperandError that says what to do."""
    kind = type(given)
    if kind is float:
        result: float = given
        return result
    item = given
    if kind is not int:
        from contextlib import suppress
        from numbers import Real

        if not isinstance(given, Real):
            with suppress(Exception):  # whatever another library's may raise
                item = given.item()  # an array or tensor of one element
        # A time has whole numbers for items, and a masked array the number under the mask.
        time = getattr(getattr(given, "dtype", None), "kind", "") in ("m", "M")
        masked = hasattr(given, "filled") and bool(getattr(given, "mask", False))
        if time or masked or isinstance(item, bool) or not isinstance(item, Real):
            raise not_a_number(given, item)
    try:
        result = float(item)
        if kind is int or item == result or not isinf(result):  # not so a NumPy longdouble
            return result
    except OverflowError:
        pass
    raise DomainError("the number is too large for a float (above 1.8e308)")


def not_a_number(given: Any, item: Any) -> OperandError:
    """The error for what is not one real number; item is what it holds, if it holds one thing."""
    if isinstance(given, Value):
        return OperandError(f"{given!r} is a Value already: use it as it is, or its .data")
    if isinstance(item, bool):
        hint = "use 1.0 or 0.0"
    elif isinstance(item, str):
        hint = "convert it first, as in Value(float(x))"
    elif getattr(getattr(given, "dtype", None), "kind", "") == "O":
        hint = "with an array of Values call a function of NumPy's, such as numpy.multiply"
    elif isinstance(item, complex):
        hint = "take a part of it first, as in Value(abs(x))"
    elif hasattr(given, "__len__"):
        hint = "make one Value for each element, as in [Value(x) for x in array]"
    else:
        hint = "give a float or an int"
    what = f"{type(given).__name__} {shown(given)}"
    return OperandError(f"a Value holds one real number, not {what}; {hint}")


def data_of(operand: Value | Number) -> float:
    """The number in a Value, or the number itself."""
    return operand._datum if type(operand) is Value else number(operand)
