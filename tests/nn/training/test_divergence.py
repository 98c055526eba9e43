"""Divergence: what the error says, and what the model keeps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tinygrad_lin import (
    DivergedError,
    DomainError,
    Linear,
    Module,
    Momentum,
    Value,
    fit,
    log,
)

X, Y = [2.0, 4.0], [19.0, 35.0]

W, B = 0.4967141530112327, -0.13826430117118466


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


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


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


def test_leaving_the_domain_later_is_divergence() -> None:
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


def test_after_divergence_model_and_optimizer_are_finite(tmp_path: Path) -> None:
    line = Linear()
    optimizer = Momentum(line.parameters(), 1.0)
    with pytest.raises(DivergedError):
        fit(line, X, Y, optimizer=optimizer, checkpoint=tmp_path / "checkpoint.json")
    assert all(map(math.isfinite, [*data(line), *optimizer.state[0]]))
