"""How a node, its value and its derivatives are written, with the names of a graph's nodes."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from tinygrad_lin.viz.notation.formulas import FormulaWriter
from tinygrad_lin.viz.notation.text import SUM, Symbol

if TYPE_CHECKING:
    from tinygrad_lin.value import Value


class Notation:
    """Writes the nodes of one graph as text."""

    kind: type[Symbol] = Symbol
    times = " · "
    added = " += "

    def __init__(self, root: Value, names: dict[Value, str]) -> None:
        self.root = root
        self.names = names
        self.formulas: FormulaWriter = FormulaWriter(self.kind)

    def name(self, node: Value) -> Symbol:
        """A node's name as a symbol."""
        return self.kind(node.data, self.names[node])

    def number(self, node: Value) -> Symbol:
        """A node's data as a symbol."""
        return self.kind.number(node.data)

    def derivative(self, node: Value, by: Value) -> str:
        """The derivative of one node with respect to another."""
        return f"∂{self.names[node]}/∂{self.names[by]}"

    def product(self, *factors: Symbol | None) -> str:
        """Factors multiplied; None stands for those that are left out."""
        texts = []
        for factor in factors:
            if factor is None:
                texts.append(self.kind.dots())
            elif (factor.binding == SUM and len(factors) > 1) or (texts and factor.text[0] == "-"):
                texts.append(self.kind.brackets(factor.text))
            else:
                texts.append(factor.text)
        return self.times.join(texts)

    def definition(self, node: Value) -> str:
        """A node's name and its operation with the names of the operands."""
        return " = ".join([self.names[node], *self._operation(node)][:2])

    def value(self, node: Value) -> str:
        """A node's name, its operation in symbols, in numbers, and the result."""
        parts = [self.names[node], *self._operation(node)]
        if node.operation is not None:
            parts.append(self.formulas.value(node, self.number).text)
        parts.append(self.kind.digits(node.data))
        return " = ".join(part for part, _ in groupby(parts))

    def _operation(self, node: Value) -> list[str]:
        """A node's operation as a call, where its formula does not say its name, and as a formula."""
        operation = node.operation
        if operation is None:
            return []
        formula = self.formulas.value(node, self.name).text
        of_math = operation.formula.startswith(f"{operation.name}(")
        if operation.special or operation.variadic or of_math:
            return [formula]
        given = [o if isinstance(o, float) else self.name(o) for o in node.operands]
        return [self.kind.apply(operation, *given).text, formula]
