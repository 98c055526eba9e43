"""The same program in buffers that are made once."""

from __future__ import annotations

from typing import Any

import numpy
import pytest
from compiler.reference import executable_of
from hypothesis import given

from tinygrad_lin import (
    Value,
    compile_graph,
    exp,
)
from tinygrad_lin.check.strategies import Graph, graphs
from tinygrad_lin.compiler.in_place import InPlaceWriter


@given(graphs(leaves=4, max_nodes=25))
def test_a_program_in_place_gives_the_numbers_of_its_source(graph: Graph) -> None:
    """What runs gives the numbers of the source that is shown."""
    root, leaves = graph
    program = compile_graph(root, batch=leaves[:1], wrt=list(leaves[1:]))
    executable = executable_of(program)
    p = numpy.array([leaf.data for leaf in leaves[1:]])
    column = numpy.array([leaves[0].data] * 3)
    value, gradient = program.value_and_grad(p, column)
    wanted, expected = executable.run_quietly(p, [column], 3)
    assert numpy.allclose(value, wanted, rtol=1e-11, atol=1e-300, equal_nan=True)
    assert numpy.allclose(gradient, expected, rtol=1e-9, atol=1e-9, equal_nan=True)


def line() -> tuple[Value, list[Value], list[Value]]:
    x, y, w, b = (Value(0.5, name) for name in "xywb")
    return (w * x + b - y) ** 2 / 2, [x, y], [w, b]


def test_a_result_is_not_overwritten_by_the_next_run() -> None:
    cost, batch, wrt = line()
    program = compile_graph(cost, batch=batch, wrt=wrt)
    x, y = numpy.array([1.0, 2.0]), numpy.array([3.0, 4.0])
    _, first = program.value_and_grad([1.0, 2.0], x, y)
    kept = first.copy()
    program.value_and_grad([5.0, 6.0], x, y)
    assert (first == kept).all()
    assert x.tolist() == [1.0, 2.0]
    assert y.tolist() == [3.0, 4.0]


def test_an_output_that_no_row_matters_to_is_its_own_average() -> None:
    w, x = Value(2.0, "w"), Value(0.0, "x")
    program = compile_graph(exp(w), batch=[x], wrt=[w])
    value, gradient = program.value_and_grad([1.0], numpy.zeros(20_000))
    assert value == pytest.approx(numpy.e)
    assert gradient == pytest.approx([numpy.e])


def run_lines(lines: list[str]) -> list[str]:
    """The statements of a program of x that runs in place."""
    arguments: dict[str, Any] = {"p": (2,), "weight": (), "x": ("n",)}
    writer = InPlaceWriter(["n = x.shape[0]", *lines], arguments, {}, {}, fused=False)
    return writer.lines


def test_an_array_is_written_to_its_buffer() -> None:
    assert run_lines(["a = x + x", "value = a.sum()"])[0] == "_add(x, x, out=a)"


def test_lanes_of_the_gradient_are_set_and_added_to() -> None:
    lines = run_lines(["gradient = xp.zeros(2)", "gradient[0] = p[1]", "gradient[0] += p[0]"])
    assert lines == [
        "gradient.fill(0.0)", "gradient[0] = p[1]", "gradient[0] += p[0]",
        "return value, gradient.copy()",
    ]  # fmt: skip


def test_a_summand_of_lanes_is_computed_beside_them() -> None:
    zeros, sum_, addition, _ = run_lines(["gradient = xp.zeros(2)", "gradient[0:2] += p + p"])
    view = addition.removeprefix("_add(").partition(",")[0]
    beside = sum_.removesuffix(")").partition("out=")[2]
    assert (zeros, beside != view) == ("gradient.fill(0.0)", True)
    assert addition == f"_add({view}, {beside}, {view})"


def test_an_expression_of_unknown_shape_stays_as_it_is_written() -> None:
    assert run_lines(["a = unknown(x)", "value = a"])[0] == "a = unknown(x)"
