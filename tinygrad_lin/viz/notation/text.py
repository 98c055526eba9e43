"""Numbers and formulas as text.

A symbol is a number together with how it is written. Computing with symbols computes and writes at
once, so that of ``a if condition else b`` the branch that is taken is the one that is written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from tinygrad_lin.formulas import FLOATS, Reader, all_local_derivatives, expand_sums
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import TABLE
from tinygrad_lin.value import Value

PRECISION = 4
MAX_SUMMANDS = 6
"""A longer sum is written with its middle left out."""

SUM, PRODUCT, POWER, ATOM = range(4)
"""How strongly a text binds: text that binds less than its place requires is put in brackets."""
OPERATORS = {
    "__add__": ("{x} + {y}", SUM),
    "__sub__": ("{x} - {y}", SUM),
    "__mul__": ("{x} · {y}", PRODUCT),
    "__truediv__": ("{x} / {y}", PRODUCT),
    "__mod__": ("{x} mod {y}", PRODUCT),
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
    def apply(cls, operation: Operation, *operands: Symbol | float) -> Symbol:
        """The result of an operation."""
        symbols = [o if isinstance(o, Symbol) else cls.number(o) for o in operands]
        if operation.special == "__pow__" and operands[1] == 1.0:  # nobody writes x^1
            return symbols[0]
        template = cls.template(operation)
        texts = {
            name: symbol.text
            if name in delimited(template) or symbol.fits(operation, place)
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
        symbols = [o if isinstance(o, Symbol) else cls.number(o) for o in operands]
        data = compute_or_nan(FLOATS.meanings[name], *(symbol.data for symbol in symbols))
        return cls(data, f"{cls.function.format(name)}({', '.join(s.text for s in symbols)})")

    @classmethod
    def sum(cls, summands: Sequence[Symbol | float]) -> Symbol:
        """A sum of any number of terms."""
        symbols = [s if isinstance(s, Symbol) else cls.number(s) for s in summands]
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
        needed = OPERATORS.get(special, ("", ATOM))[1]
        if special == "__pow__" or (place and special in ("__sub__", "__truediv__", "__mod__")):
            needed += 1
        after_a_sign = place or special == "__neg__"
        return self.binding >= needed and not (after_a_sign and self.text.startswith("-"))

    @staticmethod
    def digits(number: float) -> str:
        """A number in the digits that are shown."""
        return f"{number + 0.0:.{PRECISION}g}"  # adding 0.0 turns -0.0 into 0.0

    @staticmethod
    def template(operation: Operation) -> str:
        """How an operation is written, with its operands' names in braces."""
        if operation.special:
            return OPERATORS[operation.special][0]
        return f"{operation.name}({', '.join(f'{{{x}}}' for x in operation.operands)})"

    def __lt__(self, other: Symbol | float) -> bool:
        return self.data < number_of(other)

    def __le__(self, other: Symbol | float) -> bool:
        return self.data <= number_of(other)

    def __gt__(self, other: Symbol | float) -> bool:
        return self.data > number_of(other)

    def __ge__(self, other: Symbol | float) -> bool:
        return self.data >= number_of(other)

    def __bool__(self) -> bool:
        return self.data != 0.0

    def __float__(self) -> float:  # a user's formula may call functions of Python
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


def number_of(symbol: Symbol | float) -> float:
    """The number of a symbol, or a number itself."""
    return symbol.data if isinstance(symbol, Symbol) else symbol


def compute_or_nan(function: Callable[..., Any], *numbers: Any) -> float:
    """A function's result; NaN outside its domain, where an infinite derivative may be written."""
    try:
        return float(function(*numbers))
    except (ArithmeticError, ValueError):
        return math.nan


@cache
def delimited(template: str) -> frozenset[str]:
    """The operands that a template itself puts between delimiters: they need no brackets."""
    return frozenset(re.findall(r"[({|,]\s*\{(\*?\w+)\}(?=\s*(?:[)}|,]|\\right))", template))


def symbols_reader(kind: type[Symbol]) -> Reader:
    """A reader of formulas that knows the operations of the table as it is now."""

    def apply(operation: Operation) -> Callable[..., Symbol]:
        return lambda *operands: kind.apply(operation, *operands)

    def call(name: str) -> Callable[..., Symbol]:
        return lambda *operands: kind.call(name, *operands)

    meanings = {
        name: call(name) if callable(value) else value
        for name, value in list(FLOATS.meanings.items())
        if not name.startswith("__")
    }
    operations = {name: apply(operation) for name, operation in TABLE.items()}
    return Reader({**meanings, **operations, "sum": kind.sum})


class FormulaWriter:
    """Writes formulas of nodes with one kind of symbol."""

    def __init__(self, kind: type[Symbol]) -> None:
        self.kind = kind
        self._read = symbols_reader(kind)

    def value(self, node: Value, symbol: Callable[[Value], Symbol]) -> Symbol:
        """The formula of a node's operation, with a symbol for every operand."""
        operation, arguments, n = self._arguments(node, symbol)
        names = ", ".join(operation.parameters)
        if operation.variadic:
            formula = self._read(expand_sums(operation, operation.formula), f"{names}, n")
            return self._symbol(formula(*arguments, n))
        return self._symbol(self._read(operation.formula, names)(*arguments))

    def partials(self, node: Value, symbol: Callable[[Value], Symbol]) -> list[Symbol]:
        """The formulas of a node's local derivatives, one for each of its inputs.

        Constants are plain numbers in them, so that a part made of constants alone is computed.
        """
        operation, arguments, n = self._arguments(node, symbol)
        names = ", ".join((*operation.parameters, "out"))
        if operation.variadic:
            formula = self._read(all_local_derivatives(operation), f"{names}, n")
            local = formula(*arguments, symbol(node), n)
            found = [d for d, operand in zip(local, node.operands) if isinstance(operand, Value)]
        else:
            found = [
                self._read(partial, names)(*arguments, symbol(node))
                for partial, operand in zip(operation.partials, node.operands)
                if isinstance(operand, Value)
            ]
        return [self._symbol(local) for local in found]

    def _symbol(self, found: Symbol | float) -> Symbol:
        return found if isinstance(found, Symbol) else self.kind.number(found)

    def _arguments(
        self, node: Value, symbol: Callable[[Value], Symbol]
    ) -> tuple[Operation, list[Any], int]:
        """A node's operation, its arguments as symbols, and the length of those that are lists."""
        operation = node.operation
        assert operation is not None, "a leaf has no formula"
        operands: list[Any] = [symbol(o) if isinstance(o, Value) else o for o in node.operands]
        arguments = operation.grouped(operands)
        return operation, arguments, len(arguments[0]) if operation.variadic else 1
