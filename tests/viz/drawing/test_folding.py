"""Big graphs in few boxes: what stands for what, and how soon."""

from __future__ import annotations

import time
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from tinygrad_lin import Value, add_operation, dot, draw, scope, tanh, topological_order, total
from tinygrad_lin.check.strategies import Graph, graphs
from tinygrad_lin.ops import TABLE
from tinygrad_lin.registry import remove_operation
from tinygrad_lin.viz.drawing.folding import MAX_BOXES, Folding, fold_alike, one_box_each


def folding_of(root: Value) -> Folding:
    return fold_alike(topological_order(root))


def summary(folding: Folding) -> list[tuple[str | None, str, int]]:
    return [(box.node.op, box.node.label, box.times) for box in folding.boxes]


def net(points: int, *, written_out: bool = False) -> Value:
    """The cost of a 2-16-16-1 net on so many points."""
    sizes = [2, 16, 16, 1]
    layers = [
        [([Value(0.1, f"w[{j}]") for j in range(m)], Value(0.0, f"b[{k}]")) for k in range(n)]
        for m, n in pairwise(sizes)
    ]

    def neuron(weights: list[Value], inputs: list[Value], bias: Value) -> Value:
        if not written_out:
            result: Value = dot(weights, inputs, bias)
            return result
        for w, x in zip(weights, inputs):
            bias = bias + w * x
        return bias

    errors = []
    for k in range(points):
        h = [Value(0.01 * k, "x0"), Value(0.02 * k, "x1")]
        for number, layer in enumerate(layers, 1):
            with scope(f"layer {number}"):
                h = [neuron(w, h, b) for w, b in layer]
                if number < len(layers):
                    h = [tanh(v) for v in h]
        errors.append((h[0] - 1.0) ** 2)
    if not written_out:
        return total(errors) / points
    cost = errors[0]
    for error in errors[1:]:
        cost = cost + error
    return cost / points


@given(graphs(max_nodes=20))
def test_small_graphs_are_not_folded(graph: Graph) -> None:
    order = topological_order(graph.root)
    assert fold_alike(order) == one_box_each(order)
    assert not fold_alike(order).note


def test_one_example_of_a_batch_stands_for_all() -> None:
    w, b = Value(2.0, "w"), Value(1.0, "b")
    cost = total([(w * Value(float(k), "x") + b - 3.0 * k) ** 2 for k in range(40)]) / 40
    assert [(op or label, n) for op, label, n in summary(folding_of(cost))] == [
        ("w", 1), ("x", 40), ("mul", 40), ("b", 1), ("add", 40), ("sub", 40), ("pow", 40),
        ("total", 1), ("div", 1),
    ]  # fmt: skip


def test_a_sum_written_out_is_one_box() -> None:
    w = Value(2.0, "w")
    cost = w * 0.0
    for k in range(100):
        cost = cost + (w - k) ** 2
    counts = {(op, n) for op, _, n in summary(folding_of(cost))}
    assert ("add", 99) in counts or ("add", 100) in counts
    assert ("pow", 100) in counts


def test_the_steps_of_a_chain_are_one_box() -> None:
    x: Value = Value(0.5, "x")
    w = Value(0.9, "w")
    for _ in range(500):
        x = tanh(x * w)
    folding = folding_of(x)
    assert len(folding.boxes) <= MAX_BOXES
    assert max(box.times for box in folding.boxes) >= 480
    assert sum(box.times for box in folding.boxes) == 1002
    assert "1,002 nodes" in folding.note


@pytest.mark.parametrize("written_out", [False, True])
def test_a_net_has_a_few_boxes_for_every_layer(written_out: bool) -> None:
    cost = net(20, written_out=written_out)
    folding = folding_of(cost)
    assert len(folding.boxes) <= 20
    counts = Counter({(box.node.op, box.node.scope): box.times for box in folding.boxes})
    assert counts["tanh", ("layer 1",)] == counts["tanh", ("layer 2",)] == 16 * 20
    source = draw(cost).source
    assert "layer 1" in source
    assert "× 320" in source


def test_a_large_net_is_drawn_soon() -> None:
    """The most that a person waits: 65,000 nodes, laid out. (Seconds are generous here.)"""
    cost = net(100, written_out=True)
    cost.backward()
    assert len(topological_order(cost)) > 64_000
    begin = time.process_time()
    assert draw(cost).pipe("svg").startswith(b"<?xml")
    assert time.process_time() - begin < 20.0


def test_when_nothing_is_alike_scopes_become_boxes() -> None:
    nodes = [Value(1.0, "a")]
    names = "bcdefghijklmnopqrstuvwxyz"
    for part in ("first", "second"):
        with scope(part):
            for name in names:
                for suffix in ("", "'"):
                    node = tanh(nodes[-1]) if suffix else nodes[-1] * nodes[-1]
                    node.label = part[0] + name + suffix
                    nodes.append(node)
    folding = folding_of(nodes[-1])
    assert [(box.node.scope, box.times, box.closed) for box in folding.boxes] == [
        ((), 1, False),
        (("first",), 50, True),
        (("second",), 50, True),
    ]
    source = draw(nodes[-1]).source
    assert "50 nodes" in source


def test_every_node_is_in_a_box_and_edges_lead_between_boxes() -> None:
    cost = net(10)
    order = topological_order(cost)
    folding = folding_of(cost)
    assert set(folding.place) == set(order)
    assert sum(box.times for box in folding.boxes) == len(order)
    first = {folding.place[box.node] for box in folding.boxes}
    assert first == set(range(len(folding.boxes)))


def test_operations_of_the_users_own_fold_too() -> None:
    add_operation("mish", "x * tanh(softplus(x))", ("tanh(softplus(x))",))
    try:
        root: Any = total([Value(float(k)).mish() for k in range(99)])  # type: ignore[attr-defined]
        assert ("mish", "", 99) in summary(folding_of(root))
    finally:
        remove_operation(TABLE["mish"])
