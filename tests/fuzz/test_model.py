"""Files of models and checkpoints, whatever they hold: taken as a whole, or refused."""

from __future__ import annotations

import copy
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import MLP, Adam, DataError, Linear, Momentum, fit
from tinygrad_lin.nn.predictor import Predictor

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([10**400, -(2**63), 10**9])
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["Linear", "MLP", "tanh", "relu", "add", "dot", "w", "b", "x", "y", "1.0"]),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=3), parts),
    max_leaves=5,
)


def saved(kind: int) -> dict[str, Any]:
    """What the file of a model holds."""
    model = [Linear(), Linear(2, 2), MLP([1, 2, 1]), MLP([2, 2, 2], activation="relu")][kind]
    predictor = Predictor(model, ("x", "z")[: Predictor(model).inputs], "y", probability=kind == 3)
    content: dict[str, Any] = json.loads(predictor.to_json())
    return content


@st.composite
def mutated(draw: st.DrawFn, content: Any) -> Any:
    """JSON of which something has been exchanged, left out, renamed, repeated or added."""
    content = copy.deepcopy(content)
    for _ in range(draw(st.integers(0, 3))):
        if not isinstance(content, dict | list) or not content:
            return draw(JSON)
        inner: Any = content
        place: Any = None
        while isinstance(inner, dict | list) and inner and (place is None or draw(st.booleans())):
            place = inner
            key = draw(
                st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place)))
            )
            inner = place[key]
        change = draw(st.sampled_from(["exchange", "nudge", "leave out", "add"]))
        if change == "exchange":
            place[key] = draw(JSON)
        elif change == "nudge" and isinstance(inner, int | float):
            place[key] = draw(st.sampled_from([-inner, inner + 1, str(inner), min(inner, 9) * 1.0]))
        elif change == "leave out":
            del place[key]
        elif isinstance(place, dict):
            place[draw(st.text(max_size=3))] = inner
        else:
            place.append(inner)
    return content


def bytes_of(content: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Files, some of them cut short or of no text."""
    texts = content.map(lambda c: json.dumps(c).encode())
    cut = st.tuples(texts, st.integers(0, 400)).map(lambda pair: pair[0][: pair[1]])
    return texts | texts | texts | cut | st.binary(max_size=20)


MODELS = st.integers(0, 3).flatmap(lambda kind: bytes_of(mutated(saved(kind))))


@given(MODELS, st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2))
def test_a_model_predicts_or_is_refused(content: bytes, row: list[float]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        path.write_bytes(content)
        try:
            predictor = Predictor.read(path)
        except DataError:
            return
        there = json.loads(content)["parameters"]
        assert {p.label: p.data for p in predictor.model.parameters()} == there
        try:
            predictions = predictor(row[: predictor.inputs])
        except DataError:
            return
        assert predictions
        assert all(map(math.isfinite, predictions))
        path.write_text(predictor.to_json(), encoding="utf-8")
        again = Predictor.read(path)
        assert again._replace(model=predictor.model) == predictor
        assert again(row[: predictor.inputs]) == predictions


@given(MODELS, st.integers(0, 3))
def test_a_model_takes_all_parameters_or_none(content: bytes, kind: int) -> None:
    model = [Linear(rng=1), Linear(2, 2, rng=1), MLP([1, 2, 1], rng=1), MLP([2, 2, 2], "relu", 1)]
    mine = {p.label: p.data for p in model[kind].parameters()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        path.write_bytes(content)
        try:
            model[kind].load(path)
        except DataError:
            pass
        else:
            mine = json.loads(content)["parameters"]
    assert {p.label: p.data for p in model[kind].parameters()} == mine


X, Y = [1.0, 2.0, 3.0, 4.0], [3.0, 5.0, 7.0, 8.0]
OPTIMIZERS: list[Any] = [None, Momentum, Adam]


def train(path: Path, kind: int, steps: int, resume: bool) -> list[float]:
    """The parameters after a training that leaves a checkpoint, or goes on from one."""
    line = Linear(rng=7 if resume else 42)
    optimizer = OPTIMIZERS[kind] and OPTIMIZERS[kind](line.parameters(), lr=0.01)
    before = [p.data for p in line.parameters()]
    try:
        fit(
            line, X, Y, optimizer=optimizer, steps=steps, batch_size=2, validation=0.25,
            checkpoint=path, resume=resume,
        )  # fmt: skip
    except DataError:
        assert [p.data for p in line.parameters()] == before
        raise
    return [p.data for p in line.parameters()]


def checkpoint(kind: int) -> Any:
    """What the file of a training after three steps holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.json"
        train(path, kind, 3, resume=False)
        return json.loads(path.read_text(encoding="utf-8"))


def undisturbed(kind: int) -> list[float]:
    """The parameters after five steps."""
    with tempfile.TemporaryDirectory() as folder:
        return train(Path(folder) / "checkpoint.json", kind, 5, resume=False)


KINDS = range(len(OPTIMIZERS))
CHECKPOINTS = [checkpoint(kind) for kind in KINDS]
WANTED = [undisturbed(kind) for kind in KINDS]


@given(st.sampled_from(KINDS), st.data())
def test_a_checkpoint_is_as_it_was_or_refused(kind: int, data: st.DataObject) -> None:
    content = data.draw(bytes_of(mutated(CHECKPOINTS[kind])))
    try:
        same = json.dumps(json.loads(content)) == json.dumps(CHECKPOINTS[kind])
    except ValueError:
        same = False
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.json"
        path.write_bytes(content)
        if same:
            assert train(path, kind, 5, resume=True) == WANTED[kind]
            return
        with pytest.raises(DataError, match=r"checkpoint\.json"):
            train(path, kind, 5, resume=True)
        assert path.read_bytes() == content  # a person may mend it
