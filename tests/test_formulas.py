"""How the formulas of the table are read: names get meanings, and sums become loops."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from every_operation import per_operation

from tinygrad_lin import TABLE
from tinygrad_lin.formulas import FLOATS, Reader, all_local_derivatives, describe, expand_sums
from tinygrad_lin.operation import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

SUMS = Operation(
    "sums",
    "sum[x * y] / sum[x] + b",
    ("y - sum[y] * out", "-2.0", "1.0"),
    operands=("*x", "*y", "b"),
)


def test_a_sum_becomes_a_loop_over_the_sequences() -> None:
    loop = "for x, y, in zip(xs, ys)"
    assert expand_sums(SUMS, SUMS.formula) == f"sum([x * y {loop}]) / sum(xs) + b"
    assert expand_sums(SUMS, "sum[y]") == "sum(ys)"
    assert (
        expand_sums(TABLE["total"], "sum[exp(x)] + 1.0") == "sum([exp(x) for x, in zip(xs)]) + 1.0"
    )


def test_a_formula_without_sums_stays_as_it_is() -> None:
    for operation in TABLE.values():
        if not operation.variadic:
            assert expand_sums(operation, operation.formula) == operation.formula


def test_all_local_derivatives_of_a_sum_are_one_tuple() -> None:
    """A bare operand is its sequence, a number is repeated, and anything else is a loop."""
    assert all_local_derivatives(TABLE["dot"]) == "(*ys, *xs, 1.0, )"
    assert all_local_derivatives(TABLE["total"]) == "(*[1.0] * n, )"
    loop = "for x, y, in zip(xs, ys)"
    assert all_local_derivatives(SUMS) == f"(*[y - sum(ys) * out {loop}], *[-2.0] * n, 1.0, )"


@pytest.mark.parametrize("operation", [TABLE["dot"], TABLE["total"], SUMS], ids=lambda o: o.name)
def test_all_local_derivatives_at_once_are_those_one_by_one(operation: Operation) -> None:
    count = {"dot": 7, "total": 4, "sums": 7}[operation.name]
    numbers = [0.5 + k for k in range(count)]
    arguments = operation.grouped(numbers)
    out = FLOATS.value(operation, numbers)
    names = ", ".join((*operation.parameters, "out", "n"))
    n = len(arguments[0])
    at_once = FLOATS(all_local_derivatives(operation), names)(*arguments, out, n)
    edges = FLOATS.local_derivatives(operation, numbers, out)
    assert list(at_once) == [formula(*given) for _, formula, given in edges]
    assert len(at_once) == count


def test_the_local_derivatives_of_a_sum_have_the_names_of_their_operands() -> None:
    edges = list(FLOATS.local_derivatives(SUMS, [1.0, 2.0, 3.0, 4.0, 5.0], 0.25))
    assert [name for name, *_ in edges] == ["xs[0]", "xs[1]", "ys[0]", "ys[1]", "b"]
    # d / dx = y - (y0 + y1) * out, with y0, y1 = 3, 4
    assert [formula(*given) for _, formula, given in edges] == [1.25, 2.25, -2.0, -2.0, 1.0]


def test_the_local_derivatives_of_an_operation_are_functions_of_its_operands_and_result() -> None:
    edges = list(FLOATS.local_derivatives(TABLE["div"], [3.0, 4.0], 0.75))
    assert [name for name, *_ in edges] == ["x", "y"]
    assert [given for *_, given in edges] == [[3.0, 4.0, 0.75]] * 2
    assert [formula(*given) for _, formula, given in edges] == [0.25, -0.1875]


def test_a_local_derivative_is_not_computed_before_it_is_asked_for() -> None:
    edges = list(FLOATS.local_derivatives(TABLE["log"], [0.0], -math.inf))
    with pytest.raises(ZeroDivisionError):
        edges[0][1](*edges[0][2])


def test_a_reader_gives_names_the_meaning_that_it_was_made_with() -> None:
    def write(text: str) -> Callable[[Any], str]:
        return lambda x: f"{text}({x})"

    texts = Reader({"exp": write("EXP"), "log1p": write("LOG1P")})
    assert texts("exp(log1p(x))", "x")("a") == "EXP(LOG1P(a))"
    assert Reader({"exp": lambda x: x + 1.0}).value(TABLE["exp"], [1.0]) == 2.0


def test_the_value_of_an_operation_is_that_of_its_operands_in_a_flat_list() -> None:
    assert FLOATS.value(TABLE["dot"], [1.0, 2.0, 3.0, 4.0, 5.0]) == 16.0
    assert FLOATS.value(TABLE["total"], []) == 0.0
    assert FLOATS.value(TABLE["pow"], [2.0, 3.0]) == 8.0
    assert FLOATS.value(SUMS, [1.0, 3.0, 4.0, 5.0, 6.0]) == 19.0 / 4.0 + 6.0


def test_a_formula_is_read_once_for_the_same_names() -> None:
    reader = Reader({})
    assert reader("x - y", "x, y") is reader("x - y", "x, y")
    assert reader("x - y", "y, x") is not reader("x - y", "x, y")
    assert reader("x - y", "y, x")(1.0, 3.0) == 2.0


def test_formulas_call_other_operations_by_their_names() -> None:
    assert FLOATS("sigmoid(x)", "x")(0.0) == 0.5
    assert FLOATS("maximum(relu(x), 2.0)", "x")(-5.0) == 2.0
    assert FLOATS.meanings["tanh"] is math.tanh


@per_operation
def test_the_docstring_of_an_operation_holds_all_that_its_row_says(operation: Operation) -> None:
    text = describe(operation)
    assert text.startswith(operation.formula + "\n\nLocal derivatives: ")
    for operand, partial in zip(operation.operands, operation.partials):
        assert f"d {operation.name} / d {operand.lstrip('*')} = {partial}" in text
    assert text.endswith(f"Defined where {operation.defined}." if operation.defined else ".")
    assert ("Defined" in text) == bool(operation.defined)
