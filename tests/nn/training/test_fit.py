"""fit: what it reaches, which kind of step it takes, and what it refuses."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tinygrad_lin import (
    SGD,
    DataError,
    Linear,
    Module,
    Value,
    fit,
    mse,
    sqrt,
    total,
)

X, Y = [2.0, 4.0], [19.0, 35.0]

W, B = 0.4967141530112327, -0.13826430117118466


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


def gradients_by_hand(w: float, b: float) -> tuple[float, float]:
    errors = [w * x + b - y for x, y in zip(X, Y)]
    return (errors[0] * 2 + errors[1] * 4) / 2, (errors[0] + errors[1]) / 2


def test_fit_learns_8_and_3() -> None:
    line = Linear()
    history = fit(line, X, Y, lr=0.18, steps=5000)
    assert data(line) == pytest.approx([8.0, 3.0], abs=1e-9)
    assert history.converged
    assert not history.interrupted
    assert history.steps < 5000
    assert all(abs(p.grad) <= 1e-12 for p in line.parameters())


def test_fit_learns_from_several_features() -> None:
    model = Linear(inputs=2)
    x = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    fit(model, x, [5.0 + 2.0 * u - 3.0 * v for u, v in x], lr=0.5, steps=5000)
    assert data(model) == pytest.approx([2.0, -3.0, 5.0], abs=1e-9)


def test_the_first_step_is_that_computed_by_hand() -> None:
    line = Linear()
    history = fit(line, X, Y, lr=0.01, steps=1)
    w, b = gradients_by_hand(W, B)
    assert data(line) == pytest.approx([W - 0.01 * w, B - 0.01 * b], rel=1e-14)
    assert history.steps == 1
    assert history.costs[0] == pytest.approx(sum((W * x + B - y) ** 2 for x, y in zip(X, Y)) / 4)


def test_the_optimizer_given_is_the_one_that_steps() -> None:
    line = Linear()
    w, b = line.parameters()
    fit(line, X, Y, optimizer=SGD([w], lr=0.01), lr=123.0, steps=1)
    assert w.data == pytest.approx(W - 0.01 * gradients_by_hand(W, B)[0], rel=1e-14)
    assert b.data == B


def test_fit_takes_a_loss_of_one_s_own() -> None:
    def absolute(predictions: list[Value], targets: list[float]) -> Value:
        assert targets == Y
        return total([abs(a - y) for a, y in zip(predictions, targets)])

    line = Linear()
    history = fit(line, X, Y, loss=absolute, lr=0.01, steps=1)
    assert history.costs[0] == pytest.approx(abs(2 * W + B - 19) + abs(4 * W + B - 35))
    assert data(line) == pytest.approx([W + 0.01 * 6, B + 0.01 * 2])  # all predictions too low


def test_a_cost_that_is_no_mean_is_recorded_and_the_history_says_so() -> None:
    def root(predictions: Any, targets: Any) -> Value:
        return sqrt(mse(predictions, targets))

    line = Linear()
    history = fit(line, X, Y, loss=root, steps=5)
    assert history.recorded == "the cost is not the mean of the costs of single points"


def test_a_model_that_looks_at_its_numbers_is_recorded_in_the_end() -> None:
    """Its operations are the same for all points at the start, and others later."""

    class Bent(Linear):
        def __call__(self, x: Any) -> Any:
            a = super().__call__(x)
            return a * 2.0 if a.data > 15.0 else a

    class Recorded(SGD):
        wants_graph = True

    one, other = Bent(), Bent()
    history = fit(one, X, Y, lr=0.01, steps=50)
    fit(other, X, Y, optimizer=Recorded(other.parameters(), 0.01), steps=50)
    assert "depends on the numbers" in history.recorded
    assert data(one) == data(other)


def test_points_with_too_many_features_are_refused() -> None:
    with pytest.raises(DataError, match="takes 1 inputs, not 2"):
        fit(Linear(), [[1.0, 2.0], [3.0, 4.0]], Y)


# Settings that make no sense

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"lr": -0.1}, "learning rate"),
        ({"lr": 0.0}, "learning rate"),
        ({"lr": NAN}, "learning rate"),
        ({"lr": INF}, "learning rate"),
        ({"lr": "a"}, "learning rate"),
        ({"tolerance": "a"}, "tolerance"),
        ({"steps": 0}, "steps"),
        ({"steps": -5}, "steps"),
        ({"steps": True}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"steps": "10"}, "steps"),
        ({"tolerance": -1e-9}, "tolerance"),
        ({"tolerance": NAN}, "tolerance"),
        ({"tolerance": INF}, "tolerance"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: dict[str, Any], said: str) -> None:
    line = Linear()
    with pytest.raises(DataError, match=said):
        fit(line, X, Y, **setting)
    assert data(line) == [W, B]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 0}, "batch size"),
        ({"batch_size": 2.5}, "batch size"),
        ({"batch_size": True}, "batch size"),
        ({"validation": 1.0}, "validation"),
        ({"validation": -0.1}, "validation"),
        ({"validation": math.nan}, "validation"),
        ({"patience": 0}, "patience"),
        ({"rng": -1}, "seed"),
        ({"rng": 1.5}, "seed"),
        ({"resume": True}, "nothing to resume"),
    ],
)
def test_settings_of_batches_and_validation_that_make_no_sense_are_refused(
    settings: Any, said: str
) -> None:
    line = Linear()
    before = data(line)
    with pytest.raises(DataError, match=said):
        fit(line, X, Y, **settings)
    assert data(line) == before


@pytest.mark.parametrize("setting", [{"validation": 0.5}, {"batch_size": 2}, {"checkpoint": "c"}])
def test_batches_one_after_the_other_have_no_validation_size_or_checkpoint(
    setting: dict[str, Any],
) -> None:
    with pytest.raises(DataError, match="give x and y"):
        fit(Linear(), [(X, Y)], **setting)
