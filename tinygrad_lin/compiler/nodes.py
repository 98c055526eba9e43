"""A recorded graph made ready to compile: constants folded, each subexpression once, sums whole."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import TABLE
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinygrad_lin.ops import Operation


class Node:
    """One operation, or a leaf that varies, of a program to be.

    Attributes:
        row: the operation, None for a leaf.
        operands: nodes, and floats for what is constant; of a row of many operands in a flat list.
        nodes: the operands that vary.
        label: of the Value it was.
        batched: whether it depends on the batch.
        level: how many operations lie between it and the leaves.
    """

    __slots__ = ("batched", "label", "level", "nodes", "operands", "row")

    def __init__(
        self, row: Operation | None, operands: Sequence[Node | float], label: str, batched: bool
    ) -> None:
        self.row: Operation | None = row
        self.operands: tuple[Node | float, ...] = tuple(operands)
        self.label: str = label
        self.nodes: list[Node] = [operand for operand in operands if isinstance(operand, Node)]
        self.batched: bool = batched
        self.level: int = 0
        for node in self.nodes:
            self.batched = self.batched or node.batched
            self.level = max(self.level, node.level + 1)


def nodes_of(
    outputs: Iterable[Value], batch: Sequence[Value], wrt: Sequence[Value]
) -> tuple[list[Node | float], dict[Value, Node], int]:
    """The nodes of outputs, those of leaves, and how many operations there were."""
    leaves = {leaf: Node(None, (), leaf.label, False) for leaf in wrt}
    leaves |= {leaf: Node(None, (), leaf.label, True) for leaf in batch}
    found: dict[Value, Node | float] = dict(leaves)
    known: dict[tuple[object, ...], Node] = {}
    uses: Counter[Node] = Counter()
    roots = list(outputs)
    operations = 0
    seen: set[Value] = set()
    for root in roots:
        for value in topological_order(root):
            if value in seen:
                continue
            seen.add(value)
            row = value.operation
            if row is None:
                found.setdefault(value, value.data)
                continue
            operations += 1
            operands = [found[o] if isinstance(o, Value) else o for o in value.operands]
            if not any(isinstance(o, Node) for o in operands):
                found[value] = value.data
                continue
            key = (row, *operands)
            if key not in known:
                known[key] = Node(row, operands, value.label, False)
                uses.update(known[key].nodes)
            found[value] = known[key]
    uses.update(n for n in map(found.__getitem__, roots) if isinstance(n, Node))
    whole = whole_sums(list(known.values()), uses)
    results = [whole.get(n, n) if isinstance(n, Node) else n for n in map(found.__getitem__, roots)]
    return results, leaves, operations


def whole_sums(order: list[Node], uses: Counter[Node]) -> dict[Node, Node]:
    """Nodes anew, with sums that were written out as single ones: dot where they add products.

    Additions that nothing else uses melt into the one above.
    """
    add, mul, total, dot = (TABLE[name] for name in ("add", "mul", "total", "dot"))
    anew: dict[Node, Node] = {}
    terms: dict[Node, list[Node | float]] = {}
    within = {
        operand
        for node in order
        if node.row is add
        for operand in node.nodes
        if operand.row is add and uses[operand] == 1
    }
    for node in order:
        operands = [anew.get(o, o) if isinstance(o, Node) else o for o in node.operands]
        if node.row is dot and len(operands) == 3:  # a neuron of one input
            product = Node(mul, operands[:2], "", False)
            anew[node] = Node(add, [product, operands[2]], node.label, False)
            continue
        if node.row is add:
            parts: list[Node | float] = []
            for before, operand in zip(node.operands, operands):
                if isinstance(before, Node) and before in within:
                    melted = terms.pop(before)
                    parts = melted if not parts else parts + melted
                else:
                    parts.append(operand)
            if node in within:
                terms[node] = parts
                continue
            if len(parts) > 2:
                parts = counted(parts, mul)
            if len(parts) > 2:
                anew[node] = sum_of_products(parts, node.label) or Node(
                    total, parts, node.label, False
                )
                continue
        if node.row is total and len(operands) == 1 and isinstance(operands[0], Node):
            anew[node] = operands[0]
            continue
        if node.row is total:
            whole = sum_of_products(operands, node.label)
            if whole:
                anew[node] = whole
                continue
        anew[node] = Node(node.row, operands, node.label, False)
    return anew


def counted(parts: list[Node | float], mul: Operation) -> list[Node | float]:
    """The terms of a sum, those that occur several times as one, times their number."""
    counts = Counter(part for part in parts if isinstance(part, Node))
    numbers = [part for part in parts if not isinstance(part, Node)]
    once: list[Node | float] = [
        part if count == 1 else Node(mul, (part, float(count)), "", False)
        for part, count in counts.items()
    ]
    return once + numbers


def sum_of_products(parts: list[Node | float], label: str) -> Node | None:
    """The terms of a sum as a dot, if all are products but for one at most."""
    mul, dot = TABLE["mul"], TABLE["dot"]
    products = [part for part in parts if isinstance(part, Node) and is_product(part, mul)]
    several = set(products)
    rest = [part for part in parts if part not in several] or [0.0]
    if len(rest) > 1 or len(products) < 2:
        return None
    pairs = [ordered(product) for product in products]
    return Node(dot, [*(p[0] for p in pairs), *(p[1] for p in pairs), rest[0]], label, False)


def is_product(part: Node, mul: Operation) -> bool:
    """Whether a term is a product of something fixed and something of the batch, or of leaves."""
    if part.row is not mul:
        return False
    if all(isinstance(o, Node) and o.row is None and not o.batched for o in part.operands):
        return True
    return len({isinstance(o, Node) and o.batched for o in part.operands}) == 2


def ordered(product: Node) -> tuple[Node | float, Node | float]:
    """The factors of a product, the fixed one first."""
    one, other = product.operands
    return (other, one) if isinstance(one, Node) and one.batched else (one, other)
