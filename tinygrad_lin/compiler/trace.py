"""The trace of a recorded graph: constants are folded, and each subexpression is there once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tinygrad_lin.graph import topological_order
from tinygrad_lin.operation import Operation
from tinygrad_lin.value import Value


class Node:
    """One operation of the trace, or a leaf that varies.

    Attributes:
        operation: the operation, None for a leaf.
        operands: nodes, and floats for constants; a sequence of operands lies flat among them.
        nodes: the operands that vary.
        label: the label of the Value.
        batched: whether it depends on the batch.
        level: the length of the longest path from the leaves.
    """

    __slots__ = ("batched", "label", "level", "nodes", "operands", "operation")

    def __init__(
        self,
        operation: Operation | None,
        operands: Sequence[Node | float],
        label: str = "",
        batched: bool = False,
    ) -> None:
        self.operation: Operation | None = operation
        self.operands: tuple[Node | float, ...] = tuple(operands)
        self.label: str = label
        self.nodes: list[Node] = [operand for operand in operands if isinstance(operand, Node)]
        self.batched: bool = batched
        self.level: int = 0
        for node in self.nodes:
            self.batched = self.batched or node.batched
            self.level = max(self.level, node.level + 1)


class Trace(NamedTuple):
    """A graph, ready to compile."""

    output: Node | float  # A number if nothing varies.
    nodes: list[Node]  # All operations, operands first.
    leaves: dict[Value, Node]  # The nodes of the batch and of the parameters.
    operations: int  # How many operations the graph has, before any is folded.


def trace_graph(output: Value, batch: Sequence[Value], wrt: Sequence[Value]) -> Trace:
    """Trace a graph whose leaves of the batch and of wrt vary; all other leaves are constants."""
    leaves = {leaf: Node(None, (), leaf.label) for leaf in wrt}
    leaves |= {leaf: Node(None, (), leaf.label, batched=True) for leaf in batch}
    traced: dict[Value, Node | float] = dict(leaves)
    known: dict[tuple[object, ...], Node] = {}
    operations = 0
    for value in topological_order(output):
        operation = value.operation
        if operation is None:
            traced.setdefault(value, value.data)
            continue
        operations += 1
        operands = [traced[o] if isinstance(o, Value) else o for o in value.operands]
        if not any(isinstance(o, Node) for o in operands):
            traced[value] = value.data
            continue
        key = (operation, *operands)
        if key not in known:
            known[key] = Node(operation, operands, value.label)
        traced[value] = known[key]
    return Trace(traced[output], list(known.values()), leaves, operations)
