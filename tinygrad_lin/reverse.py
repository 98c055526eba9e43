"""Reverse mode: from one root, its derivative with respect to everything it was made from.

The chain rule at every edge: a node's gradient, times the local derivative on the edge to an
operand, is what the node adds to that operand's gradient::

    operand.grad += node.grad * local

A node's gradient is complete once every node that uses it has added its share. So the nodes take
their turns in reverse topological order, and each edge is used once, however many paths there are.
"""

from __future__ import annotations

from tinygrad_lin._operands import gradient_so_far, to_float
from tinygrad_lin.graph import topological_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tinygrad_lin._operands import Number
    from tinygrad_lin.value import Value


def backward(root: Value, gradient: Number = 1.0) -> None:
    """Add the derivative of the root to the ``grad`` of every Value that it was made from.

    See :meth:`tinygrad_lin.Value.backward`. `_fast/reverse.py` is the fast form.
    """
    seed = to_float(gradient)
    order = topological_order(root)
    # Leaves accumulate over calls; inner nodes start from zero.
    for node in order:
        node.grad = gradient_so_far(node) if node.is_leaf else 0.0
    root.grad += seed
    for node in reversed(order):
        node.propagate()
