"""Where to take derivatives along an input: at its value, or on both sides of a corner there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_lin.check.corners import CORNER, are_the_same_sides, sides_of_corners
from tinygrad_lin.check.numeric.differences import derivative
from tinygrad_lin.check.numeric.partial_derivative import EvaluationPoint

if TYPE_CHECKING:
    from tinygrad_lin.check.corners import Side
    from tinygrad_lin.check.numeric.partial_derivative import FunctionOfOneInput

HIDDEN = 1e-9
"""Nearer to a corner than this, relative to x, rounding hides that the derivatives differ."""


class CornerSearch:
    """Looks for corners of a function around the value of one of its inputs.

    Attributes:
        function: the function along that input.
        origin: the function whose graph shows its corners.
    """

    def __init__(self, function: FunctionOfOneInput, origin: FunctionOfOneInput) -> None:
        self.function = function
        self.origin = origin
        x = self.x = function.x
        self.max_step: float = 0.1 * max(abs(x), 1.0)
        self.min_step: float = max(1e-9 * abs(x), 1e-100) if x else 1e-10

    def evaluation_points(self, rtol: float, atol: float) -> list[EvaluationPoint]:
        """Where to take differences: here, or at a corner to the left and to the right of it."""
        here = self.sides(self.x)
        if here is None:
            step = self.smooth_step_without_graph(rtol, atol)
        else:
            step = 0.0 if CORNER in here else self.smooth_step(self.x, 0, here)
        if step:
            return [EvaluationPoint(self.x, 0, step, "")]
        return [point for direction in (-1, 1) for point in self.points_beside(direction, here)]

    def sides(self, x: float) -> list[Side] | None:
        """On which side of every possible corner the nodes lie; None if there is no graph at x."""
        recorded = self.origin.try_record(x)
        return sides_of_corners(*recorded) if recorded else None

    def smooth_step(self, x: float, direction: int, here: list[Side]) -> float:
        """How far from x there is no corner; 0 if there is one at x."""
        directions = [direction] if direction else [-1, 1]
        step = self.max_step
        while step > self.min_step:
            if all(are_the_same_sides(here, self.sides(x + d * step)) for d in directions):
                return step
            step /= 4.0
        return 0.0

    def smooth_step_without_graph(self, rtol: float, atol: float) -> float:
        """The same for a function that records no graph: how near its two derivatives agree."""
        step = self.max_step
        while step > HIDDEN * max(abs(self.x), 1.0):
            left, right = (derivative(self.function.value, self.x, step, d) for d in (-1, 1))
            slack = 10.0 * (left.error + right.error) + rtol * abs(left.value) + atol
            if not abs(left.value - right.value) > slack:
                return step
            step /= 100.0
        return 0.0

    def points_beside(self, direction: int, here: list[Side] | None) -> list[EvaluationPoint]:
        """The point on one side of a corner, as near to it as rounding allows."""
        if here is None:
            name = "right" if direction > 0 else "left"
            x = self.x + direction * (HIDDEN * max(abs(self.x), 1.0))
            return [EvaluationPoint(x, direction, self.max_step, name)]
        distance = self.min_step
        while distance < self.max_step:
            x = self.x + direction * distance
            there = self.sides(x)
            if there is not None and CORNER not in there:
                step = self.smooth_step(x, direction, there)
                changed = [side for side, before in zip(there, here) if not side & before]
                name = min(changed[0]) if changed else "beside it"
                return [EvaluationPoint(x, direction, step, name)] if step else []
            distance *= 16.0
        return []
