"""Wide graphs without a batch: all values in one long array, and much of one kind at a time.

Operations are gathered until no more of their kind can be done (Neubig, Goldberg, Dyer 2017,
"On-the-fly operation batching in dynamic computation graphs", with the largest kind first).
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy

from tinygrad_lin.compiler.formulas import assigned, may_flag, written
from tinygrad_lin.compiler.nodes import Node

Kind = tuple[str, tuple[bool, ...]]
"""The operation, and which operands are no constants."""


class Groups:
    """Writes one program.

    Args:
        order: the operations, operands first.
        wrt: the leaves; their values come first.

    Attributes:
        size: how many values there are.
        constants: arrays that the program brings along.
    """

    def __init__(self, order: list[Node], wrt: list[Node]) -> None:
        self.places: dict[Node | str, int] = {leaf: k for k, leaf in enumerate(wrt)}
        self.groups: list[list[Node]] = gathered(order)
        self.constants: dict[str, Any] = {}
        self.numbers: list[float] = self.among_others(order)
        self.places |= {repr(number): k for k, number in enumerate(self.numbers, len(wrt))}
        self.parameters: int = len(wrt)
        self.size: int = len(wrt) + len(self.numbers)

    def among_others(self, order: list[Node]) -> list[float]:
        """The constants that stand in a row with nodes, as terms of a sum may."""
        found: dict[str, float] = {}
        for node in order:
            if node.row is not None and node.row.variadic:
                for group in node.row.grouped(node.operands):
                    rest = (
                        [o for o in group if not isinstance(o, Node)]
                        if isinstance(group, list)
                        else []
                    )
                    if rest and len(rest) < len(group):
                        found |= {repr(number): number for number in rest}
        return list(found.values())

    def program(self, result: Node, slopes: bool) -> str:
        """The source: a function of the parameters."""
        forward = [f"v = xp.empty({self.size + sum(map(len, self.groups))})"]
        forward.append(f"v[:{self.parameters}] = p")
        if self.numbers:
            self.constants["numbers"] = numpy.array(self.numbers)
            forward.append(f"v[{self.parameters}:{self.size}] = numbers")
        backward: list[str] = []
        for k, nodes in enumerate(self.groups):
            name, varying = kind(nodes[0])
            forward.append(f"# {len(nodes):,} times {name}")
            there, back = self.group(k, nodes, varying)
            forward += there
            backward = back + backward
        root = self.places[result]
        if not slopes:
            lines = [*forward, f"return v[{root}], None"]
        else:
            upstream = ["d = xp.zeros_like(v)", f"d[{root}] = 1.0"]
            result_line = f"return v[{root}], d[:{self.parameters}].copy()"
            lines = [*forward, *upstream, *backward, result_line]
        return "def program(p, weight):\n    " + "\n".join(lines).replace("\n", "\n    ") + "\n"

    def group(
        self, k: int, nodes: list[Node], varying: tuple[bool, ...]
    ) -> tuple[list[str], list[str]]:
        """Operations of one kind: the lines of the forward and of the backward pass."""
        row = nodes[0].row
        assert row is not None
        begin, self.size = self.size, self.size + len(nodes)
        self.places.update(zip(nodes, range(begin, self.size)))
        given = {"out": f"v[{begin}:{self.size}]"}
        lines = []
        columns = row.grouped(list(zip(*[node.operands for node in nodes])))
        indices = []
        for operand, column, varies in zip(row.operands, columns, row.grouped(varying)):
            variable = f"{operand.lstrip('*')}{k}"
            given[operand.lstrip("*")] = variable
            if any(varies if isinstance(varies, list) else [varies]):
                indices.append(self.index(f"of_{variable}", column))
                lines.append(f"{variable} = v[{indices[-1]}]")
            else:
                indices.append("")
                self.constants[variable] = numpy.array(column, dtype=float)
        lines.append(assigned(given["out"], written(over_lanes(row.formula), given)))
        back = [f"upstream = d[{begin}:{self.size}]"]
        for index, partial in zip(indices, row.partials):
            if not index:
                continue
            local = written(over_lanes(partial), given)
            if may_flag(local):
                back.append(assigned("slope", local))
                local = "slope"
            product = "upstream" if local == "1.0" else f"upstream * ({local})"
            if ":" in index:
                back.append(f"d[{index}] += {product}")
            else:  # NumPy's add.at must not be left to broadcast: 2.4 reads past the end then
                shape = self.constants[index].shape
                back.append(f"add_at(d, {index}, xp.broadcast_to({product}, {shape}))")
        return lines, back

    def index(self, name: str, column: Any) -> str:
        """Where the operands are: a slice if they follow each other, else an array with a name."""
        at = numpy.array([
            [self.places[o if isinstance(o, Node) else repr(o)] for o in row]
            for row in (column if isinstance(column, list) else [column])
        ])  # fmt: skip
        at = at if isinstance(column, list) else at[0]
        if at.ndim == 1 and (numpy.diff(at) == 1).all():
            return f"{at[0]}:{at[-1] + 1}"
        self.constants[name] = at
        return name


def kind(node: Node) -> Kind:
    """What nodes have in common that can be done at once."""
    assert node.row is not None
    return node.row.name, tuple([isinstance(operand, Node) for operand in node.operands])


def gathered(order: list[Node]) -> list[list[Node]]:
    """Nodes in groups of one kind, those that groups depend on before them."""
    waits: dict[Node, int] = {}
    users: dict[Node, list[Node]] = defaultdict(list)
    ready: dict[Kind, list[Node]] = defaultdict(list)
    for node in order:
        before = {operand for operand in node.nodes if operand.row is not None}
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
    """A formula with its sums over the first axis of arrays."""
    return formula.replace("sum[", "sum(").replace("]", ")")


KNOWN: dict[str, Any] = {"add_at": numpy.add.at, "sum": numpy.add.reduce}
"""What the programs call."""
