"""Copies and pickles of graphs. Nothing here recurses: a graph may be a million nodes deep.

A copy shares within itself what the graph shares: Values that are copied or pickled together, such
as a cost and its parameters, stay connected.
"""

from __future__ import annotations

from _thread import allocate_lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from tinygrad_lin.errors import DataError
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import TABLE
from tinygrad_lin.scopes import Label

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_lin.value import Value


class Parts(NamedTuple):
    """What a Value is rebuilt from; while it is copied or pickled, its operands are stand-ins."""

    kind: type[Value]
    op: str | None
    operands: list[Any]
    partials: tuple[float, ...]
    data: float
    grad: float
    label: str


def take_apart(value: Value, replace: Callable[[Value], Any]) -> Parts:
    """The parts of a Value, with each operand that is a Value replaced."""
    kind = type(value)
    operands = [replace(x) if type(x) is kind else x for x in value.operands]
    return Parts(kind, value.op, operands, value.partials, value.data, value.grad, value.label)


def rebuild(parts: Parts) -> Value:
    """A Value from its parts.

    Raises:
        DataError: the table has no row for it.
    """
    if parts.op is None:
        value = parts.kind(parts.data)
    elif parts.op not in TABLE:
        raise DataError(f"this graph needs the row {parts.op!r}: add it with add_operation first")
    else:
        value = parts.kind._node(TABLE[parts.op], parts.operands, parts.data, parts.partials)
    value.grad = parts.grad
    if parts.label or isinstance(parts.label, Label):  # A Label may be empty and carry a scope.
        value._label = parts.label
    return value


def copy_node(value: Value) -> Value:
    """A Value of its own, made from the same operands."""
    return rebuild(take_apart(value, lambda operand: operand))


def copy_graph(root: Value, memo: dict[int, Any]) -> Value:
    """A copy of the graph below a Value, as of copy.deepcopy. Values in the memo stay copied."""
    todo = [root]
    while todo:
        before = [x for x in todo[-1].inputs if id(x) not in memo]
        if before:
            todo += before[::-1]
        else:
            value = todo.pop()
            if id(value) not in memo:
                memo[id(value)] = rebuild(take_apart(value, lambda x: memo[id(x)]))
    result: Value = memo[id(root)]
    return result


class StandIn:
    """A Value inside a pickle, which would go from node to node by recursion.

    There is one for each Value at a time, so that pickle sees what is shared.
    """

    __slots__ = ("__weakref__", "value")

    def __init__(self, value: Value) -> None:
        self.value: Value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild_stand_in, tuple(take_apart(self.value, stand_in))


_stand_ins: WeakValueDictionary[int, StandIn] = WeakValueDictionary()
"""The stand-ins in use, by the id of their Value, which they keep alive."""

_stand_ins_lock = allocate_lock()


def stand_in(value: Value) -> StandIn:
    """The one for a Value."""
    with _stand_ins_lock:
        found = _stand_ins.get(id(value))
        if found is None:
            found = _stand_ins[id(value)] = StandIn(value)
    return found


def rebuild_stand_in(kind: type[Value], op: str | None, operands: list[Any], *more: Any) -> StandIn:
    """The stand-in for a Value that is rebuilt from a pickle."""
    values = [x.value if isinstance(x, StandIn) else x for x in operands]
    return StandIn(rebuild(Parts(kind, op, values, *more)))


def value_of_last(stand_ins: list[StandIn]) -> Value:
    """The Value that was pickled: the last, after all those it was made from."""
    return stand_ins[-1].value


def reduce_graph(root: Value) -> tuple[Any, ...]:
    """How pickle makes a Value again: operands come before the nodes that use them."""
    return value_of_last, ([stand_in(value) for value in topological_order(root)],)
