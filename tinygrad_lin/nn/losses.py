"""How far predictions are from the truth, as one number to make small."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_lin.errors import DataError, short_repr
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.scopes import scope
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from tinygrad_lin._operands import Number

    Loss: TypeAlias = Callable[[list[Value], list[float]], Value]


def mse(predictions: Sequence[Value], targets: Sequence[Value | Number]) -> Value:
    """The mean squared error, mean((y - a)²).

    Raises:
        DataError: they are not sequences of numbers, not of the same length, or empty.

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
    """The mean of the squared errors, recorded in the scope that is open."""
    require_pairs(predictions, targets)
    return mean([(y - a) ** 2.0 for a, y in zip(predictions, targets)], "MSE")


def binary_cross_entropy(logits: Sequence[Value], targets: Sequence[Value | Number]) -> Value:
    """The mean of -log p, where p is the probability that a net gives to the true class.

    That is sigmoid(z) where the target is 1 and sigmoid(-z) where it is 0, and -log sigmoid(z) is
    softplus(-z), which neither overflows nor loses its digits however sure the net is.

    Args:
        logits: what the net gives, any number: above 0 where it believes in class 1.
        targets: 0 or 1.

    Raises:
        DataError: as :func:`mse`, or a target is neither 0 nor 1.

    >>> binary_cross_entropy([Value(0.0), Value(1000.0)], [1, 0]).data  # (log 2 + 1000) / 2
    500.34657359027995
    """
    classes = require_classes(0.0, 1.0, logits, targets)
    softplus = FUNCTIONS["softplus"]
    with scope("loss"):
        errors = [
            softplus((1.0 - 2.0 * y) * z if isinstance(y, Value) else -z if y else z)
            for z, y in zip(logits, classes)
        ]
        return mean(errors, "cross-entropy")


def hinge(logits: Sequence[Value], targets: Sequence[Value | Number]) -> Value:
    """The mean of max(0, 1 - yz), which is 0 for points on the right side by 1 or more.

    Args:
        logits: what the net gives, any number.
        targets: -1 or 1.

    Raises:
        DataError: as :func:`mse`, or a target is neither -1 nor 1.

    >>> hinge([Value(0.25), Value(3.0)], [-1, 1]).data  # (1.25 + 0) / 2
    0.625
    """
    classes = require_classes(-1.0, 1.0, logits, targets)
    relu = FUNCTIONS["relu"]
    with scope("loss"):
        return mean([relu(1.0 - z * y) for z, y in zip(logits, classes)], "hinge")


def require_pairs(predictions: Sequence[Value], targets: Sequence[Value | Number]) -> None:
    """Refuse predictions and targets that are not pairs of numbers."""
    for name, given in (("predictions", predictions), ("targets", targets)):
        if not hasattr(given, "__len__"):
            raise DataError(f"{name} is a sequence: give [x], not x = {short_repr(given)}")
        if len(given) and hasattr(given[0], "__len__") and getattr(given[0], "shape", None) != ():
            raise DataError(f"{name}[0] must be one number, not {short_repr(given[0])}")
    if len(predictions) != len(targets):
        raise DataError(f"{len(predictions)} predictions do not match {len(targets)} targets")
    if len(targets) == 0:
        raise DataError("the mean of no errors is not defined: give at least one point")


def require_classes(
    low: float, high: float, logits: Sequence[Value], targets: Sequence[Value | Number]
) -> list[Any]:
    """The targets, if each is one of two numbers; those that are Values stay Values."""
    require_pairs(logits, targets)
    for index, y in enumerate(targets):
        if (y.data if isinstance(y, Value) else y) not in (low, high):
            raise DataError(f"targets[{index}] must be {low:g} or {high:g}, not {short_repr(y)}")
    return [y if isinstance(y, Value) else float(y) for y in targets]


def mean(errors: list[Value], label: str) -> Value:
    """The mean of the errors, with a name for drawings."""
    result: Value = FUNCTIONS["total"](errors) / len(errors)
    if isinstance(result, Value):
        result.label = label
    return result
