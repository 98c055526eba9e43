"""The package's own data sets: what they hold, and where it is from."""

from __future__ import annotations

import csv
import io
import math
from fractions import Fraction
from importlib.resources import files

import numpy
import pytest

from tinygrad_lin import (
    DataError,
    Linear,
    Newton,
    fit,
    load,
)
from tinygrad_lin.nn.datasets import DATASETS, moons

SLOPE, INTERCEPT = "1.00211681802045", "-0.262323073774029"  # certified by NIST


def test_the_line_is_that_of_the_article() -> None:
    data = load("line")
    assert data.x == [[2.0], [4.0]]
    assert data.y == [19.0, 35.0]
    assert data.truth == (8.0, 3.0)
    assert [8.0 * x + 3.0 for (x,) in data.x] == data.y


def test_norris_has_the_least_squares_line_that_nist_certifies() -> None:
    path = files("tinygrad_lin.nn") / "dataset_files" / "norris.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    x, y = ([Fraction(row[name]) for row in rows] for name in "xy")
    assert len(rows) == 36
    zero = Fraction(0)
    mean_x, mean_y = sum(x, zero) / 36, sum(y, zero) / 36
    shared = sum(((u - mean_x) * (v - mean_y) for u, v in zip(x, y)), zero)
    slope = shared / sum(((u - mean_x) * (u - mean_x) for u in x), zero)
    intercept = mean_y - slope * mean_x
    assert abs(slope - Fraction(SLOPE)) <= Fraction(5, 10**15)
    assert abs(intercept - Fraction(INTERCEPT)) <= Fraction(5, 10**16)
    data = load("norris")
    assert data.truth == (float(SLOPE), float(INTERCEPT))
    assert [row[0] for row in data.x] == [float(u) for u in x]
    assert data.y == [float(v) for v in y]
    assert "NIST" in data.source


def test_longley_has_the_least_squares_plane_that_nist_certifies() -> None:
    data = load("longley")
    assert len(data.y) == 16
    rows = [[Fraction(str(v)) for v in (*row, 1.0)] for row in data.x]
    # Gauss's elimination of the normal equations, in fractions: no rounding.
    table = [
        [
            *(sum((row[i] * row[j] for row in rows), Fraction(0)) for j in range(7)),
            sum((row[i] * Fraction(y) for row, y in zip(rows, data.y)), Fraction(0)),
        ]
        for i in range(7)
    ]
    for k in range(7):
        table[k] = [cell / table[k][k] for cell in table[k]]
        for i in range(7):
            if i != k:
                table[i] = [a - table[i][k] * b for a, b in zip(table[i], table[k])]
    assert [float(row[-1]) for row in table] == pytest.approx(list(data.truth), rel=1e-14)
    assert data.features[-1] == "year"
    assert [row[-1] for row in data.x] == list(range(1947, 1963))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_anscombe_s_sets_have_the_same_line_mean_and_correlation(number: int) -> None:
    data = load(f"anscombe{number}")
    x, y = numpy.array(data.x)[:, 0], numpy.array(data.y)
    slope, intercept = numpy.polyfit(x, y, 1)
    # As the paper says of all four.
    assert (len(y), x.mean(), round(y.mean(), 2)) == (11, 9.0, 7.5)
    assert (round(slope, 2), round(intercept, 1)) == (0.5, 3.0)
    assert round(numpy.corrcoef(x, y)[0, 1] ** 2, 2) == 0.67
    assert numpy.sum((x - 9.0) ** 2) == 110.0


def test_moons_without_noise_are_half_circles() -> None:
    data = moons(points=50, noise=0.0)
    for (x1, x2), y in zip(data.x, data.y):
        if y == 0.0:
            assert math.hypot(x1, x2) == pytest.approx(1.0)
            assert x2 >= 0.0
        else:
            assert math.hypot(x1 - 1.0, x2 - 0.5) == pytest.approx(1.0)
            assert x2 <= 0.5
    assert data.y.count(0.0) == data.y.count(1.0) == 25
    assert len({tuple(row) for row in data.x}) == 50


def test_moons_with_noise_come_from_the_seed() -> None:
    still = numpy.array(moons(2000, noise=0.0).x)
    assert load("moons") == moons() == moons(200, 0.1, 42) != moons(rng=43)
    assert numpy.std(numpy.array(moons(2000, noise=0.3).x) - still) == pytest.approx(0.3, rel=0.05)


def test_sine_and_steps_are_the_curves_of_their_names() -> None:
    sine, steps = load("sine"), load("steps")
    assert len(sine.y) == len(steps.y) == 40
    assert (sine.x[0], sine.x[-1]) == ([-1.0], [1.0])
    assert sine.y == [math.sin(math.pi * x) for (x,) in sine.x]
    assert sorted(set(steps.y)) == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert all(y <= x < y + 0.5 for (x,), y in zip(steps.x, steps.y))


def test_some_sets_have_a_second_name() -> None:
    assert load("anscombe") == load("anscombe1")
    assert load("stair") == load("steps")


def test_every_set_has_its_line_in_the_sources() -> None:
    sources = (files("tinygrad_lin.nn") / "dataset_files" / "SOURCES.md").read_text(
        encoding="utf-8"
    )
    for name in DATASETS:
        assert f"| {name.rstrip('1234')}" in sources
        data = load(name)
        assert data.source
        assert len(data.x) == len(data.y)
        assert {len(row) for row in data.x} == {len(data.features)}


def test_newton_agrees_with_nist_on_longley_to_11_digits_and_rests() -> None:
    data, model = load("longley"), Linear(6)
    history = fit(model, data.x, data.y, optimizer=Newton(model.parameters()), steps=20)
    assert history.converged
    assert history.steps < 5
    learned = [p.data for p in model.parameters()]
    assert learned == pytest.approx(list(data.truth), rel=1e-11)


@pytest.mark.parametrize("name", ["", "iris", "Line", "line.csv", "../line"])
def test_an_unknown_set_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(DataError, match="line, norris"):
        load(name)
