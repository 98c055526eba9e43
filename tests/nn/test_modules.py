"""What all models have in common: the file they are saved in."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import (
    MLP,
    DataError,
    Linear,
    Module,
    Value,
)

W, B = 0.4967141530112327, -0.13826430117118466  # the article's start, of NumPy's seed 42

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


def bits(numbers: list[float]) -> bytes:
    """Equal only for the very same floats, signs of zeros included."""
    return struct.pack(f"{len(numbers)}d", *numbers)


def saved(**changes: Any) -> str:
    """A model file of a line with w = 1, b = 2, apart from the changes."""
    content = {
        "format": 1,
        "model": "Linear",
        "inputs": 1,
        "outputs": 1,
        "parameters": {"w": 1.0, "b": 2.0},
    }
    return json.dumps({**content, **changes})


@given(numbers=st.lists(FINITE, min_size=6, max_size=6))
def test_a_model_that_was_saved_has_exactly_the_same_parameters(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    path = tmp_path_factory.mktemp("model") / "model.json"
    model, other = Linear(2, 2), Linear(2, 2, rng=7)
    for parameter, number in zip(model.parameters(), numbers):
        parameter.data = number
    model.save(path)
    other.load(path)
    assert bits(data(other)) == bits(numbers)


def test_a_model_s_file_is_json_that_names_the_parameters(tmp_path: Path) -> None:
    Linear().save(tmp_path / "model.json")
    content = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert content["parameters"] == {"w": W, "b": B}
    assert (content["model"], content["inputs"], content["outputs"]) == ("Linear", 1, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_parameters_that_are_not_finite_are_not_saved(tmp_path: Path, bad: float) -> None:
    line, path = Linear(), tmp_path / "model.json"
    line.b[0].data = bad
    with pytest.raises(DataError, match="parameter 'b'"):
        line.save(path)
    assert not list(tmp_path.iterdir())
    path.write_text("what stood there", encoding="utf-8")
    with pytest.raises(DataError):
        line.save(path)
    assert path.read_text(encoding="utf-8") == "what stood there"


def test_the_helper_of_the_next_test_writes_a_file_that_loads(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(saved(), encoding="utf-8")
    line = Linear()
    line.load(tmp_path / "model.json")
    assert data(line) == [1.0, 2.0]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "w = 1",
        "[1, 2]",
        "3",
        "null",
        '"a"',
        "[" * 100_000,
        "\ufeff",
        saved(format=2),
        saved(model="MLP"),
        saved(inputs=2),
        saved(outputs=2),
        saved(parameters=[1, 2]),
        saved(parameters=["w", "b"]),
        saved(parameters="wb"),
        saved(parameters=None),
        saved(parameters={}),
        saved(parameters={"w": 1.0}),
        saved(parameters={"w": 1.0, "b": 2.0, "c": 3.0}),
        saved(parameters={"w": 1.0, "b": None}),
        saved(parameters={"w": 1.0, "b": [2.0]}),
        saved(parameters={"w": 1.0, "b": "two"}),
        saved(parameters={"w": 1.0, "b": "2.0"}),
        saved(parameters={"w": 1.0, "b": True}),
        saved(parameters={"w": 1.0, "b": math.nan}),
        saved(parameters={"w": -math.inf, "b": 2.0}),
        saved().replace("2.0", "1e999"),
        saved(parameters={"w": 1.0, "b": 10**400}),
        saved().replace("2.0", "1" * 5000),
    ],
    ids=lambda text: text[-40:] or "empty",
)
def test_a_file_that_is_not_such_a_model_changes_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / "model.json"
    path.write_text(text, encoding="utf-8")
    line = Linear()
    with pytest.raises(DataError, match=r"model\.json"):
        line.load(path)
    assert data(line) == [W, B]


def test_a_file_cut_short_anywhere_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    Linear(rng=7).save(path)
    whole = path.read_bytes()
    line = Linear()
    for length in range(len(whole.rstrip())):
        path.write_bytes(whole[:length])
        with pytest.raises(DataError):
            line.load(path)
        assert data(line) == [W, B]


def test_a_file_that_is_not_text_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "model.json"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\0")
    line = Linear()
    with pytest.raises(DataError, match=r"model\.json"):
        line.load(path)
    assert data(line) == [W, B]


def test_a_path_that_does_not_exist_is_an_oserror(tmp_path: Path) -> None:
    line = Linear()
    with pytest.raises(FileNotFoundError):
        line.load(tmp_path / "nothing.json")
    with pytest.raises(OSError, match="nowhere"):
        line.save(tmp_path / "nowhere" / "model.json")
    assert data(line) == [W, B]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("model", [Linear(2), MLP([2, 3, 1])])
def test_zero_grad_of_a_model_sets_the_gradients_of_its_parameters_to_0(model: Module) -> None:
    x = Value(2.0)
    model([x, 1.0]).backward()
    assert any(parameter.grad for parameter in model.parameters())
    model.zero_grad()
    assert all(parameter.grad == 0.0 for parameter in model.parameters())
    assert x.grad != 0.0
