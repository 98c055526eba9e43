"""Lowering: nodes that do the same become one operation on an array.

Level by level, nodes with the same operation whose operands lie in the same arrays become the lanes
of a new array. So the neurons of a layer, each written by itself, become one matrix product and one
activation, and a sum over parameters one sum.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_lin.compiler.names import Names
from tinygrad_lin.compiler.nodes import Node
from tinygrad_lin.ops import FUNCTIONS, TABLE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_lin.ops import Operation


FEW_TERMS = 33  # of a sum that is written out where it is not one of an array


class Array:
    """A number, a column over the batch, a vector of lanes, or a matrix of both.

    Attributes:
        name: in the program.
        batched: whether it has a row for each example of the batch.
        width: how many lanes it has, None for one that is not a vector.
        learns: whether it depends on what the derivatives are taken by.
    """

    def __init__(self, name: str, batched: bool, width: int | None, learns: bool) -> None:
        self.name = name
        self.batched = batched
        self.width = width
        self.learns = learns


class Place(NamedTuple):
    """Where the value of a node is: an array, and the lane in it if it has lanes."""

    array: Array
    lane: int | None = None


class Part(NamedTuple):
    """Some lanes of an array, or all that there is of it (no lanes)."""

    array: Array
    lanes: tuple[int, ...] | None = None
    rows: int | None = None  # a matrix of parameters: how many rows the lanes make

    @property
    def whole(self) -> bool:
        """Whether that is all of the array, in order."""
        return self.lanes is None or (
            self.rows is None and self.lanes == tuple(range(self.array.width or 0))
        )


class Step(NamedTuple):
    """One operation on arrays.

    Attributes:
        kind: "map" for a formula, "matmul", "total", or "fold" for a formula of many operands.
        row: the operation.
        output: the array it makes.
        operands: parts of arrays, and numbers or lists of numbers for constants; of a matmul the
            inputs, the weights, and the bias.
    """

    kind: str
    row: Operation
    output: Array
    operands: tuple[Part | float | tuple[float, ...], ...]


class Lowering:
    """The steps that make some nodes, and where those are."""

    def __init__(self, leaves: dict[Node, Place], roots: Sequence[Node | float]) -> None:
        self.places: dict[Node, Place] = dict(leaves)
        self.steps: list[Step] = []
        self.names: Names = Names(place.array.name for place in leaves.values())
        by_level: dict[int, list[Node]] = defaultdict(list)
        for node in reachable(roots):
            if node.row is not None:
                by_level[node.level].append(node)
        for level in sorted(by_level):
            groups: dict[object, list[Node]] = defaultdict(list)
            for node in by_level[level]:
                groups[self.key(node)].append(node)
            for group in groups.values():
                self.lower(sorted(group, key=self.lanes_of))  # in the order of their operands

    def key(self, node: Node) -> object:
        """What nodes have in common that can be lanes of one array."""
        row = node.row
        assert row is not None
        if row.name == "dot":
            inputs, weights, _ = self.sides(node)
            lanes = [self.places.get(o) if isinstance(o, Node) else None for o in weights]
            arrays = {id(place.array) if place else None for place in lanes}
            if len(arrays) == 1 and None not in arrays:
                return "dot", tuple(map(id, inputs)), arrays.pop()
            return node
        if row.variadic:
            return node
        return row, node.batched, tuple(
            "number" if not isinstance(o, Node)
            else id(self.places[o].array) if self.places[o].lane is not None
            else id(o)
            for o in node.operands
        )  # fmt: skip

    def lanes_of(self, node: Node) -> list[int]:
        """The lanes of a node's operands."""
        return [self.places[o].lane or 0 for o in node.nodes]

    def sides(
        self, node: Node
    ) -> tuple[Sequence[Node | float], Sequence[Node | float], Node | float]:
        """The inputs of a dot, its weights (what is not of the batch), and its bias."""
        n = len(node.operands) // 2
        one, other, bias = node.operands[:n], node.operands[n : 2 * n], node.operands[-1]
        if any(isinstance(o, Node) and o.batched for o in one):
            return one, other, bias
        return other, one, bias

    def lower(self, group: list[Node]) -> None:
        """Make one step of nodes with one key, or one for each where that cannot be."""
        row = group[0].row
        assert row is not None
        if row.name == "dot" and self.matmul(group):
            return
        if row.variadic:
            for node in group:
                self.fold(node)
            return
        columns = list(zip(*(node.operands for node in group)))
        parts = [self.part(column) for column in columns]
        if all(set(column) == {column[0]} for column in columns):  # the same again
            once = tuple([self.single(operand) for operand in group[0].operands])
            self.add("map", row, group[:1], once, None)
            self.places |= dict.fromkeys(group, self.places[group[0]])
            return
        if len(group) > 1 and all(part is not None for part in parts):
            self.add("map", row, group, tuple(p for p in parts if p is not None), len(group))
            return
        for node in group:
            single = [self.single(operand) for operand in node.operands]
            self.add("map", row, [node], tuple(single), None)

    def matmul(self, group: list[Node]) -> bool:
        """Dots with the same inputs as a matrix product, if their weights lie in one array."""
        sides = [self.sides(node) for node in group]
        inputs = self.inputs(sides[0][0])
        every = [w for _, ws, _ in sides for w in ws]
        weights = self.part(every)
        bias = self.part([b for _, _, b in sides]) if len(group) > 1 else self.single(sides[0][2])
        # Weights of the batch itself are no matrix.
        if inputs is None or bias is None or not isinstance(weights, Part):
            return False
        if weights.array.batched or weights.lanes is None or len(weights.lanes) < len(every):
            return False
        if inputs.array.batched != group[0].batched:
            return False
        if len(group) > 1:
            weights = weights._replace(rows=len(group))
        row = group[0].row
        assert row is not None
        width = len(group) if len(group) > 1 else None
        self.add("matmul", row, group, (inputs, weights, bias), width)
        return True

    def inputs(self, nodes: Sequence[Node | float]) -> Part | None:
        """The inputs of a layer as lanes of one array."""
        part = self.part(nodes)
        if isinstance(part, Part) and part.lanes is not None and len(part.lanes) > 1:
            return part
        return None

    def fold(self, node: Node) -> None:
        """One node of many operands: sums of lanes of arrays, a few additions, or its formula."""
        row = node.row
        assert row is not None
        terms = self.partial_sums(node) if row.name == "total" else list(node.operands)
        if terms == [node]:
            return
        if row.name in ("dot", "total") and len(terms) <= FEW_TERMS:
            if row.name == "dot":
                n = len(terms) // 2
                pairs = zip(terms[:n], terms[n : 2 * n])
                terms = [*(self.step("mul", pair) for pair in pairs), terms[-1]]
            self.places[node] = self.places[self.added(terms, node.label)]
        else:
            self.add("fold", row, [node], tuple(map(self.single, terms)), None)

    def partial_sums(self, node: Node) -> list[Node | float]:
        """The terms of a sum, those that are lanes of one array as one, and so the numbers."""
        number = 0.0
        singles: list[Node | float] = []
        lanes: dict[Array, list[Node]] = {}
        for operand in node.operands:
            if not isinstance(operand, Node):
                number += operand
            elif self.places[operand].lane is None:
                singles.append(operand)
            else:
                lanes.setdefault(self.places[operand].array, []).append(operand)
        alone = len(lanes) == 1 and not singles and number == 0.0
        sums: list[Node | float] = []
        for together in lanes.values():
            part = self.part(together)
            if isinstance(part, Part) and part.lanes is not None and len(part.lanes) > 1:
                total = node if alone else Node(node.row, together, "", False)
                self.add("total", TABLE["total"], [total], (part,), None)
                sums.append(total)
            else:
                singles += together
        return sums + singles + ([number] if number != 0.0 else [])

    def added(self, terms: list[Node | float], label: str) -> Node:
        """Terms added one after the other."""
        result = terms[0]
        for term in terms[1:]:
            result = self.step("add", (result, term), label if term is terms[-1] else "")
        assert isinstance(result, Node)
        return result

    def step(self, name: str, operands: Sequence[Node | float], label: str = "") -> Node | float:
        """One more operation; a number if that is what it gives."""
        if not any(isinstance(operand, Node) for operand in operands):
            x, y = operands
            number: float = FUNCTIONS[name](x, y)
            return number
        node = Node(TABLE[name], operands, label, False)
        parts = tuple([self.single(operand) for operand in operands])
        self.add("map", TABLE[name], [node], parts, None)
        return node

    def single(self, operand: Node | float) -> Part | float:
        """One operand by itself."""
        if not isinstance(operand, Node):
            return operand
        array, lane = self.places[operand]
        return Part(array, None if lane is None else (lane,))

    def part(self, operands: Sequence[Node | float]) -> Part | float | tuple[float, ...] | None:
        """Operands in a row as one: a number or numbers, what they share, or lanes of one array."""
        first = operands[0]
        if all(operand is first for operand in operands) and isinstance(first, Node):
            return self.single(first)
        numbers = [o for o in operands if not isinstance(o, Node)]
        if numbers:
            if len(numbers) < len(operands):
                return None
            return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)
        places = [self.places[o] for o in operands if isinstance(o, Node)]
        lanes = tuple([place.lane for place in places if place.lane is not None])
        one_array = all(place.array is places[0].array for place in places)
        if not one_array or len(set(lanes)) < len(places):
            return None
        return Part(places[0].array, lanes)

    def add(
        self,
        kind: str,
        row: Operation,
        group: list[Node],
        operands: tuple[Part | float | tuple[float, ...], ...],
        width: int | None,
    ) -> None:
        """A step, and the places of the nodes it makes."""
        learns = any(isinstance(part, Part) and part.array.learns for part in operands)
        name = self.names.new(group[0].label if width is None else "", row.name)
        output = Array(name, group[0].batched, width, learns)
        self.steps.append(Step(kind, row, output, operands))
        for lane, node in enumerate(group):
            self.places[node] = Place(output, lane if width is not None else None)


def reachable(roots: Sequence[Node | float]) -> list[Node]:
    """The nodes that roots are made from, operands first."""
    order: dict[Node, None] = {}
    todo: list[tuple[Node, bool]] = [(r, False) for r in reversed(roots) if isinstance(r, Node)]
    while todo:
        node, ready = todo.pop()
        if node in order:
            continue
        if ready:
            order[node] = None
        else:
            todo.append((node, True))
            todo.extend((o, False) for o in reversed(node.nodes) if o not in order)
    return list(order)
