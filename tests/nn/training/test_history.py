"""The history of a training: costs, snapshots, validation, and the last graph."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tinygrad_lin import (
    Linear,
    Module,
    fit,
)

X, Y = [2.0, 4.0], [19.0, 35.0]

W, B = 0.4967141530112327, -0.13826430117118466


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


def gradients_by_hand(w: float, b: float) -> tuple[float, float]:
    errors = [w * x + b - y for x, y in zip(X, Y)]
    return (errors[0] * 2 + errors[1] * 4) / 2, (errors[0] + errors[1]) / 2


def test_a_history_has_one_cost_more_than_steps() -> None:
    history = fit(Linear(), X, Y, steps=7, tolerance=0.0)
    assert history.steps == 7
    assert len(history.costs) == 8
    assert all(later < earlier for earlier, later in pairwise(history.costs))
    assert not history.converged
    assert "7 steps" in repr(history)
    assert "not converged" in repr(history)


def test_the_last_graph_is_kept_with_its_gradients() -> None:
    line = Linear()
    history = fit(line, X, Y, steps=3)
    assert history.final is not None
    assert history.final.data == history.costs[-1]
    assert history.final.grad == 1.0
    grads = [p.grad for p in line.parameters()]
    assert grads == pytest.approx(gradients_by_hand(*data(line)), rel=1e-12)


def test_snapshots_are_dense_at_first_and_thin_later() -> None:
    line = Linear()
    history = fit(line, X, Y, lr=0.01, steps=2345, tolerance=0.0)
    steps = [snapshot.step for snapshot in history.snapshots]
    wanted = [*range(100), *range(100, 1000, 10), *range(1000, 2345, 100), 2345]
    assert steps == wanted
    for step, cost, _ in history.snapshots:
        assert cost == history.costs[step]
    assert history.snapshots[0].parameters == (W, B)
    assert list(history.snapshots[-1].parameters) == data(line)


@pytest.mark.parametrize("last", [1, 2, 99, 100, 101, 109, 110, 111])
def test_the_last_snapshot_is_always_there(last: int) -> None:
    steps = [s.step for s in fit(Linear(), X, Y, steps=last, tolerance=0.0).snapshots]
    assert steps[-1] == last
    assert all(a < b for a, b in pairwise(steps))
    assert set(range(min(last, 100))) <= set(steps)
