"""The corners of a function are found in its graph."""

from __future__ import annotations

from tinygrad_lin import TABLE, Value, abs, exp, log, maximum, relu
from tinygrad_lin.check.corners import (
    ANYWHERE,
    CORNER,
    are_the_same_sides,
    holds,
    sides_of_corners,
    smooth_parts,
)


def test_a_node_lies_on_one_side_of_a_corner_or_in_it() -> None:
    x = Value(-2.0)
    assert sides_of_corners(relu(x) + abs(x + 2.0), x) == [{"relu: x < 0"}, CORNER]


def test_a_corner_that_moving_the_leaf_does_not_leave_is_none() -> None:
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
