"""The boundaries of domains: what an operation does there, and the errors that explain it.

A value that does not exist is a DomainError. A local derivative may be infinite, as that of sqrt at
0 is; one that does not exist at all is an error only for a Value, since a constant needs none.
"""

from __future__ import annotations

import math
from math import isnan, nan

from tinygrad_lin.errors import DomainError
from tinygrad_lin.formulas import FLOATS, Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from tinygrad_lin.operation import Operation
    from tinygrad_lin.value import Value

MAX_OPERANDS_SHOWN = 4
"""How many operands an error shows."""


class NumpyMeanings(dict[str, object]):
    """The meanings of names for floats, with NumPy's functions in the place of those of math."""

    def __missing__(self, name: str) -> Any:
        import numpy

        meaning = FLOATS.meanings[name]
        return getattr(numpy, name, meaning) if vars(math).get(name) is meaning else meaning


IEEE = Reader(NumpyMeanings())
"""Like the float reader, but with NumPy's functions, which follow IEEE 754 instead of raising."""


def value_at(operation: Operation, operands: Sequence[Value | float]) -> float:
    """The value of an operation.

    Raises:
        DomainError: it has none there.
    """
    try:
        return float(FLOATS.value(operation, numbers_in(operands)))
    except (ArithmeticError, ValueError) as error:
        error.__traceback__ = None  # As the context of ours, it would keep the graph alive.
        problem = "overflows a float" if isinstance(error, OverflowError) else "has no value"
        positions = failing_terms(operation, operands)
        raise domain_error(operation, operands, problem, positions) from None


def local_derivatives_at(
    operation: Operation, operands: Sequence[Value | float], out: float
) -> list[float]:
    """The local derivative of an operation by each of its operands that is a Value.

    Raises:
        DomainError: there is none.
    """
    partials = []
    formulas = FLOATS.local_derivatives(operation, numbers_in(operands), out)
    for position, (operand, (_, formula, arguments)) in enumerate(zip(operands, formulas)):
        if isinstance(operand, float):
            continue
        try:
            partials.append(formula(*arguments))
        except (ArithmeticError, ValueError) as error:
            error.__traceback__ = None  # It would keep the graph alive.
            partials.append(derivative_at_boundary(operation, operands, out, position))
    return partials


def derivative_at_boundary(
    operation: Operation, operands: Sequence[Value | float], out: float, position: int
) -> float:
    """A local derivative that Python's floats cannot compute, as IEEE 754 has it.

    Raises:
        DomainError: it is not a number there, although all operands are.
    """
    import numpy

    numbers = numbers_in(operands)
    scalars = [numpy.float64(x) for x in numbers]
    formulas = list(IEEE.local_derivatives(operation, scalars, numpy.float64(out)))
    name, formula, arguments = formulas[position]
    try:
        with numpy.errstate(all="ignore"):
            partial = float(formula(*arguments))
    except (ArithmeticError, ValueError):  # The formula calls a function that NumPy has not.
        partial = nan
    if isnan(partial) and not any(map(isnan, (*numbers, out))):
        problem = f"has no derivative with respect to {name} (a Value needs one, a number does not)"
        raise domain_error(operation, operands, problem, [position] if operation.variadic else ())
    return partial


def failing_terms(operation: Operation, operands: Sequence[Value | float]) -> list[int]:
    """The positions of those operands in sequences that have no value even by themselves."""
    if not operation.variadic:
        return []
    many = len(operation.many)
    arguments = operation.grouped(numbers_in(operands))
    positions = []
    for k, term in enumerate(zip(*arguments[:many])):
        try:
            FLOATS.value(operation, [*term, *arguments[many:]])
        except (ArithmeticError, ValueError):
            positions += [k + column * len(arguments[0]) for column in range(many)]
    return sorted(positions)


def domain_error(
    operation: Operation,
    operands: Sequence[Value | float],
    problem: str,
    positions: Sequence[int] = (),
) -> DomainError:
    """The error that says where an operation failed, and what would be allowed.

    It shows the operands at the positions given, or all; of many only the first few.
    """
    numbers = numbers_in(operands)
    names = [name for name, *_ in FLOATS.local_derivatives(operation, numbers, nan)]
    positions = positions or range(len(operands))
    listing = []
    for position in positions[:MAX_OPERANDS_SHOWN]:
        label = getattr(operands[position], "label", "")
        suffix = f" ({label!r})" if label else ""
        listing.append(f"{names[position]} = {numbers[position]!r}{suffix}")
    given = ", ".join(listing) + (", ..." if len(positions) > MAX_OPERANDS_SHOWN else "")
    rule = f"; it is defined where {operation.defined}" if operation.defined else ""
    parameters = ", ".join(operation.parameters)
    return DomainError(f"{operation.name}({parameters}) {problem} at {given}{rule}")


def numbers_in(operands: Sequence[Value | float]) -> list[float]:
    """The numbers in Values, and the numbers themselves."""
    return [x if isinstance(x, float) else x.data for x in operands]
