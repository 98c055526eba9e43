"""Corners of functions, such as that of relu at 0, and where to take derivatives beside them.

Corners are found in recorded graphs. The table says for each operation where it is smooth; the
parts of that predicate, such as ``x < 0`` and ``x > 0``, are the sides of its corners.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tinygrad_lin._protocols import data_of
from tinygrad_lin.check.numeric.differences import derivative
from tinygrad_lin.check.numeric.partial_derivative import EvaluationPoint
from tinygrad_lin.formulas import FLOATS
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from tinygrad_lin.operation import Operation

    Side: TypeAlias = set[str]
    """The parts of an operation's predicate that hold at a node."""
    from tinygrad_lin.check.numeric.partial_derivative import FunctionOfOneInput

MIN_DISTANCE = 1e-9
"""Nearer to a corner than this, relative to x, rounding hides that the derivatives differ."""
CORNER: Side = set()
"""No part of the predicate holds: the node is in a corner."""
ANYWHERE: Side = {"anywhere"}
"""The node is in a corner, but moving the input does not lead out of it, as in maximum(x, x)."""


def sides_of_corners(output: Value, leaf: Value) -> list[Side]:
    """For each node that can have a corner, on which side of it the node lies as the leaf moves."""
    found: list[Side] = []
    all_tangents: dict[Value | float, float] = {}
    for node in topological_order(output):
        operation = node.operation
        if operation is None or not operation.smooth or operation.variadic:
            continue
        numbers = [data_of(operand) for operand in node.operands]
        side = {text for text, part in smooth_parts(operation) if holds(part, numbers)}
        if side and operation.branch:
            branch = branch_at(operation, numbers)
            side = CORNER if branch is None else {f"{text}, branch {branch}" for text in side}
        if not side:
            all_tangents = all_tangents or node_tangents(output, leaf)
            tangents = [all_tangents.get(operand, 0.0) for operand in node.operands]
            leads_out = bool(operation.branch) or leads_out_of_corner(operation, numbers, tangents)
            side = CORNER if leads_out else ANYWHERE
        found.append(side)
    return found


def are_the_same_sides(here: list[Side], there: list[Side] | None) -> bool:
    """Whether all nodes lie on the same sides in two places."""
    return (
        there is not None
        and len(here) == len(there)
        and all(a & b or ANYWHERE in (a, b) for a, b in zip(here, there))
    )


def node_tangents(output: Value, leaf: Value) -> dict[Value | float, float]:
    """The derivative of every node with respect to a leaf."""
    tangents: dict[Value | float, float] = {leaf: 1.0}
    for node in topological_order(output):
        if node is not leaf and node.operation is not None:
            tangents[node] = sum(
                local * tangents.get(operand, 0.0)
                for operand, local in zip(node.inputs, node.partials)
            )
    return tangents


def leads_out_of_corner(operation: Operation, numbers: list[float], tangents: list[float]) -> bool:
    """Whether a node in a corner leaves it when its operands move as the tangents say."""
    fastest = max(map(abs, tangents))
    if not 0.0 < fastest < math.inf:
        return False
    step = 1e-3 * max(1.0, *map(abs, numbers)) / fastest
    return any(
        holds(part, [x + direction * step * tangent for x, tangent in zip(numbers, tangents)])
        for _, part in smooth_parts(operation)
        for direction in (-1, 1)
    )


def branch_at(operation: Operation, numbers: list[float]) -> float | None:
    """Which of many smooth pieces numbers lie on; None where infinities leave it open."""
    try:
        branch: float = FLOATS(operation.branch, ", ".join(operation.operands))(*numbers)
    except (ValueError, ArithmeticError):
        return None
    return branch


@lru_cache
def smooth_parts(operation: Operation) -> list[tuple[str, Callable[..., Any]]]:
    """The parts of the predicate where an operation is smooth, as text and as functions."""
    names = ", ".join(operation.operands)
    return [
        (f"{operation.name}: {piece}", FLOATS(piece, names)) for piece in operation.smooth_pieces
    ]


def holds(part: Callable[..., Any], numbers: list[float]) -> bool:
    """Whether a part of a predicate is true; False where infinities give it no value."""
    try:
        return bool(part(*numbers))
    except (ValueError, ArithmeticError):
        return False


class CornerSearch:
    """Looks for corners of a function around an input, in the graph of what it is derived from."""

    def __init__(self, function: FunctionOfOneInput, origin: FunctionOfOneInput) -> None:
        self.function = function
        self.origin = origin
        self.x: float = function.x
        x = self.x
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
        while step > MIN_DISTANCE * max(abs(self.x), 1.0):
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
            x = self.x + direction * (MIN_DISTANCE * max(abs(self.x), 1.0))
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
