"""Formulas of the table of derivatives, written with a node's operands: their names or numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_lin.ops import FLOATS, TABLE, Reader, over_sequences
from tinygrad_lin.value import Value
from tinygrad_lin.viz.notation.text import Symbol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tinygrad_lin.ops import Operation


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
            formula = self._read(over_sequences(operation)[0], f"{names}, n")
            return self._symbol(formula(*arguments, n))
        return self._symbol(self._read(operation.formula, names)(*arguments))

    def partials(self, node: Value, symbol: Callable[[Value], Symbol]) -> list[Symbol]:
        """The formulas of a node's local derivatives, one for each of its inputs.

        Constants are plain numbers in them, so that a part made of constants alone is computed.
        """
        operation, arguments, n = self._arguments(node, symbol)
        names = ", ".join((*operation.parameters, "out"))
        if operation.variadic:
            formula = self._read(over_sequences(operation)[1], f"{names}, n")
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
