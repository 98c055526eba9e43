"""Copies and pickles of graphs. Nothing here recurses: a graph may be a million nodes deep.

A copy shares within itself what the graph shares: Values that are copied or pickled together, such
as a cost and its parameters, stay connected.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple
from weakref import WeakValueDictionary

from tinygrad_lin.errors import DataError
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import TABLE
from tinygrad_lin.recording import many_operands, sift
from tinygrad_lin.value import Label, Value, blank

if TYPE_CHECKING:
    from collections.abc import Callable


class Parts(NamedTuple):
    """What a Value is put together from; something may stand in the place of operands."""

    op: str | None
    operands: list[Any]
    partials: tuple[float, ...]
    data: float
    grad: float
    label: str


def parts(node: Value, of: Callable[[Value], Any]) -> Parts:
    """The parts of a Value, with what is given for each operand in its place."""
    operands = [of(x) if isinstance(x, Value) else x for x in node.operands]
    return Parts(node.op, operands, node.partials, node.data, node.grad, node.label)


def put_together(given: Parts) -> Value:
    """A Value from its parts.

    Raises:
        DataError: the table has no row for it.
    """
    node: Value
    if given.op is None:
        node = Value(given.data)
    elif given.op not in TABLE:
        raise DataError(f"this graph needs the row {given.op!r}: add it with add_operation first")
    elif TABLE[given.op].variadic:
        inputs = sift(tuple(given.operands))[1]
        node = many_operands(TABLE[given.op], given.data, given.partials, inputs)
    else:
        node = blank()
        node._datum = given.data
        node.operation = TABLE[given.op]
        node._left = node._right = None
        slopes = iter(given.partials)
        for operand, side, edge in zip(given.operands, ("_left", "_right"), ("_dleft", "_dright")):
            if isinstance(operand, Value):
                setattr(node, side, operand)
            setattr(node, edge, next(slopes) if isinstance(operand, Value) else operand)
    node.grad = given.grad
    if given.label or isinstance(given.label, Label):  # which may be empty but for a scope
        node._label = given.label
    return node


def copied(root: Value, memo: dict[int, Any]) -> Value:
    """A copy of the graph below a Value, as of copy.deepcopy; what has been copied is not again."""
    todo = [root]
    while todo:
        before = [x for x in todo[-1].inputs if id(x) not in memo]
        if before:
            todo += before[::-1]
        else:
            node = todo.pop()
            if id(node) not in memo:
                memo[id(node)] = put_together(parts(node, lambda x: memo[id(x)]))
    result: Value = memo[id(root)]
    return result


class Passenger:
    """A Value on its way through pickle, which would go from node to node by recursion.

    There is one for each Value at a time, so that pickle sees what is shared.
    """

    __slots__ = ("__weakref__", "node")

    def __init__(self, node: Value) -> None:
        self.node: Value = node

    def __reduce__(self) -> tuple[Any, ...]:
        return arrive, tuple(parts(self.node, passenger))


PASSENGERS: WeakValueDictionary[int, Passenger] = WeakValueDictionary()
"""Those on their way, by the identity of their Value, which they keep alive."""
MEETING = Lock()


def passenger(node: Value) -> Passenger:
    """The one for a Value."""
    with MEETING:
        found = PASSENGERS.get(id(node))
        if found is None:
            found = PASSENGERS[id(node)] = Passenger(node)
    return found


def arrive(op: str | None, operands: list[Any], *more: Any) -> Passenger:
    """A Value put together anew."""
    nodes = [x.node if isinstance(x, Passenger) else x for x in operands]
    return Passenger(put_together(Parts(op, nodes, *more)))


def last(passengers: list[Passenger]) -> Value:
    """The Value that was pickled, the last of those it was made from."""
    return passengers[-1].node


def pickled(root: Value) -> tuple[Any, ...]:
    """How to make a Value again: operands come before the nodes that use them."""
    return last, ([passenger(node) for node in topological_order(root)],)
