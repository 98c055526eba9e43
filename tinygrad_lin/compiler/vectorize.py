"""Scalars become arrays: nodes that do the same become one instruction on an array.

Level by level, nodes with the same operation whose operands lie in the same variables become the
lanes of a new variable. So the neurons of a layer, each recorded by itself, become one matrix
product and one activation, and a sum over parameters one sum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from tinygrad_lin.compiler.shapes import Axes, Shape
from tinygrad_lin.compiler.trace import Node
from tinygrad_lin.compiler.variable_names import VariableNames
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS, TABLE

MAX_UNROLLED_TERMS = 33  # A longer sum of separate variables is one instruction.


@dataclass(eq=False)
class Variable:
    """A variable of the program: a number, a column over the batch, a vector, or a matrix."""

    name: str
    batched: bool  # Whether it has a row for each row of the batch.
    width: int | None  # How many lanes it has, None for one that is no vector.
    needs_gradient: bool  # Whether it depends on a leaf that the gradient is taken with respect to.

    @property
    def shape(self) -> Shape:
        """The length of each axis."""
        rows: Shape = ("n",) if self.batched else ()
        return rows if self.width is None else (*rows, self.width)

    @property
    def axes(self) -> Axes:
        """Which axes it has."""
        return Axes(self.batched, self.width is not None)


class Location(NamedTuple):
    """Where the value of a node is: a variable, and the lane in it if it has lanes."""

    variable: Variable
    lane: int | None = None

    @property
    def text(self) -> str:
        """The variable, or one lane of it, as source text."""
        if self.lane is None:
            return self.variable.name
        return f"{self.variable.name}[{':, ' if self.variable.batched else ''}{self.lane}]"


class Part(NamedTuple):
    """Some lanes of a variable, or the whole variable (lanes is None)."""

    variable: Variable
    lanes: tuple[int, ...] | None = None
    rows: int | None = None  # The rows of a matrix of parameters, None for a vector.

    @property
    def is_whole(self) -> bool:
        """Whether these are all lanes of the variable, in order."""
        every = tuple(range(self.variable.width or 0))
        return self.lanes is None or (self.rows is None and self.lanes == every)

    @property
    def is_wide(self) -> bool:
        """Whether these are several lanes; one lane by itself has no axis of lanes."""
        return self.lanes is not None and len(self.lanes) > 1

    @property
    def axes(self) -> Axes:
        """Which axes it has."""
        return Axes(self.variable.batched, self.is_wide)


Operand: TypeAlias = "Part | float | tuple[float, ...]"
"""Lanes of a variable, or a constant: one number, or one for each lane of the output."""


class Instruction(NamedTuple):
    """One operation on arrays; a matmul's operands are its inputs, its weights, and its bias."""

    kind: str  # "map" for a formula, "matmul", "total", "fold" for a formula of many operands.
    operation: Operation
    output: Variable
    operands: tuple[Operand, ...]


class Vectorizer:
    """The instructions that compute some nodes, and the location of each node."""

    def __init__(self, leaves: dict[Node, Location], output: Node | float) -> None:
        self.locations: dict[Node, Location] = dict(leaves)
        self.instructions: list[Instruction] = []
        self.names: VariableNames = VariableNames(leaf.variable.name for leaf in leaves.values())
        by_level: dict[int, list[Node]] = defaultdict(list)
        for node in operations_of(output):
            by_level[node.level].append(node)
        for level in sorted(by_level):
            groups: dict[object, list[Node]] = defaultdict(list)
            for node in by_level[level]:
                groups[self.key(node)].append(node)
            for group in groups.values():
                # Sorted by their operands, so that these are a slice of their variable.
                self.vectorize(sorted(group, key=self.lanes_of))

    def key(self, node: Node) -> object:
        """What nodes have in common that can be lanes of one variable."""
        operation = node.operation
        assert operation is not None
        if operation.name == "dot":
            inputs, weights, _ = split_dot(node)
            lanes = [self.locations.get(o) if isinstance(o, Node) else None for o in weights]
            variables = {id(location.variable) if location else None for location in lanes}
            if len(variables) == 1 and None not in variables:
                return "dot", tuple(map(id, inputs)), variables.pop()
            return node
        if operation.variadic:
            return node
        return operation, node.batched, tuple(
            "number" if not isinstance(o, Node)
            else id(self.locations[o].variable) if self.locations[o].lane is not None
            else id(o)
            for o in node.operands
        )  # fmt: skip

    def lanes_of(self, node: Node) -> list[int]:
        """The lanes of a node's operands."""
        return [self.locations[o].lane or 0 for o in node.nodes]

    def vectorize(self, group: list[Node]) -> None:
        """Compute nodes with one key in one instruction, or one each where that cannot be."""
        operation = group[0].operation
        assert operation is not None
        if operation.name == "dot" and self.try_matmul(group, operation):
            return
        if operation.variadic:
            for node in group:
                self.fold(node, operation)
            return
        columns = list(zip(*(node.operands for node in group)))
        parts = [self.part(column) for column in columns]
        if all(set(column) == {column[0]} for column in columns):  # The nodes are equal.
            self.map_node(operation, group[0])
            self.locations |= dict.fromkeys(group, self.locations[group[0]])
            return
        if len(group) > 1 and all(part is not None for part in parts):
            self.add("map", operation, group, tuple(p for p in parts if p is not None))
            return
        for node in group:
            self.map_node(operation, node)

    def map_node(self, operation: Operation, node: Node) -> None:
        """Compute one node by itself."""
        self.add("map", operation, [node], tuple(map(self.single, node.operands)))

    def try_matmul(self, group: list[Node], operation: Operation) -> bool:
        """Compute dots of the same inputs as a matrix product if one variable has their weights."""
        sides = [split_dot(node) for node in group]
        inputs = self.part(sides[0][0])
        every = [w for _, ws, _ in sides for w in ws]
        weights = self.part(every)
        bias = self.part([b for _, _, b in sides]) if len(group) > 1 else self.single(sides[0][2])
        if bias is None or not isinstance(weights, Part):
            return False
        if not isinstance(inputs, Part) or not inputs.is_wide:
            return False
        # Weights that differ from row to row are no matrix.
        if weights.variable.batched or weights.lanes is None or len(weights.lanes) < len(every):
            return False
        if inputs.variable.batched != group[0].batched:
            return False
        if len(group) > 1:
            weights = weights._replace(rows=len(group))
        self.add("matmul", operation, group, (inputs, weights, bias))
        return True

    def fold(self, node: Node, operation: Operation) -> None:
        """Compute a node of many operands: by sums of lanes, a few additions, or its formula."""
        terms = self.partial_sums(node) if operation.name == "total" else list(node.operands)
        if terms == [node]:
            return
        if operation.name in ("dot", "total") and len(terms) <= MAX_UNROLLED_TERMS:
            if operation.name == "dot":
                n = len(terms) // 2
                pairs = zip(terms[:n], terms[n : 2 * n])
                terms = [*(self.compute("mul", pair) for pair in pairs), terms[-1]]
            self.locations[node] = self.locations[self.add_up(terms, node.label)]
        else:
            self.add("fold", operation, [node], tuple(map(self.single, terms)))

    def partial_sums(self, node: Node) -> list[Node | float]:
        """The terms of a sum: lanes of one variable are summed first, and so are the numbers."""
        number = 0.0
        singles: list[Node | float] = []
        lanes: dict[Variable, list[Node]] = {}
        for operand in node.operands:
            if not isinstance(operand, Node):
                number += operand
            elif self.locations[operand].lane is None:
                singles.append(operand)
            else:
                lanes.setdefault(self.locations[operand].variable, []).append(operand)
        alone = len(lanes) == 1 and not singles and number == 0.0
        sums: list[Node | float] = []
        for together in lanes.values():
            part = self.part(together)
            if isinstance(part, Part) and part.is_wide:
                total = node if alone else Node(node.operation, together)
                self.add("total", TABLE["total"], [total], (part,))
                sums.append(total)
            else:
                singles += together
        return sums + singles + ([number] if number != 0.0 else [])

    def add_up(self, terms: list[Node | float], label: str) -> Node:
        """Add terms one after the other."""
        result = terms[0]
        for term in terms[1:]:
            result = self.compute("add", (result, term), label if term is terms[-1] else "")
        assert isinstance(result, Node)
        return result

    def compute(self, name: str, operands: Sequence[Node | float], label: str = "") -> Node | float:
        """The node of one more operation, or its result if the operands are numbers."""
        if not any(isinstance(operand, Node) for operand in operands):
            number: float = FUNCTIONS[name](*operands)
            return number
        node = Node(TABLE[name], operands, label)
        self.map_node(TABLE[name], node)
        return node

    def single(self, operand: Node | float) -> Part | float:
        """One operand by itself."""
        if not isinstance(operand, Node):
            return operand
        variable, lane = self.locations[operand]
        return Part(variable, None if lane is None else (lane,))

    def part(self, operands: Sequence[Node | float]) -> Operand | None:
        """Operands of a group as one: their number or numbers, the node they share, or lanes.

        None if they are neither of these, such as lanes of two variables.
        """
        first = operands[0]
        if all(operand is first for operand in operands) and isinstance(first, Node):
            return self.single(first)
        numbers = [o for o in operands if not isinstance(o, Node)]
        if numbers:
            if len(numbers) < len(operands):
                return None
            return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)
        locations = [self.locations[o] for o in operands if isinstance(o, Node)]
        lanes = tuple([location.lane for location in locations if location.lane is not None])
        variables = {location.variable for location in locations}
        if len(variables) > 1 or len(set(lanes)) < len(locations):
            return None
        return Part(variables.pop(), lanes)

    def add(
        self, kind: str, operation: Operation, group: list[Node], operands: tuple[Operand, ...]
    ) -> None:
        """Add an instruction, and the locations of the nodes it computes."""
        width = len(group) if len(group) > 1 else None
        needs_gradient = any(isinstance(o, Part) and o.variable.needs_gradient for o in operands)
        name = self.names.new(group[0].label if width is None else "", operation.name)
        output = Variable(name, group[0].batched, width, needs_gradient)
        self.instructions.append(Instruction(kind, operation, output, operands))
        for lane, node in enumerate(group):
            self.locations[node] = Location(output, lane if width is not None else None)


def split_dot(
    node: Node,
) -> tuple[Sequence[Node | float], Sequence[Node | float], Node | float]:
    """The inputs of a dot, its weights (the side that is not of the batch), and its bias."""
    n = len(node.operands) // 2
    one, other, bias = node.operands[:n], node.operands[n : 2 * n], node.operands[-1]
    if any(isinstance(o, Node) and o.batched for o in one):
        return one, other, bias
    return other, one, bias


def operations_of(output: Node | float) -> list[Node]:
    """The operations that an output is made from, operands first."""
    order: dict[Node, None] = {}
    todo = [(output, False)] if isinstance(output, Node) else []
    while todo:
        node, ready = todo.pop()
        if node in order or node.operation is None:
            continue
        if ready:
            order[node] = None
        else:
            todo.append((node, True))
            todo.extend((operand, False) for operand in reversed(node.nodes))
    return list(order)
