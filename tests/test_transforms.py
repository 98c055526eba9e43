"""grad, value_and_grad and hessian: nested, of any argument, to any order."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy
import pytest
from gradient_rounding import size
from hypothesis import given

from tinygrad_lin import (
    OperandError,
    Value,
    grad,
    gradients,
    hessian,
    jvp,
    maximum,
    relu,
    sin,
    topological_order,
    value_and_grad,
)
from tinygrad_lin.check.strategies import Graph, graphs


@given(graphs(leaves=3, max_nodes=6))
def test_the_hessian_is_symmetric_and_forward_over_reverse(graph: Graph) -> None:
    root, leaves = graph
    nodes = topological_order(root)
    matrix = hessian(root, leaves)
    scale = 1e-9 * max(1.0, float(numpy.abs(matrix).max()), size(nodes) ** 2 * 1e-3)
    assert numpy.allclose(matrix, matrix.T, rtol=1e-9, atol=scale)
    derivatives = gradients(root, leaves)
    for k in range(len(leaves)):
        direction = [float(j == k) for j in range(len(leaves))]
        column = [jvp(derivative, leaves, direction).data for derivative in derivatives]
        assert numpy.allclose(matrix[:, k], column, rtol=1e-9, atol=scale)


def test_grad_of_numbers_is_a_number_to_any_order() -> None:
    def f(x: Any) -> Any:
        return x**4

    assert value_and_grad(f)(2.0) == (16.0, 32.0)
    derivatives = [16.0, 32.0, 48.0, 48.0, 24.0, 0.0, 0.0]
    for wanted in derivatives:
        assert f(2.0) == wanted
        assert type(f(2.0)) is float
        f = grad(f)


def test_the_derivatives_of_sin_are_its_shifts() -> None:
    f: Any = sin
    for k in range(8):
        assert f(0.7) == pytest.approx(math.sin(0.7 + k * math.pi / 2), abs=1e-12)
        f = grad(f)


def test_the_inner_variable_is_not_confused_with_the_outer_one() -> None:
    """The classic trap: the inner variable must not be taken for the outer one."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 12.0  # d/dx 2x² = 4x
    assert grad(lambda x: x * jvp(x * x, [x], [1.0]))(3.0) == 12.0  # d/dx x · 2x

    def forward_in_forward(x: Value) -> Value:
        y = Value(1.0)
        return x * jvp(x + y, [y], [1.0])

    x = Value(5.0)
    assert jvp(forward_in_forward(x), [x], [1.0]).data == 1.0


def test_grad_is_a_value_when_anything_it_depends_on_is_one() -> None:
    w = Value(3.0, "w")
    derivative = grad(lambda x: w * x * x)(2.0)
    assert isinstance(derivative, Value)
    assert derivative.data == 12.0
    derivative.backward()
    assert w.grad == 4.0
    x = Value(2.0, "x")
    derivative = grad(lambda v: v**3)(x)
    assert derivative.data == 12.0
    derivative.backward()
    assert x.grad == 12.0
    assert isinstance(grad(lambda v: w + v)(2.0), Value)
    value, derivative = value_and_grad(lambda v: w * v)(2.0)
    assert isinstance(value, Value)
    assert (value.data, derivative.data) == (6.0, 3.0)


def test_argnums_mean_what_they_mean_in_jax() -> None:
    def f(x: Any, y: Any, power: int) -> Any:
        return x**power * y

    assert grad(f)(2.0, 5.0, 3) == 60.0
    assert grad(f, argnums=1)(2.0, 5.0, 3) == 8.0
    assert grad(f, argnums=(1, 0))(2.0, 5.0, power=3) == (8.0, 60.0)
    assert value_and_grad(f, argnums=(0, 1))(2.0, 5.0, 3) == (40.0, (60.0, 8.0))
    with pytest.raises(OperandError, match="no argument 3"):
        grad(f, argnums=3)(2.0, 5.0, 3)
    with pytest.raises(OperandError):
        grad(f)([2.0], 5.0, 3)


def test_functions_that_do_not_depend_on_their_argument_have_derivative_zero() -> None:
    assert grad(lambda x: 5.0)(1.0) == 0.0
    assert grad(lambda x: x)(1.0) == 1.0
    assert grad(lambda x: x * 0 + 2)(1.0) == 0.0
    assert grad(lambda x, y: y, argnums=(0, 1))(1.0, 2.0) == (0.0, 1.0)
    assert grad(grad(lambda x: 3 * x))(1.0) == 0.0
    with pytest.raises(OperandError):
        grad(lambda x: None)(1.0)
    x, unrelated = Value(1.0), Value(2.0)
    assert [g.data for g in gradients(x * 2, [unrelated, x])] == [0.0, 2.0]
    assert gradients(x, [x])[0].data == 1.0


@pytest.mark.parametrize("output", [None, [1.0, 2.0], "1", True])
def test_f_must_return_one_number(output: Any) -> None:
    with pytest.raises(OperandError, match="f must return one number, not "):
        grad(lambda x: output)(1.0)


def test_nested_derivatives_of_numbers_are_numbers() -> None:
    assert grad(lambda x: grad(lambda y: x * y * y)(1.0))(3.0) == 2.0
    assert grad(lambda x: value_and_grad(lambda y: x * y**3)(2.0)[1])(3.0) == 12.0
    assert grad(lambda x: grad(lambda y: grad(lambda z: x * y * z * z)(1.0))(2.0))(3.0) == 2.0


def test_argnums_count_from_the_end_and_take_numpy_integers() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y

    assert grad(f, argnums=-1)(2.0, 5.0) == 2.0
    assert grad(f, argnums=(-2, -1))(2.0, 5.0) == (5.0, 2.0)
    assert grad(f, argnums=cast("Any", numpy.int64(1)))(2.0, 5.0) == 2.0
    with pytest.raises(OperandError, match="no argument"):
        grad(f, argnums=-3)(2.0, 5.0)


def test_descent_by_grad_of_values_walks_only_what_is_new() -> None:
    """An unrolled descent: each gradient goes no further back than to its own argument."""
    x = Value(1.0)
    walked = len(topological_order(grad(lambda v: v * v)(x)))
    for _ in range(50):
        x = x - 0.1 * grad(lambda v: v * v)(x)
    derivative = grad(lambda v: v * v)(x)
    assert len(topological_order(derivative, stop=[x])) <= walked
    x.backward()
    assert x.data == pytest.approx(0.8**50)


def test_the_derivatives_at_kinks_are_those_chosen_in_the_table() -> None:
    assert grad(relu)(0.0) == 0.0
    assert grad(abs)(0.0) == 0.0
    assert grad(lambda x: maximum(x, x))(2.0) == 1.0
    assert grad(maximum, argnums=(0, 1))(2.0, 2.0) == (0.5, 0.5)
    assert grad(grad(relu))(1.0) == 0.0
