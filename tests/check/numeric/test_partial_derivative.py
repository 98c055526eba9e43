"""The derivative with respect to one input is right, or says that it is uncertain."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tinygrad_lin import Value, log, sin
from tinygrad_lin.check.numeric.partial_derivative import (
    EvaluationPoint,
    FunctionOfOneInput,
    rounding_scale,
)


def test_the_other_inputs_keep_their_values() -> None:
    along_y = FunctionOfOneInput(lambda x, y: x * y * y, [3.0, 2.0], 1)
    assert along_y.inputs_at(5.0) == [3.0, 5.0]
    assert along_y.value(5.0) == 75.0
    numeric, exact = along_y.derivatives(EvaluationPoint(2.0, 0, 0.2, ""))
    assert exact is not None
    assert numeric.value == pytest.approx(exact.value) == 12.0


def test_a_complex_result_is_no_value() -> None:
    assert math.isnan(FunctionOfOneInput(lambda x: x**0.5, [1.0], 0).value(-1.0))


def test_a_function_that_records_no_graph_has_differences_alone() -> None:
    def f(x: Any) -> float:
        return math.sin(float(x))

    numeric, exact = FunctionOfOneInput(f, [1.0], 0).derivatives(EvaluationPoint(1.0, 0, 0.1, ""))
    assert exact is None
    assert abs(numeric.value - math.cos(1.0)) <= numeric.error < 1e-9
    assert FunctionOfOneInput(f, [1.0], 0).try_record(1.0) is None
    assert FunctionOfOneInput(log, [1.0], 0).try_record(-1.0) is None


def test_differences_over_many_turns_of_a_function_are_uncertain() -> None:
    function = FunctionOfOneInput(sin, [1e200], 0)
    numeric, exact = function.derivatives(EvaluationPoint(1e200, 0, 1e199, ""))
    assert numeric.error == math.inf
    assert exact is not None
    assert exact.value == math.cos(1e200)


def test_the_scale_of_rounding_is_that_of_the_numbers_on_the_way() -> None:
    x = Value(1e-200)
    assert rounding_scale(log(x + 1.0)) == pytest.approx(1.0)
