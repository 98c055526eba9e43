"""Reverse mode: from one root, its derivative with respect to everything it was made from.

The chain rule at every edge: a node's gradient, times the local derivative on the edge to an
operand, is what the node adds to that operand's gradient::

    operand.grad += node.grad * local

A node's gradient is complete once every node that uses it has added its share. So the nodes take
their turns in reverse topological order, and each edge is used once, however many paths there are.
"""

from __future__ import annotations

from tinygrad_lin._operands import number
from tinygrad_lin.errors import OperandError
from tinygrad_lin.graph import topological_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tinygrad_lin._operands import Number
    from tinygrad_lin.value import Value


def backward(root: Value, gradient: Number = 1.0) -> None:
    """Add to the ``grad`` of every Value below the root its share in the root's derivative.

    See :meth:`tinygrad_lin.Value.backward`; `_fast/backward.py` does the same without the list of
    nodes in order.
    """
    seed = number(gradient)
    order = topological_order(root)
    for node in order:  # Leaves accumulate; inner nodes start anew.
        node.grad = accumulated(node) if node.is_leaf else 0.0
    root.grad += seed
    for node in reversed(order):
        node.propagate()


def accumulated(leaf: Value) -> float:
    """The gradient that a leaf has from earlier passes; None counts as 0.0, as in PyTorch.

    Raises:
        OperandError: somebody has set it to something that is not a number.
    """
    if leaf.grad is None:
        return 0.0
    try:
        return number(leaf.grad)
    except TypeError:
        name = f"the leaf {leaf.label!r}" if leaf.label else f"a leaf with data {leaf.data!r}"
        raise OperandError(
            f"the grad of {name} is not a number but {type(leaf.grad).__name__}: "
            "set it to 0.0 before backward()"
        ) from None
