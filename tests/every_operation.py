"""What tests of every operation of the table use: its operands, and its function on them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import strategies as st

from tinygrad_lin import TABLE
from tinygrad_lin.check.strategies import operands
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable


OPERATIONS = list(TABLE.values())
INF, NAN = math.inf, math.nan
per_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: operation.name
)


def apply(operation: Operation, numbers: list[Any]) -> Any:
    """The row's function on operands in a flat list."""
    return FUNCTIONS[operation.name](*operation.grouped(numbers))


def smooth_points(operation: Operation) -> st.SearchStrategy[list[float]]:
    """Operands well inside the domain, away from any corner."""

    def clear(numbers: list[float]) -> bool:
        return not operation.smooth or min(map(abs, numbers)) > 1e-3 < abs(
            numbers[0] - sum(numbers[1:], start=0.0)
        )

    return operands(operation.name, plain=True).filter(clear)


def of_scalars(operation: Operation) -> Callable[..., Any]:
    """The row as a function of scalars, for the checker."""

    def f(*numbers: Any) -> Any:
        return apply(operation, list(numbers))

    return f
