"""Formulas of the table on arrays."""

from __future__ import annotations

import math
import warnings

import numpy
import pytest

from tinygrad_lin import (
    TABLE,
    DataError,
    Value,
    compile_graph,
)
from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.compiler.formulas import (
    assignment,
    constant_value,
    may_signal,
    number_text,
    on_arrays,
    operand_texts,
)


def test_an_infinite_constant_is_computed_without_a_warning() -> None:
    w, x = Value(2.0, "w"), Value(0.0, "x")
    program = compile_graph(w * 0.0 + numpy.inf, batch=[x], wrt=[w])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert program.value([1.0], [1.0]) == numpy.inf


def test_a_condition_on_numbers_is_decided_now() -> None:
    formula = "y if x <= y else x"
    assert on_arrays(formula, {"x": "a", "y": "0.0"}) == "xp.maximum(a, 0.0)"
    assert on_arrays("x if y else 1.0", {"x": "a", "y": "0.0"}) == "1.0"
    assert on_arrays("x if y < 0.0 else 1.0", {"x": "a", "y": "b"}) == "xp.where(b < 0.0, a, 1.0)"


def test_functions_of_other_operations_are_replaced_by_their_formulas() -> None:
    assert "sigmoid" not in on_arrays("x * sigmoid(x)", {"x": "a"})
    assert on_arrays("tanh(x)", {"x": "a"}) == "xp.tanh(a)"


def test_a_function_that_arrays_do_not_have_is_refused() -> None:
    with pytest.raises(DataError, match="arrays have no function 'erf'"):
        on_arrays("erf(x)", {"x": "a"})


def test_only_a_case_that_is_not_chosen_may_signal() -> None:
    assert may_signal("xp.where(a > 0.0, 1.0 / a, 0.0)")
    assert not may_signal("xp.where(a > 0.0, a, 0.0)")
    assert not may_signal("1.0 / a")
    assert assignment("b", "1.0 / a") == "b = 1.0 / a"
    guarded = assignment("b", "xp.where(a > 0.0, 1.0 / a, 0.0)").splitlines()
    assert [guarded[0], guarded[-1]] == ["with ignoring():", "certain(b)"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("2.0", 2.0), ("-3", -3.0), ("1.0 + 2.0 * 3.0", 7.0), ("x", None), ("1.0 / 0.0", None)],
)
def test_an_expression_of_numbers_has_a_constant_value(text: str, value: float | None) -> None:
    assert constant_value(parse_expression(text)) == value


@pytest.mark.parametrize("value", [0.0, -0.0, 1.5, -2.25, 1e300, math.inf, -math.inf, math.nan])
def test_the_text_of_a_number_is_that_number(value: float) -> None:
    found = eval(number_text(value), {"xp": numpy})
    assert str(found) == str(value)


def test_operands_that_stand_for_many_are_lists() -> None:
    texts = operand_texts(TABLE["dot"], ["a", "b", "c", "d", "e"], "f")
    assert texts == {"xs": "[a, b]", "ys": "[c, d]", "bias": "e", "out": "f", "n": "2"}
    assert operand_texts(TABLE["mul"], ["a", "b"], "c") == {"x": "a", "y": "b", "out": "c"}
