"""The net: its shape, its start, its predictions by hand, its file."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy
import pytest

from tinygrad_lin import (
    MLP,
    TABLE,
    DataError,
    Linear,
    Value,
    add_operation,
    fit,
    topological_order,
)
from tinygrad_lin.nn.mlp import activations
from tinygrad_lin.registry import remove_operation

FIVE = ["tanh", "relu", "sigmoid", "softplus", "sin"]
FORMULAS: dict[str, Any] = {
    "tanh": numpy.tanh,
    "relu": lambda z: numpy.maximum(z, 0.0),
    "sigmoid": lambda z: 1 / (1 + numpy.exp(-z)),
    "softplus": lambda z: numpy.log(1 + numpy.exp(z)),
    "sin": numpy.sin,
}


def data(model: MLP) -> list[float]:
    return [p.data for p in model.parameters()]


def test_the_parameters_are_those_of_the_shape_in_order() -> None:
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
def test_its_gradients_are_right(activation: str) -> None:
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


def test_its_layers_are_scopes() -> None:
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


def test_the_seed_decides_the_start() -> None:
    assert data(MLP([2, 3, 1])) == data(MLP([2, 3, 1], rng=42))
    assert data(MLP([2, 3, 1])) != data(MLP([2, 3, 1], rng=43))
    one, other = (MLP([2, 3, 1], rng=numpy.random.default_rng(7)) for _ in range(2))
    assert data(one) == data(other)


@pytest.mark.parametrize("rng", [-1, 2**32, 1.5, "seed", None])
def test_what_is_no_seed_is_refused(rng: Any) -> None:
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
def test_what_is_no_activation_is_refused_with_those_there_are(name: Any) -> None:
    with pytest.raises(DataError, match=r"activation.*tanh"):
        MLP([1, 2, 1], activation=name)


@pytest.mark.parametrize(
    "sizes", [[], [3], [1, 0, 1], [1, -2], [1, 2.5], ["1", "2"], [True, True], 3, None, "12"]
)
def test_sizes_that_are_no_shape_are_refused(sizes: Any) -> None:
    with pytest.raises(DataError, match=r"sizes of a net.*\[2, 16, 16, 1\]"):
        MLP(sizes)


@pytest.mark.parametrize("x", [[1.0], [1.0, 2.0, 3.0], 1.0, []])
def test_a_wrong_number_of_features_is_refused(x: Any) -> None:
    with pytest.raises(DataError, match="takes 2 inputs"):
        MLP([2, 3, 1])(x)


# The file


def test_saving_and_loading_is_exact(tmp_path: Path) -> None:
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


def test_the_repr_is_short() -> None:
    assert repr(MLP([2, 16, 16, 1])) == "MLP([2, 16, 16, 1], activation='tanh': 337 parameters)"


# Learning


def test_it_learns_what_no_line_can() -> None:
    corners = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    net = MLP([2, 4, 1])
    history = fit(net, corners, [0.0, 1.0, 1.0, 0.0], lr=0.5, steps=2000)
    assert [round(net(x).data, 2) for x in corners] == [0.0, 1.0, 1.0, 0.0]
    assert history.costs[-1] < 1e-4
