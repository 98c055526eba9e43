"""Complex steps are exact for every operation, and there is none where there can be none."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given

from tinygrad_lin import TABLE, Value, add_operation, exp, log, log1p, sin
from tinygrad_lin.check.corners import holds, smooth_parts
from tinygrad_lin.check.numeric.complex_step import complex_step_derivative
from tinygrad_lin.check.strategies import Graph, graphs
from tinygrad_lin.registry import remove_operation

if TYPE_CHECKING:
    from tinygrad_lin.check.numeric.differences import NumericalDerivative


def smooth(graph: Graph) -> bool:
    """Whether no node lies in a corner of its operation."""
    from tinygrad_lin import topological_order
    from tinygrad_lin._protocols import data_of

    return all(
        any(
            holds(part, [data_of(x) for x in node.operands])
            for _, part in smooth_parts(node.operation)
        )
        for node in topological_order(graph.root)
        if node.operation and node.operation.smooth
    )


@given(graphs(max_nodes=12))
def test_complex_steps_agree_with_the_chain_rule(graph: Graph) -> None:
    assume(smooth(graph))
    graph.root.backward()
    for leaf in graph.leaves:
        exact = complex_step_derivative(graph.root, leaf)
        if exact:
            assert abs(exact.value - leaf.grad) <= 1e-12 * abs(leaf.grad) + exact.error


def step_of(root: Value, leaf: Value) -> NumericalDerivative:
    exact = complex_step_derivative(root, leaf)
    assert exact is not None
    return exact


@pytest.mark.parametrize("x", [1e-150, 1e-20, 0.5, 1.0, 30.0])
def test_a_complex_step_is_exact_to_rounding(x: float) -> None:
    leaf = Value(x)
    assert step_of(log(leaf), leaf).value == pytest.approx(1 / x, rel=4e-16)
    assert step_of(sin(leaf + 1.0), leaf).value == pytest.approx(math.cos(x + 1.0), rel=4e-16)
    assert step_of(log1p(leaf) * 2.0, leaf).value == pytest.approx(2 / (1 + x), rel=4e-16)


def test_a_complex_step_must_be_tiny_beside_the_numbers_of_the_function() -> None:
    x = Value(1e-300)
    assert complex_step_derivative(log(x), x) is None  # No float is far smaller than x.
    assert step_of(sin(x), x).value == 1.0  # Here the numbers are of the size of 1.


def test_a_negative_base_may_have_a_large_whole_exponent() -> None:
    x = Value(-1.5)
    assert step_of(x**151, x).value == pytest.approx(151 * 1.5**150, rel=1e-14)
    assert step_of(x**-3, x).value == pytest.approx(-3 / 1.5**4, rel=1e-15)


def test_an_output_that_does_not_depend_on_the_leaf_has_derivative_0() -> None:
    x, y = Value(1.0), Value(2.0)
    assert step_of(x * 2, y).value == 0.0


def test_complex_steps_read_formulas_and_not_local_derivatives() -> None:
    x = Value(0.7)
    wrong = exp(x)
    wrong._dleft = 5.0
    assert step_of(wrong, x).value == pytest.approx(math.exp(0.7), rel=1e-15)


def test_formulas_that_complex_numbers_cannot_be_put_into_give_none() -> None:
    add_operation("gauss_error", "erf(x)", ("1.1283791670955126 * exp(-x * x)",))
    try:
        x = Value(0.5)
        assert complex_step_derivative(x.gauss_error(), x) is None  # type: ignore[attr-defined]
    finally:
        remove_operation(TABLE["gauss_error"])


def test_formulas_of_the_users_own_operations_may_use_other_operations() -> None:
    add_operation("swish", "x * sigmoid(x)", ("sigmoid(x) + x * sigmoid(x) * sigmoid(-x)",))
    try:
        x = Value(0.5)
        exact = step_of(x.swish(), x)  # type: ignore[attr-defined]
        assert exact.value == pytest.approx(x.swish().partials[0], rel=1e-15)  # type: ignore[attr-defined]
    finally:
        remove_operation(TABLE["swish"])
