"""Standardized columns: what is learned there says the same in the units of the data."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tinygrad_lin import (
    MLP,
    Adam,
    Data,
    DataError,
    Linear,
    fit,
    half_mse,
    load,
)
from tinygrad_lin.nn.standardization import Standardization

ROWS = [[1000.0 + k, 0.001 * (k % 4)] for k in range(12)]

POINTS = Data(ROWS, [500.0 + k * k for k in range(12)], ("a", "b"), "t")


def cost(model: Any, data: Data) -> float:
    return half_mse([model(row) for row in data.x], data.y).data


@pytest.mark.parametrize("target", [False, True])
@pytest.mark.parametrize("make", [lambda: Linear(2), lambda: MLP([2, 3, 2, 1])])
def test_a_model_and_its_history_say_the_same_in_both_units(make: Any, target: bool) -> None:
    units, model = Standardization.of(POINTS, target), make()
    scaled = units.apply(POINTS)
    size = 12 * 11 * 23 / 6  # of the squares of 0 to 11
    mean = 500.0 + size / 12
    deviation = (sum((y - mean) ** 2 for y in POINTS.y) / 12) ** 0.5 if target else 1.0
    history = fit(
        model, scaled.x, scaled.y, optimizer=Adam(model.parameters(), 0.01), steps=9, validation=0.3
    )
    before = [model(row).data * deviation + (mean if target else 0.0) for row in scaled.x]
    costs = [*history.costs], [*history.validation]
    units.undo(model, history)
    assert [model(row).data for row in POINTS.x] == pytest.approx(before, rel=1e-9)
    assert list(history.costs) == pytest.approx([c * deviation**2 for c in costs[0]])
    assert history.validation == pytest.approx([c * deviation**2 for c in costs[1]])
    assert history.best
    assert [p.data for p in model.parameters()] == list(history.best.parameters)
    start = make()
    units.fold_into(start)
    assert [p.data for p in start.parameters()] == list(history.snapshots[0].parameters)


def test_a_line_through_scaled_points_is_the_line_through_the_points() -> None:
    data, model = load("line"), Linear()
    units = Standardization.of(data, target=True)
    assert units.apply(data).x == [[-1.0], [1.0]]
    assert units.apply(data).y == pytest.approx([-1.0, 1.0])
    history = fit(model, [[-1.0], [1.0]], [-1.0, 1.0], lr=1.0)
    units.undo(model, history)
    assert [p.data for p in model.parameters()] == pytest.approx([8.0, 3.0])
    assert cost(model, data) == pytest.approx(0.0, abs=1e-20)


def test_a_constant_target_is_refused_by_name_where_it_is_to_be_scaled() -> None:
    constant = replace(POINTS, y=[7.0] * 12)
    Standardization.of(constant, target=False)
    with pytest.raises(DataError, match="column 't' is constant"):
        Standardization.of(constant, target=True)
