"""Numerical derivatives that come with an estimate of their own error.

Ridders' method takes differences with ever smaller steps and extrapolates them to step 0. The most
consistent entry of the tableau is the answer, and the distance to its neighbours is the estimate of
its error. Rounding is added: the largest value seen, times the resolution of floats, over the step.

C. J. F. Ridders, Advances in Engineering Software 4 (1982) 75-76.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_lin.errors import OperandError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Quotient: TypeAlias = tuple[float, float]
    """An entry of the tableau: a derivative, and how far rounding may have moved it."""

SHRINK = 1.6
MAX_STEPS = 24
SUBNORMAL = 2.0**-1072
"""Numbers below 2^-1022 lose digits: this is added to the rounding of every value."""
SAFETY = 4.0
"""Neighbours in the tableau may be wrong in the same way, as they are at a jump of f''."""
RESOLUTION = 2.0**-51


class NumericalDerivative(NamedTuple):
    """A derivative found by numbers.

    Attributes:
        value: the derivative.
        error: how far from the truth it may be, by its own estimate.
        step: the smallest step it was made of.
    """

    value: float
    error: float
    step: float


def derivative(
    f: Callable[[float], float], x: float, max_step: float, side: int = 0, scale: float = 0.0
) -> NumericalDerivative:
    """The derivative of f at x; its error is infinite where f has no values to work with.

    Args:
        f: a function of one number; where it has no value it may raise a ValueError or an
            ArithmeticError, or give NaN.
        x: where.
        max_step: the largest step, above 0.
        side: 0 for central differences, 1 or -1 for those to the right or to the left.
        scale: the size of the numbers that f computes with, if they are larger than its values:
            log(1 + x) is 0 for a tiny x, and its rounding is that of 1.

    >>> value, error, step = derivative(math.exp, 1.0, max_step=0.1)
    >>> abs(value - math.e) < error < 1e-10
    True
    """
    best = NumericalDerivative(math.nan, math.inf, math.nan)
    coarser: list[Quotient] = []
    step = max_step
    for _ in range(MAX_STEPS):
        quotient = difference_quotient(f, x, step, side, scale)
        if quotient is None:
            coarser = []
        elif quotient[1] > best.error:
            break  # With smaller steps the rounding only grows.
        else:
            ratio = SHRINK if side else SHRINK * SHRINK
            coarser, best = extrapolate(quotient, coarser, ratio, step, best)
        step /= SHRINK
    return best


def difference_quotient(
    f: Callable[[float], float], x: float, step: float, side: int, scale: float
) -> Quotient | None:
    """One difference over the distance of its two points; None where f has no value at one."""
    above = x + step if side >= 0 else x
    below = x - step if side <= 0 else x
    high, low = value_at(f, above), value_at(f, below)
    if not (math.isfinite(high) and math.isfinite(low)) or above == below:
        return None
    rounding = RESOLUTION * max(abs(high), abs(low), scale) + SUBNORMAL
    return (high - low) / (above - below), rounding / (above - below)


def extrapolate(
    quotient: Quotient,
    coarser: list[Quotient],
    ratio: float,
    step: float,
    best: NumericalDerivative,
) -> tuple[list[Quotient], NumericalDerivative]:
    """The next line of the tableau from the one with larger steps, and the best entry so far.

    Each entry cancels one more power of the step, which is `ratio` times smaller than before.
    """
    derivative, rounding = quotient
    line = [quotient]
    factor = ratio
    for other, other_rounding in coarser:
        extrapolated = derivative + (derivative - other) / (factor - 1.0)
        rounding += (rounding + other_rounding) / (factor - 1.0)
        distance = max(abs(extrapolated - derivative), abs(extrapolated - other))
        error = SAFETY * distance + rounding
        derivative = extrapolated
        line.append((derivative, rounding))
        factor *= ratio
        if error <= best.error:
            best = NumericalDerivative(derivative, error, step)
    return line, best


def value_at(f: Callable[[float], float], x: float) -> float:
    """The value of f at x, NaN where it has none."""
    try:
        return f(x)
    except (ValueError, ArithmeticError, OperandError):  # (-8.0) ** 0.5 is a complex operand.
        return math.nan
