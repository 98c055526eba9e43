"""Mini-batches, points kept aside, and going on from a checkpoint bit for bit."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import (
    MLP,
    SGD,
    Adam,
    DataError,
    DivergedError,
    Linear,
    Momentum,
    Newton,
    Value,
    fit,
    half_mse,
    load,
)
from tinygrad_lin.nn.batches import Batches, split
from tinygrad_lin.nn.training import History

X, Y = [float(k) for k in range(10)], [3.0 * k - 1.0 + (-1) ** k for k in range(10)]


def data(model: Any) -> list[float]:
    return [p.data for p in model.parameters()]


# Mini-batches


@given(count=st.integers(1, 30), size=st.integers(1, 40), seed=st.integers(0, 2**32 - 1))
def test_every_epoch_goes_once_through_all_points(count: int, size: int, seed: int) -> None:
    batches = Batches(count, size, seed)
    assert batches.in_an_epoch == math.ceil(count / size)
    for epoch in range(3):
        steps = range(epoch * batches.in_an_epoch, (epoch + 1) * batches.in_an_epoch)
        chosen = [list(batches.at(step)) for step in steps]
        assert all(len(batch) <= size for batch in chosen)
        assert Counter(k for batch in chosen for k in batch) == Counter(range(count))


def test_the_order_is_new_in_every_epoch_and_comes_from_the_seed() -> None:
    orders = [tuple(Batches(50, 49, 42).at(2 * epoch)) for epoch in range(5)]
    assert len(set(orders)) == 5
    assert orders == [tuple(Batches(50, 49, 42).at(2 * epoch)) for epoch in range(5)]
    assert orders[0] != tuple(Batches(50, 49, 43).at(0))


def test_a_step_learns_from_its_batch_alone_by_hand() -> None:
    line = Linear()
    w, b = data(line)
    history = fit(line, X, Y, lr=0.01, steps=1, batch_size=2)
    first = Batches(10, 2, 42).at(0)
    errors = [w * X[k] + b - Y[k] for k in first]
    slope = sum(error * X[k] for error, k in zip(errors, first)) / 2
    assert data(line) == pytest.approx([w - 0.01 * slope, b - 0.01 * sum(errors) / 2])
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


def test_they_do_not_converge_before_a_whole_epoch_is_calm() -> None:
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
    learn, aside = split(count, part, seed)
    assert sorted([*learn, *aside]) == list(range(count))
    assert len(aside) == min(max(round(part * count), 1), count - 1)


def test_the_points_kept_aside_are_not_learned_from() -> None:
    learn, aside = split(10, 0.3, 42)
    line, alone = Linear(), Linear()
    history = fit(line, X, Y, lr=0.01, steps=20, validation=0.3)
    by_hand = fit(alone, [X[k] for k in learn], [Y[k] for k in learn], lr=0.01, steps=20)
    assert history.costs == by_hand.costs
    at_the_start = half_mse([Linear()(X[k]) for k in aside], [Y[k] for k in aside])
    assert history.validation[0] == pytest.approx(at_the_start.data, rel=1e-14)
    assert len(history.validation) == 21


def test_it_ends_with_the_parameters_that_did_best_on_them() -> None:
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


def test_it_stops_when_they_have_done_no_better_for_as_long_as_patience_lasts() -> None:
    line = Linear()
    line.w[0][0].data, line.b[0].data = 1.0, 0.0
    _, aside = split(4, 0.25, 42)
    y = [0.0] * 4
    y[aside[0]] = 100.0  # what is learned leads away from this point
    history = fit(line, [1.0] * 4, y, lr=0.01, steps=1000, validation=0.25, patience=7)
    assert history.stopped
    assert not history.converged
    assert history.best is not None
    assert (history.best.step, history.steps) == (0, 7)
    assert data(line) == [1.0, 0.0]


def test_an_epoch_is_validated_once() -> None:
    history = fit(Linear(), X, Y, lr=0.001, steps=12, batch_size=2, validation=0.2)
    assert len(history.validation) == 4  # before steps 0, 4, 8 and 12


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
def test_settings_that_make_no_sense_are_refused(settings: Any, said: str) -> None:
    line = Linear()
    before = data(line)
    with pytest.raises(DataError, match=said):
        fit(line, X, Y, **settings)
    assert data(line) == before


def test_one_point_cannot_be_split() -> None:
    with pytest.raises(DataError, match="one point"):
        fit(Linear(), [1.0], [1.0], validation=0.5)


# Going on

KINDS: dict[str, Any] = {
    "SGD": lambda w: SGD(w, 0.01),
    "Momentum": lambda w: Momentum(w, 0.005),
    "Adam": lambda w: Adam(w, 0.01),
}
SETTINGS: dict[str, dict[str, Any]] = {
    "all": {},
    "batches": {"batch_size": 3},
    "validation": {"validation": 0.3, "batch_size": 2},
}


def same(one: History, other: History) -> None:
    assert one.snapshots == other.snapshots
    assert one.validation == other.validation
    assert one.best == other.best
    assert one.steps == other.steps
    assert one.outcome == other.outcome
    assert list(one.costs)[other.start :] == list(other.costs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("broken_at", [1, 7, 100, 119])
def test_it_goes_on_bit_for_bit_after_an_interrupt(
    tmp_path: Path, kind: str, settings: str, broken_at: int
) -> None:
    file = tmp_path / "checkpoint.json"
    undisturbed = MLP([1, 3, 1])
    given: dict[str, Any] = {"steps": 150, **SETTINGS[settings]}
    whole = fit(undisturbed, X, Y, optimizer=KINDS[kind](undisturbed.parameters()), **given)

    def press(step: int, cost: Value, model: Any) -> None:
        if step == broken_at:
            raise KeyboardInterrupt

    net = MLP([1, 3, 1])
    optimizer = KINDS[kind](net.parameters())
    first = fit(net, X, Y, optimizer=optimizer, checkpoint=file, callbacks=[press], **given)
    assert first.interrupted
    again = MLP([1, 3, 1], rng=7)  # its start does not matter
    optimizer = KINDS[kind](again.parameters())
    second = fit(again, X, Y, optimizer=optimizer, checkpoint=file, resume=True, **given)
    assert second.start == broken_at
    assert data(again) == data(undisturbed)
    same(whole, second)


@pytest.mark.parametrize("at_work", ["forward", "step"])
def test_an_interrupt_in_the_midst_of_a_step_is_as_none(tmp_path: Path, at_work: str) -> None:
    class Own(Adam):
        wants_graph = at_work == "forward"  # then the loss is called in every step

    class Interrupted(Own):
        def changes(self, slopes: Any, cost: Value | None) -> Any:
            changes = super().changes(slopes, cost)
            if at_work == "step" and self.state[0] == 30 and not pressed:
                pressed.append(True)
                self.parameters[0].data = 1e9  # some parameters have moved, others not
                raise KeyboardInterrupt
            return changes

    def loss(predictions: Any, targets: Any) -> Value:
        calls.append(True)
        if at_work == "forward" and len(calls) == 31:
            raise KeyboardInterrupt
        return half_mse(predictions, targets)

    pressed: list[bool] = []
    calls: list[bool] = []
    file = tmp_path / "checkpoint.json"
    line = Linear()
    first = fit(line, X, Y, loss=loss, optimizer=Interrupted(line.parameters()), checkpoint=file)
    assert first.interrupted
    assert data(line) == list(first.snapshots[-1].parameters)
    fit(
        line,
        X,
        Y,
        loss=loss,
        optimizer=Interrupted(line.parameters()),
        checkpoint=file,
        resume=True,
    )
    undisturbed = Linear()
    fit(undisturbed, X, Y, optimizer=Own(undisturbed.parameters()))
    assert data(line) == data(undisturbed)


def test_more_steps_may_be_given_later(tmp_path: Path) -> None:
    file, one, two = tmp_path / "checkpoint.json", Linear(), Linear()
    whole = fit(one, X, Y, steps=500, lr=0.01)
    fit(two, X, Y, steps=123, lr=0.01, checkpoint=file)
    rest = fit(two, X, Y, steps=500, lr=0.01, checkpoint=file, resume=True)
    assert data(one) == data(two)
    same(whole, rest)


def test_checkpoints_are_written_every_1000_steps_then_every_10000(tmp_path: Path) -> None:
    file, found = tmp_path / "checkpoint.json", []

    def look(step: int, cost: Value, model: Any) -> None:
        if file.exists():
            found.append(json.loads(file.read_text(encoding="utf-8"))["step"])

    fit(Linear(), X, Y, lr=1e-4, steps=21_500, checkpoint=file, callbacks=[look])
    assert list(dict.fromkeys(found)) == [*range(1000, 11_000, 1000), 20_000]
    assert json.loads(file.read_text(encoding="utf-8"))["step"] == 21_500


@pytest.mark.parametrize("given", [{}, {"batch_size": 1}, {"validation": 0.5, "patience": 3}])
def test_what_has_ended_ends_the_same_again(tmp_path: Path, given: dict[str, Any]) -> None:
    """Its checkpoint stays: who is killed while writing results has lost nothing."""
    file, line, again = tmp_path / "checkpoint.json", Linear(), Linear(rng=7)
    file.write_text("an older one", encoding="utf-8")
    x, y = [2.0, 4.0, 3.0], [19.0, 35.0, 27.0]
    history = fit(line, x, y, lr=0.1, steps=50_000, checkpoint=file, **given)
    assert history.converged or history.stopped
    repeated = fit(again, x, y, lr=0.1, steps=50_000, checkpoint=file, resume=True, **given)
    assert (repeated.converged, repeated.stopped) == (history.converged, history.stopped)
    assert data(again) == data(line)
    same(history, repeated)


def test_newton_goes_on_too(tmp_path: Path) -> None:
    points, file = load("longley"), tmp_path / "checkpoint.json"
    one, two = Linear(6), Linear(6)
    fit(one, points.x, points.y, optimizer=Newton(one.parameters()), steps=2)
    for steps in (1, 2):
        fit(
            two, points.x, points.y, optimizer=Newton(two.parameters()), steps=steps,
            checkpoint=file, resume=steps > 1,
        )  # fmt: skip
    assert data(one) == data(two)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"lr": 0.02}, "optimizer is .*0.01.* there and .*0.02.* here"),
        ({"batch_size": 2}, "batch_size is None there and 2 here"),
        ({"rng": 7}, "rng is 42 there and 7 here"),
        ({"x": [1.0, *X[1:]]}, "points"),
        ({"model": Linear(rng=3), "steps": 5}, "at step 10 already"),
        ({"model": MLP([1, 1])}, "model"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    file = tmp_path / "checkpoint.json"
    given: dict[str, Any] = {"model": Linear(), "x": X, "y": Y, "lr": 0.01, "steps": 10}
    fit(**given, checkpoint=file)
    given |= {"model": Linear(), **change}
    before = data(given["model"])
    with pytest.raises(DataError, match=said):
        fit(**given, checkpoint=file, resume=True)
    assert data(given["model"]) == before


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"format": 2}', '{"format": 1}', "[" * 9999]
)
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "checkpoint.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"checkpoint\.json"):
        fit(Linear(), X, Y, checkpoint=file, resume=True)


@pytest.mark.parametrize(
    ("was", "is_now"),
    [
        ('"step": 10,', '"step": 7,'),
        ('"step": 10,', '"step": "10",'),
        ('"calm": 0,', '"calm": null,'),
        ('"validation": []', '"validation": {}'),
        ('"digest": "', '"digest": "0'),
        ("0.", "1."),
    ],
)
def test_a_checkpoint_that_somebody_changed_is_refused(
    tmp_path: Path, was: str, is_now: str
) -> None:
    file = tmp_path / "checkpoint.json"
    fit(Linear(), X, Y, checkpoint=file, steps=10)
    text = file.read_text(encoding="utf-8")
    assert was in text
    file.write_text(text.replace(was, is_now), encoding="utf-8")
    line = Linear()
    before = data(line)
    with pytest.raises(DataError, match=r"checkpoint\.json is damaged"):
        fit(line, X, Y, checkpoint=file, steps=20, resume=True)
    assert data(line) == before


def test_a_checkpoint_that_is_not_there_is_the_oserror_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fit(Linear(), X, Y, checkpoint=tmp_path / "nothing.json", resume=True)


def test_after_divergence_the_model_has_what_it_had_before_it(tmp_path: Path) -> None:
    line = Linear()
    optimizer = Momentum(line.parameters(), 1.0)
    with pytest.raises(DivergedError):
        fit(line, X, Y, optimizer=optimizer, checkpoint=tmp_path / "checkpoint.json")
    assert all(map(math.isfinite, [*data(line), *optimizer.state[0]]))
