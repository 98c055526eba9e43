"""The line and the net: their shapes, starts, predictions by hand and files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, cast

import numpy
import pytest

from tinygrad_lin import (
    MLP,
    TABLE,
    DataError,
    Linear,
    Module,
    Value,
    add_operation,
    fit,
    topological_order,
)
from tinygrad_lin.nn.models import activations
from tinygrad_lin.registry import remove_operation

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
def test_a_seed_that_numpy_does_not_take_is_refused(rng: Any) -> None:
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
def test_labels_of_several_weights_have_their_indices(
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
def test_a_number_of_inputs_that_is_no_positive_integer_is_refused(count: Any) -> None:
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


FIVE = ["tanh", "relu", "sigmoid", "softplus", "sin"]
FORMULAS: dict[str, Any] = {
    "tanh": numpy.tanh,
    "relu": lambda z: numpy.maximum(z, 0.0),
    "sigmoid": lambda z: 1 / (1 + numpy.exp(-z)),
    "softplus": lambda z: numpy.log(1 + numpy.exp(z)),
    "sin": numpy.sin,
}


def test_the_parameters_follow_the_layers_weights_before_biases() -> None:
    labels = [p.label for p in MLP([2, 3, 1]).parameters()]
    assert labels == [
        *("layer1.w[0,0]", "layer1.w[0,1]", "layer1.w[1,0]"),
        *("layer1.w[1,1]", "layer1.w[2,0]", "layer1.w[2,1]"),
        *("layer1.b[0]", "layer1.b[1]", "layer1.b[2]"),
        *("layer2.w[0,0]", "layer2.w[0,1]", "layer2.w[0,2]", "layer2.b[0]"),
    ]


def test_the_net_of_the_article_has_337_parameters() -> None:
    assert len(MLP([2, 16, 16, 1]).parameters()) == 2 * 16 + 16 + 16 * 16 + 16 + 16 + 1


@pytest.mark.parametrize("activation", FIVE)
@pytest.mark.parametrize("sizes", [[1, 1], [2, 3, 1], [3, 4, 5, 2]])
def test_predictions_are_those_of_matrices(activation: str, sizes: list[int]) -> None:
    net = MLP(sizes, activation=activation, rng=7)
    shift = numpy.random.default_rng(1)
    for parameter in net.parameters():  # biases of 0 would hide a mistake
        parameter.data = float(shift.normal())
    x = [0.5, -1.5, 2.0][: sizes[0]]
    signal = numpy.array(x)
    for k, layer in enumerate(net.layers):
        w = numpy.array([[v.data for v in weights] for weights in layer.w])
        signal = w @ signal + numpy.array([b.data for b in layer.b])
        if k < len(net.layers) - 1:
            signal = FORMULAS[activation](signal)
    found: Any = net(x)
    found = found if isinstance(found, list) else [found]
    assert [a.data for a in found] == pytest.approx(list(signal), rel=1e-12)
    assert {a.label for a in found} == {"a"}


def test_a_net_without_hidden_layers_is_a_line() -> None:
    net, line = MLP([2, 1]), Linear(2)
    for mine, its in zip(net.parameters(), line.parameters()):
        mine.data = its.data
    assert net([3.0, 4.0]).data == line([3.0, 4.0]).data


@pytest.mark.parametrize("activation", FIVE)
def test_the_gradients_of_a_net_are_right(activation: str) -> None:
    net = MLP([2, 3, 1], activation=activation)
    step = 1e-6
    net([0.7, -0.4]).backward()
    for parameter in net.parameters():
        middle = parameter.data
        parameter.data = middle + step
        above = net([0.7, -0.4]).data
        parameter.data = middle - step
        below = net([0.7, -0.4]).data
        parameter.data = middle
        assert parameter.grad == pytest.approx((above - below) / (2 * step), abs=1e-8)


@pytest.mark.parametrize("x", [2.0, 2, [2.0], (2.0,), numpy.float64(2.0), Value(2.0, "x")])
def test_one_input_may_be_a_number_a_value_or_a_sequence(x: Any) -> None:
    net = MLP([1, 4, 1])
    assert net(x).data == net([2.0]).data
    if isinstance(x, Value):
        net(x).backward()
        assert x.grad != 0.0


def test_a_neuron_is_one_node_and_its_activation_another() -> None:
    nodes = [v for v in topological_order(MLP([2, 16, 16, 1])([1.0, 2.0])) if v.op]
    assert sorted({v.op for v in nodes if v.op}) == ["dot", "tanh"]
    assert len(nodes) == 2 * 16 + 2 * 16 + 1


def test_the_layers_of_a_net_are_scopes() -> None:
    nodes = topological_order(MLP([1, 2, 1])(Value(1.0, "x")))
    scopes = [(v.label or v.op, v.scope) for v in nodes]
    for what in (("layer1.w[1,0]", ("layer 1",)), ("tanh", ("layer 1",)), ("x", ())):
        assert what in scopes
    for what in (("layer2.b[0]", ("layer 2",)), ("a", ("layer 2",))):
        assert what in scopes


# The start


def test_xavier_s_weights_are_uniform_within_their_bound() -> None:
    net = MLP([100, 50, 1])
    weights = [w.data for neuron in net.layers[0].w for w in neuron]
    bound = math.sqrt(6 / 150)
    assert max(map(abs, weights)) <= bound
    assert max(map(abs, weights)) > 0.999 * bound  # of 5,000 draws
    assert numpy.var(weights) == pytest.approx(2 / 150, rel=0.05)
    assert all(b.data == 0.0 for layer in net.layers for b in layer.b)


def test_he_s_weights_are_normal() -> None:
    net = MLP([100, 50, 1], "relu")
    weights = [w.data for neuron in net.layers[0].w for w in neuron]
    assert numpy.mean(weights) == pytest.approx(0.0, abs=0.01)
    assert numpy.var(weights) == pytest.approx(2 / 100, rel=0.05)
    normal = numpy.mean(numpy.abs(weights) < math.sqrt(2 / 100))
    assert normal == pytest.approx(0.6827, abs=0.02)  # one standard deviation


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_signals_neither_fade_nor_grow_through_ten_layers(activation: str) -> None:
    net = MLP([32] * 11, activation)
    signals: Any = net([0.1 * (-1) ** k for k in range(32)])
    size = math.sqrt(sum(a.data**2 for a in signals) / 32)
    assert 0.01 < size < 1.0


def test_the_seed_decides_the_first_weights_of_a_net() -> None:
    assert data(MLP([2, 3, 1])) == data(MLP([2, 3, 1], rng=42))
    assert data(MLP([2, 3, 1])) != data(MLP([2, 3, 1], rng=43))
    one, other = (MLP([2, 3, 1], rng=numpy.random.default_rng(7)) for _ in range(2))
    assert data(one) == data(other)


@pytest.mark.parametrize("rng", [-1, 2**32, 1.5, "seed", None])
def test_a_seed_of_a_net_that_numpy_does_not_take_is_refused(rng: Any) -> None:
    with pytest.raises(DataError, match="rng must be"):
        MLP([1, 2, 1], rng=rng)


# Activations


def test_any_operation_of_one_operand_is_an_activation_one_s_own_included() -> None:
    bend = add_operation("bend", "x / (1.0 + abs(x))", ("1.0 / ((1.0 + abs(x)) * (1.0 + abs(x)))",))
    try:
        net = MLP([1, 1, 1], activation="bend")
        hidden, out = net.layers
        w, v = hidden.w[0][0].data, out.w[0][0].data
        assert net(3.0).data == pytest.approx(v * bend(3 * w), rel=1e-14)
    finally:
        remove_operation(TABLE["bend"])
    assert set(FIVE) <= set(activations())


@pytest.mark.parametrize("name", ["nothing", "add", "dot", "total", "maximum", "neg", "", None])
def test_an_unknown_activation_is_refused_with_the_known_ones(name: Any) -> None:
    with pytest.raises(DataError, match=r"activation.*tanh"):
        MLP([1, 2, 1], activation=name)


@pytest.mark.parametrize(
    "sizes", [[], [3], [1, 0, 1], [1, -2], [1, 2.5], ["1", "2"], [True, True], 3, None, "12"]
)
def test_sizes_that_make_no_net_are_refused(sizes: Any) -> None:
    with pytest.raises(DataError, match=r"sizes of a net.*\[2, 16, 16, 1\]"):
        MLP(sizes)


@pytest.mark.parametrize("x", [[1.0], [1.0, 2.0, 3.0], 1.0, []])
def test_a_wrong_number_of_features_of_a_net_is_refused(x: Any) -> None:
    with pytest.raises(DataError, match="takes 2 inputs"):
        MLP([2, 3, 1])(x)


# The file


def test_a_net_that_was_saved_predicts_exactly_the_same(tmp_path: Path) -> None:
    net, other = MLP([2, 3, 2], "sin", rng=1), MLP([2, 3, 2], "sin", rng=2)
    net.parameters()[0].data = 0.1 + 0.2
    net.parameters()[1].data = 5e-324
    net.save(tmp_path / "net.json")
    other.load(tmp_path / "net.json")
    assert data(other) == data(net)
    content = json.loads((tmp_path / "net.json").read_text(encoding="utf-8"))
    assert (content["format"], content["model"]) == (1, "MLP")
    assert (content["sizes"], content["activation"]) == ([2, 3, 2], "sin")
    assert content["parameters"]["layer1.w[0,0]"] == 0.30000000000000004


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        (MLP([2, 4, 1]), r"'sizes': \[2, 4, 1\].*this model is.*'sizes': \[2, 3, 1\]"),
        (MLP([2, 3, 1], "sin"), "'activation': 'sin'.*this model is.*'activation': 'tanh'"),
        (Linear(2), "'model': 'Linear'.*this model is.*'model': 'MLP'"),
    ],
)
def test_a_file_of_another_shape_is_refused_and_changes_nothing(
    tmp_path: Path, saved: Any, said: str
) -> None:
    saved.save(tmp_path / "other.json")
    net = MLP([2, 3, 1])
    before = data(net)
    with pytest.raises(DataError, match=said):
        net.load(tmp_path / "other.json")
    assert data(net) == before


def test_the_repr_of_a_net_is_short() -> None:
    assert repr(MLP([2, 16, 16, 1])) == "MLP([2, 16, 16, 1], activation='tanh': 337 parameters)"


# Learning


def test_a_net_learns_what_no_line_can() -> None:
    corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    net = MLP([2, 4, 1])
    history = fit(net, corners, [0.0, 1.0, 1.0, 0.0], lr=0.5, steps=2000)
    assert [round(net(x).data, 2) for x in corners] == [0.0, 1.0, 1.0, 0.0]
    assert history.costs[-1] < 1e-4
