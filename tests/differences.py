"""Numerical derivatives that come with an estimate of their own error (Ridders' method).

C. J. F. Ridders, Advances in Engineering Software 4 (1982) 75-76: central differences with ever
smaller steps, extrapolated to step 0; the tableau's most consistent entry is the answer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SHRINK = 1.6
ROUNDS = 12


def derivative(f: Callable[[float], float], x: float, room: float) -> tuple[float, float]:
    """The derivative of f at x and its estimated error; f is not asked further than room away."""
    h = room
    largest = 0.0
    best, error = math.nan, math.inf
    previous: list[float] = []
    for _ in range(ROUNDS):
        above, below = x + h, x - h
        values = f(above), f(below)
        largest = max(largest, *map(abs, values))
        rounding = 2.0**-51 * largest / h
        row = [(values[0] - values[1]) / (above - below)]
        factor = SHRINK**2
        for k, coarser in enumerate(previous):
            row.append((row[k] * factor - coarser) / (factor - 1.0))
            factor *= SHRINK**2
            estimate = max(abs(row[-1] - row[-2]), abs(row[-1] - coarser)) + rounding
            if estimate <= error:
                best, error = row[-1], estimate
        previous = row
        h /= SHRINK
    return best, error


def agrees(
    analytic: float, f: Callable[[float], float], x: float, room: float, rtol: float = 1e-6
) -> bool:
    """Whether a derivative is that of f at x, to a relative error or to what can be told."""
    numeric, error = derivative(f, x, room)
    return abs(analytic - numeric) <= rtol * max(abs(numeric), 1e-3) + 2.0 * error
