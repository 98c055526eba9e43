"""The remainder: the one operation with a jump at every multiple, from its row to every reader."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_lin import (
    TABLE,
    DomainError,
    ExpressionError,
    Value,
    check_gradients,
    draw,
    explain,
    grad,
    gradients,
    hessian,
    jvp,
    steps,
)
from tinygrad_lin.check.python_source import python_source
from tinygrad_lin.expression import Expression
from tinygrad_lin.value import record

if TYPE_CHECKING:
    from collections.abc import Callable

INF, NAN = math.inf, math.nan


def remainder(x: float, y: float) -> float:
    """What is left of x, with the sign of y, after a whole number of times y has been taken."""
    rest = math.fmod(x, y)
    if rest == 0.0:
        return math.copysign(0.0, y)
    return rest if (rest < 0.0) == (y < 0.0) else rest + y


def forms(x: float, y: float) -> list[Value]:
    """The remainder in every way in which a node can be made."""
    both = record(TABLE["mod"], Value(x), Value(y))
    assert isinstance(both, Value)
    return [Value(x) % Value(y), Value(x) % y, x % Value(y), Value(x).mod(y), both]


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False))
def test_the_remainder_is_that_of_fmod_with_the_sign_of_the_divisor(x: float, y: float) -> None:
    assume(y != 0.0)
    wanted = remainder(x, y)
    for node in forms(x, y):
        assert node.data == wanted == x % y
        assert math.copysign(1.0, node.data) == math.copysign(1.0, wanted)
        assert node.op == "mod"


@given(st.floats(-1e150, 1e150), st.floats(-1e150, 1e150))
def test_its_derivatives_are_one_and_minus_the_number_of_times(x: float, y: float) -> None:
    assume(abs(y) > 1e-150)
    times = math.floor(Fraction(x) / Fraction(y))
    by_x, by_y = (Value(x) % Value(y)).partials
    assert by_x == 1.0
    assert by_y == pytest.approx(-times, rel=1e-15, abs=0.0)
    assert (Value(x) % y).partials == (1.0,)
    assert (x % Value(y)).partials == (by_y,)


@pytest.mark.parametrize(
    ("x", "y", "out", "by_y"),
    [
        (7.5, 2.0, 1.5, -3.0),
        (-7.5, 2.0, 0.5, 4.0),
        (7.5, -2.0, -0.5, 4.0),
        (-7.5, -2.0, -1.5, -3.0),
        (6.0, 3.0, 0.0, -2.0),
        (-6.0, 3.0, 0.0, 2.0),
        (6.0, -3.0, -0.0, 2.0),
        (-6.0, -3.0, -0.0, -2.0),
        (0.0, 3.0, 0.0, 0.0),
        (-0.0, 3.0, 0.0, 0.0),
        (0.0, -3.0, -0.0, 0.0),
        (1.5, INF, 1.5, 0.0),
        (-1.5, -INF, -1.5, 0.0),
        (0.0, INF, 0.0, 0.0),
        (5e-324, 2.0, 5e-324, 0.0),
        (-1e-20, 1.0, 1.0, 1.0),  # -1e-20 + 1, rounded
        (INF, 2.0, NAN, NAN),
        (-INF, 2.0, NAN, NAN),
        (NAN, 2.0, NAN, NAN),
        (2.0, NAN, NAN, NAN),
    ],
)
def test_remainders_at_edges_are_those_found_by_hand(
    x: float, y: float, out: float, by_y: float
) -> None:
    for node in forms(x, y):
        assert repr(node.data) == repr(out)  # with its sign, and NaN like NaN
    assert (Value(x) % Value(y)).partials == pytest.approx((1.0, by_y), abs=0.0, nan_ok=True)


@pytest.mark.parametrize("x", [1.0, 0.0, -2.5, INF, NAN])
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_by_zero_there_is_no_remainder(x: float, zero: float) -> None:
    said = f"^mod\\(x, y\\) has no value at x = {x!r}, y = {zero!r}; it is defined where abs"
    calls: list[Callable[[], Any]] = [
        lambda: Value(x) % Value(zero),
        lambda: Value(x) % zero,
        lambda: x % Value(zero),
        lambda: record(TABLE["mod"], x, zero),
    ]
    for take in calls:
        with pytest.raises(DomainError, match=said):
            take()
    with pytest.raises(DomainError, match=r"y = 0\.0 \('none'\)"):
        Value(1.0) % Value(0.0, "none")


@pytest.mark.parametrize(("x", "y"), [(7.3, 2.1), (-7.3, 2.1), (7.3, -2.1), (-7.3, -2.1)])
def test_its_second_derivatives_are_zero_to_rounding(x: float, y: float) -> None:
    a, b = Value(x), Value(y)
    assert hessian(a % b, [a, b]).ravel() == pytest.approx([0.0] * 4, abs=1e-14)
    assert grad(grad(lambda v: v % y))(x) == 0.0
    assert grad(grad(lambda v: x % v))(y) == pytest.approx(0.0, abs=1e-14)
    # d² (x % y)² / dx² = 2
    assert grad(grad(lambda v: (v % y) ** 2))(x) == pytest.approx(2.0, rel=1e-14)


def test_the_three_modes_agree_on_a_remainder_within_a_graph() -> None:
    x, y = Value(7.5, "x"), Value(2.0, "y")
    out = (x % y) * x + 10.0 % y  # 1.5 x, with d / dx = 1.5 + x, d / dy = -3 x - 5
    out.backward()
    assert (out.data, x.grad, y.grad) == (11.25, 9.0, -27.5)
    assert [derivative.data for derivative in gradients(out, [x, y])] == [9.0, -27.5]
    assert jvp(out, [x, y], [1.0, 100.0]).data == 9.0 - 2750.0


# ----------------------------------------------------------------------------------- expressions
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7 % 4 * 2", 6.0),
        ("2 * 7 % 4", 2.0),
        ("2 * (7 % 4)", 6.0),
        ("7 % (4 * 2)", 7.0),
        ("9 / 2 % 2", 0.5),
        ("9 % 4 / 2", 0.5),
        ("1 + 7 % 4", 4.0),
        ("7 % 4 - 1", 2.0),
        ("-7 % 3", 2.0),
        ("-(7 % 3)", -1.0),
        ("7 % -3", -2.0),
        ("2 ** 3 % 5", 3.0),
        ("7 % 2 ** 2", 3.0),
        ("10 % 7 % 2", 1.0),
        ("10 % (7 % 2)", 0.0),
    ],
)
def test_in_an_expression_a_remainder_binds_like_a_product(text: str, value: float) -> None:
    assert Expression(text)({}) == value == eval(text)
    first = re.findall(r"\d+", text)[0]
    with_a_name = Expression(text.replace(first, "x", 1))
    assert with_a_name({"x": Value(float(first))}).data == value


def test_an_expression_with_a_remainder_is_a_graph_or_is_refused() -> None:
    cost = Expression("x % y * x")
    assert cost.names == ("x", "y")
    x, y = Value(7.5), Value(2.0)
    cost({"x": x, "y": y}).backward()
    assert (x.grad, y.grad) == (9.0, -22.5)
    for text, said, column in (
        ("5 % 0", "has no value at x = 5.0, y = 0.0", 0),
        ("x + 5 % 0", "has no value", 4),
        ("x % ", "not an expression", 3),
        ("x %% y", "not an expression", 3),
        ("mod(x, y)", "there is no function 'mod'", 0),
    ):
        with pytest.raises(ExpressionError, match=said) as caught:
            Expression(text)
        assert str(caught.value).split("\n")[-1] == "  " + " " * column + "^"


# ------------------------------------------------------------------ source, drawings, steps, TeX
@pytest.mark.parametrize(
    "source",
    [
        "x % y",
        "x % y * 2.0",
        "x % (y * 2.0)",
        "x * (y % 2.0)",
        "x * y % 2.0",
        "(x + y) % 2.0",
        "x - y % 7.0",
        "7.0 % x",
        "x % -2.0",
        "x % y % 2.0",
        "x % (y % 7.0)",
        "-(x % y)",
        "-x % y",
        "(x % y) ** 2.0",
        "x % y ** 2.0",
        "x / y % 2.0",
        "x / (y % 7.0)",
    ],
)
def test_python_source_has_the_brackets_that_a_remainder_needs(source: str) -> None:
    x, y = Value(7.5, "x"), Value(2.0, "y")
    root: Any = eval(source, {"x": x, "y": y})
    assert python_source(root, [x, y]) == f"lambda x, y: {source}"


def test_a_drawing_shows_the_remainder_and_the_number_of_times() -> None:
    x, y = Value(7.5, "x"), Value(2.0, "y")
    text = draw(x % y).source
    assert ">mod</FONT>" in text
    assert 'label=" 1 "' in text
    assert 'label=" -3 "' in text


def test_steps_and_explanations_write_the_remainder_and_its_derivatives() -> None:
    x, y = Value(7.5, "x"), Value(2.0, "y")
    shown = str(steps(x % y))
    assert "v1 = x mod y = 7.5 mod 2 = 1.5" in shown
    assert "∂v1/∂y = (v1 - x) / y" in shown
    assert "x mod (-2) = 7.5 mod (-2) = -0.5" in str(steps(x % -2.0))
    assert "= (v1 - x) / y\n  = -3" in str(explain(x % y, y))


def test_tex_writes_the_remainder_as_bmod() -> None:
    x, y = Value(7.5, "x"), Value(2.0, "y")
    tex = steps(x % y).tex()
    assert r"v_{1} &= x \bmod y = 7.5 \bmod 2 = 1.5 \\" in tex
    assert r"\frac{\partial v_{1}}{\partial y} = \frac{v_{1} - x}{y}" in tex
    assert r"7.5 \bmod \left(-2\right) = -0.5" in steps(x % -2.0).tex()
    assert TABLE["mod"].tex.format(x="x", y="y") == r"x \bmod y"


@pytest.mark.parametrize("numbers", [(-3.0, INF), (1e308, 1e-308), (1.0, 2.2e-309), (INF, 2.0)])
def test_a_check_where_no_quotient_is_a_float_is_unclear_and_no_crash(
    numbers: tuple[float, float],
) -> None:
    report = check_gradients(lambda x, y: x % y, *numbers)
    assert {entry.verdict for entry in report.rows} == {"unclear"}
