"""The backward pass on arrays."""

from __future__ import annotations

import numpy
import pytest
from compiler.reference import agrees

from tinygrad_lin import (
    Value,
    compile_graph,
    dot,
    exp,
    log,
    maximum,
    relu,
    sigmoid,
    sin,
    tanh,
    total,
)
from tinygrad_lin.compiler.array_gradient import Contribution, merge_contributions
from tinygrad_lin.compiler.source_text import Product


def test_the_gradient_of_a_node_that_is_used_very_often_is_right() -> None:
    """Its derivative has a share of every use, too many for one expression, or one function."""
    v = [Value(k / 2000) for k in range(1100)]
    assert agrees(maximum(*v) + v[0], v)
    top = maximum(*v)
    assert agrees(log(total([exp(x - top) for x in v])), v)
    w, x = Value(0.5), Value(0.25)
    root = total([f(w * x) * k for k, f in zip(range(100), [sin, tanh, exp, sigmoid] * 25)])
    value, gradient = compile_graph(root, batch=[x], wrt=[w]).value_and_grad([0.5], [0.25] * 3)
    root.backward()
    assert value == pytest.approx(root.data, rel=1e-12)
    assert gradient == pytest.approx([w.grad], rel=1e-12)


@pytest.mark.parametrize("batched", [True, False])
def test_derivatives_of_0_and_1_add_up(batched: bool) -> None:
    w, x = Value(2.0), Value(3.0)
    root = relu(-(w * x)) * 2.0 + relu(w * x) + relu(w * x + 1.0) + relu(w * x) * x - relu(-w)
    given = ([2.0], [3.0] * 4) if batched else ([2.0, 3.0],)
    program = compile_graph(root, batch=[x] if batched else [], wrt=[w] if batched else [w, x])
    value, gradient = program.value_and_grad(*given)
    root.backward()
    assert value == root.data == 31.0
    assert gradient[0] == w.grad == 15.0


def test_a_sum_of_some_lanes_takes_a_gradient_of_unknown_shape() -> None:
    """Which is added to a view of the lanes' derivatives, an array of the program's own."""
    w, b = Value(0.5, "w"), Value(0.25, "b")
    terms = [w * (k / 34) for k in range(34)]
    root = b * (total(terms) + dot([w] * 34, terms) + sum(terms[:31]))
    value, gradient = compile_graph(root, wrt=[w, b]).value_and_grad([0.5, 0.25])
    root.backward()
    assert value == pytest.approx(root.data, rel=1e-14)
    assert gradient == pytest.approx([w.grad, b.grad], rel=1e-14)


def test_contributions_that_differ_in_a_number_are_merged() -> None:
    contributions = [
        Contribution(None, Product(2.0, (), "a")),
        Contribution((1,), Product(1.0, (), "a")),
        Contribution(None, Product(-0.5, (), "a")),
    ]
    found = merge_contributions(contributions)
    assert [(lanes, str(gradient)) for lanes, gradient in found] == [(None, "1.5 * a"), ((1,), "a")]


def test_the_gradient_is_written_in_the_order_of_the_parameters() -> None:
    w, b, x = Value(1.0, "w"), Value(2.0, "b"), Value(3.0, "x")
    for order in ([w, b], [b, w]):
        program = compile_graph(tanh(w * x) + b, batch=[x], wrt=order)
        _, gradient = program.value_and_grad([leaf.data for leaf in order], [3.0])
        assert gradient[order.index(b)] == 1.0
        assert gradient[order.index(w)] == pytest.approx(3.0 * (1.0 - numpy.tanh(3.0) ** 2))
