"""The formulas of the table as a person writes them, with names or numbers put in.

A symbol is a number together with how it is written. Reading a formula with symbols computes and
writes at once, so that of ``a if condition else b`` the branch that is taken gets written.
"""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from tinygrad_lin.ops import FLOATS, TABLE, Reader, over_sequences
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinygrad_lin.ops import Operation

PRECISION = 4
MOST_SUMMANDS = 6  # of a sum over many operands; more are left out in the middle

SUM, PRODUCT, POWER, ATOM = range(4)
"""How strongly a text binds: what binds less than its place asks for is put in brackets."""
OPERATORS = {
    "__add__": ("{x} + {y}", SUM),
    "__sub__": ("{x} - {y}", SUM),
    "__mul__": ("{x} · {y}", PRODUCT),
    "__truediv__": ("{x} / {y}", PRODUCT),
    "__neg__": ("-{x}", PRODUCT),
    "__pow__": ("{x}^{y}", POWER),
}
"""How text writes Python's operators."""
BY_OPERATOR = {row.special: row for row in TABLE.values() if row.special}


class Symbol:
    """A number and how text writes it."""

    __slots__ = ("binding", "data", "text")

    def __init__(self, data: float, text: str, binding: int = ATOM) -> None:
        self.data: float = data
        self.text: str = text
        self.binding: int = binding

    @classmethod
    def number(cls, data: float) -> Symbol:
        """A number, written as such."""
        text = cls.digits(data)
        return cls(data, text, PRODUCT if text.startswith("-") else ATOM)

    @classmethod
    def apply(cls, row: Operation, *operands: Symbol | float) -> Symbol:
        """What a row makes of its operands."""
        symbols = [o if isinstance(o, Symbol) else cls.number(o) for o in operands]
        if row.special == "__pow__" and operands[1] == 1.0:  # nobody writes a first power
            return symbols[0]
        template = cls.template(row)
        texts = {
            name: symbol.text
            if name in delimited(template) or symbol.fits(row, place)
            else cls.brackets(symbol.text)
            for place, (name, symbol) in enumerate(zip(row.operands, symbols))
        }
        binding = OPERATORS.get(row.special, ("", ATOM))[1]
        formula = FLOATS(row.formula, ", ".join(row.operands))
        data = computed(formula, *(symbol.data for symbol in symbols))
        return cls(data, template.format(**texts), binding)

    @classmethod
    def call(cls, name: str, *operands: Symbol | float) -> Symbol:
        """What a function of math that is no row makes of its operands."""
        symbols = [o if isinstance(o, Symbol) else cls.number(o) for o in operands]
        data = computed(FLOATS.meanings[name], *(symbol.data for symbol in symbols))
        return cls(data, f"{cls.function(name)}({', '.join(s.text for s in symbols)})")

    @classmethod
    def sum(cls, summands: Sequence[Symbol | float]) -> Symbol:
        """A sum over many."""
        symbols = [s if isinstance(s, Symbol) else cls.number(s) for s in summands]
        if not symbols:
            return cls.number(0.0)
        texts = [s.text if s.text[:1] != "-" or not k else cls.brackets(s.text)
                 for k, s in enumerate(symbols)]  # fmt: skip
        if len(texts) > MOST_SUMMANDS:
            texts[MOST_SUMMANDS // 2 : -1] = [cls.dots()]
        data = computed(sum, [symbol.data for symbol in symbols])
        return cls(data, " + ".join(texts), SUM if len(texts) > 1 else symbols[0].binding)

    def fits(self, row: Operation, place: int) -> bool:
        """Whether it can stand among a row's operands without brackets."""
        needed = OPERATORS.get(row.special, ("", ATOM))[1]
        if row.special == "__pow__" or (place and row.special in ("__sub__", "__truediv__")):
            needed += 1
        after_a_sign = place or row.special == "__neg__"
        return self.binding >= needed and not (after_a_sign and self.text.startswith("-"))

    @staticmethod
    def digits(number: float) -> str:
        """The digits that are shown of a number."""
        return f"{number + 0.0:.{PRECISION}g}"  # and not -0

    @staticmethod
    def template(row: Operation) -> str:
        """How a row is written."""
        if row.special:
            return OPERATORS[row.special][0]
        return f"{row.name}({', '.join(f'{{{x}}}' for x in row.operands)})"

    @staticmethod
    def function(name: str) -> str:
        """How a function of math is written."""
        return name

    @staticmethod
    def brackets(text: str) -> str:
        """Text in brackets."""
        return f"({text})"

    @staticmethod
    def dots() -> str:
        """The sign of an omission."""
        return "…"

    def __lt__(self, other: Symbol | float) -> bool:
        return self.data < plain(other)

    def __le__(self, other: Symbol | float) -> bool:
        return self.data <= plain(other)

    def __gt__(self, other: Symbol | float) -> bool:
        return self.data > plain(other)

    def __ge__(self, other: Symbol | float) -> bool:
        return self.data >= plain(other)

    def __bool__(self) -> bool:
        return self.data != 0.0

    def __float__(self) -> float:  # for functions of Python that a user's formula may use
        return self.data

    def __int__(self) -> int:
        return int(self.data)


class TexSymbol(Symbol):
    """A number and how TeX writes it."""

    __slots__ = ()

    @staticmethod
    def digits(number: float) -> str:
        """The digits that are shown of a number."""
        if math.isnan(number):
            return r"\mathrm{NaN}"
        if math.isinf(number):
            return r"\infty" if number > 0 else r"-\infty"
        digits, _, exponent = Symbol.digits(number).partition("e")
        return rf"{digits} \times 10^{{{int(exponent)}}}" if exponent else digits

    @staticmethod
    def template(row: Operation) -> str:
        """How a row is written."""
        return row.tex

    @staticmethod
    def function(name: str) -> str:
        """How a function of math is written."""
        return rf"\operatorname{{{name}}}"

    @staticmethod
    def brackets(text: str) -> str:
        """Text in brackets."""
        return rf"\left({text}\right)"

    @staticmethod
    def dots() -> str:
        """The sign of an omission."""
        return r"\dots"


def written_with(row: Operation) -> tuple[Callable[..., Symbol], Callable[..., Symbol]]:
    """A row as methods of a symbol: its operator, and that operator reflected."""

    def method(self: Symbol, *others: Symbol | float) -> Symbol:
        return self.apply(row, self, *others)

    def reflected(self: Symbol, other: float) -> Symbol:
        return self.apply(row, other, self)

    return method, reflected


for _row in BY_OPERATOR.values():
    _method, _reflected = written_with(_row)
    setattr(Symbol, _row.special, _method)
    setattr(Symbol, _row.special.replace("__", "__r", 1), _reflected)


def plain(given: Symbol | float) -> float:
    """The number in a symbol, or the number itself."""
    return given.data if isinstance(given, Symbol) else given


def computed(function: Callable[..., Any], *numbers: Any) -> float:
    """What a function gives, NaN outside its domain (where an infinite slope may be written)."""
    try:
        return float(function(*numbers))
    except (ArithmeticError, ValueError):
        return math.nan


@cache
def delimited(template: str) -> frozenset[str]:
    """The operands that need no brackets where a template puts them."""
    return frozenset(re.findall(r"[({|,]\s*\{(\*?\w+)\}(?=\s*(?:[)}|,]|\\right))", template))


def symbols_reader(kind: type[Symbol]) -> Reader:
    """A reader of formulas that knows the rows of the table as it is now."""

    def of_row(row: Operation) -> Callable[..., Symbol]:
        return lambda *operands: kind.apply(row, *operands)

    def of_math(name: str) -> Callable[..., Symbol]:
        return lambda *operands: kind.call(name, *operands)

    meanings = {
        name: of_math(name) if callable(value) else value
        for name, value in list(FLOATS.meanings.items())
        if not name.startswith("__")
    }
    rows = {name: of_row(row) for name, row in TABLE.items()}
    return Reader({**meanings, **rows, "sum": kind.sum})


class Writer:
    """Writes formulas of nodes with one kind of symbol."""

    def __init__(self, kind: type[Symbol]) -> None:
        self.kind = kind
        self._read = symbols_reader(kind)

    def value(self, node: Value, symbol: Callable[[Value], Symbol]) -> Symbol:
        """The formula of a node's operation, with a symbol for every operand."""
        row, arguments, n = self._arguments(node, symbol)
        names = ", ".join(row.parameters)
        if row.variadic:
            return self._symbol(self._read(over_sequences(row)[0], f"{names}, n")(*arguments, n))
        return self._symbol(self._read(row.formula, names)(*arguments))

    def partials(self, node: Value, symbol: Callable[[Value], Symbol]) -> list[Symbol]:
        """The formula of the local derivative on each edge from a node to its inputs.

        Constants are plain numbers in it, so that what they alone make is computed.
        """
        row, arguments, n = self._arguments(node, symbol)
        names = ", ".join((*row.parameters, "out"))
        if row.variadic:
            formula = self._read(over_sequences(row)[1], f"{names}, n")
            local = formula(*arguments, symbol(node), n)
            found = [d for d, operand in zip(local, node.operands) if isinstance(operand, Value)]
        else:
            found = [
                self._read(partial, names)(*arguments, symbol(node))
                for partial, operand in zip(row.partials, node.operands)
                if isinstance(operand, Value)
            ]
        return [self._symbol(local) for local in found]

    def _symbol(self, found: Symbol | float) -> Symbol:
        return found if isinstance(found, Symbol) else self.kind.number(found)

    def _arguments(
        self, node: Value, symbol: Callable[[Value], Symbol]
    ) -> tuple[Operation, list[Any], int]:
        """The row of a node, its arguments as symbols, and how long those are that are lists."""
        row = node.operation
        assert row is not None, "a leaf has no formula"
        operands: list[Any] = [symbol(o) if isinstance(o, Value) else o for o in node.operands]
        arguments = row.grouped(operands)
        return row, arguments, len(arguments[0]) if row.variadic else 1
