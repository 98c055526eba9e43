"""Numerical derivatives that come with an estimate of their own error.

Ridders' method: differences with ever smaller steps, extrapolated to step 0; the most consistent
entry of the tableau is the answer, and how far its neighbours are from it is the estimate. Rounding
is added to that: the largest value seen, times the resolution of floats, over the step.

C. J. F. Ridders, Advances in Engineering Software 4 (1982) 75-76.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_lin.errors import OperandError

if TYPE_CHECKING:
    from collections.abc import Callable

SHRINK = 1.6
ROUNDS = 24
SUBNORMAL = 2.0**-1072  # numbers below 2^-1022 lose digits
SAFETY = 4.0  # neighbours in the tableau may be wrong in the same way, as at a jump of f''
RESOLUTION = 2.0**-51


class Difference(NamedTuple):
    """A numerical derivative.

    Attributes:
        value: the derivative.
        error: how far from the truth it may be, by its own estimate.
        step: the smallest step it was made of.
    """

    value: float
    error: float
    step: float


def derivative(
    f: Callable[[float], float], x: float, reach: float, side: int = 0, scale: float = 0.0
) -> Difference:
    """The derivative of f at x.

    Args:
        f: a function of one number; where it has no value it may raise a ValueError or an
            ArithmeticError, or give NaN.
        x: where.
        reach: the largest step, above 0.
        side: 0 for central differences, 1 or -1 for those to the right or to the left.
        scale: how large the numbers are that f computes with, if they are larger than its values:
            log(1 + x) is 0 for a tiny x, and its rounding is that of 1.

    The error is infinite where f has no values to work with.

    >>> value, error, step = derivative(math.exp, 1.0, reach=0.1)
    >>> abs(value - math.e) < error < 1e-10
    True
    """
    best = Difference(math.nan, math.inf, math.nan)
    previous: list[tuple[float, float]] = []  # with larger steps: slopes, and their rounding
    power = SHRINK if side else SHRINK * SHRINK
    h = reach
    for _ in range(ROUNDS):
        above = x + h if side >= 0 else x
        below = x - h if side <= 0 else x
        high, low = value_at(f, above), value_at(f, below)
        if not (math.isfinite(high) and math.isfinite(low)) or above == below:
            previous = []
            h /= SHRINK
            continue
        slope = (high - low) / (above - below)
        rounding = (RESOLUTION * max(abs(high), abs(low), scale) + SUBNORMAL) / (above - below)
        if rounding > best.error:
            break  # with smaller steps it would only grow
        row = [(slope, rounding)]
        factor = power
        for coarser, coarser_rounding in previous:
            extrapolated = slope + (slope - coarser) / (factor - 1.0)
            rounding += (rounding + coarser_rounding) / (factor - 1.0)
            error = SAFETY * max(abs(extrapolated - slope), abs(extrapolated - coarser)) + rounding
            slope = extrapolated
            row.append((slope, rounding))
            factor *= power
            if error <= best.error:
                best = Difference(slope, error, h)
        previous = row
        h /= SHRINK
    return best


def value_at(f: Callable[[float], float], x: float) -> float:
    """The value of f at x, NaN where it has none."""
    try:
        return f(x)
    except (ValueError, ArithmeticError, OperandError):  # the last for (-8.0) ** 0.5 on the way
        return math.nan
