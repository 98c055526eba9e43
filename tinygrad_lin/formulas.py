"""How the formulas of the table are read.

A formula is text. A :class:`Reader` turns it into a function by giving each name in it the meaning
that it has for one kind of number; a sum over starred operands becomes a loop over sequences.
"""

from __future__ import annotations

import math

from tinygrad_lin.ops import TABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from tinygrad_lin.operation import Operation


class Reader:
    """Reads formulas: gives every name in them the meaning that it has for one kind of number."""

    def __init__(self, meanings: dict[str, Any]) -> None:
        self.meanings = meanings
        self._read: dict[tuple[str, str], Callable[..., Any]] = {}

    def __call__(self, formula: str, names: str) -> Callable[..., Any]:
        """The formula as a function of the comma-separated names."""
        key = formula, names
        if key not in self._read:
            # The text comes from the table.
            self._read[key] = eval(f"lambda {names}: {formula}", self.meanings)  # nosec B307
        return self._read[key]

    def value(self, operation: Operation, operands: Sequence[Any]) -> Any:
        """The value of an operation, its operands in a flat list."""
        formula = expand_sums(operation, operation.formula)
        return self(formula, ", ".join(operation.parameters))(*operation.grouped(operands))

    def local_derivatives(
        self, operation: Operation, operands: Sequence[Any], out: Any
    ) -> Iterator[tuple[str, Callable[..., Any], list[Any]]]:
        """For each operand its name, the formula of its local derivative, and its arguments."""
        arguments = [*operation.grouped(operands), out]
        many = operation.many
        names = ", ".join((*operation.parameters, "out"))
        for x, parameter, partial in zip(
            operation.operands, operation.parameters, operation.partials
        ):
            formula = expand_sums(operation, partial)
            if x == parameter:
                yield x, self(formula, names), arguments
            else:
                term = self(formula, f"{names}, {', '.join(many)}")
                for k, each in enumerate(zip(*arguments[: len(many)])):
                    yield f"{parameter}[{k}]", term, [*arguments, *each]


FLOATS = Reader({**vars(math)})
"""Formulas read with floats. Every row that is not a function of math brings its own formula."""


def give_meaning(operation: Operation) -> None:
    """Let the formulas of other rows call an operation by its name."""
    if not operation.variadic and not operation.is_math_function:
        names = ", ".join(operation.operands)
        FLOATS.meanings[operation.name] = FLOATS(operation.formula, names)


for _operation in TABLE.values():
    give_meaning(_operation)


def expand_sums(operation: Operation, formula: str) -> str:
    """A formula with its sums written as Python's, over the sequences xs, ys, ...

    >>> expand_sums(TABLE["dot"], TABLE["dot"].formula)
    'sum([x * y for x, y, in zip(xs, ys)]) + bias'
    """
    for x in operation.many:
        formula = formula.replace(f"sum[{x}]", f"sum({x}s)")
    return formula.replace("sum[", "sum([").replace("]", f" {terms_loop(operation)}])")


def terms_loop(operation: Operation) -> str:
    """The loop over the terms of a sum: x stands for each of xs, y for each of ys."""
    many = operation.many
    return f"for {', '.join(many)}, in zip({', '.join(operation.parameters[: len(many)])})"


def all_local_derivatives(operation: Operation) -> str:
    """One formula for the tuple of all local derivatives of a row with starred operands.

    It is in terms of the sequences xs, ys, ... of n numbers each.

    >>> all_local_derivatives(TABLE["dot"])
    '(*ys, *xs, 1.0, )'
    """

    def spread(operand: str, partial: str) -> str:
        if not operand.startswith("*"):
            return f"{expand_sums(operation, partial)}, "
        if partial in operation.many:
            return f"*{partial}s, "
        if partial.lstrip("-").replace(".", "", 1).isdecimal():
            return f"*[{partial}] * n, "
        return f"*[{expand_sums(operation, partial)} {terms_loop(operation)}], "

    return f"({''.join(map(spread, operation.operands, operation.partials))})"


def describe(operation: Operation) -> str:
    """The docstring of an operation's function."""
    derivatives = "; ".join(
        f"d {operation.name} / d {operand.lstrip('*')} = {partial}"
        for operand, partial in zip(operation.operands, operation.partials)
    )
    domain = f"\n\nDefined where {operation.defined}." if operation.defined else ""
    return f"{operation.formula}\n\nLocal derivatives: {derivatives}.{domain}"
