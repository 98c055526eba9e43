"""How the cost curves, and how large a learning rate that allows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy

from tinygrad_lin.errors import DataError
from tinygrad_lin.transforms import hessian

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_lin.value import Value


def learning_rate_limit(cost: Value, parameters: Sequence[Value]) -> float:
    """The learning rate at which gradient descent begins to diverge: 2 / λmax.

    λmax is the largest eigenvalue of the Hessian of the cost. Where the cost is quadratic, a step
    multiplies the error along an eigenvector by 1 - lr·λ, which shrinks it if the rate is below the
    limit; elsewhere that holds near a minimum. Infinite where the cost curves nowhere upwards.

    >>> from tinygrad_lin import Linear, half_mse
    >>> line = Linear()
    >>> cost = half_mse([line(2.0), line(4.0)], [19.0, 35.0])
    >>> round(learning_rate_limit(cost, line.parameters()), 5)
    0.18335
    """
    steepest = curvatures(cost, parameters)[-1]
    return 2.0 / steepest if steepest > 0.0 else math.inf


def curvatures(cost: Value, parameters: Sequence[Value]) -> list[float]:
    """The eigenvalues of the Hessian of the cost, from the smallest to the largest.

    Raises:
        DataError: there are no parameters.
    """
    if not parameters:
        raise DataError("the curvature of a cost is that by parameters: give at least one")
    eigenvalues: list[float] = numpy.linalg.eigvalsh(hessian(cost, parameters)).tolist()
    return eigenvalues
