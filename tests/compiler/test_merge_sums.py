"""Sums that were written out become single ones."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from tinygrad_lin import (
    TABLE,
    Value,
    compile_graph,
    dot,
    total,
)
from tinygrad_lin.compiler.merge_sums import merge_sums
from tinygrad_lin.compiler.trace import Node, trace_graph


def test_a_long_sum_needs_no_recursion() -> None:
    leaves = [Value(float(k)) for k in range(20_000)]
    root = leaves[0]
    for leaf in leaves[1:]:
        root = root + leaf * 2.0
    value, gradient = compile_graph(root, wrt=leaves).value_and_grad(numpy.ones(20_000))
    assert value == 39_999.0
    assert gradient.tolist() == [1.0] + [2.0] * 19_999


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: dot([y, y], [y, x], y),
        lambda x, y: dot([y, x], [x, y], y),
        lambda x, y: dot([x, y, x], [y, y, x]),
        lambda x, y: dot([x, x], [y, y], x),
        lambda x, y: total([x, x, y, x]),
        lambda x, y: dot([x, 2.0], [y, x], 1.0),
        lambda x, y: x + y + x + y * x + y * x,
    ],
)
@pytest.mark.parametrize("batched", [True, False])
def test_an_operand_may_come_several_times_in_a_sum(make: Any, batched: bool) -> None:
    x, y, z = Value(0.5), Value(1.5), Value(0.25)
    root = make(x, y) * z
    batch = [z] if batched else []
    wrt = [y, x] if batched else [y, x, z]
    columns = [[0.25] * 3] if batched else []
    program = compile_graph(root, batch=batch, wrt=wrt)
    value, gradient = program.value_and_grad([leaf.data for leaf in wrt], *columns)
    root.backward()
    assert value == pytest.approx(root.data)
    assert gradient == pytest.approx([leaf.grad for leaf in wrt])


def test_a_sum_of_the_same_sums_is_right() -> None:
    w = [Value(1.0), Value(2.0)]
    a = w[0] + w[1]
    x = Value(0.5)
    value, gradient = compile_graph(a + a + a, batch=[x], wrt=w).value_and_grad([1.0, 2.0], [0.0])
    assert (value, gradient.tolist()) == (9.0, [3.0, 3.0])


def test_a_sum_of_a_million_terms_is_right() -> None:
    w = Value(2.0, "w")
    root: Any = w * 0.0
    for k in range(1_000_000):
        root = root + w * float(k % 7)
    value, gradient = compile_graph(root, wrt=[w]).value_and_grad([2.0])
    assert value == pytest.approx(root.data, rel=1e-12)
    assert gradient[0] == pytest.approx(sum(k % 7 for k in range(1_000_000)), rel=1e-12)


def test_a_sum_in_a_loop_is_one_sum() -> None:
    p, x = [Value(float(k), f"p{k}") for k in range(40)], Value(0.5, "x")
    root = sum([(v - k) ** 2.0 for k, v in enumerate(p)]) + 3.0 * x + 1.0
    assert isinstance(root, Value)
    program = compile_graph(root, wrt=[*p, x])
    assert program.source.count(".sum(-1)") == 1
    assert len(program.source.splitlines()) < 20
    numbers = numpy.arange(41) + 0.25
    value, gradient = program.value_and_grad(numbers)
    assert value == 40 * 0.0625 + 3.0 * 40.25 + 1.0
    assert gradient.tolist() == [0.5] * 40 + [3.0]


def merged(root: Value, batch: list[Value], wrt: list[Value]) -> Node:
    trace = trace_graph(root, batch, wrt)
    output = merge_sums(trace.output, trace.nodes)
    assert isinstance(output, Node)
    return output


def test_a_chain_of_additions_becomes_a_total() -> None:
    w = [Value(float(k), f"w{k}") for k in range(4)]
    output = merged(w[0] + w[1] + (w[2] + w[3]), [], w)
    assert output.operation is TABLE["total"]
    assert [node.label for node in output.nodes] == ["w0", "w1", "w2", "w3"]


def test_a_sum_of_products_becomes_a_dot_with_the_fixed_factors_first() -> None:
    w, x = [Value(1.0, "w0"), Value(2.0, "w1")], [Value(3.0, "x0"), Value(4.0, "x1")]
    output = merged(x[0] * w[0] + w[1] * x[1] + 0.5, x, w)
    assert output.operation is TABLE["dot"]
    assert [node.label for node in output.nodes] == ["w0", "w1", "x0", "x1"]
    assert output.operands[-1] == 0.5


def test_a_sum_that_something_else_uses_stays() -> None:
    w = [Value(float(k), f"w{k}") for k in range(3)]
    inner = w[0] + w[1]
    output = merged((inner + w[2]) * inner, [], w)
    assert [node.operation for node in output.nodes] == [TABLE["add"], TABLE["add"]]


def test_a_neuron_of_one_input_is_a_product_and_a_sum() -> None:
    w, x, b = (Value(0.5, name) for name in "wxb")
    output = merged(dot([w], [x], b), [x], [w, b])
    assert output.operation is TABLE["add"]
    assert output.nodes[0].operation is TABLE["mul"]
