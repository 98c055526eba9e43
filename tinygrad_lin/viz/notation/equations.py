"""How the nodes of a graph are written: their names, their values, their derivatives."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby

from tinygrad_lin.errors import printable
from tinygrad_lin.value import Value
from tinygrad_lin.viz.notation.text import SUM, FormulaWriter, Symbol

MAX_LABEL_LENGTH = 40


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
                texts.append(self.kind.dots)
            elif (factor.binding == SUM and len(factors) > 1) or (texts and factor.text[0] == "-"):
                texts.append(self.kind.brackets.format(factor.text))
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
        """A node's operation as a call, unless its formula is one, and as a formula."""
        operation = node.operation
        if operation is None:
            return []
        formula = self.formulas.value(node, self.name).text
        if operation.special or operation.variadic or operation.is_math_function:
            return [formula]
        given = [o if isinstance(o, float) else self.name(o) for o in node.operands]
        return [self.kind.apply(operation, *given).text, formula]


def names_of(order: Sequence[Value]) -> dict[Value, str]:
    """A name of its own for every node: its label, numbered if several have it, or else v1, v2.

    >>> a, b, c, d = Value(1.0, "a"), Value(1.0, "a"), Value(1.0), Value(1.0, "v1")
    >>> list(names_of([a, b, c, d]).values())
    ['a₁', 'a₂', 'v2', 'v1']
    """
    labels = [quoted(node.label) if node.label else "" for node in order]
    count = Counter(labels)
    taken = set(count)
    numbers: Counter[str] = Counter()

    def numbered(stem: str, digits: Callable[[int], str]) -> str:
        while True:
            numbers[stem] += 1
            name = stem + digits(numbers[stem])
            if name not in taken:
                taken.add(name)
                return name

    return {
        node: label
        if count[label] == 1 and label
        else numbered(label, subscript)
        if label
        else numbered("v", str)
        for node, label in zip(order, labels)
    }


def quoted(label: str) -> str:
    """A label as one short piece of text, in quotes if it does not look like a name."""
    text = cut(printable(label), MAX_LABEL_LENGTH)
    return text if re.fullmatch(r"[^\W\d][\w.,'′…]*(\[[\w,]+\])?", text) else f'"{text}"'


def cut(text: str, max_length: int) -> str:
    """Text whose end is replaced by an ellipsis where it is too long."""
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def subscript(number: int) -> str:
    """A number in small digits below the line."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
