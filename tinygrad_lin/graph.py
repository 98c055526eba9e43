"""The graph below a Value, in order. Nothing here recurses: a graph may be a million nodes deep."""

from __future__ import annotations

import gc
from _thread import allocate_lock
from math import isfinite

from tinygrad_lin.errors import OperandError, short_repr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_lin.value import Value


def topological_order(root: Value, stop: Iterable[Value] = ()) -> list[Value]:
    """Every Value that the root was made from, operands before the nodes that use them.

    The order depends on the graph alone: depth first, operands from left to right. The inputs of
    the Values in ``stop`` are not visited.

    >>> from tinygrad_lin import Value
    >>> w, x = Value(2.0, "w"), Value(3.0, "x")
    >>> [value.label or value.op for value in topological_order(w * x + w)]
    ['w', 'x', 'mul', 'add']
    """
    if not hasattr(root, "operands"):
        raise OperandError(
            f"only a Value has a graph, not {type(root).__name__} {short_repr(root)}"
        )
    order: list[Value] = list(dict.fromkeys(stop))
    entered = set(order)
    path: list[Value | None] = [root]
    begun: list[Value] = []  # the nodes whose operands are being visited
    while path:
        node = path.pop()
        if node is None:  # The operands of the latest one have been visited.
            order.append(begun.pop())
        elif node not in entered:
            entered.add(node)
            if inputs := node.inputs:
                begun.append(node)
                path.append(None)
                path += inputs[::-1]
            else:
                order.append(node)
    return order


def first_nonfinite(root: Value) -> Value | None:
    """The first Value on the way to the root whose data is infinite or not a number, if any.

    >>> from tinygrad_lin import Value
    >>> x = Value(1e300, "x")
    >>> first_nonfinite(x * x * 2.0 - x)
    Value(inf, grad=0.0, op='mul')
    """
    return next((node for node in topological_order(root) if not isfinite(node.data)), None)


class no_gc:
    """Spare the recording of a big graph the passes of Python's cyclic garbage collector.

    Values make no reference cycles and are freed at once without it. The collector belongs to the
    process: it is off for the other threads, too, until the last ``no_gc`` block ends.

    >>> from tinygrad_lin import Value
    >>> with no_gc():
    ...     cost = sum((Value(float(k)) for k in range(5)), start=Value(0.0))
    >>> cost.data
    10.0
    """

    _lock = allocate_lock()
    _entered = 0  # how many times, in the whole process
    _was_on = False

    def __enter__(self) -> None:
        with no_gc._lock:
            if not no_gc._entered:
                no_gc._was_on = gc.isenabled()
                gc.disable()
            no_gc._entered += 1

    def __exit__(self, *error: object) -> None:
        with no_gc._lock:
            no_gc._entered -= 1
            if not no_gc._entered and no_gc._was_on:
                gc.enable()
