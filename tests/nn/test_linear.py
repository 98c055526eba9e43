"""The line: its start, its predictions, and its file."""

from __future__ import annotations

import json
import math
import struct
from pathlib import Path
from typing import Any, cast

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import DataError, Linear, Value
from tinygrad_lin.nn.linear import Module

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


def test_seed_42_gives_the_numbers_of_the_article() -> None:
    assert data(Linear()) == data(Linear(rng=42)) == [W, B]


def test_another_seed_and_a_generator_give_what_numpy_gives() -> None:
    assert data(Linear(rng=0)) == [1.764052345967664, 0.4001572083672233]
    assert data(Linear(rng=numpy.random.default_rng(7))) == list(
        numpy.random.default_rng(7).standard_normal(2)
    )


def test_a_seed_may_be_a_whole_number_of_numpy() -> None:
    assert data(Linear(rng=cast("Any", numpy.int64(42)))) == [W, B]


@pytest.mark.parametrize("rng", [-1, 2**32, 1.5, "seed", None])
def test_what_is_no_seed_is_refused(rng: Any) -> None:
    with pytest.raises(DataError, match="rng must be"):
        Linear(rng=rng)


def test_weights_are_drawn_before_biases_row_by_row() -> None:
    drawn = list(numpy.random.RandomState(42).standard_normal(8))
    model = Linear(inputs=3, outputs=2)
    assert data(model) == drawn
    assert [[w.data for w in row] for row in model.w] == [drawn[:3], drawn[3:6]]
    assert [b.data for b in model.b] == drawn[6:]


@pytest.mark.parametrize("x", [3.0, 3, [3.0], (3,), numpy.float64(3), numpy.array([3.0])])
def test_one_feature_may_be_a_number_or_a_sequence(x: Any) -> None:
    line = Linear()
    line.w[0][0].data, line.b[0].data = 2.0, 0.5
    prediction = line(x)
    assert prediction.data == 6.5
    prediction.backward()
    assert [p.grad for p in line.parameters()] == [3.0, 1.0]


def test_an_array_without_dimensions_is_a_number_too() -> None:
    x: Any = numpy.array(3.0)
    assert Linear()(x).data == Linear()(3.0).data


def test_a_feature_may_be_a_value_that_gets_a_gradient() -> None:
    line, x = Linear(), Value(3.0, "x")
    line(x).backward()
    assert x.grad == W


def test_several_inputs_and_outputs_by_hand() -> None:
    model = Linear(inputs=2, outputs=2)
    for parameter, number in zip(model.parameters(), [1.0, 2.0, 3.0, 4.0, 10.0, 20.0]):
        parameter.data = number
    first, second = model([5.0, 7.0])
    assert first.data == 1 * 5 + 2 * 7 + 10
    assert second.data == 3 * 5 + 4 * 7 + 20
    second.backward()
    assert [p.grad for p in model.parameters()] == [0.0, 0.0, 5.0, 7.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("inputs", "outputs", "labels"),
    [
        (1, 1, ["w", "b"]),
        (2, 1, ["w[0]", "w[1]", "b"]),
        (1, 2, ["w[0]", "w[1]", "b[0]", "b[1]"]),
        (2, 2, ["w[0,0]", "w[0,1]", "w[1,0]", "w[1,1]", "b[0]", "b[1]"]),
    ],
)
def test_labels_say_the_place_where_there_are_several(
    inputs: int, outputs: int, labels: list[str]
) -> None:
    model = Linear(inputs, outputs)
    assert [p.label for p in model.parameters()] == labels
    assert model.settings() == {"inputs": inputs, "outputs": outputs}


def test_the_prediction_is_called_a() -> None:
    assert Linear()(1.0).label == "a"
    assert [a.label for a in Linear(2, 2)([1.0, 2.0])] == ["a", "a"]


@pytest.mark.parametrize(("inputs", "x"), [(1, [1.0, 2.0]), (2, [1.0]), (2, 1.0), (3, [])])
def test_a_wrong_number_of_features_is_refused(inputs: int, x: Any) -> None:
    with pytest.raises(DataError, match=f"takes {inputs} inputs"):
        Linear(inputs=inputs)(x)


@pytest.mark.parametrize("count", [0, -1, 1.5, "2", None, True])
def test_a_shape_that_is_no_shape_is_refused(count: Any) -> None:
    with pytest.raises(DataError, match="inputs must be a whole number"):
        Linear(inputs=count)
    with pytest.raises(DataError, match="outputs must be a whole number"):
        Linear(outputs=count)


def test_the_repr_shows_what_was_learned_and_is_short_for_large_models() -> None:
    line = Linear()
    line.w[0][0].data, line.b[0].data = 8.0, 3.0
    assert repr(line) == "Linear(inputs=1, outputs=1: w=8, b=3)"
    assert "..." in repr(Linear(100, 100))
    assert len(repr(Linear(100, 100))) < 200


@given(numbers=st.lists(FINITE, min_size=6, max_size=6))
def test_saving_and_loading_is_exact(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    path = tmp_path_factory.mktemp("model") / "model.json"
    model, other = Linear(2, 2), Linear(2, 2, rng=7)
    for parameter, number in zip(model.parameters(), numbers):
        parameter.data = number
    model.save(path)
    other.load(path)
    assert bits(data(other)) == bits(numbers)


def test_the_file_is_json_that_names_the_parameters(tmp_path: Path) -> None:
    Linear().save(tmp_path / "model.json")
    content = json.loads((tmp_path / "model.json").read_text(encoding="utf-8"))
    assert content["parameters"] == {"w": W, "b": B}
    assert (content["model"], content["inputs"], content["outputs"]) == ("Linear", 1, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_not_saved(tmp_path: Path, bad: float) -> None:
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


def test_a_file_that_is_not_there_is_the_oserror_it_is(tmp_path: Path) -> None:
    line = Linear()
    with pytest.raises(FileNotFoundError):
        line.load(tmp_path / "nothing.json")
    with pytest.raises(OSError, match="nowhere"):
        line.save(tmp_path / "nowhere" / "model.json")
    assert data(line) == [W, B]
    assert not list(tmp_path.iterdir())
