"""A step of gradient descent, and the learning rate at which it begins to diverge."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import (
    SGD,
    DataError,
    Linear,
    OperandError,
    Value,
    fit,
    half_mse,
    learning_rate_limit,
    mse,
    total,
)

X, Y = [2.0, 4.0], [19.0, 35.0]
# The Hessian of the line's cost is X^T X / n = [[10, 3], [3, 1]] with eigenvalues (11 ± √117) / 2.
LINE_LIMIT = 2 / ((11 + math.sqrt(117)) / 2)


@st.composite
def features(draw: st.DrawFn) -> list[list[float]]:
    width = draw(st.integers(1, 3))
    row = st.lists(st.floats(-10, 10), min_size=width, max_size=width)
    return draw(st.lists(row, min_size=1, max_size=6))


def test_a_step_by_hand() -> None:
    w, b = Value(2.0), Value(-1.0)
    w.grad, b.grad = 4.0, -8.0
    SGD([w, b], lr=0.25).step()
    assert (w.data, b.data) == (1.0, 1.0)


def test_a_step_leaves_gradients_and_other_values_alone() -> None:
    w, other = Value(2.0), Value(5.0)
    w.grad = other.grad = 1.0
    optimizer = SGD(iter([w]), lr=0.5)
    optimizer.step()
    optimizer.step()
    assert (w.data, w.grad, other.data) == (1.0, 1.0, 5.0)
    assert optimizer.lr == 0.5
    assert optimizer.parameters == [w]


@pytest.mark.parametrize("lr", [0, 0.0, -0.0, -1.0, math.nan, math.inf, -math.inf, "a", None, True])
def test_a_learning_rate_is_above_0_and_finite(lr: Any) -> None:
    with pytest.raises(DataError, match="learning rate"):
        SGD([Value(1.0)], lr)


@pytest.mark.parametrize("parameter", [Value(1.0) * 2.0, 1.0, "w", None])
def test_a_parameter_is_a_leaf(parameter: Any) -> None:
    with pytest.raises(OperandError, match="leaf"):
        SGD([Value(1.0), parameter], 0.1)


def test_the_limit_of_the_line() -> None:
    line = Linear()
    cost = half_mse([line(x) for x in X], Y)
    limit = learning_rate_limit(cost, line.parameters())
    assert round(limit, 5) == 0.18335
    assert limit == pytest.approx(LINE_LIMIT, rel=1e-12)
    full = mse([line(x) for x in X], Y)  # twice the cost curves twice as much
    assert learning_rate_limit(full, line.parameters()) == pytest.approx(LINE_LIMIT / 2, rel=1e-12)


@given(rows=features())
def test_the_limit_is_that_of_numpy_s_eigenvalues(rows: list[list[float]]) -> None:
    model = Linear(inputs=len(rows[0]))
    cost = half_mse([model(row) for row in rows], [1.0] * len(rows))
    design = numpy.hstack([numpy.array(rows), numpy.ones((len(rows), 1))])
    steepest = numpy.linalg.eigvalsh(design.T @ design / len(rows))[-1]
    assert learning_rate_limit(cost, model.parameters()) == pytest.approx(2 / steepest, rel=1e-9)


def test_training_shrinks_the_cost_below_the_limit_and_grows_it_above() -> None:
    below = fit(Linear(), X, Y, lr=0.99 * LINE_LIMIT, steps=300, tolerance=0.0).costs
    above = fit(Linear(), X, Y, lr=1.01 * LINE_LIMIT, steps=300, tolerance=0.0).costs
    # Along the steepest eigenvector a step multiplies the error by -0.98 and by -1.02.
    assert below[-1] < below[0] / 1000
    assert above[-1] > above[0] * 1000


def test_there_is_no_limit_where_the_cost_curves_nowhere_upwards() -> None:
    w, b = Value(1.0), Value(2.0)
    assert learning_rate_limit(3.0 * w - b, [w, b]) == math.inf
    assert learning_rate_limit(-(w * w), [w]) == math.inf
    assert learning_rate_limit(w * w, [b]) == math.inf


def test_without_parameters_there_is_no_limit_to_ask_for() -> None:
    with pytest.raises(DataError, match="at least one"):
        learning_rate_limit(Value(1.0) * 2.0, [])


def test_only_the_parameters_given_count() -> None:
    w, b = Value(1.0), Value(2.0)
    cost = total([w * w, 5.0 * b * b])
    assert learning_rate_limit(cost, [w]) == pytest.approx(1.0)
    assert learning_rate_limit(cost, [b]) == pytest.approx(0.2)
    assert learning_rate_limit(cost, [w, b]) == pytest.approx(0.2)
