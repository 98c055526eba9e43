"""The training loop: when it ends or diverges, callbacks, Ctrl-C, and what it prints."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tinygrad_lin import (
    MLP,
    SGD,
    DivergedError,
    DomainError,
    Linear,
    Module,
    Momentum,
    Value,
    fit,
    half_mse,
    load,
    log,
)
from tinygrad_lin.nn.training.batches import split_indices

X, Y = [2.0, 4.0], [19.0, 35.0]

TEN_X, TEN_Y = [float(k) for k in range(10)], [3.0 * k - 1.0 + (-1) ** k for k in range(10)]
W, B = 0.4967141530112327, -0.13826430117118466


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


def gradients_by_hand(w: float, b: float) -> tuple[float, float]:
    errors = [w * x + b - y for x, y in zip(X, Y)]
    return (errors[0] * 2 + errors[1] * 4) / 2, (errors[0] + errors[1]) / 2


# When it ends


def test_without_a_tolerance_all_the_steps_are_taken() -> None:
    line = Linear()
    for parameter, number in zip(line.parameters(), (8.0, 3.0)):
        parameter.data = number
    history = fit(line, X, Y, steps=20, tolerance=0.0)
    assert history.steps == 20
    assert data(line) == [8.0, 3.0]
    assert not history.converged


def test_training_that_starts_at_the_answer_takes_no_step() -> None:
    line = Linear()
    for parameter, number in zip(line.parameters(), (8.0, 3.0)):
        parameter.data = number
    history = fit(line, X, Y)
    assert history.converged
    assert history.steps == 0
    assert list(history.costs) == [0.0]


def test_training_ends_when_a_step_moves_no_parameter() -> None:
    line = Linear()
    before = data(line)
    history = fit(line, X, Y, lr=1e-300, steps=1000)
    assert history.converged
    assert history.steps < 2
    assert data(line) == before


# Validation


def test_the_points_kept_aside_are_not_learned_from() -> None:
    learn, aside = split_indices(10, 0.3, 42)
    line, alone = Linear(), Linear()
    history = fit(line, TEN_X, TEN_Y, lr=0.01, steps=20, validation=0.3)
    by_hand = fit(alone, [TEN_X[k] for k in learn], [TEN_Y[k] for k in learn], lr=0.01, steps=20)
    assert history.costs == by_hand.costs
    at_the_start = half_mse([Linear()(TEN_X[k]) for k in aside], [TEN_Y[k] for k in aside])
    assert history.validation[0] == pytest.approx(at_the_start.data, rel=1e-14)
    assert len(history.validation) == 21


def test_training_ends_with_the_parameters_that_did_best_on_the_points_kept_aside() -> None:
    data_set = load("anscombe2")  # a parabola; a net bends to what it sees
    net = MLP([1, 4, 1])
    seen = []
    history = fit(
        net, data_set.x, data_set.y, lr=0.02, steps=3000, validation=0.4, patience=200,
        callbacks=[lambda step, cost, model: seen.append(data(model))],
    )  # fmt: skip
    assert history.best is not None
    assert history.best.cost == min(history.validation)
    assert history.validation.index(history.best.cost) == history.best.step
    assert data(net) == list(history.best.parameters) == seen[history.best.step]
    if history.stopped:
        assert history.steps == history.best.step + 200
        assert history.outcome == "stopped early"


def test_training_stops_when_patience_has_brought_nothing_better() -> None:
    line = Linear()
    line.w[0][0].data, line.b[0].data = 1.0, 0.0
    _, aside = split_indices(4, 0.25, 42)
    y = [0.0] * 4
    y[aside[0]] = 100.0  # what is learned leads away from this point
    history = fit(line, [1.0] * 4, y, lr=0.01, steps=1000, validation=0.25, patience=7)
    assert history.stopped
    assert not history.converged
    assert history.best is not None
    assert (history.best.step, history.steps) == (0, 7)
    assert data(line) == [1.0, 0.0]


def test_an_epoch_is_validated_once() -> None:
    history = fit(Linear(), TEN_X, TEN_Y, lr=0.001, steps=12, batch_size=2, validation=0.2)
    assert len(history.validation) == 4  # before steps 0, 4, 8 and 12


# Callbacks


def test_callbacks_see_every_step_with_fresh_gradients() -> None:
    line = Linear()
    seen: list[tuple[int, float]] = []
    order: list[str] = []

    def watch(step: int, cost: Value, model: Module) -> None:
        assert model is line
        grads = [p.grad for p in line.parameters()]
        assert grads == pytest.approx(gradients_by_hand(*data(line)), rel=1e-12)
        seen.append((step, cost.data))
        order.append("first")

    history = fit(line, X, Y, steps=5, callbacks=iter([watch, lambda *_: order.append("second")]))
    assert seen == list(enumerate(history.costs))
    assert len(seen) == 6
    assert order == ["first", "second"] * 6


def test_callbacks_see_the_graph_and_change_nothing() -> None:
    line, alone = Linear(), Linear()
    seen: list[float] = []

    def look(step: int, cost: Value, model: Any) -> None:
        seen.append(cost.data)
        assert cost.op is not None
        assert any(parameter.grad for parameter in model.parameters())

    history = fit(line, X, Y, lr=0.1, steps=20, callbacks=[look])
    fit(alone, X, Y, lr=0.1, steps=20)
    assert data(line) == data(alone)
    assert seen == pytest.approx(history.costs.tolist(), rel=1e-12)


def test_callbacks_may_change_the_parameters() -> None:
    line = Linear()

    def clip(step: int, cost: Value, model: Any) -> None:
        for parameter in model.parameters():
            parameter.data = min(max(parameter.data, -2.0), 2.0)

    fit(line, X, Y, lr=0.01, steps=200, callbacks=[clip])
    assert line.parameters()[0].data <= 2.0


# Ctrl-C


def test_ctrl_c_ends_training_and_keeps_what_was_learned() -> None:
    line = Linear()

    def press(step: int, cost: Value, model: Module) -> None:
        if step == 3:
            raise KeyboardInterrupt

    history = fit(line, X, Y, steps=100, callbacks=[press])
    assert history.interrupted
    assert not history.converged
    assert history.steps == 3
    assert data(line) == list(history.snapshots[-1].parameters)
    assert data(line) != [W, B]
    assert "interrupted" in repr(history)


def test_ctrl_c_in_the_very_first_step_is_no_error() -> None:
    def press(predictions: list[Value], targets: list[float]) -> Value:
        raise KeyboardInterrupt

    line = Linear()
    history = fit(line, X, Y, loss=press)
    assert history.interrupted
    assert history.steps == 0
    assert data(line) == [W, B]
    assert "interrupted" in repr(history)


def test_ctrl_c_in_the_middle_of_a_step_leaves_the_model_as_the_history_has_it() -> None:
    class Interrupted(SGD):
        steps = 0

        def step(self, cost: Value | None = None) -> None:
            super().step(cost)
            self.steps += 1
            if self.steps == 3:
                self.parameters[0].data = 1e9
                raise KeyboardInterrupt

    line = Linear()
    history = fit(line, X, Y, optimizer=Interrupted(line.parameters(), 0.01))
    assert history.interrupted
    assert history.steps == 2
    assert tuple(data(line)) == history.snapshots[-1].parameters


def test_nothing_is_printed_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    fit(Linear(), X, Y, steps=10)
    assert capfd.readouterr() == ("", "")


# What diverges


class Logarithm(Module):
    """a = log(w x), defined only while w x is above 0."""

    def __init__(self, start: float) -> None:
        self.w = Value(start, "w")

    def __call__(self, x: Any) -> Value:
        prediction: Value = log(self.w * x[0])
        return prediction

    def parameters(self) -> list[Value]:
        return [self.w]

    def settings(self) -> dict[str, Any]:
        return {}


def test_too_large_a_learning_rate_diverges_with_advice() -> None:
    line = Linear()
    seen: list[list[float]] = []
    with pytest.raises(DivergedError) as caught:
        fit(line, X, Y, lr=0.2, steps=100_000, callbacks=[lambda *_: seen.append(data(line))])
    error = caught.value
    assert error.step == len(seen) > 0
    assert error.learning_rate == 0.2
    assert error.limit == pytest.approx(0.18335, abs=5e-6)
    for words in (f"step {error.step}", "0.2", "0.18335"):
        assert words in str(error)
    assert data(line) == seen[-1]
    assert all(map(math.isfinite, data(line)))


def test_a_cost_that_is_not_finite_names_the_first_such_node() -> None:
    def overflowing(predictions: list[Value], targets: list[float]) -> Value:
        (a,) = predictions
        huge = a * 1e200
        huge.label = "huge"
        out = huge * huge
        out.label = "overflow"
        return out - 1.0

    line = Linear()
    with pytest.raises(DivergedError, match="overflow") as caught:
        fit(line, [1.0], [1.0], loss=overflowing)
    assert caught.value.step == 0
    assert data(line) == [W, B]


def test_a_gradient_that_is_not_finite_is_divergence_too() -> None:
    class Root(Logarithm):
        def __call__(self, x: Any) -> Value:
            root: Value = (self.w * x[0]).sqrt()  # sqrt(0) is 0, its derivative infinite
            return root

    model = Root(0.0)
    with pytest.raises(DivergedError, match="gradient"):
        fit(model, [1.0], [1.0])
    assert data(model) == [0.0]


def test_leaving_the_domain_after_the_first_step_is_divergence() -> None:
    model = Logarithm(1.0)  # a = 0, dC/dw = a - y = 10, so that w becomes -9
    with pytest.raises(DivergedError) as caught:
        fit(model, [1.0], [-10.0], lr=1.0)
    error = caught.value
    assert error.step == 1
    assert "log" in str(error)
    assert data(model) == [1.0]


def test_divergence_outside_the_domain_is_chained_to_it() -> None:
    with pytest.raises(DivergedError) as caught:
        fit(Logarithm(1.0), [1.0], [-10.0], lr=1.0)
    assert isinstance(caught.value.__cause__, DomainError)


def test_no_learning_rate_is_advised_where_no_limit_is_known() -> None:
    with pytest.raises(DivergedError) as caught:  # here the cost curves downwards
        fit(Logarithm(1.0), [1.0], [-10.0], lr=1.0)
    assert "below inf" not in str(caught.value)
    assert caught.value.limit is None or math.isinf(caught.value.limit)


def test_starting_outside_the_domain_is_a_domainerror() -> None:
    model = Logarithm(-1.0)
    with pytest.raises(DomainError, match="log"):
        fit(model, [1.0], [1.0])
    assert data(model) == [-1.0]


def test_after_divergence_the_model_and_the_optimizer_are_finite(tmp_path: Path) -> None:
    line = Linear()
    optimizer = Momentum(line.parameters(), 1.0)
    with pytest.raises(DivergedError):
        fit(line, X, Y, optimizer=optimizer, checkpoint=tmp_path / "checkpoint.json")
    assert all(map(math.isfinite, [*data(line), *optimizer.state[0]]))
