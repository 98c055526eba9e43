"""Numerical derivatives are as good as they say they are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin.check.numeric.differences import derivative

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("side", [-1, 0, 1])
@pytest.mark.parametrize(
    ("f", "derivative_of_f", "x"),
    [
        (math.exp, math.exp, 1.0),
        (math.sin, math.cos, 0.5),
        (math.tanh, lambda x: 1 - math.tanh(x) ** 2, 2.0),
        (lambda x: x**3, lambda x: 3 * x * x, -2.0),
        (math.log, lambda x: 1 / x, 3.0),
        (lambda x: 7.0, lambda x: 0.0, 1.0),
        (lambda x: 1e200 * x, lambda x: 1e200, 1.0),
        (lambda x: math.sin(50 * x), lambda x: 50 * math.cos(50 * x), 0.3),
    ],
)
def test_a_derivative_is_as_good_as_it_says(
    f: Callable[[float], float], derivative_of_f: Callable[[float], float], x: float, side: int
) -> None:
    value, error, step = derivative(f, x, 0.1, side)
    truth = derivative_of_f(x)
    assert abs(value - truth) <= 2 * error + 1e-15 * abs(truth)
    assert error <= 1e-7 * max(1.0, abs(truth))
    assert 0 < step <= 0.1


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(-3, 3), st.floats(-2, 2))
def test_the_derivative_of_a_parabola_is_exact(a: float, b: float, c: float, x: float) -> None:
    largest = (abs(a) * 2.1 + abs(b)) * 2.1 + abs(c)  # The value itself may be 0.
    value, error, _ = derivative(lambda v: (a * v + b) * v + c, x, 0.1, scale=largest)
    assert abs(value - (2 * a * x + b)) <= 2 * error + 1e-13


def test_small_values_may_be_made_of_large_numbers() -> None:
    def f(v: float) -> float:
        return 2.625 * v + 2.625  # This is 0 at -1, with the rounding of 2.625.

    value, error, _ = derivative(f, -1.0, 0.1, scale=2.625)
    assert abs(value - 2.625) <= error <= 1e-9


def test_steps_stay_where_the_function_has_values() -> None:
    value, error, step = derivative(math.log, 1e-3, 0.1)  # log has no value at 1e-3 - 0.1.
    assert abs(value - 1000.0) <= error <= 1e-3
    assert step < 1e-3


def test_the_two_sides_of_a_corner_have_derivatives_of_their_own() -> None:
    assert derivative(abs, 0.0, 0.1, 1).value == pytest.approx(1.0)
    assert derivative(abs, 0.0, 0.1, -1).value == pytest.approx(-1.0)


def test_where_the_function_has_no_values_the_error_is_infinite() -> None:
    assert derivative(lambda x: math.nan, 0.0, 0.1).error == math.inf
    assert derivative(lambda x: 1 / 0, 0.0, 0.1).error == math.inf
