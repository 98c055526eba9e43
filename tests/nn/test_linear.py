"""The line: its start and its predictions."""

from __future__ import annotations

from typing import Any, cast

import numpy
import pytest

from tinygrad_lin import (
    DataError,
    Linear,
    Module,
    Value,
)

W, B = 0.4967141530112327, -0.13826430117118466  # the article's start, of NumPy's seed 42


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


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


def test_weights_are_drawn_before_biases_output_by_output() -> None:
    drawn = list(numpy.random.RandomState(42).standard_normal(8))
    model = Linear(inputs=3, outputs=2)
    assert data(model) == drawn
    assert [[w.data for w in weights] for weights in model.w] == [drawn[:3], drawn[3:6]]
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
