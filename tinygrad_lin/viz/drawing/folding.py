"""Folding: parts of a graph that are alike become one box, so that a big graph fits a page.

Nodes fall into classes; a class is drawn as one box, with its first node for an example and a
count. Several ways to tell nodes apart are tried, from fine to coarse, until few enough boxes are
left:

1. Two nodes are alike if the same operations made them from the same leaves that are shared, such
   as parameters, and from any others: one example of a batch stands for all of them.
2. The same, but leaves are alike if their scopes and labels are, apart from the indices: one neuron
   stands for its layer.
3. Only the last few operations count: the steps of a long chain are alike.
4. All nodes of a scope become one box, first of inner scopes, then of outer ones.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from tinygrad_lin.value import Value

MAX_BOXES = 60
MAX_DEPTH = 3
"""Where only the last operations count, at most this many of them do."""


class Box(NamedTuple):
    """Nodes that are drawn as one."""

    node: Value  # The first of the nodes.
    times: int = 1  # How many nodes the box stands for.
    closed: bool = False  # Whether it is a whole scope, whose nodes are not alike.


class Folding(NamedTuple):
    """Which nodes are drawn as which boxes."""

    boxes: list[Box]  # In the topological order of their first nodes.
    place: dict[Value, int]  # The index of every node's box.

    @property
    def note(self) -> str:
        """What was folded, in words; empty if nothing was."""
        nodes, boxes = len(self.place), len(self.boxes)
        if boxes == nodes:
            return ""
        return f"{nodes:,} nodes in {boxes} boxes: what is alike is drawn once, × n"


def one_box_each(order: Sequence[Value]) -> Folding:
    """Every node as a box of its own."""
    return Folding([Box(node) for node in order], {node: k for k, node in enumerate(order)})


def fold_alike(order: Sequence[Value]) -> Folding:
    """The finest way to draw a graph in few boxes.

    >>> from tinygrad_lin import Value, topological_order
    >>> x = Value(1.0, "x")
    >>> for _ in range(1000):
    ...     x = x * 0.999
    >>> [box.times for box in fold_alike(topological_order(x)).boxes]
    [1, 1000]
    """
    if len(order) <= MAX_BOXES:
        return one_box_each(order)
    best: Folding | None = None
    for classes, closed in classifications(order):
        folding = folding_of(order, classes, closed)
        if best is None or len(folding.boxes) < len(best.boxes):
            best = folding
        if len(best.boxes) <= MAX_BOXES:
            break
    assert best is not None
    return best


def classifications(order: Sequence[Value]) -> Iterator[tuple[list[Any], int | None]]:
    """Classes of all nodes, from fine to coarse, and from which depth on scopes become boxes."""
    uses = Counter(operand for node in order for operand in set(node.inputs))
    yield classes_by_structure(order, lambda leaf: leaf if uses[leaf] > 1 else looks(leaf)), None
    yield classes_by_structure(order, looks), None
    for depth in range(MAX_DEPTH, -1, -1):
        yield classes_by_last_operations(order, depth), None
    last = classes_by_last_operations(order, 0)
    for depth in range(max(len(node.scope) for node in order), 0, -1):
        yield (
            [
                ("scope", node.scope[:depth]) if len(node.scope) >= depth else known
                for node, known in zip(order, last)
            ],
            depth,
        )


def looks(node: Value) -> tuple[Any, ...]:
    """What a node shows by itself: its operation, scope, and label without numbers."""
    return node.op, node.scope, without_numbers(node.label)


def without_numbers(label: str) -> str:
    """A label without its digits, as w[1,2] and w[3,4] are alike."""
    return re.sub(r"[0-9]+", "·", label)


def classes_by_structure(order: Sequence[Value], leaf_class: Callable[[Value], Any]) -> list[Any]:
    """Classes by all operations that made a node. A sum is alike however many terms it has."""
    numbers: dict[Any, int] = {}
    found: dict[Value, int] = {}
    for node in order:
        if node.operation is None:
            key = leaf_class(node)
        else:
            operands = operand_classes(found, node)
            if node.operation.variadic:
                operands = sorted(set(operands))
            key = looks(node), tuple(operands)
            # In a sum written with many +, one more term of the same class makes no new class.
            shorter = [o for o in node.inputs if o.op == node.op and not o.label]
            if shorter:
                known = {found[shorter[0]], *operand_classes(found, shorter[0])}
                key = found[shorter[0]] if set(operands) <= known else key
        found[node] = numbers.setdefault(key, len(numbers)) if not isinstance(key, int) else key
    return list(found.values())


def operand_classes(found: dict[Value, int], node: Value) -> list[int]:
    """The classes of a node's operands; all constants are of one class."""
    return [found[operand] if isinstance(operand, Value) else -1 for operand in node.operands]


def classes_by_last_operations(order: Sequence[Value], depth: int) -> list[Any]:
    """Classes by what a node shows, and by the last operations that made it, up to a depth."""
    numbers: dict[Any, int] = {}
    found = {node: numbers.setdefault(looks(node), len(numbers)) for node in order}
    for _ in range(depth):
        keys = [(found[node], *sorted(set(operand_classes(found, node)))) for node in order]
        numbers = {}
        found = {node: numbers.setdefault(key, len(numbers)) for node, key in zip(order, keys)}
    return list(found.values())


def folding_of(order: Sequence[Value], classes: list[Any], closed: int | None) -> Folding:
    """The boxes of given classes; from a depth on, whole scopes are closed boxes."""
    counts = Counter(classes)
    places: dict[Any, int] = {}
    boxes: list[Box] = []
    for node, known in zip(order, classes):
        if known not in places:
            places[known] = len(boxes)
            whole_scope = closed is not None and len(node.scope) >= closed
            boxes.append(Box(node, counts[known], whole_scope and counts[known] > 1))
    place = {node: places[known] for node, known in zip(order, classes)}
    return Folding(boxes, place)
