"""Corners of functions, such as that of relu at 0, found in their recorded graphs.

The table says for each operation where it is smooth. The parts of that predicate, such as ``x < 0``
and ``x > 0``, are the sides of its corners.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from tinygrad_lin._protocols import data_of
from tinygrad_lin.formulas import FLOATS
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from tinygrad_lin.operation import Operation

    Side: TypeAlias = set[str]
    """The parts of an operation's predicate that hold at a node."""

CORNER: Side = set()
"""No part of the predicate holds: the node is in a corner."""
ANYWHERE: Side = {"anywhere"}
"""The node is in a corner, but moving the input does not lead out of it, as in maximum(x, x)."""


def sides_of_corners(output: Value, leaf: Value) -> list[Side]:
    """For each node that can have a corner, on which side of it the node lies as the leaf moves."""
    found: list[Side] = []
    tangents: dict[Value, float] = {}
    for node in topological_order(output):
        operation = node.operation
        if operation is None or not operation.smooth or operation.variadic:
            continue
        numbers = [data_of(operand) for operand in node.operands]
        side = {text for text, part in smooth_parts(operation) if holds(part, numbers)}
        if side and operation.branch:
            branch = FLOATS(operation.branch, ", ".join(operation.operands))(*numbers)
            side = {f"{text}, branch {branch}" for text in side}
        if not side:
            tangents = tangents or tangents_by(output, leaf)
            moves = [tangents.get(x, 0.0) if isinstance(x, Value) else 0.0 for x in node.operands]
            leads_out = bool(operation.branch) or leads_out_of_corner(operation, numbers, moves)
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


def tangents_by(output: Value, leaf: Value) -> dict[Value, float]:
    """The derivative of every node by a leaf."""
    tangents = {leaf: 1.0}
    for node in topological_order(output):
        if node is not leaf and node.operation is not None:
            tangents[node] = sum(
                local * tangents.get(operand, 0.0)
                for operand, local in zip(node.inputs, node.partials)
            )
    return tangents


def leads_out_of_corner(operation: Operation, numbers: list[float], moves: list[float]) -> bool:
    """Whether a node in a corner leaves it when its operands move."""
    fastest = max(map(abs, moves))
    if not 0.0 < fastest < math.inf:
        return False
    step = 1e-3 * max(1.0, *map(abs, numbers)) / fastest
    return any(
        holds(part, [x + direction * step * move for x, move in zip(numbers, moves)])
        for _, part in smooth_parts(operation)
        for direction in (-1, 1)
    )


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
