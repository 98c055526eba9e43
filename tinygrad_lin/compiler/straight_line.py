"""Straight-line programs: a statement for every operation, in functions of moderate size.

For small graphs and for deep ones, where nothing can be done at once. Without a batch the numbers
are Python's, which are quicker one by one than NumPy's; with one they are columns.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence

from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.compiler.formulas import (
    Substitution,
    assignment,
    may_signal,
    number_text,
    on_arrays,
    operand_texts,
)
from tinygrad_lin.compiler.source_text import function_text
from tinygrad_lin.compiler.trace import Node
from tinygrad_lin.compiler.variable_names import VariableNames
from tinygrad_lin.formulas import all_local_derivatives, expand_sums

ATOM = re.compile(r"[\w.\[\]-]+")
"""A name, a number, or an element of a list needs no brackets in a product."""
MAX_STATEMENTS = 1000  # Python takes more time for each statement of a longer function.


class StraightLineWriter:
    """Writes one program.

    Args:
        order: the operations, operands first.
        output: the output, a number if nothing varies.
        parameters: the leaves that the gradient is taken with respect to.
        columns: for each array of the batch its name and its leaves, or its only leaf.
        names: gives each operation a variable; without it all values are in one list.
    """

    def __init__(
        self,
        order: list[Node],
        output: Node | float,
        parameters: list[Node],
        columns: list[tuple[str, list[Node] | Node]],
        names: VariableNames | None = None,
    ) -> None:
        self.order = order
        self.output = output
        self.parameters = parameters
        self.columns = columns
        self.arrays: bool = bool(columns)
        leaves = list(parameters)
        for _, column in columns:
            leaves += column if isinstance(column, list) else [column]
        p = "p" if names else "v"
        self.values: dict[Node, str] = {leaf: f"{p}[{k}]" for k, leaf in enumerate(leaves)}
        self.gradients: dict[Node, str] = {
            leaf: f"d_p{k}" if names else f"d[{k}]" for k, leaf in enumerate(leaves)
        }
        self.size: int = len(leaves) + len(order)
        for k, node in enumerate(order, len(leaves)):
            assert node.operation is not None
            name = names.new(node.label, node.operation.name) if names else ""
            self.values[node] = name or f"v[{k}]"
            self.gradients[node] = f"d_{name}" if name else f"d[{k}]"
        # A pass may be cut between two statements, so what both need is in the list, too.
        self.partials, self.local = ("every", "slope") if names else ("d[-1]", "d[-2]")
        self.templates: dict[object, str] = {}

    def in_variables(self, with_gradient: bool) -> str:
        """The source of one function, with a name for everything."""
        value = self.values[self.output] if isinstance(self.output, Node) else self.output
        lines = [*self.forward(), f"value = {value}"]
        gradient: object = None
        if with_gradient:
            lines += self.backward()
            begun = {line.partition(" ")[0] for line in lines}
            texts = [self.gradients[leaf] for leaf in self.parameters]
            gradient = f"[{', '.join(text if text in begun else '0.0' for text in texts)}]"
        return function_text("program(p, weight)", [*lines, f"return value, {gradient}"])

    def in_lists(self, with_gradient: bool) -> list[str]:
        """The sources of functions, the last of which calls the others."""
        sources: list[str] = []
        begin = ["*p"]
        begin += [f"*{name}.T" if isinstance(c, list) else name for name, c in self.columns]
        lines = [f"v = [{', '.join(begin)}] + [0.0] * {len(self.order)}"]
        passes = {"forward": self.forward()}
        if with_gradient:
            passes["backward"] = self.backward()
        for name, statements in passes.items():
            if name == "backward":
                lines.append(f"d = [0.0] * {self.size + 2}")
            for k in range(0, len(statements), MAX_STATEMENTS):
                call = f"{name}{k // MAX_STATEMENTS + 1}({'v, d' if name == 'backward' else 'v'})"
                sources.append(function_text(call, statements[k : k + MAX_STATEMENTS]))
                lines.append(call)
        value = self.values[self.output] if isinstance(self.output, Node) else self.output
        lines.append(f"return {value}, {f'd[:{len(self.parameters)}]' if with_gradient else None}")
        names = ["p", "weight", *[name for name, _ in self.columns]]
        return [*sources, function_text(f"program({', '.join(names)})", lines)]

    def forward(self) -> list[str]:
        """A statement for every operation."""
        return [self.assign(self.values[node], self.text(node, "formula")) for node in self.order]

    def backward(self) -> list[str]:
        """The chain rule, from the output to the parameters."""
        if not isinstance(self.output, Node):
            return []
        needed = set(self.parameters)
        for node in self.order:
            if not needed.isdisjoint(node.nodes):
                needed.add(node)
        lines = [f"{self.gradients[self.output]} = 1.0"]
        begun = {self.output}
        for node in reversed(self.order):
            if node not in needed or node not in begun:
                continue
            upstream = self.gradients[node]
            assert node.operation is not None
            if node.operation.variadic:
                lines.append(self.assign(self.partials, self.text(node, "partials")))
            for position, operand in enumerate(node.operands):
                if not isinstance(operand, Node) or operand not in needed:
                    continue
                local = self.text(node, position)
                if self.arrays and may_signal(local):
                    lines.append(self.assign(self.local, local))
                    local = self.local
                factor = local if ATOM.fullmatch(local) else f"({local})"
                product = {"1.0": upstream, "-1.0": f"-{upstream}"}.get(
                    local, f"{upstream} * {factor}"
                )
                if operand in begun:
                    product = f"{self.gradients[operand]} + {product}"
                begun.add(operand)
                lines.append(f"{self.gradients[operand]} = {product}")
        return lines

    def assign(self, name: str, text: str) -> str:
        """A statement that computes."""
        return assignment(name, text) if self.arrays else f"{name} = {text}"

    def text(self, node: Node, which: str | int) -> str:
        """The formula of an operation, one of its local derivatives, or the tuple of all."""
        operation = node.operation
        assert operation is not None
        if operation.variadic and isinstance(which, int):
            return f"{self.partials}[{which}]"
        texts = [self.values[o] if isinstance(o, Node) else number_text(o) for o in node.operands]
        known = {}
        if operation.variadic:
            formula = all_local_derivatives(operation)
            if which == "formula":
                formula = expand_sums(operation, operation.formula)
        else:
            formula = operation.formula if which == "formula" else operation.partials[int(which)]
            if " if " in formula:  # A condition on constants is decided now.
                known = {
                    name: text
                    for name, text, o in zip(operation.operands, texts, node.operands)
                    if not isinstance(o, Node)
                }
        given = operand_texts(operation, texts, self.values[node])
        template = self.template(formula, list(given), known)
        return fill_template(template, {f"_{name}": text for name, text in given.items()})

    def template(self, formula: str, names: Sequence[str], known: dict[str, str]) -> str:
        """A formula whose names have an underscore, so that texts can be filled in; made once."""
        key = formula, tuple(known.items())
        if key not in self.templates:
            given = {name: known.get(name, f"_{name}") for name in names}
            if self.arrays:
                text = on_arrays(formula, given)
            else:
                operands = {name: parse_expression(text) for name, text in given.items()}
                text = ast.unparse(Substitution(operands).visit(parse_expression(formula)))
            self.templates[key] = text
        return self.templates[key]


def fill_template(template: str, names: dict[str, str]) -> str:
    """A template with texts in the place of its names."""
    return re.sub(r"\b_\w+\b", lambda match: names.get(match[0], match[0]), template)
