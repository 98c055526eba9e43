"""A Value holds one number and remembers where it came from.

Arithmetic on Values makes new Values and so records a graph: every result knows its operation, the
operands it was made from, and the local derivative on the edge to each of them::

    w ──(∂a/∂w = x)──▶ ┐
    x ──(∂a/∂x = w)──▶ ┴ a = w × x

That is all the chain rule needs; `reverse.py` walks these edges backwards. The operations
themselves are rows of the table in `ops.py`; :func:`record` makes the nodes.
"""

from __future__ import annotations

from tinygrad_lin._fast import PLAIN, Constructor, postpone
from tinygrad_lin._fast import backward as fast_backward
from tinygrad_lin._functions import attach, plain_functions
from tinygrad_lin._operands import gradient_so_far, inputs_among, to_float
from tinygrad_lin._protocols import Protocols
from tinygrad_lin.domain import local_derivatives_at, value_at
from tinygrad_lin.errors import OperandError
from tinygrad_lin.ops import TABLE
from tinygrad_lin.reverse import backward
from tinygrad_lin.scopes import note_scope, open_scopes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

    from tinygrad_lin._operands import Number
    from tinygrad_lin.operation import Operation


# An ordinary class: its Constructor only spares the nodes a call of `__init__`.
class Value(Protocols, metaclass=Constructor):  # type: ignore[metaclass]
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

    grad: float
    operation: Operation | None
    _datum: float  # not _data: NumPy's masked arrays look for that on any object

    # A node of one or two operands keeps each operand and the local derivative on the edge to it in
    # a pair of slots. If an operand is a constant, the first of its pair is None and the second
    # holds the constant. A node of many operands (dot, total) has None in both first ones; _dright
    # holds its inputs, and _dleft their local derivatives.
    _left: Value | None
    _right: Value | None
    _dleft: Any  # d self / d left
    _dright: Any
    _label: str  # unset on most nodes; a Label where there is a scope
    pending: Any  # for _fast/reverse.py

    __slots__ = (
        "_datum", "_dleft", "_dright", "_label", "_left", "_right", "grad", "operation", "pending",
    )  # fmt: skip

    def __init__(self, data: Number, label: str = "", *operands: object) -> None:
        if operands:  # as in micrograd's Value(data, children)
            raise OperandError(
                "Value(data, label) makes a leaf, which has no operands; "
                "a node is made by computing with Values, as in a * b"
            )
        self._datum = to_float(data)
        self.grad = 0.0
        self.operation = self._left = self._right = None
        if open_scopes:
            note_scope(self)
        if type(label) is not str or label:
            self.label = label

    @classmethod
    def _node(
        cls,
        operation: Operation,
        operands: Sequence[Value | float],
        data: float,
        partials: Sequence[float],
    ) -> Value:
        """The node of an operation, with a local derivative for each operand that is a Value."""
        node: Value = object.__new__(cls)
        node._datum, node.grad, node.operation = data, 0.0, operation
        node._left = node._right = None
        if operation.variadic:
            node._dleft, node._dright = tuple(partials), inputs_among(operands)
        else:
            local = iter(partials)
            for operand, side, edge in zip(operands, ("_left", "_right"), ("_dleft", "_dright")):
                is_value = isinstance(operand, Value)
                setattr(node, side, operand if is_value else None)
                setattr(node, edge, next(local) if is_value else operand)
        if open_scopes:
            note_scope(node)
        return node

    @property
    def is_leaf(self) -> bool:
        """Whether it was made from a number, and not by an operation."""
        return self.operation is None

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
            return getattr(self._dright, "operands", self._dright)  # type: ignore[no-any-return]
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

    def backward(self, gradient: Number = 1.0) -> None:
        """Compute the derivative of this Value with respect to all that it was made from.

        It is added to the ``grad`` of each. Leaves accumulate over several calls, as in PyTorch;
        inner nodes are reset at every call and so hold the gradient of the latest root.

        Args:
            gradient: the upstream gradient: the derivative of some further result with respect to
                this Value.

        >>> from tinygrad_lin import Value
        >>> a = Value(3.0)
        >>> square = a * a
        >>> cost = square * square
        >>> cost.backward(); a.grad
        108.0
        >>> cost.backward(); a.grad, square.grad
        (216.0, 18.0)
        """
        backward(self, gradient)

    def propagate(self) -> None:
        """Add this node's share to the gradient of each operand: the chain rule at one node.

        >>> w, x = Value(2.0), Value(3.0)
        >>> a = w * x
        >>> a.grad = 1.0
        >>> a.propagate()
        >>> w.grad, x.grad
        (3.0, 2.0)
        """
        upstream = gradient_so_far(self)
        for operand, local in zip(self.inputs, self.partials):
            operand.grad = gradient_so_far(operand) + upstream * local

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
        self._datum = to_float(new)

    def __repr__(self) -> str:
        op = f", op={self.op!r}" if self.operation else ""
        label = f", label={self.label!r}" if self.label else ""
        return f"Value({self._datum!r}, grad={self.grad!r}{op}{label})"

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Value cannot be subclassed; keep one in an attribute, or add an operation")


def record(operation: Operation, *operands: Any) -> Value | float:
    """Apply an operation: its value, and the local derivative on the edge to each operand.

    ``w * x`` is ``record(TABLE["mul"], w, x)``. Numbers among the operands are constants, which the
    node keeps. Where all are numbers nothing is recorded, and the result is a number.

    Raises:
        DomainError: the operation has no value there, or no derivative with respect to a Value.
        OperandError: an operand is neither a Value nor a real number.
    """
    operands = tuple([x if isinstance(x, Value) else to_float(x) for x in operands])
    out = value_at(operation, operands)
    if not any(isinstance(x, Value) for x in operands):
        return out
    return Value._node(operation, operands, out, local_derivatives_at(operation, operands, out))


def define(operation: Operation) -> None:
    """Make an operation a function of Values and numbers, and methods of Value.

    After that ``w * x`` is ``Value.__mul__(w, x)``, which is ``record(TABLE["mul"], w, x)``, and
    ``2.0 * x`` is ``Value.__rmul__(x, 2.0)``. A fast form is compiled when it is first used.
    """
    if PLAIN:
        attach(operation, Value, operation.methods, *plain_functions(operation, record))
    else:
        postpone(operation, Value, record)


for _operation in TABLE.values():
    define(_operation)

# Everything above is the plain engine. The fast form of the backward pass takes over here, unless
# TINYGRAD_LIN_PLAIN=1 says otherwise.
if not PLAIN:
    fast_backward.__doc__ = Value.backward.__doc__
    Value.backward = fast_backward  # type: ignore[assignment, method-assign]
