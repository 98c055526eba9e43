"""Going on from a checkpoint, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tinygrad_lin import (
    MLP,
    SGD,
    Adam,
    DataError,
    History,
    Linear,
    Momentum,
    Newton,
    Value,
    fit,
    half_mse,
    load,
)

X, Y = [float(k) for k in range(10)], [3.0 * k - 1.0 + (-1) ** k for k in range(10)]


def data(model: Any) -> list[float]:
    return [p.data for p in model.parameters()]


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
def test_training_goes_on_bit_for_bit_after_an_interrupt(
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
def test_an_interrupt_in_the_middle_of_a_step_leaves_no_trace(tmp_path: Path, at_work: str) -> None:
    class Own(Adam):
        wants_graph = at_work == "forward"  # then the loss is called in every step

    class Interrupted(Own):
        def changes(self, gradient: Any, cost: Value | None) -> Any:
            changes = super().changes(gradient, cost)
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


def test_a_resumed_training_may_take_more_steps(tmp_path: Path) -> None:
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
def test_a_training_that_has_ended_ends_the_same_again(
    tmp_path: Path, given: dict[str, Any]
) -> None:
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


def test_newton_goes_on_from_a_checkpoint_too(tmp_path: Path) -> None:
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
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, text: str) -> None:
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


def test_resuming_from_a_missing_checkpoint_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        fit(Linear(), X, Y, checkpoint=tmp_path / "nothing.json", resume=True)
