"""Wide graphs, grouped by operation."""

from __future__ import annotations

import random
from collections import OrderedDict
from typing import Any

import pytest
from compiler.reference import agrees

from tinygrad_lin import (
    DomainError,
    Value,
    compile_graph,
    dot,
    log,
    maximum,
    sigmoid,
    sin,
    tanh,
    total,
)
from tinygrad_lin.compiler import cache, strategy
from tinygrad_lin.compiler.grouped_by_operation import (
    GroupedWriter,
    constants_among_nodes,
    group_nodes,
)
from tinygrad_lin.compiler.trace import Node, trace_graph


def wide(count: int, width: int) -> tuple[Value, list[Value]]:
    """Layers of operations on operands drawn at random, numbers among them."""
    rng = random.Random(0)
    leaves = [Value(rng.uniform(-1.0, 1.0)) for _ in range(width)]
    layer = leaves
    for _ in range(count // width):
        one, other = rng.choices(layer, k=width), rng.choices(layer, k=width)
        makes: list[Any] = [
            lambda x, y: x * y, lambda x, y: x - 0.5, lambda x, y: tanh(x + y), lambda x, y: sin(x),
            lambda x, y: x / (y * y + 1.0), lambda x, y: sigmoid(y), lambda x, y: (x + 2.0) ** 3,
            lambda x, y: dot([x, 0.25], [0.5, y], 1.0), lambda x, y: total([x, y, -0.125]),
            maximum,
        ]  # fmt: skip
        layer = [tanh(rng.choice(makes)(x, y)) for x, y in zip(one, other)]
    return total(layer), leaves


def test_a_wide_graph_is_grouped_by_operation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "EXECUTABLES", OrderedDict())
    monkeypatch.setattr(strategy, "MIN_GROUP", 16)
    root, leaves = wide(6_000, 600)
    program = compile_graph(root, wrt=leaves)
    assert "times tanh" in program.source
    assert "each of many of a kind" in program.describe()
    assert "add_at" in program.source
    assert agrees(root, leaves)
    assert program.value([leaf.data for leaf in leaves]) == pytest.approx(root.data, rel=1e-12)


def test_grouped_programs_leave_domains_as_the_engine_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cache, "EXECUTABLES", OrderedDict())
    monkeypatch.setattr(strategy, "MIN_GROUP", 4)
    leaves = [Value(1.0 + k, f"w{k}") for k in range(60)]
    rng = random.Random(1)
    pairs = [rng.sample(leaves, 2) for _ in range(240)]
    makes: list[Any] = [lambda x, y: log(x) * y, lambda x, y: sin(x) - y, lambda x, y: x / y]
    terms = [rng.choice(makes)(x, rng.choice([y, tanh(y)])) for x, y in pairs]
    root = total(terms)
    program = compile_graph(root, wrt=leaves)
    assert "add_at" in program.source
    numbers = [leaf.data for leaf in leaves]
    numbers[7] = -1.0
    with pytest.raises(DomainError, match=r"log\(x\) has no value at x = -1.0 \('w7'\)"):
        program.value_and_grad(numbers)


def test_a_group_comes_after_all_that_it_depends_on() -> None:
    root, leaves = wide(300, 30)
    trace = trace_graph(root, [], leaves)
    done: set[Node] = set()
    for group in group_nodes(trace.nodes):
        assert len({node.operation for node in group}) == 1
        for node in group:
            assert done.issuperset(n for n in node.nodes if n.operation is not None)
        done.update(group)
    assert done == set(trace.nodes)


def test_constants_in_a_sum_have_a_place_among_the_values() -> None:
    w = [Value(0.5), Value(1.5)]
    trace = trace_graph(total([w[0], -0.125, w[1], 2.0]), [], w)
    assert constants_among_nodes(trace.nodes) == [-0.125, 2.0]
    assert isinstance(trace.output, Node)
    source = GroupedWriter(trace.nodes, [trace.leaves[v] for v in w]).program(trace.output, False)
    assert "v[2:4] = numbers" in source
