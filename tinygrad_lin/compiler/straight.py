"""Straight-line programs: a line for every operation, in functions of a size that Python likes.

For small graphs and for deep ones, where nothing can be done at once. Without a batch the numbers
are Python's, which are quicker one by one than NumPy's; with one they are columns.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from tinygrad_lin.compiler.formulas import (
    Substitution,
    assigned,
    may_flag,
    number,
    parsed,
    written,
)
from tinygrad_lin.compiler.nodes import Node
from tinygrad_lin.ops import over_sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_lin.compiler.names import Names

ATOM = re.compile(r"[\w.\[\]-]+")
"""What needs no brackets in a product."""
LINES = 1000  # of a function: a longer one takes Python more time for each line


class Straight:
    """Writes one program.

    Args:
        order: the operations, operands first.
        result: the output.
        parameters: the leaves that the derivatives are taken by.
        columns: for each array of the batch its name and its leaves, or its only leaf.
        names: gives each operation a variable; without it they are in a list.
    """

    def __init__(
        self,
        order: list[Node],
        result: Node | float,
        parameters: list[Node],
        columns: list[tuple[str, list[Node] | Node]],
        names: Names | None = None,
    ) -> None:
        self.order = order
        self.result = result
        self.parameters = parameters
        self.columns = columns
        self.arrays: bool = bool(columns)
        leaves = list(parameters)
        for _, column in columns:
            leaves += column if isinstance(column, list) else [column]
        p = "p" if names else "v"
        self.places: dict[Node, str] = {leaf: f"{p}[{k}]" for k, leaf in enumerate(leaves)}
        self.slopes: dict[Node, str] = {
            leaf: f"d_p{k}" if names else f"d[{k}]" for k, leaf in enumerate(leaves)
        }
        self.size: int = len(leaves) + len(order)
        for k, node in enumerate(order, len(leaves)):
            assert node.row is not None
            name = names.new(node.label, node.row.name) if names else ""
            self.places[node] = name or f"v[{k}]"
            self.slopes[node] = f"d_{name}" if name else f"d[{k}]"
        # A pass may be cut between two statements: what both need is in the list, too.
        self.every, self.slope = ("every", "slope") if names else ("d[-1]", "d[-2]")
        self.templates: dict[object, str] = {}

    def in_variables(self, slopes: bool) -> str:
        """The source of one function, with a name for everything."""
        value = self.places[self.result] if isinstance(self.result, Node) else self.result
        lines = [*self.forward(), f"value = {value}"]
        gradient: object = None
        if slopes:
            lines += self.backward()
            begun = {line.partition(" ")[0] for line in lines}
            texts = [self.slopes[leaf] for leaf in self.parameters]
            gradient = f"[{', '.join(text if text in begun else '0.0' for text in texts)}]"
        return function("program(p, weight)", [*lines, f"return value, {gradient}"])

    def in_lists(self, slopes: bool) -> list[str]:
        """The sources of functions, the last of which calls the others."""
        sources: list[str] = []
        begin = ["*p"]
        begin += [f"*{name}.T" if isinstance(c, list) else name for name, c in self.columns]
        lines = [f"v = [{', '.join(begin)}] + [0.0] * {len(self.order)}"]
        passes = {"forward": self.forward()}
        if slopes:
            passes["backward"] = self.backward()
        for name, statements in passes.items():
            if name == "backward":
                lines.append(f"d = [0.0] * {self.size + 2}")
            for k in range(0, len(statements), LINES):
                call = f"{name}{k // LINES + 1}({'v, d' if name == 'backward' else 'v'})"
                sources.append(function(call, statements[k : k + LINES]))
                lines.append(call)
        value = self.places[self.result] if isinstance(self.result, Node) else self.result
        lines.append(f"return {value}, {f'd[:{len(self.parameters)}]' if slopes else None}")
        names = ["p", "weight", *[name for name, _ in self.columns]]
        return [*sources, function(f"program({', '.join(names)})", lines)]

    def forward(self) -> list[str]:
        """A statement for every operation."""
        return [self.assign(self.places[node], self.text(node, "formula")) for node in self.order]

    def backward(self) -> list[str]:
        """The chain rule, from the output to the parameters."""
        if not isinstance(self.result, Node):
            return []
        learns = set(self.parameters)
        for node in self.order:
            if not learns.isdisjoint(node.nodes):
                learns.add(node)
        lines = [f"{self.slopes[self.result]} = 1.0"]
        begun = {self.result}
        for node in reversed(self.order):
            if node not in learns or node not in begun:
                continue
            upstream = self.slopes[node]
            assert node.row is not None
            if node.row.variadic:
                lines.append(self.assign(self.every, self.text(node, "every")))
            for place, operand in enumerate(node.operands):
                if not isinstance(operand, Node) or operand not in learns:
                    continue
                local = self.text(node, place)
                if self.arrays and may_flag(local):
                    lines.append(self.assign(self.slope, local))
                    local = self.slope
                factor = local if ATOM.fullmatch(local) else f"({local})"
                product = {"1.0": upstream, "-1.0": f"-{upstream}"}.get(
                    local, f"{upstream} * {factor}"
                )
                if operand in begun:
                    product = f"{self.slopes[operand]} + {product}"
                begun.add(operand)
                lines.append(f"{self.slopes[operand]} = {product}")
        return lines

    def assign(self, name: str, text: str) -> str:
        """A statement that computes."""
        return assigned(name, text) if self.arrays else f"{name} = {text}"

    def text(self, node: Node, which: str | int) -> str:
        """The formula of an operation, or one of its local derivatives, or all in a list."""
        row = node.row
        assert row is not None
        if row.variadic and isinstance(which, int):
            return f"{self.every}[{which}]"
        texts = [self.places[o] if isinstance(o, Node) else number(o) for o in node.operands]
        if row.variadic:
            groups = row.grouped(texts)
            lists = [f"[{', '.join(g)}]" if isinstance(g, list) else g for g in groups]
            given = dict(zip(row.parameters, lists), n=str(len(groups[0])), out=self.places[node])
            formula = over_sequences(row)[which == "every"]
            names = {f"_{name}": text for name, text in given.items()}
            return filled(self.template(formula, list(given), {}), names)
        formula = row.formula if which == "formula" else row.partials[int(which)]
        known = {}
        if " if " in formula:  # a case that is known is chosen now
            known = {
                name: text
                for name, text, o in zip(row.operands, texts, node.operands)
                if not isinstance(o, Node)
            }
        given = dict(zip(row.operands, texts), out=self.places[node])
        template = self.template(formula, list(given), known)
        return filled(template, {f"_{name}": text for name, text in given.items()})

    def template(self, formula: str, names: Sequence[str], known: dict[str, str]) -> str:
        """A formula with names that stand out, made once."""
        key = formula, tuple(known.items())
        if key not in self.templates:
            given = {name: known.get(name, f"_{name}") for name in names}
            if self.arrays:
                text = written(formula, given)
            else:
                operands = {name: parsed(text) for name, text in given.items()}
                text = ast.unparse(Substitution(operands).visit(parsed(formula)))
            self.templates[key] = text
        return self.templates[key]


def filled(template: str, names: dict[str, str]) -> str:
    """A template with texts for its names."""
    return re.sub(r"\b_\w+\b", lambda match: names.get(match[0], match[0]), template)


def function(call: str, lines: list[str]) -> str:
    """The source of a function that is called so."""
    body = "\n".join(lines).replace("\n", "\n    ")
    return f"def {call}:\n    {body}\n"
