"""The trace of a graph."""

from __future__ import annotations

import numpy
from compiler.reference import close, eager

from tinygrad_lin import (
    TABLE,
    Value,
    compile_graph,
    exp,
    tanh,
)
from tinygrad_lin.compiler.trace import Node, trace_graph


def test_constants_fold_and_common_subexpressions_are_computed_once() -> None:
    x = Value(0.5, "x")
    constant = exp(Value(1.0))
    root = tanh(x * constant) + tanh(x * constant) * 2.0
    program = compile_graph(root, wrt=[x])
    assert program.source.count("tanh") == program.source.count("tanh1") + 1
    assert "exp" not in program.source
    value, gradient = program.value_and_grad([0.5])
    wanted, expected = eager(root, [x])
    assert close(value, wanted)
    assert close(gradient, expected)


def test_a_subexpression_that_is_recorded_twice_has_one_node() -> None:
    x = Value(0.5, "x")
    trace = trace_graph((x + 1.0) * (x + 1.0), [], [x])
    assert trace.operations == 3
    assert [node.operation for node in trace.nodes] == [TABLE["add"], TABLE["mul"]]
    assert trace.output is trace.nodes[-1]


def test_a_graph_in_which_nothing_varies_is_a_number() -> None:
    trace = trace_graph(exp(Value(1.0)) * 2.0, [], [])
    assert trace.output == 2.0 * numpy.e
    assert trace.nodes == []


def test_a_node_knows_its_level_and_whether_it_depends_on_the_batch() -> None:
    w, x = Value(2.0, "w"), Value(3.0, "x")
    output = trace_graph(exp(w) * x + w, [x], [w]).output
    assert isinstance(output, Node)
    product, leaf = output.nodes
    assert (output.level, product.level, leaf.level) == (3, 2, 0)
    assert (output.batched, product.batched, leaf.batched) == (True, True, False)
