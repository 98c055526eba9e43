"""The sweep over learning rates: its verdicts, and the limit it measures."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from tinygrad_lin import MLP, Data, DataError, Linear, load, mse, sweep

# The Hessian of the line's cost is [[10, 3], [3, 1]] with the largest eigenvalue (11 + √117) / 2.
LIMIT = 4 / (11 + math.sqrt(117))


def data(model: Any) -> list[float]:
    return [p.data for p in model.parameters()]


def test_the_limit_measured_is_the_one_computed_to_more_than_3_digits() -> None:
    tried = sweep(Linear(), load("line"), [0.1, 0.3])
    assert tried.computed == pytest.approx(LIMIT, rel=1e-12)
    assert tried.measured == pytest.approx(LIMIT, rel=2e-5)
    assert round(tried.measured or 0.0, 5) == 0.18335


@pytest.mark.parametrize("name", ["norris", "anscombe1", "anscombe4"])
def test_the_limit_is_measured_on_other_points_too(name: str) -> None:
    points = load(name)
    design = numpy.hstack([numpy.array(points.x), numpy.ones((len(points.y), 1))])
    limit = 2 / numpy.linalg.eigvalsh(design.T @ design / len(points.y))[-1]
    tried = sweep(Linear(), points, [limit / 3, limit * 3], steps=50)
    assert tried.measured == pytest.approx(limit, rel=1e-4)


def test_twice_the_cost_halves_the_limit() -> None:
    tried = sweep(Linear(), load("line"), [0.01, 0.3], loss=mse)
    assert tried.measured == pytest.approx(LIMIT / 2, rel=1e-4)


def test_each_verdict_says_what_becomes_of_the_cost() -> None:
    # Along the steepest eigenvector a step multiplies the error by 1 - lr λ = 1 - 2 lr / LIMIT.
    rates = [1e-5 * LIMIT, 0.3 * LIMIT, 0.999 * LIMIT, 1.001 * LIMIT, 1.1 * LIMIT, 1e9]
    tried = sweep(Linear(), load("line"), rates)
    verdicts = [run.verdict for run in tried.runs]
    assert verdicts == ["too low", "good", *["at the limit"] * 2, *["diverging"] * 2]
    assert [run.rate for run in tried.runs] == rates
    too_low, good, below, above, diverging, away = tried.runs
    assert too_low.costs[-1] > 0.9 * too_low.costs[0]
    assert good.costs[-1] < 1e-2 * good.costs[0]
    assert below.growth == pytest.approx(0.998, abs=1e-4)
    assert above.growth == pytest.approx(1.002, abs=1e-4)
    assert diverging.growth == pytest.approx(1.2, abs=1e-4)
    assert diverging.costs[-1] > diverging.costs[0]
    assert away.costs[-1] == away.growth == math.inf


@pytest.mark.parametrize("rates", [[0.1, 0.01], [0.2, 0.4], [0.1]])
def test_no_limit_is_measured_where_all_runs_go_one_way(rates: list[float]) -> None:
    tried = sweep(Linear(), load("line"), rates)
    assert tried.measured is None
    assert [run.rate for run in tried.runs] == sorted(rates)
    assert "not among these rates" in str(tried)


def test_every_run_begins_at_the_same_place_and_the_model_is_left_there() -> None:
    line = Linear(rng=7)
    before = data(line)
    tried = sweep(line, load("line"), [0.01, 0.1, 1e9])
    assert data(line) == before
    assert len({run.costs[0] for run in tried.runs}) == 1
    assert [len(run.costs) for run in tried.runs[:2]] == [201, 201]


def test_the_learning_rate_of_a_net_has_a_limit_too() -> None:
    points = Data([[-1.0], [0.0], [1.0]], [-1.0, 0.5, 1.0])
    tried = sweep(MLP([1, 3, 1]), points, [0.05, 100.0], steps=50)
    assert tried.runs[0].verdict in ("good", "too low")
    assert tried.runs[1].verdict == "diverging"
    assert tried.measured is not None
    assert 0.05 < tried.measured < 100.0


def test_the_text_shows_every_rate_with_its_verdict() -> None:
    lines = str(sweep(Linear(), load("line"), [0.001, 0.2])).splitlines()
    assert lines[1].split()[0] == "0.001"
    assert lines[2].endswith("diverging")
    assert lines[3] == "limit measured  0.18335"
    assert lines[4] == "limit computed  0.18335 (2 / λmax)"


@pytest.mark.parametrize(
    ("rates", "steps", "said"),
    [
        ([], 200, "at least one learning rate"),
        ([0.0], 200, "learning rate"),
        ([-0.1, 0.1], 200, "learning rate"),
        ([math.nan], 200, "learning rate"),
        ([0.1], 3, "at least 4 steps"),
        ([0.1], 10.5, "at least 4 steps"),
    ],
)
def test_rates_and_steps_that_make_no_sweep_are_refused(
    rates: list[float], steps: Any, said: str
) -> None:
    line = Linear()
    before = data(line)
    with pytest.raises(DataError, match=said):
        sweep(line, load("line"), rates, steps=steps)
    assert data(line) == before


def test_ctrl_c_ends_the_sweep_and_leaves_the_model_as_it_was() -> None:
    line = Linear()
    before = data(line)

    def press(predictions: Any, targets: Any) -> Any:
        if data(line) != before:
            raise KeyboardInterrupt
        return mse(predictions, targets)

    with pytest.raises(KeyboardInterrupt):
        sweep(line, load("line"), [0.1, 0.2], loss=press)
    assert data(line) == before
