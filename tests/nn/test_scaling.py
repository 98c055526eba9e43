"""Scaling: mean and deviation, and the way back."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tinygrad_lin import (
    Data,
    DataError,
)
from tinygrad_lin.nn.scaling import Scaling

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
