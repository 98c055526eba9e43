"""A function along one of its inputs: where its corners are, and what its slope is by numbers."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin.check.complex_step import complex_step
from tinygrad_lin.check.differences import Difference, derivative, value_at
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import FLOATS
from tinygrad_lin.value import Value, data_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from tinygrad_lin.ops import Operation

    Side: TypeAlias = set[str]

CORNER: Side = set()
ANYWHERE: Side = {"anywhere"}
HIDDEN = 1e-9  # of the size of x: nearer to a corner, rounding hides the slopes beside it


class Spot(NamedTuple):
    """Where differences are taken.

    Attributes:
        x: the place.
        direction: 0 for differences to both sides, -1 or 1 for one side of a corner.
        reach: the largest step.
        side: which side of the corner that is.
    """

    x: float
    direction: int
    reach: float
    side: str


class Line:
    """A function along one of its inputs, the others being held."""

    def __init__(
        self,
        f: Callable[..., Any],
        origin: Callable[..., Any],
        points: list[float],
        place: int,
    ) -> None:
        self.f = f
        self.origin = origin
        self.points = points
        self.place = place
        self.x: float = points[place]
        self.farthest: float = 0.1 * max(abs(self.x), 1.0)
        self.nearest: float = max(1e-9 * abs(self.x), 1e-100) if self.x else 1e-10

    def point(self, x: float) -> list[float]:
        """All the inputs, with x for this one."""
        return [*self.points[: self.place], x, *self.points[self.place + 1 :]]

    def value(self, x: float) -> float:
        """The value of the function at x, NaN where it has no real one."""
        result = self.f(*self.point(x))
        return math.nan if isinstance(result, complex) else data_of(result)

    def spots(self, rtol: float, atol: float) -> list[Spot]:
        """Where to take differences: here, or at a corner to the left and to the right of it."""
        here = self.sides(self.x)
        if here is None:
            reach = self.clear_by_slopes(rtol, atol)
        else:
            reach = 0.0 if CORNER in here else self.clear(self.x, 0, here)
        if reach:
            return [Spot(self.x, 0, reach, "")]
        return [spot for direction in (-1, 1) for spot in self.beside(direction, here)]

    def clear_by_slopes(self, rtol: float, atol: float) -> float:
        """The same as clear, of a function that shows no graph: where the two sides agree."""
        reach = self.farthest
        while reach > HIDDEN * max(abs(self.x), 1.0):
            left, right = (derivative(self.value, self.x, reach, side) for side in (-1, 1))
            slack = 10.0 * (left.error + right.error) + rtol * abs(left.value) + atol
            if not abs(left.value - right.value) > slack:
                return reach
            reach /= 100.0
        return 0.0

    def clear(self, x: float, direction: int, here: list[Side]) -> float:
        """How far from x there is no corner, 0 if there is one right there."""
        towards = [direction] if direction else [-1, 1]
        reach = self.farthest
        while reach > self.nearest:
            if all(same(here, self.sides(x + d * reach)) for d in towards):
                return reach
            reach /= 4.0
        return 0.0

    def beside(self, direction: int, here: list[Side] | None) -> list[Spot]:
        """The spot on one side of a corner, as near as rounding lets one leave it."""
        if here is None:
            name = "right" if direction > 0 else "left"
            step = HIDDEN * max(abs(self.x), 1.0)
            return [Spot(self.x + direction * step, direction, self.farthest, name)]
        step = self.nearest
        while step < self.farthest:
            x = self.x + direction * step
            there = self.sides(x)
            if there is not None and CORNER not in there:
                reach = self.clear(x, direction, there)
                changed = [side for side, before in zip(there, here) if not side & before]
                name = min(changed[0]) if changed else "beside it"
                return [Spot(x, direction, reach, name)] if reach else []
            step *= 16.0
        return []

    def sides(self, x: float) -> list[Side] | None:
        """On which side of every possible corner the nodes lie; None if there is no graph at x.

        A side is the parts of the row's predicate that hold. Where none does the node is in a
        CORNER, unless moving along this line does not lead out of it, as in maximum(x, x).
        """
        recorded = record(self.origin, self.point(x))
        if recorded is None:
            return None
        output, leaves = recorded
        found: list[Side] = []
        tangents: dict[Value, float] = {}
        for node in topological_order(output):
            row = node.operation
            if row is None or not row.smooth or row.variadic:
                continue
            operands = [data_of(operand) for operand in node.operands]
            side = {text for text, part in parts_of(row) if holds(part, operands)}
            if not side:
                tangents = tangents or tangents_of(output, leaves[self.place])
                moves = [
                    tangents.get(x, 0.0) if isinstance(x, Value) else 0.0 for x in node.operands
                ]
                side = CORNER if leads_out(row, operands, moves) else ANYWHERE
            found.append(side)
        return found

    def numerical(self, spot: Spot) -> tuple[Difference, Difference | None]:
        """The derivative by differences, and by a complex step if f records a graph for it."""
        recorded = record(self.f, self.point(spot.x))
        if recorded is None:
            return self.differences(spot), None
        numeric = self.differences(spot, scale_of(recorded[0]))
        exact = self.complex_step(spot.x)
        if exact and abs(numeric.value - exact.value) > numeric.error + exact.error:
            # Steps too large for a function that turns quickly, such as sin at 1e200?
            apart = abs(numeric.value - exact.value)
            for steps in (-1.0, -0.7, -0.4, -0.1, 0.1, 0.4, 0.7, 1.0):
                other = self.complex_step(spot.x + steps * numeric.step)
                if other and abs(other.value - exact.value) > apart / 4.0:
                    return numeric._replace(error=math.inf), exact
        return numeric, exact

    def complex_step(self, x: float) -> Difference | None:
        """The derivative by a complex step, if there is one."""
        recorded = record(self.f, self.point(x))
        exact = complex_step(recorded[0], recorded[1][self.place]) if recorded else None
        return exact if exact and math.isfinite(exact.value) else None

    def differences(self, spot: Spot, scale: float = 0.0) -> Difference:
        """The most certain derivative, by steps of every size that may suit the function.

        That is the farthest it may go, 1, the size of x, and the distance from a corner.
        """
        reaches = [spot.reach]
        for size in sorted((1.0, abs(spot.x), abs(spot.x - self.x)), reverse=True):
            if 0.0 < 0.1 * size < reaches[-1] / 100.0:
                reaches.append(0.1 * size)
        found = derivative(self.value, spot.x, reaches[0], spot.direction, scale)
        rounding_is_known = scale > 0.0
        scale = scale or self.scale_around(spot)
        for reach in reaches[1:]:
            closer = derivative(self.value, spot.x, reach, spot.direction, scale)
            apart = abs(found.value - closer.value)
            if not apart > found.error + closer.error:
                found = min(found, closer, key=lambda difference: difference.error)
            elif rounding_is_known:  # so larger steps went past what they missed
                found = closer
            else:  # one of them is less certain than it says
                found = min(found, closer, key=lambda difference: difference.error)
                found = found._replace(error=apart)
        return found

    def scale_around(self, spot: Spot) -> float:
        """How large a function is around a spot, where nothing else tells of its rounding."""
        nearby = [value_at(self.value, spot.x + d * spot.reach) for d in (-1.0, 0.0, 1.0)]
        return max((abs(value) for value in nearby if math.isfinite(value)), default=0.0)


def record(f: Callable[..., Any], points: list[float]) -> tuple[Value, list[Value]] | None:
    """The graph of f and its leaves; None if f has no value there or shows no graph."""
    leaves = [Value(x) for x in points]
    try:
        output = f(*leaves)
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None
    return (output, leaves) if isinstance(output, Value) else None


def scale_of(output: Value) -> float:
    """How large the numbers are that an output is computed from, each as far as it matters."""
    shares = {output: 1.0}  # of a node's rounding in that of the output
    scale = 0.0
    for node in reversed(topological_order(output)):
        share = shares[node]
        if math.isfinite(share * node.data):
            scale += share * abs(node.data)
        for operand, local in zip(node.inputs, node.partials):
            shares[operand] = shares.get(operand, 0.0) + share * abs(local)
    return scale


def tangents_of(output: Value, leaf: Value) -> dict[Value, float]:
    """How all nodes move with a leaf."""
    tangents = {leaf: 1.0}
    for node in topological_order(output):
        if node is not leaf and node.operation is not None:
            tangents[node] = sum(
                local * tangents.get(operand, 0.0)
                for operand, local in zip(node.inputs, node.partials)
            )
    return tangents


def leads_out(row: Operation, operands: list[float], moves: list[float]) -> bool:
    """Whether a node in a corner leaves it when its operands move."""
    fastest = max(map(abs, moves))
    if not 0.0 < fastest < math.inf:
        return False
    step = 1e-3 * max(1.0, *map(abs, operands)) / fastest
    return any(
        holds(part, [x + direction * step * move for x, move in zip(operands, moves)])
        for _, part in parts_of(row)
        for direction in (-1, 1)
    )


def same(here: list[Side], there: list[Side] | None) -> bool:
    """Whether all nodes lie on the same sides in two places."""
    return (
        there is not None
        and len(here) == len(there)
        and all(a & b or ANYWHERE in (a, b) for a, b in zip(here, there))
    )


@lru_cache
def parts_of(row: Operation) -> list[tuple[str, Callable[..., Any]]]:
    """What lies on the sides of a row's corners: the parts of its predicate, as functions too."""
    names = ", ".join(row.operands)
    return [(f"{row.name}: {part}", FLOATS(part, names)) for part in row.smooth.split(" or ")]


def holds(part: Callable[..., Any], numbers: list[float]) -> bool:
    """Whether a part of a predicate is true; of infinities it may have no truth."""
    try:
        return bool(part(*numbers))
    except (ValueError, ArithmeticError):
        return False
