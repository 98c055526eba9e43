"""Expressions as calls with a place for the result."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from tinygrad_lin import (
    Value,
    compile_graph,
    relu,
)
from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.compiler.buffer_allocation import Array
from tinygrad_lin.compiler.in_place_expressions import ExpressionWriter, UnknownShape


def test_relu_has_the_derivative_of_the_engine_at_nan() -> None:
    w, x = Value(2.0, "w"), Value(0.0, "x")
    relu_of = relu(w * x)
    program = compile_graph(relu_of, batch=[x], wrt=[w])
    value, gradient = program.value_and_grad([numpy.nan], [3.0])
    assert numpy.isnan(value)
    assert gradient == [3.0]


def translated(text: str, out: str | None = "out") -> tuple[Array, list[str]]:
    """The result of an expression on x and p, and the calls that compute it."""
    known = {"x": Array("x", ("n",)), "h": Array("h", ("n", 3), True, True), "p": Array("p", (3,))}
    writer = ExpressionWriter(known, set())
    return writer.translate(parse_expression(text), out), writer.lines


@pytest.mark.parametrize(
    ("text", "shape", "lines"),
    [
        ("x * x", ("n",), ["_multiply(x, x, out=out)"]),
        ("xp.exp(-x)", ("n",), ["_negative(x, out=_0)", "_exp(_0, out=out)"]),
        ("x[:, None] * p", ("n", 3), ["_dot(_view1, _view2, __out)"]),
        ("x @ x", (), []),
        ("p[1] * 2.0", (), []),
    ],
)
def test_an_expression_has_a_shape_and_calls(text: str, shape: Any, lines: list[str]) -> None:
    result, found = translated(text)
    assert result.shape == shape
    assert [line.split("(")[0] for line in found] == [line.split("(")[0] for line in lines]
    assert (result.text == "out") == bool(lines)


def test_what_has_no_name_has_no_known_shape() -> None:
    with pytest.raises(UnknownShape):
        translated("unknown + x")
    with pytest.raises(UnknownShape):
        translated("xp.cumsum(x)")


def test_the_mask_of_a_maximum_is_where_it_differs_from_the_bound() -> None:
    writer = ExpressionWriter({"x": Array("x", ("n",))}, set())
    greater = writer.translate(parse_expression("xp.maximum(x, 0.0)"), "a")
    mask = writer.translate(parse_expression("xp.logical_not(x <= 0.0)"), "b")
    assert (greater.text, mask.text) == ("a", "b")
    assert writer.lines[-1].startswith("_not_equal(a, ")
