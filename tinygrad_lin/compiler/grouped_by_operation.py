"""Wide graphs without a batch: all values in one long array, computed operation by operation.

Whatever is ready is grouped by its operation, and the largest group is computed first (Neubig,
Goldberg, Dyer 2017, "On-the-fly operation batching in dynamic computation graphs").
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy

from tinygrad_lin.compiler.formulas import assignment, may_signal, on_arrays
from tinygrad_lin.compiler.source_text import function_text
from tinygrad_lin.compiler.trace import Node

Kind = tuple[str, tuple[bool, ...]]
"""The operation, and for each operand whether it varies."""


class GroupedWriter:
    """Writes one program.

    Args:
        order: the operations, operands first.
        wrt: the leaves; their values come first.

    Attributes:
        groups: the operations, group by group.
        size: how many values there are so far.
        constants: arrays that the program brings along.
    """

    def __init__(self, order: list[Node], wrt: list[Node]) -> None:
        self.positions: dict[Node | str, int] = {leaf: k for k, leaf in enumerate(wrt)}
        self.groups: list[list[Node]] = group_nodes(order)
        self.constants: dict[str, Any] = {}
        self.numbers: list[float] = constants_among_nodes(order)
        self.positions |= {repr(number): k for k, number in enumerate(self.numbers, len(wrt))}
        self.parameters: int = len(wrt)
        self.size: int = len(wrt) + len(self.numbers)

    def program(self, output: Node, with_gradient: bool) -> str:
        """The source of a function of the parameters."""
        forward = [f"v = xp.empty({self.size + sum(map(len, self.groups))})"]
        forward.append(f"v[:{self.parameters}] = p")
        if self.numbers:
            self.constants["numbers"] = numpy.array(self.numbers)
            forward.append(f"v[{self.parameters}:{self.size}] = numbers")
        backward: list[str] = []
        for k, nodes in enumerate(self.groups):
            name, varying = kind(nodes[0])
            forward.append(f"# {len(nodes):,} times {name}")
            ahead, back = self.group(k, nodes, varying)
            forward += ahead
            backward = back + backward
        root = self.positions[output]
        if with_gradient:
            lines = [*forward, "d = xp.zeros_like(v)", f"d[{root}] = 1.0", *backward]
            lines.append(f"return v[{root}], d[:{self.parameters}].copy()")
        else:
            lines = [*forward, f"return v[{root}], None"]
        return function_text("program(p, weight)", lines)

    def group(
        self, k: int, nodes: list[Node], varying: tuple[bool, ...]
    ) -> tuple[list[str], list[str]]:
        """The statements of one group, in the forward and in the backward pass."""
        operation = nodes[0].operation
        assert operation is not None
        begin, self.size = self.size, self.size + len(nodes)
        self.positions.update(zip(nodes, range(begin, self.size)))
        texts = {"out": f"v[{begin}:{self.size}]"}
        lines = []
        columns = operation.grouped(list(zip(*[node.operands for node in nodes])))
        indices = []
        for operand, column, varies in zip(operation.operands, columns, operation.grouped(varying)):
            variable = f"{operand.lstrip('*')}{k}"
            texts[operand.lstrip("*")] = variable
            if any(varies if isinstance(varies, list) else [varies]):
                indices.append(self.index(f"of_{variable}", column))
                lines.append(f"{variable} = v[{indices[-1]}]")
            else:
                indices.append("")
                self.constants[variable] = numpy.array(column, dtype=float)
        lines.append(assignment(texts["out"], on_arrays(over_lanes(operation.formula), texts)))
        back = [f"upstream = d[{begin}:{self.size}]"]
        for index, partial in zip(indices, operation.partials):
            if not index:
                continue
            local = on_arrays(over_lanes(partial), texts)
            if may_signal(local):
                back.append(assignment("slope", local))
                local = "slope"
            product = "upstream" if local == "1.0" else f"upstream * ({local})"
            if ":" in index:
                back.append(f"d[{index}] += {product}")
            else:  # Where add.at broadcasts, NumPy 2.4 reads past the end.
                shape = self.constants[index].shape
                back.append(f"add_at(d, {index}, xp.broadcast_to({product}, {shape}))")
        return lines, back

    def index(self, name: str, column: Any) -> str:
        """The positions of operands: a slice if they are neighbours, else an array with a name."""
        at = numpy.array([
            [self.positions[o if isinstance(o, Node) else repr(o)] for o in operands]
            for operands in (column if isinstance(column, list) else [column])
        ])  # fmt: skip
        at = at if isinstance(column, list) else at[0]
        if at.ndim == 1 and (numpy.diff(at) == 1).all():
            return f"{at[0]}:{at[-1] + 1}"
        self.constants[name] = at
        return name


def constants_among_nodes(order: list[Node]) -> list[float]:
    """The constants in a sequence with nodes: they need a place in the array of values, too."""
    found: dict[str, float] = {}
    for node in order:
        if node.operation is not None and node.operation.variadic:
            for group in node.operation.grouped(node.operands):
                if isinstance(group, list) and any(isinstance(o, Node) for o in group):
                    found |= {repr(o): o for o in group if not isinstance(o, Node)}
    return list(found.values())


def kind(node: Node) -> Kind:
    """What nodes have in common that can be computed at once."""
    assert node.operation is not None
    return node.operation.name, tuple([isinstance(operand, Node) for operand in node.operands])


def group_nodes(order: list[Node]) -> list[list[Node]]:
    """Nodes in groups of one kind, each after the groups that it depends on."""
    waits: dict[Node, int] = {}
    users: dict[Node, list[Node]] = defaultdict(list)
    ready: dict[Kind, list[Node]] = defaultdict(list)
    for node in order:
        before = {operand for operand in node.nodes if operand.operation is not None}
        waits[node] = len(before)
        for operand in before:
            users[operand].append(node)
        if not before:
            ready[kind(node)].append(node)
    groups = []
    while ready:
        group = ready.pop(max(ready, key=lambda kind: len(ready[kind])))
        groups.append(group)
        for node in group:
            for user in users[node]:
                waits[user] -= 1
                if not waits[user]:
                    ready[kind(user)].append(user)
    return groups


def over_lanes(formula: str) -> str:
    """A formula whose sums go over the first axis of arrays."""
    return formula.replace("sum[", "sum(").replace("]", ")")


NAMESPACE: dict[str, Any] = {"add_at": numpy.add.at, "sum": numpy.add.reduce}
"""The functions that the programs call."""
