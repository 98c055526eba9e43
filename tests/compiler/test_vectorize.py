"""Scalars become arrays."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy
import pytest
from compiler.reference import close, eager

from tinygrad_lin import (
    Value,
    compile_graph,
    dot,
    relu,
    sigmoid,
    tanh,
    topological_order,
    total,
)
from tinygrad_lin.compiler.merge_sums import merge_sums
from tinygrad_lin.compiler.trace import trace_graph
from tinygrad_lin.compiler.vectorize import (
    MAX_UNROLLED_TERMS,
    Instruction,
    Location,
    Part,
    Variable,
    Vectorizer,
)
from tinygrad_lin.ops import FUNCTIONS


def test_a_dot_of_separate_columns_is_a_chain_of_additions() -> None:
    w = [Value(0.5), Value(-0.25), Value(1.5)]
    x = [Value(1.0, "x"), Value(2.0, "y")]
    program = compile_graph(tanh(dot([*w[:2], 2.0], [*x, 0.125], w[2])), batch=x, wrt=w)
    assert "sum(" not in program.source.replace(".sum(", "")
    value, gradient = program.value_and_grad([0.5, -0.25, 1.5], [1.0] * 3, [2.0] * 3)
    assert value == pytest.approx(numpy.tanh(1.75))
    derivative = 1.0 - numpy.tanh(1.75) ** 2
    assert gradient == pytest.approx([derivative, 2.0 * derivative, derivative])


def net(sizes: list[int], activation: Any, *, written_out: bool = False) -> Any:
    """The cost of one example of a net, its inputs, target and parameters."""
    rng = numpy.random.default_rng(0)
    x = [Value(0.1, f"x{k}") for k in range(sizes[0])]
    y = Value(0.5, "y")
    h: list[Any] = x
    wrt = []
    for k, (m, n) in enumerate(pairwise(sizes)):
        ws = [[Value(v) for v in row] for row in rng.normal(size=(n, m))]
        bs = [Value(v) for v in rng.normal(size=n)]
        wrt += [w for row in ws for w in row] + bs
        if written_out:
            z = []
            for row, b in zip(ws, bs):
                s: Any = b
                for w, v in zip(row, h):
                    s = s + w * v
                z.append(s)
        else:
            z = [dot(row, h, b) for row, b in zip(ws, bs)]
        h = [activation(v) for v in z] if k < len(sizes) - 2 else z
    return (h[0] - y) ** 2 / 2, x, y, wrt


@pytest.mark.parametrize("written_out", [False, True])
@pytest.mark.parametrize("activation", [tanh, relu, sigmoid])
def test_a_net_written_neuron_by_neuron_becomes_matrix_products(
    activation: Any, written_out: bool
) -> None:
    cost, x, y, wrt = net([3, 5, 4, 1], activation, written_out=written_out)
    program = compile_graph(cost, batch=(x, y), wrt=wrt)
    assert program.source.count("# a matrix product") == 2
    assert "matrix products" in program.describe()
    rng = numpy.random.default_rng(1)
    inputs, targets = rng.normal(size=(7, 3)), rng.normal(size=7)
    parameters = [leaf.data for leaf in wrt]
    value, gradient = program.value_and_grad(parameters, inputs, targets)
    values, gradients = [], []
    for row, target in zip(inputs, targets):
        for leaf, number in zip([*x, y], [*row, target]):
            leaf.data = number
        again = rerun(cost)
        found = eager(again[cost], [again[leaf] for leaf in wrt])
        values.append(found[0])
        gradients.append(found[1])
    assert close(value, numpy.mean(values))
    assert close(gradient, numpy.mean(gradients, axis=0))
    assert close(program.jacobian(parameters, inputs, targets)[:, 0], gradients)


def rerun(root: Value) -> dict[Value, Value]:
    made: dict[Value, Value] = {}
    for node in topological_order(root):
        if node.operation is None:
            made[node] = Value(node.data)
        else:
            given = [made[o] if isinstance(o, Value) else o for o in node.operands]
            made[node] = FUNCTIONS[node.operation.name](*node.operation.grouped(given))
    return made


def vectorized(root: Value, wrt: list[Value]) -> list[Instruction]:
    """The instructions for a graph of parameters."""
    trace = trace_graph(root, [], wrt)
    parameters = Variable("p", False, len(wrt), True)
    locations = {trace.leaves[leaf]: Location(parameters, k) for k, leaf in enumerate(wrt)}
    return Vectorizer(locations, merge_sums(trace.output, trace.nodes)).instructions


def test_the_same_operation_on_several_parameters_is_one_instruction() -> None:
    w = [Value(0.1 * k) for k in range(5)]
    first, last = vectorized(total([tanh(v) for v in w]), w)
    assert (first.kind, first.operation.name, first.output.width) == ("map", "tanh", 5)
    assert (last.kind, last.output.width) == ("total", None)


def test_different_operations_are_instructions_of_their_own() -> None:
    w = [Value(0.1), Value(0.2)]
    kinds = [i.operation.name for i in vectorized(tanh(w[0]) * sigmoid(w[1]), w)]
    assert kinds == ["tanh", "sigmoid", "mul"]


def test_a_sum_of_separate_variables_is_unrolled_up_to_a_limit() -> None:
    for count, kind in [(MAX_UNROLLED_TERMS, "map"), (MAX_UNROLLED_TERMS + 1, "fold")]:
        w = Value(0.5)
        chain = [tanh(w)]
        for _ in range(count - 1):
            chain.append(tanh(chain[-1]))
        assert vectorized(total(chain), [w])[-1].kind == kind


def test_a_part_knows_whether_it_is_all_of_its_variable() -> None:
    variable = Variable("a", True, 3, False)
    assert variable.shape == ("n", 3)
    assert Part(variable, (0, 1, 2)).is_whole
    assert not Part(variable, (0, 2, 1)).is_whole
    assert not Part(variable, (0, 1, 2), rows=1).is_whole
    assert Part(variable, (0, 1)).is_wide
    assert not Part(variable, (1,)).is_wide


def test_a_location_is_a_variable_or_one_lane_of_it() -> None:
    assert Location(Variable("a", True, None, False)).text == "a"
    assert Location(Variable("a", True, 3, False), 2).text == "a[:, 2]"
    assert Location(Variable("a", False, 3, False), 2).text == "a[2]"
