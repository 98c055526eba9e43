"""Fast form of `backward` (reverse.py): orders the nodes by counting their uses.

The loop over a node's operands is written out for the left one, the right one, and many. A node
that holds the zero of this pass has been seen in it: an inner node as its gradient, a leaf in the
slot that it does not need for counting.
"""

from __future__ import annotations

from tinygrad_lin._operands import gradient_so_far, to_float

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tinygrad_lin._operands import Number
    from tinygrad_lin.value import Value


def backward(root: Value, gradient: Number = 1.0) -> None:
    seed = to_float(gradient)
    if root.operation is None:
        root.grad = gradient_so_far(root) + seed
        return
    count_uses(root)
    root.grad = seed
    complete = [root]
    for node in complete:  # Each of them when all its uses have added their share.
        upstream = node.grad
        left = node._left
        if left is not None:
            left.grad += upstream * node._dleft
            if left.operation is not None:
                if left.pending:
                    left.pending -= 1
                else:
                    complete.append(left)
        right = node._right
        if right is not None:
            right.grad += upstream * node._dright
            if right.operation is not None:
                if right.pending:
                    right.pending -= 1
                else:
                    complete.append(right)
        elif left is None:  # a node of many operands
            for operand, local in zip(node._dright, node._dleft):
                operand.grad += upstream * local
                if operand.operation is not None:
                    if operand.pending:
                        operand.pending -= 1
                    else:
                        complete.append(operand)


def count_uses(root: Value) -> None:
    """Count for every inner node its uses beyond one, and reset its gradient."""
    zero = float("0")  # a new object
    root.grad = zero
    seen = [root]
    for node in seen:
        left = node._left
        if left is not None:
            if left.operation is None:
                if left.pending is not zero:
                    check_leaf(left, zero)
            elif left.grad is zero:
                left.pending += 1
            else:
                left.grad = zero
                left.pending = 0
                seen.append(left)
        right = node._right
        if right is not None:
            if right.operation is None:
                if right.pending is not zero:
                    check_leaf(right, zero)
            elif right.grad is zero:
                right.pending += 1
            else:
                right.grad = zero
                right.pending = 0
                seen.append(right)
        elif left is None:  # a node of many operands
            for operand in node._dright:
                if operand.operation is None:
                    if operand.pending is not zero:
                        check_leaf(operand, zero)
                elif operand.grad is zero:
                    operand.pending += 1
                else:
                    operand.grad = zero
                    operand.pending = 0
                    seen.append(operand)


def check_leaf(leaf: Value, seen: float) -> None:
    """Mark a leaf as seen, and see to it that its gradient is a number."""
    leaf.pending = seen
    if type(leaf.grad) is not float:
        leaf.grad = gradient_so_far(leaf)
