"""Derivatives that are graphs themselves: gradients of Values as Values."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import pytest
from gradient_rounding import close, size
from hypothesis import given

from tinygrad_lin import (
    ExpressionError,
    OperandError,
    Value,
    grad,
    gradients,
    hessian,
    jvp,
    sqrt,
    topological_order,
)
from tinygrad_lin.check.strategies import Graph, graphs

if TYPE_CHECKING:
    from collections.abc import Callable


@given(graphs(leaves=3, max_nodes=12))
def test_gradients_and_jvp_agree_with_backward(graph: Graph) -> None:
    root, leaves = graph
    nodes = topological_order(root)
    before = [leaf.data for leaf in leaves]
    derivatives = gradients(root, leaves)
    along = jvp(root, leaves, [1.0] * len(leaves))
    assert all(leaf.grad == 0.0 for leaf in leaves)  # neither touches grad
    root.backward()
    for leaf, derivative in zip(leaves, derivatives):
        assert close(derivative.data, leaf.grad, size(nodes) * 1e-3)
    assert close(along.data, sum(leaf.grad for leaf in leaves), size(nodes) * 1e-3)
    assert before == [leaf.data for leaf in leaves]


def test_inner_nodes_as_inputs_end_the_walk() -> None:
    a = Value(2.0)
    middle = a * a
    out = middle * middle + a
    derivative, direct = gradients(out, [middle, a])
    assert (derivative.data, direct.data) == (
        8.0,
        1.0,
    )  # a counts only where it does not pass middle
    assert jvp(out, [middle], [1.0]).data == 8.0
    assert hessian(out, [middle])[0, 0] == 2.0
    long = middle
    for _ in range(1000):
        long = long + 1.0
    assert len(topological_order(long * 2.0, stop=[long])) == 2


def test_repeated_inputs_get_one_derivative_each_and_wrong_ones_are_refused() -> None:
    x = Value(3.0)
    assert [g.data for g in gradients(x * x, [x, x])] == [6.0, 6.0]
    number: Any = 3.0
    for bad in (
        lambda: gradients(x, [number]),
        lambda: gradients(number, [x]),
        lambda: jvp(x, [number], [1.0]),
    ):
        with pytest.raises(OperandError, match="derivatives are of Values"):
            bad()
    with pytest.raises(ValueError, match="as many tangents"):
        jvp(x, [x], [])


def test_inputs_may_be_any_iterable_but_not_one_value() -> None:
    x = Value(3.0)
    assert gradients(x * x, (v for v in [x]))[0].data == 6.0  # type: ignore[arg-type]
    assert jvp(x * x, iter([x]), iter([1.0])).data == 6.0  # type: ignore[arg-type]
    assert hessian(x * x, iter([x])).tolist() == [[2.0]]  # type: ignore[arg-type]
    for function in (gradients, hessian):
        with pytest.raises(OperandError, match=r"give \[x\]"):
            function(x * x, cast("Any", x))


def test_the_derivative_of_an_infinite_derivative_is_not_a_number() -> None:
    assert math.isnan(grad(grad(sqrt))(0.0))
    assert math.isnan(grad(grad(lambda v: v**0.5))(0.0))
    x = Value(0.0)
    assert math.isnan(hessian(sqrt(x), [x])[0, 0])


def test_an_infinite_derivative_is_given_as_such() -> None:
    assert grad(sqrt)(0.0) == math.inf
    x = Value(0.0)
    assert gradients(sqrt(x), [x])[0].data == math.inf
    assert grad(lambda v: v**0.5)(0.0) == math.inf


def test_a_derivative_that_uses_no_row_says_which_is_missing(
    own_operation: Callable[..., Any],
) -> None:
    from tinygrad_lin import grad

    sinh = own_operation("sinh", "sinh(x)", ("cosh(x)",), draw=((-2.0, 2.0),))
    x = Value(0.5)
    sinh(x).backward()
    assert x.grad == math.cosh(0.5)
    said = r"local derivatives of sinh, cosh\(x\), use cosh, .* add a row for that"
    for differentiate in (
        lambda: gradients(sinh(x), [x]),
        lambda: jvp(sinh(x), [x], [1.0]),
        lambda: grad(sinh)(x),
        lambda: grad(grad(sinh))(0.5),
    ):
        with pytest.raises(ExpressionError, match=said):
            differentiate()
    own_operation("cosh", "cosh(x)", ("sinh(x)",), draw=((-2.0, 2.0),))
    assert grad(grad(sinh))(0.5) == pytest.approx(math.sinh(0.5))
