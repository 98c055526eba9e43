"""Points as they may be given, mini-batches, points kept aside, and batches one by one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import (
    DataError,
    Linear,
    Value,
    fit,
)
from tinygrad_lin.nn.training.batches import BatchOrder, split_indices

X, Y = [float(k) for k in range(10)], [3.0 * k - 1.0 + (-1) ** k for k in range(10)]

LINE = [2.0, 4.0], [19.0, 35.0]


def data(model: Any) -> list[float]:
    return [p.data for p in model.parameters()]


# Mini-batches


@given(count=st.integers(1, 30), size=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_every_epoch_goes_once_through_all_points(count: int, size: int, seed: int) -> None:
    batches = BatchOrder(count, size, seed)
    assert batches.steps_per_epoch == math.ceil(count / size)
    for epoch in range(3):
        steps = range(epoch * batches.steps_per_epoch, (epoch + 1) * batches.steps_per_epoch)
        chosen = [list(batches.at(step)) for step in steps]
        assert all(len(batch) <= size for batch in chosen)
        assert Counter(k for batch in chosen for k in batch) == Counter(range(count))


def test_the_order_is_new_in_every_epoch_and_comes_from_the_seed() -> None:
    orders = [tuple(BatchOrder(50, 49, 42).at(2 * epoch)) for epoch in range(5)]
    assert len(set(orders)) == 5
    assert orders == [tuple(BatchOrder(50, 49, 42).at(2 * epoch)) for epoch in range(5)]
    assert orders[0] != tuple(BatchOrder(50, 49, 43).at(0))


def test_a_step_learns_from_its_batch_alone() -> None:
    line = Linear()
    w, b = data(line)
    history = fit(line, X, Y, lr=0.01, steps=1, batch_size=2)
    first = BatchOrder(10, 2, 42).at(0)
    errors = [w * X[k] + b - Y[k] for k in first]
    gradient = sum(error * X[k] for error, k in zip(errors, first)) / 2
    assert data(line) == pytest.approx([w - 0.01 * gradient, b - 0.01 * sum(errors) / 2])
    assert history.costs[0] == pytest.approx(sum(error**2 for error in errors) / 4)


def test_a_batch_of_all_points_is_no_batch() -> None:
    one, other = Linear(), Linear()
    fit(one, X, Y, lr=0.01, steps=50)
    fit(other, X, Y, lr=0.01, steps=50, batch_size=10)
    assert data(one) == data(other)


def test_mini_batches_learn_a_line_that_goes_through_all_points() -> None:
    line = Linear()
    history = fit(line, X, [2 * x + 5 for x in X], lr=0.01, steps=50_000, batch_size=3)
    assert history.converged
    assert data(line) == pytest.approx([2.0, 5.0], abs=1e-9)


def test_mini_batches_do_not_converge_before_a_whole_epoch_is_calm() -> None:
    line = Linear()
    line.w[0][0].data, line.b[0].data = 2.0, 5.0
    y = [2 * x + 5 for x in X]
    y[3] += 1.0  # all batches but one have nothing to learn
    assert not fit(line, X, y, lr=1e-6, steps=8, batch_size=1).converged
    y[3] -= 1.0
    line.w[0][0].data, line.b[0].data = 2.0, 5.0
    history = fit(line, X, y, lr=1e-6, steps=100, batch_size=1)
    assert history.converged
    assert history.steps == 9


# Points kept aside


@given(count=st.integers(2, 50), part=st.floats(0.001, 0.999), seed=st.integers(0, 100))
def test_a_split_has_every_point_on_one_side(count: int, part: float, seed: int) -> None:
    learn, aside = split_indices(count, part, seed)
    assert sorted([*learn, *aside]) == list(range(count))
    assert len(aside) == min(max(round(part * count), 1), count - 1)


def test_one_point_cannot_be_split() -> None:
    with pytest.raises(DataError, match="one point"):
        fit(Linear(), [1.0], [1.0], validation=0.5)


# Batches that come one after the other


def test_batches_may_come_one_after_the_other() -> None:
    line, by_hand = Linear(), Linear()
    rng = numpy.random.default_rng(0)
    given = [(x, 8.0 * x + 3.0) for x in rng.normal(size=(40, 7))]
    history = fit(line, iter(given), lr=0.1, steps=1000)
    assert history.steps == 40
    assert len(history.costs) == 41
    for x, y in given:
        fit(by_hand, x, y, lr=0.1, steps=1)
    assert data(line) == pytest.approx(data(by_hand), rel=1e-12)


def test_no_more_batches_are_taken_than_steps() -> None:
    taken: list[int] = []

    def endless() -> Iterator[Any]:
        while True:
            taken.append(1)
            yield LINE

    history = fit(Linear(), endless(), lr=0.01, steps=5, tolerance=0.0)
    assert history.steps == 5
    assert len(taken) == 6


@pytest.mark.parametrize(
    ("batches", "said"),
    [
        (3.0, "y must be a sequence"),
        ([], "there are no batches"),
        ([1.0], "batch 0 is 1.0"),
        ([LINE, (LINE[0], [1.0])], "x has 2 points, y has 1"),
        ([(LINE[0], [1.0, math.nan])], r"y\[1\] is not finite"),
    ],
)
def test_what_is_not_an_iterable_of_batches_is_refused(batches: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        fit(Linear(), batches)


@pytest.mark.parametrize("size", [None, 500])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32"])
def test_arrays_stay_in_their_file(tmp_path: Path, size: int | None, dtype: str) -> None:
    rng = numpy.random.default_rng(0)
    x = rng.integers(-5, 5, size=20_000).astype(dtype)
    numpy.save(tmp_path / "x.npy", x)
    numpy.save(tmp_path / "y.npy", 8 * x + 3)
    files = [numpy.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in "xy"]
    line, alone = Linear(), Linear()
    history = fit(line, *files, lr=0.05, steps=300, batch_size=size, tolerance=0.0)
    fit(alone, x.tolist(), (8 * x + 3).tolist(), lr=0.05, steps=300, tolerance=0.0)
    assert history.recorded == ""
    assert data(line) == pytest.approx(data(alone), rel=1e-5 if size else 1e-12)


# Points in many shapes, and those that are refused

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ((2, 4), (19, 35)),
        ([[2.0], [4.0]], LINE[1]),
        (numpy.array(LINE[0]), numpy.array(LINE[1])),
        (numpy.array([LINE[0]]).T, numpy.array([LINE[1]]).T),
        ([numpy.array(2.0), numpy.array(4.0)], LINE[1]),
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
    assert data(line) == data(Linear())
