"""What a row of the table holds, and what follows from it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tinygrad_lin import TABLE
from tinygrad_lin.operation import Operation


def test_what_a_row_does_not_say_follows_from_its_name_and_its_local_derivatives() -> None:
    own = Operation("own", "x + y", ("1.0", "1.0"))
    assert (own.sign, own.ufunc, own.operands) == ("own", "own", ("x", "y"))
    assert own.tex.format(x="a", y="b") == r"\operatorname{own}(a, b)"
    assert own.draw == ((-10.0, 10.0), (-10.0, 10.0))
    assert (own.defined, own.smooth, own.branch, own.special, own.folds) == ("", "", "", "", False)
    assert Operation("half", "x / 2.0", ("0.5",)).operands == ("x",)


def test_a_function_of_math_is_one_that_its_formula_calls_by_its_own_name() -> None:
    of_math = {operation.name for operation in TABLE.values() if operation.is_math_function}
    assert of_math - {"abs"} == {name for name in TABLE if callable(vars(math).get(name))}
    assert not TABLE["sigmoid"].is_math_function
    assert not Operation("sinh", "0.5 * sinh(x)", ("0.5 * cosh(x)",)).is_math_function


def test_the_pieces_between_corners_and_poles_are_those_that_or_joins() -> None:
    assert TABLE["relu"].smooth_pieces == ("x < 0", "x > 0")
    assert TABLE["pow"].smooth_pieces == ("y % 1 == 0 <= y", "x < 0", "x > 0")
    assert TABLE["sqrt"].smooth_pieces == ("x > 0",)
    assert TABLE["exp"].smooth_pieces == ()


def test_a_starred_operand_stands_for_many_and_comes_as_a_sequence() -> None:
    dot, mul = TABLE["dot"], TABLE["mul"]
    assert (dot.variadic, dot.many, dot.parameters) == (True, ["x", "y"], ("xs", "ys", "bias"))
    assert (mul.variadic, mul.many, mul.parameters) == (False, [], ("x", "y"))
    assert dot.signature == "xs, ys, bias=0.0"
    assert TABLE["total"].signature == "xs"


@pytest.mark.parametrize(
    ("name", "operands", "arguments"),
    [
        ("dot", [1.0, 2.0, 3.0, 4.0, 5.0], [[1.0, 2.0], [3.0, 4.0], 5.0]),
        ("dot", [5.0], [[], [], 5.0]),
        ("total", [1.0, 2.0], [[1.0, 2.0]]),
        ("total", [], [[]]),
        ("mul", [1.0, 2.0], [1.0, 2.0]),
        ("exp", [1.0], [1.0]),
    ],
)
def test_operands_in_a_flat_list_are_grouped_into_arguments(
    name: str, operands: list[float], arguments: list[Any]
) -> None:
    assert TABLE[name].grouped(operands) == arguments
    assert TABLE[name].grouped(tuple(operands)) == arguments


def test_the_methods_of_an_operation_are_its_name_and_its_operator_from_both_sides() -> None:
    assert TABLE["sub"].methods == ["sub", "__sub__", "__rsub__"]
    assert TABLE["div"].methods == ["div", "__truediv__", "__rtruediv__"]
    assert TABLE["neg"].methods == ["neg", "__neg__"]
    assert TABLE["tanh"].methods == ["tanh"]
    assert TABLE["dot"].methods == TABLE["total"].methods == []


def test_the_repr_of_an_operation_is_its_formula() -> None:
    assert repr(TABLE["mul"]) == "<operation mul(x, y) = x * y>"
    assert repr(TABLE["total"]) == "<operation total(*x) = sum[x]>"
