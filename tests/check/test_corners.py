"""Corners are found in the graph, and derivatives taken on both sides of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import pytest

from tinygrad_lin import TABLE, Value, abs, exp, log, maximum, relu, sin
from tinygrad_lin.check.corners import (
    ANYWHERE,
    CORNER,
    CornerSearch,
    are_the_same_sides,
    holds,
    sides_of_corners,
    smooth_parts,
)
from tinygrad_lin.check.numeric.partial_derivative import EvaluationPoint, FunctionOfOneInput

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_node_lies_on_one_side_of_a_corner_or_in_it() -> None:
    x = Value(-2.0)
    assert sides_of_corners(relu(x) + abs(x + 2.0), x) == [{"relu: x < 0"}, CORNER]


def test_a_corner_that_moving_the_leaf_does_not_leave_does_not_count() -> None:
    x, y = Value(2.0), Value(2.0)
    assert sides_of_corners(maximum(x, x * 1.0), x) == [ANYWHERE]
    assert sides_of_corners(maximum(x, y), x) == [CORNER]


def test_operations_that_are_smooth_everywhere_have_no_corners() -> None:
    x = Value(2.0)
    assert sides_of_corners(exp(x * x), x) == []


def test_sides_are_the_same_where_no_corner_lies_between() -> None:
    left, right = ({part} for part, _ in smooth_parts(TABLE["relu"]))
    assert are_the_same_sides([left], [left])
    assert are_the_same_sides([left], [ANYWHERE])
    assert not are_the_same_sides([left], [right])
    assert not are_the_same_sides([left], [left, left])
    assert not are_the_same_sides([left], None)


def test_a_predicate_without_a_value_does_not_hold() -> None:
    assert not holds(lambda x: log(x) > 0.0, [-1.0])


def points_of(f: Callable[..., Any], x: float) -> list[EvaluationPoint]:
    function = FunctionOfOneInput(f, [x], 0)
    return CornerSearch(function, function).evaluation_points(1e-6, 1e-9)


def test_a_smooth_function_is_looked_at_where_the_input_is() -> None:
    assert points_of(sin, 20.0) == [EvaluationPoint(20.0, 0, 2.0, "")]


def test_steps_are_small_enough_not_to_cross_a_corner() -> None:
    (point,) = points_of(relu, 1e-3)
    assert point.x == 1e-3
    assert 2e-4 < point.max_step < 1e-3


def test_a_corner_is_looked_at_from_both_sides() -> None:
    left, right = points_of(relu, 0.0)
    assert (left.direction, left.side) == (-1, "relu: x < 0")
    assert (right.direction, right.side) == (1, "relu: x > 0")
    assert -1e-9 < left.x < 0.0 < right.x < 1e-9


def test_a_corner_at_the_edge_of_a_domain_has_one_side() -> None:
    (right,) = points_of(lambda x: relu(x) + (x + 1e-300) * log(x + 1e-300), 0.0)
    assert right.direction == 1


@pytest.mark.parametrize("f", [numpy.abs, lambda x: float(max(x, 0.0))])
def test_a_corner_is_found_without_a_graph(f: Callable[..., Any]) -> None:
    assert [point.side for point in points_of(lambda x: f(float(x)), 0.0)] == ["left", "right"]
    assert [point.side for point in points_of(lambda x: f(float(x)), 1.0)] == [""]
