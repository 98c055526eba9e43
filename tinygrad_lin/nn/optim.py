"""How the gradient becomes a step, and how large the step may be."""

from __future__ import annotations

import math
from numbers import Real
from typing import TYPE_CHECKING, Protocol

import numpy

from tinygrad_lin.errors import DataError, OperandError
from tinygrad_lin.reverse import hessian
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Optimizer(Protocol):
    """What :func:`tinygrad_lin.fit` needs of an optimizer."""

    parameters: list[Value]
    lr: float

    def step(self) -> None:
        """Change the parameters according to their ``grad``."""


def is_real(setting: object) -> bool:
    """Whether a setting is one real number, and no truth value."""
    return isinstance(setting, Real) and not isinstance(setting, bool)


class SGD:
    """Gradient descent: w -= lr * dC/dw.

    Args:
        parameters: leaves, such as ``model.parameters()``.
        lr: the learning rate, above 0.

    Raises:
        DataError: the learning rate is not a number above 0.
        OperandError: a parameter is not a leaf.

    >>> w = Value(1.0, "w")
    >>> (w * w).backward()
    >>> SGD([w], lr=0.1).step()
    >>> w.data
    0.8
    """

    def __init__(self, parameters: Iterable[Value], lr: float) -> None:
        self.parameters = list(parameters)
        for parameter in self.parameters:
            if not isinstance(parameter, Value) or parameter.op is not None:
                raise OperandError(
                    f"a parameter is a leaf, a Value made by hand: {parameter!r:.60}"
                )
        if not is_real(lr) or not 0 < lr < math.inf:
            raise DataError(f"the learning rate must be above 0 and finite, not {lr!r}")
        self.lr = lr

    def step(self) -> None:
        """Go one step downhill."""
        for parameter in self.parameters:
            parameter._data -= self.lr * parameter.grad


def learning_rate_limit(cost: Value, parameters: Sequence[Value]) -> float:
    """The learning rate at which gradient descent begins to diverge: 2 / λmax.

    λmax is the largest eigenvalue of the Hessian of the cost. Below the limit every step shrinks
    the error along each eigenvector by a factor 1 - lr·λ of size under 1, where the cost is
    quadratic; elsewhere it holds near a minimum. Infinite where the cost curves nowhere upwards.

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
