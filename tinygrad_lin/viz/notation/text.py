"""Numbers, formulas and the nodes of a graph as text: names, values, derivatives.

A symbol is a number together with how it is written. Computing with symbols computes and writes at
once, so that of ``a if condition else b`` the branch that is taken is the one that is written.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from itertools import compress, count, groupby
from typing import Any

from tinygrad_lin.errors import printable
from tinygrad_lin.formulas import FLOATS, Reader, all_local_derivatives, expand_sums
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import TABLE
from tinygrad_lin.value import Value

PRECISION = 4
MAX_LABEL_LENGTH = 40
MAX_SUMMANDS = 6
"""A longer sum is written with its middle left out."""

REMAINDER, SUM, PRODUCT, POWER, ATOM = range(5)
"""How strongly a text binds: text that binds less than its place requires is put in brackets."""
OPERATORS = {
    "__add__": ("{x} + {y}", SUM),
    "__sub__": ("{x} - {y}", SUM),
    "__mul__": ("{x} · {y}", PRODUCT),
    "__truediv__": ("{x} / {y}", PRODUCT),
    "__mod__": ("{x} mod {y}", REMAINDER),
    "__neg__": ("-{x}", PRODUCT),
    "__pow__": ("{x}^{y}", POWER),
}
"""How text writes Python's operators."""


class Symbol:
    """A number and how text writes it."""

    __slots__ = ("binding", "data", "text")

    brackets = "({})"
    function = "{}"
    dots = "…"

    def __init__(self, data: float, text: str, binding: int = ATOM) -> None:
        self.data: float = data
        self.text: str = text
        self.binding: int = binding

    @classmethod
    def number(cls, data: float) -> Symbol:
        """A number, written in digits."""
        text = cls.digits(data)
        return cls(data, text, PRODUCT if text.startswith("-") else ATOM)

    @classmethod
    def of(cls, value: Symbol | float) -> Symbol:
        """A symbol as it is, or a number in digits."""
        return value if isinstance(value, Symbol) else cls.number(value)

    @classmethod
    def apply(cls, operation: Operation, *operands: Symbol | float) -> Symbol:
        """The result of an operation."""
        symbols = list(map(cls.of, operands))
        if operation.special == "__pow__" and operands[1] == 1.0:  # Nobody writes x^1.
            return symbols[0]
        template = cls.template(operation)
        texts = {
            name: symbol.text
            if name in delimited_operands(template) or symbol.fits(operation, place)
            else cls.brackets.format(symbol.text)
            for place, (name, symbol) in enumerate(zip(operation.operands, symbols))
        }
        binding = OPERATORS.get(operation.special, ("", ATOM))[1]
        formula = FLOATS(operation.formula, ", ".join(operation.operands))
        data = compute_or_nan(formula, *(symbol.data for symbol in symbols))
        return cls(data, template.format(**texts), binding)

    @classmethod
    def call(cls, name: str, *operands: Symbol | float) -> Symbol:
        """The result of a function of `math` that is no operation of the table."""
        symbols = list(map(cls.of, operands))
        data = compute_or_nan(FLOATS.meanings[name], *(symbol.data for symbol in symbols))
        return cls(data, f"{cls.function.format(name)}({', '.join(s.text for s in symbols)})")

    @classmethod
    def sum(cls, summands: Sequence[Symbol | float]) -> Symbol:
        """A sum of any number of terms."""
        symbols = list(map(cls.of, summands))
        if not symbols:
            return cls.number(0.0)
        texts = [s.text if s.text[:1] != "-" or not k else cls.brackets.format(s.text)
                 for k, s in enumerate(symbols)]  # fmt: skip
        if len(texts) > MAX_SUMMANDS:
            texts[MAX_SUMMANDS // 2 : -1] = [cls.dots]
        data = compute_or_nan(sum, [symbol.data for symbol in symbols])
        return cls(data, " + ".join(texts), SUM if len(texts) > 1 else symbols[0].binding)

    def fits(self, operation: Operation, place: int) -> bool:
        """Whether it can be an operand without brackets."""
        special = operation.special
        needed = POWER if special == "__mod__" else OPERATORS.get(special, ("", ATOM))[1]
        if special == "__pow__" or (place and special in ("__sub__", "__truediv__")):
            needed += 1
        after_a_sign = place or special == "__neg__"
        return self.binding >= needed and not (after_a_sign and self.text.startswith("-"))

    @staticmethod
    def digits(number: float) -> str:
        """A number in the digits that are shown."""
        return f"{number + 0.0:.{PRECISION}g}"  # Adding 0.0 turns -0.0 into 0.0.

    @staticmethod
    def template(operation: Operation) -> str:
        """How an operation is written, with its operands' names in braces."""
        if operation.special:
            return OPERATORS[operation.special][0]
        return f"{operation.name}({', '.join(f'{{{x}}}' for x in operation.operands)})"

    def __lt__(self, other: Symbol | float) -> bool:
        return self.data < float(other)

    def __le__(self, other: Symbol | float) -> bool:
        return self.data <= float(other)

    def __gt__(self, other: Symbol | float) -> bool:
        return self.data > float(other)

    def __ge__(self, other: Symbol | float) -> bool:
        return self.data >= float(other)

    def __bool__(self) -> bool:
        return self.data != 0.0

    def __float__(self) -> float:  # A user's formula may call Python's functions.
        return self.data

    def __int__(self) -> int:
        return int(self.data)


def methods_of(operation: Operation) -> tuple[Callable[..., Symbol], Callable[..., Symbol]]:
    """The methods by which symbols understand an operator, from its left and from its right."""

    def method(self: Symbol, *others: Symbol | float) -> Symbol:
        return self.apply(operation, self, *others)

    def reflected(self: Symbol, other: float) -> Symbol:
        return self.apply(operation, other, self)

    return method, reflected


for _operation in TABLE.values():
    if _operation.special:
        _method, _reflected = methods_of(_operation)
        setattr(Symbol, _operation.special, _method)
        setattr(Symbol, _operation.special.replace("__", "__r", 1), _reflected)


def compute_or_nan(function: Callable[..., Any], *numbers: Any) -> float:
    """A function's result; NaN outside its domain, where an infinite derivative may be written."""
    try:
        return float(function(*numbers))
    except (ArithmeticError, ValueError):
        return math.nan


@cache
def delimited_operands(template: str) -> frozenset[str]:
    """The operands that a template itself puts between delimiters: they need no brackets."""
    return frozenset(re.findall(r"[({|,]\s*\{(\*?\w+)\}(?=\s*(?:[)}|,]|\\right))", template))


def symbols_reader(kind: type[Symbol]) -> Reader:
    """A reader of formulas that knows the operations of the table as it is now."""
    meanings = {
        name: partial(kind.call, name) if callable(value) else value
        for name, value in list(FLOATS.meanings.items())
        if not name.startswith("__")
    }
    operations = {name: partial(kind.apply, operation) for name, operation in TABLE.items()}
    return Reader({**meanings, **operations, "sum": kind.sum})


class Notation:
    """Writes the nodes of one graph as text."""

    kind: type[Symbol] = Symbol
    times = " · "
    added = " += "

    def __init__(self, root: Value, names: dict[Value, str]) -> None:
        self.root = root
        self.names = names
        self._read = symbols_reader(self.kind)

    def name(self, node: Value) -> Symbol:
        """A node's name as a symbol."""
        return self.kind(node.data, self.names[node])

    def number(self, node: Value) -> Symbol:
        """A node's data as a symbol."""
        return self.kind.number(node.data)

    def derivative(self, node: Value, wrt: Value) -> str:
        """The derivative of one node with respect to another."""
        return f"∂{self.names[node]}/∂{self.names[wrt]}"

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
            parts.append(self.formula(node, self.number).text)
        parts.append(self.kind.digits(node.data))
        return " = ".join(part for part, _ in groupby(parts))

    def formula(self, node: Value, symbol: Callable[[Value], Symbol]) -> Symbol:
        """The formula of a node's operation, with a symbol for every operand."""
        operation, names, arguments = self._arguments(node, symbol)
        formula = operation.formula
        if operation.variadic:
            formula = expand_sums(operation, formula)
        return self.kind.of(self._read(formula, names)(*arguments))

    def partials(self, node: Value) -> list[Symbol]:
        """The formulas of a node's local derivatives, one for each of its inputs.

        Constants are plain numbers in them, so that a part made of constants alone is computed.
        """
        operation, names, arguments = self._arguments(node, self.name)

        def read(formula: str) -> Any:
            return self._read(formula, f"{names}, out")(*arguments, self.name(node))

        is_input = [isinstance(operand, Value) for operand in node.operands]
        if operation.variadic:
            local = [*compress(read(all_local_derivatives(operation)), is_input)]
        else:
            local = [read(partial) for partial in compress(operation.partials, is_input)]
        return [self.kind.of(each) for each in local]

    def _arguments(
        self, node: Value, symbol: Callable[[Value], Symbol]
    ) -> tuple[Operation, str, list[Any]]:
        """A node's operation, the names its formulas use, and what each of them stands for."""
        operation = node.operation
        assert operation is not None, "a leaf has no formula"
        names = ", ".join(operation.parameters)
        operands: list[Any] = [symbol(o) if isinstance(o, Value) else o for o in node.operands]
        arguments = operation.grouped(operands)
        if operation.variadic:
            return operation, f"{names}, n", [*arguments, len(arguments[0])]
        return operation, names, arguments

    def _operation(self, node: Value) -> list[str]:
        """A node's operation as a call, unless its formula is one, and as a formula."""
        operation = node.operation
        if operation is None:
            return []
        formula = self.formula(node, self.name).text
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
    labels = [quote_unless_name(node.label) if node.label else "" for node in order]
    times = Counter(labels)
    taken = set(times)
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: count(1))
    names = {}
    for node, label in zip(order, labels):
        name = label
        if not label or times[label] > 1:
            stem, digits = (label, subscript) if label else ("v", str)
            name = next(n for k in numbers[stem] if (n := stem + digits(k)) not in taken)
            taken.add(name)
        names[node] = name
    return names


def quote_unless_name(label: str) -> str:
    """A label as one short piece of text, in quotes if it does not look like a name."""
    text = cut(printable(label), MAX_LABEL_LENGTH)
    return text if re.fullmatch(r"[^\W\d][\w.,'′…]*(\[[\w,]+\])?", text) else f'"{text}"'


def cut(text: str, max_length: int) -> str:
    """Text whose end is replaced by an ellipsis where it is too long."""
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def subscript(number: int) -> str:
    """A number in small digits below the line."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
