"""Standardized columns: what is learned there says the same in the units of the data."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

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
from tinygrad_lin.nn.standardization import Scaling, Standardization

NUMBERS = st.floats(-1e3, 1e3)


def of_column(numbers: list[float]) -> Data:
    return Data([[number] for number in numbers], [0.0] * len(numbers))


@pytest.mark.parametrize("size", [1.0, -1e6, 1e-200, 1e200])
def test_mean_and_deviation_are_right_in_any_unit(size: float) -> None:
    scaling = Scaling.of(of_column([1.0 * size, 2.0 * size, 3.0 * size]))
    assert scaling.means == pytest.approx([2.0 * size], rel=1e-14, abs=0.0)
    assert scaling.deviations == pytest.approx([abs(size) * math.sqrt(2 / 3)], rel=1e-14, abs=0.0)


def test_numbers_at_the_end_of_the_scale_are_scaled_or_refused() -> None:
    try:
        scaling = Scaling.of(of_column([1.7e308, 1.7e308, -1.7e308]))
    except DataError:
        return
    assert all(map(math.isfinite, [*scaling.means, *scaling.deviations]))


@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=10))
def test_scaled_features_have_mean_0_and_deviation_1(rows: list[tuple[float, float]]) -> None:
    columns = list(zip(*rows))
    assume(all(max(column) - min(column) > 1e-3 for column in columns))
    data = Data([list(row) for row in rows], [0.0] * len(rows), ("a", "b"))
    for column in zip(*Scaling.of(data).apply(data.x)):
        assert math.fsum(column) / len(rows) == pytest.approx(0.0, abs=1e-9)
        assert math.fsum(v * v for v in column) / len(rows) == pytest.approx(1.0, rel=1e-9)


@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=10),
    weights=st.tuples(NUMBERS, NUMBERS),
    bias=NUMBERS,
)
def test_undo_gives_the_same_line_in_the_units_of_the_data(
    rows: list[tuple[float, float]], weights: tuple[float, float], bias: float
) -> None:
    columns = list(zip(*rows))
    assume(all(max(column) - min(column) > 1e-3 for column in columns))
    data = Data([list(row) for row in rows], [0.0] * len(rows), ("a", "b"))
    scaling = Scaling.of(data)
    back, moved = scaling.undo(list(weights), bias)
    size = 1.0 + sum(abs(w) * 1e3 for w in back) + abs(moved)
    for row, scaled in zip(data.x, scaling.apply(data.x)):
        wanted = sum(w * v for w, v in zip(weights, scaled)) + bias
        got = sum(w * v for w, v in zip(back, row)) + moved
        assert got == pytest.approx(wanted, rel=1e-9, abs=1e-9 * size)


@given(number=st.floats(-1e9, 1e9), count=st.integers(2, 12))
@example(number=0.1, count=3)
def test_a_constant_feature_is_refused_by_name(number: float, count: int) -> None:
    data = Data([[float(k), number] for k in range(count)], [0.0] * count, ("a", "b"))
    with pytest.raises(DataError, match="column 'b' is constant"):
        Scaling.of(data)


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
