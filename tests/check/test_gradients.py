"""What is right passes the checker, what is wrong is caught, and corners are neither."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_lin import (
    DataError,
    DomainError,
    GradientMismatch,
    OperandError,
    Value,
    check_gradients,
    dot,
    exp,
    log,
    maximum,
    minimum,
    relu,
    sigmoid,
    sin,
    sqrt,
    tanh,
)
from tinygrad_lin.check.gradients import Entry, Report

if TYPE_CHECKING:
    from collections.abc import Callable


def verdicts(f: Callable[..., Any], *inputs: Any, **settings: Any) -> set[str]:
    return {entry.verdict for entry in check_gradients(f, *inputs, **settings).rows}


@settings(max_examples=15)
@given(st.floats(-2, 2), st.floats(-2, 2), st.floats(-2, 2))
def test_smooth_functions_pass_to_second_order(w: float, x: float, b: float) -> None:
    def f(w: Any, x: Any, b: Any) -> Any:
        return tanh(w * x + b) ** 2 + sigmoid(w - b) * sin(x)

    assert verdicts(f, w, x, b, order=2) == {"ok"}


def test_the_report_names_the_inputs_and_both_modes() -> None:
    report = check_gradients(lambda w, x: w * x, Value(2.0, "w"), 3.0)
    assert [(entry.label, entry.mode) for entry in report.rows] == [
        ("w", "reverse"),
        ("input 1", "reverse"),
        ("w", "forward"),
        ("input 1", "forward"),
    ]
    assert [entry.analytic for entry in report.rows] == [3.0, 2.0, 3.0, 2.0]
    assert report.ok
    lines = str(report).splitlines()
    assert lines[0].split() == list(report.rows[0]._fields)
    assert len(lines) == 5
    assert report._repr_html_().count("<tr>") == 5


def test_only_the_modes_that_are_asked_for_are_checked() -> None:
    report = check_gradients(exp, 1.0, modes=["forward"])
    assert [entry.mode for entry in report.rows] == ["forward"]


@pytest.mark.parametrize("wrong", [1.001, -1.0, 0.0, 2.0])
def test_a_wrong_gradient_is_caught_and_shown(wrong: float) -> None:
    with pytest.raises(GradientMismatch, match="wrong") as caught:
        check_gradients(math.sin, 1.0, gradient=lambda x: wrong * math.cos(x))
    (entry,) = caught.value.report.rows
    assert entry.analytic == wrong * math.cos(1.0)
    assert entry.numeric == pytest.approx(math.cos(1.0), rel=1e-9)
    assert entry.error == pytest.approx(abs(1 - wrong) * math.cos(1.0), rel=1e-6)
    assert isinstance(caught.value, AssertionError)
    for name in entry._fields:
        assert name in str(caught.value)


def test_a_missing_accumulation_is_caught() -> None:
    with pytest.raises(GradientMismatch):
        check_gradients(lambda x: x * x, 3.0, gradient=lambda x: x)


def test_swapped_operands_are_caught() -> None:
    with pytest.raises(GradientMismatch) as caught:
        check_gradients(lambda x, y: x * y, 3.0, 2.0, gradient=lambda x, y: (x, y))
    assert [entry.verdict for entry in caught.value.report.rows] == ["wrong", "wrong"]


@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (relu, [0.0]),
        (abs, [0.0]),
        (maximum, [2.0, 2.0]),
        (minimum, [-1.0, -1.0]),
        (lambda x: relu(x - 1) + relu(1 - x), [1.0]),
        (lambda x: abs(abs(x) - 1.0), [-1.0]),
    ],
)
def test_a_kink_is_reported_as_a_kink(f: Callable[..., Any], inputs: list[float]) -> None:
    assert verdicts(f, *inputs) == {"kink"}


def test_a_whole_power_has_no_kink_at_zero() -> None:
    assert verdicts(lambda x: x**2, 0.0) == {"ok"}
    assert verdicts(lambda x: x**3, 0.0, order=2) == {"ok"}


def test_at_a_kink_a_derivative_that_neither_side_allows_is_wrong() -> None:
    def step(x: float, in_the_corner: float) -> float:
        return in_the_corner if x == 0.0 else float(x > 0.0)

    assert verdicts(relu, 0.0, gradient=lambda x: step(x, 0.3)) == {"kink"}
    for beyond in (-0.1, 1.5, 7.0):
        with pytest.raises(GradientMismatch, match="in the corner"):
            check_gradients(relu, 0.0, gradient=lambda x, beyond=beyond: step(x, beyond))
    for constant in (0.3, 1.5):  # These are wrong beside the corner.
        with pytest.raises(GradientMismatch):
            check_gradients(relu, 0.0, gradient=lambda x, constant=constant: constant)
    assert verdicts(numpy.abs, 0.0, gradient=numpy.sign) == {"kink"}
    with pytest.raises(GradientMismatch):
        check_gradients(numpy.abs, 0.0, gradient=lambda x: -2.0)


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9, -1e-3, -1e-9])
def test_near_a_kink_there_is_no_false_alarm(distance: float) -> None:
    assert verdicts(abs, distance) == {"ok"}
    assert verdicts(lambda x: relu(x - 1.0) * 3.0, 1.0 + distance) <= {"ok", "kink"}


@pytest.mark.parametrize("x", [1e-12, 1e-3, 1.0, 1e6])
def test_near_the_edge_of_a_domain_there_is_no_false_alarm(x: float) -> None:
    assert verdicts(log, x) <= {"ok", "unclear"}
    assert verdicts(sqrt, x) <= {"ok", "unclear"}


def test_infinite_derivatives_are_unclear_and_nan_is_wrong() -> None:
    assert verdicts(sqrt, 0.0) == {"kink", "unclear"}  # Right of 0 it is checked; at 0 it is inf.
    with pytest.raises(GradientMismatch):  # A root at 0 has 0 · inf on the way.
        check_gradients(lambda x: (x * x) ** 0.5, 0.0)
    with pytest.raises(GradientMismatch):
        check_gradients(lambda x: x * x, 1.0, gradient=lambda x: math.nan)


def test_any_function_of_numbers_can_be_checked() -> None:
    weights = numpy.array([0.5, -1.0])

    def f(*x: float) -> Any:
        return numpy.tanh(weights @ numpy.array(x))

    def gradient(*x: float) -> Any:
        return weights / numpy.cosh(weights @ numpy.array(x)) ** 2

    assert verdicts(f, 0.3, 0.4, gradient=gradient) == {"ok"}
    ws = [Value(1.0), Value(2.0)]
    assert verdicts(lambda x: dot(ws, [x, x * x]), 1.5) == {"ok"}


def test_check_gradients_refuses_bad_arguments_with_a_clear_message() -> None:
    with pytest.raises(DataError, match="nothing to check"):
        check_gradients(exp)
    with pytest.raises(DataError, match="no mode 'backward'"):
        check_gradients(exp, 1.0, modes=["backward"])
    with pytest.raises(DataError, match="order"):
        check_gradients(exp, 1.0, order=3)
    with pytest.raises(DataError, match="2 numbers for 1 inputs"):
        check_gradients(exp, 1.0, gradient=lambda x: (1.0, 2.0))
    with pytest.raises(DomainError):
        check_gradients(log, -1.0)
    with pytest.raises(OperandError):
        check_gradients(exp, "1")  # type: ignore[arg-type]


def test_subnormal_numbers_are_not_taken_for_wrong() -> None:
    assert verdicts(lambda x, y: x * y, 0.015625, 2.2250738585e-313) <= {"ok", "unclear"}


def test_steps_of_differences_do_not_cross_a_pole() -> None:
    assert verdicts(lambda x, y: x / y, -5e-324, 5e-324) <= {"unclear", "kink"}
    assert verdicts(lambda x: 1 / x, 1e-9) == {"ok"}


def test_steps_out_of_the_domain_of_a_power_of_numbers_are_left_out() -> None:
    assert verdicts(lambda x: log(x**0.5 + 1.0), 0.01) == {"ok"}


RIGHT = Entry("w", 2.0, "reverse", 3.0, 3.0, math.nan, 0.0, 1e-12, 3e-6, 0.1, "", "ok")


def test_a_report_is_ok_unless_an_entry_is_wrong() -> None:
    assert Report((RIGHT, RIGHT._replace(verdict="unclear"))).ok
    assert not Report((RIGHT, RIGHT._replace(verdict="wrong"))).ok


def test_a_number_that_does_not_exist_is_a_dash() -> None:
    head, line = str(Report((RIGHT,))).splitlines()
    assert head.split() == list(Entry._fields)
    assert line.split() == ["w", "2", "reverse", "3", "3", "-", "0", "1e-12", "3e-06", "0.1", "ok"]


def test_a_label_cannot_leave_its_cell() -> None:
    report = Report((RIGHT._replace(label="<b>\n"),))
    assert len(str(report).splitlines()) == 2
    assert "<td>&lt;b&gt; </td>" in report._repr_html_()
