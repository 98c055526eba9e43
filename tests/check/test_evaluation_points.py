"""Derivatives are taken at the value of an input, or on both sides of a corner there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy
import pytest

from tinygrad_lin import log, relu, sin
from tinygrad_lin.check.evaluation_points import CornerSearch
from tinygrad_lin.check.numeric.partial_derivative import EvaluationPoint, FunctionOfOneInput

if TYPE_CHECKING:
    from collections.abc import Callable


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
def test_a_corner_shows_without_a_graph(f: Callable[..., Any]) -> None:
    assert [point.side for point in points_of(lambda x: f(float(x)), 0.0)] == ["left", "right"]
    assert [point.side for point in points_of(lambda x: f(float(x)), 1.0)] == [""]
