"""How far predictions are from the truth, as one number to make small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_lin.errors import DataError
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.scopes import scope
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_lin.value import Number


def mse(predictions: Sequence[Value], targets: Sequence[Value | Number]) -> Value:
    """The mean squared error, mean((y - a)²).

    Raises:
        DataError: there are not as many predictions as targets, or none at all.

    >>> mse([Value(1.0), Value(4.0)], [2.0, 7.0]).data
    5.0
    """
    with scope("loss"):
        return mean_of_squares(predictions, targets)


def half_mse(predictions: Sequence[Value], targets: Sequence[Value | Number]) -> Value:
    """The cost C = MSE / 2, whose derivative has no factor of 2.

    Raises:
        DataError: as :func:`mse`.

    >>> half_mse([Value(1.0), Value(4.0)], [2.0, 7.0]).data
    2.5
    """
    with scope("loss"):
        cost = mean_of_squares(predictions, targets) / 2.0
        if isinstance(cost, Value):
            cost.label = "C"
        return cost


def mean_of_squares(predictions: Sequence[Value], targets: Sequence[Value | Number]) -> Value:
    """The mean of the squared errors, whatever scope it is in."""
    if len(predictions) != len(targets):
        raise DataError(f"{len(predictions)} predictions do not match {len(targets)} targets")
    if len(targets) == 0:
        raise DataError("the mean of no errors is not defined: give at least one point")
    errors = [(y - a) ** 2 for a, y in zip(predictions, targets)]
    mean: Value = FUNCTIONS["total"](errors) / len(errors)
    if isinstance(mean, Value):
        mean.label = "MSE"
    return mean
