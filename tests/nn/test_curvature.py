"""The learning rate at which gradient descent begins to diverge."""

from __future__ import annotations

import math

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import (
    DataError,
    Linear,
    Value,
    fit,
    half_mse,
    learning_rate_limit,
    mse,
    total,
)
from tinygrad_lin.check.strategies import TrainingSet, training_sets

X, Y = [2.0, 4.0], [19.0, 35.0]

# The Hessian of the line's cost is X^T X / n = [[10, 3], [3, 1]] with eigenvalues (11 ± √117) / 2.
LINE_LIMIT = 2 / ((11 + math.sqrt(117)) / 2)

FEATURES = st.integers(1, 3).flatmap(lambda width: training_sets(width, min_size=1, max_size=6))


def test_the_limit_of_the_line_is_2_over_its_largest_eigenvalue() -> None:
    line = Linear()
    cost = half_mse([line(x) for x in X], Y)
    limit = learning_rate_limit(cost, line.parameters())
    assert round(limit, 5) == 0.18335
    assert limit == pytest.approx(LINE_LIMIT, rel=1e-12)
    full = mse([line(x) for x in X], Y)  # twice the cost curves twice as much
    assert learning_rate_limit(full, line.parameters()) == pytest.approx(LINE_LIMIT / 2, rel=1e-12)


@given(points=FEATURES)
def test_the_limit_is_that_of_numpy_s_eigenvalues(points: TrainingSet) -> None:
    rows = [numpy.atleast_1d(row).tolist() for row in points.x]
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


def test_the_limit_is_that_of_the_parameters_given() -> None:
    w, b = Value(1.0), Value(2.0)
    cost = total([w * w, 5.0 * b * b])
    assert learning_rate_limit(cost, [w]) == pytest.approx(1.0)
    assert learning_rate_limit(cost, [b]) == pytest.approx(0.2)
    assert learning_rate_limit(cost, [w, b]) == pytest.approx(0.2)
