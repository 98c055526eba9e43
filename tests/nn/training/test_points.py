"""Points in many shapes, and those that are refused."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from tinygrad_lin import (
    DataError,
    Linear,
    Module,
    Value,
    fit,
)

X, Y = [2.0, 4.0], [19.0, 35.0]

W, B = 0.4967141530112327, -0.13826430117118466

NAN, INF = math.nan, math.inf


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((2, 4), (19, 35)),
        ([[2.0], [4.0]], Y),
        (numpy.array(X), numpy.array(Y)),
        (numpy.array([X]).T, numpy.array([Y]).T),
        ([numpy.array(2.0), numpy.array(4.0)], Y),
    ],
)
def test_points_may_be_given_in_several_shapes(x: Any, y: Any) -> None:
    line = Linear()
    fit(line, x, y, lr=0.18, steps=5000)
    assert data(line) == pytest.approx([8.0, 3.0], abs=1e-9)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0], "x has 3 points, y has 2"),
        ([1.0], [1.0, 2.0], "x has 1 points, y has 2"),
        ([], [], "no points"),
        ([1.0, NAN], [1.0, 2.0], r"x\[1\] is not finite"),
        ([[1.0], [INF]], [1.0, 2.0], r"x\[1\] is not finite"),
        ([1.0, 2.0], [-INF, 2.0], r"y\[0\] is not finite"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, NAN], r"y\[2\] is not finite"),
        ([1.0, 2.0], [[1.0, 2.0], [3.0, 4.0]], r"y\[0\] must be one number"),
        ([1.0, 2.0], [1.0, []], r"y\[1\]"),
        ([1.0, 2.0], numpy.ones((2, 2)), r"y\[0\] must be one number"),
        (["1", "2"], [1.0, 2.0], r"x\[0\]"),
        ([1.0, 2.0], [1.0, "2"], r"y\[1\]"),
        ("12", [1.0, 2.0], "x must be a sequence"),
        ([1.0, 2.0], "12", "y must be a sequence"),
        (3.0, [1.0], "x must be a sequence"),
        ([1.0], None, "y must be a sequence"),
        (iter([1.0]), [1.0], "x must be a sequence"),
        (numpy.array(1.0), [1.0], "x must be a sequence"),
        ([1.0], numpy.array(1.0), "y must be a sequence"),
        ([1.0, None], [1.0, 2.0], r"x\[1\]"),
        ([True, False], [1.0, 2.0], r"x\[0\]"),
        ([1.0, 2.0], [1.0, 2j], r"y\[1\]"),
        ([Value(1.0)], [1.0], r"x\[0\]"),
        ([1.0, 10**400], [1.0, 2.0], r"x\[1\]"),
        ([[[1.0, 2.0]]], [1.0], r"x\[0\]"),
        ([[1.0], [1.0, 2.0]], [1.0, 2.0], r"x\[1\]"),
    ],
)
def test_points_that_cannot_be_used_are_refused_with_their_index(x: Any, y: Any, said: str) -> None:
    line = Linear()
    with pytest.raises(DataError, match=said):
        fit(line, x, y)
    assert data(line) == [W, B]
