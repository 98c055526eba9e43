"""Operations as functions and methods of Values and numbers."""

from __future__ import annotations

import inspect
import math

import numpy
import pytest
from every_operation import apply, per_operation

import tinygrad_lin
from tinygrad_lin import TABLE, Value, dot, exp, relu, total
from tinygrad_lin._functions import plain_functions
from tinygrad_lin.formulas import describe
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.value import record


@per_operation
def test_a_constant_operand_gives_what_a_leaf_gives(operation: Operation) -> None:
    """In every position: as a constant in the node, as a leaf, or all as plain numbers."""
    operands = [
        low + 0.37 * (high - low) + 0.01 * k for k, (low, high) in enumerate(operation.draw)
    ]
    leaves = [Value(x) for x in operands]
    full = apply(operation, leaves)
    for place, x in enumerate(operands):
        mixed: list[Value | float] = [*leaves[:place], x, *leaves[place + 1 :]]
        out = apply(operation, mixed)
        if len(operands) == 1:
            assert type(out) is float
            assert out == full.data
        else:
            assert out.data == full.data
            assert out.operands == tuple(mixed)
            assert out.inputs == (*leaves[:place], *leaves[place + 1 :])
            assert out.partials == full.partials[:place] + full.partials[place + 1 :]
    assert apply(operation, operands) == full.data


def test_maximum_and_minimum_take_more_than_two() -> None:
    x, y, z = Value(1.0), Value(5.0), Value(3.0)
    FUNCTIONS["maximum"](x, 4.0, y, z).backward()
    assert [x.grad, y.grad, z.grad] == [0.0, 1.0, 0.0]
    assert FUNCTIONS["minimum"](4.0, 2.0, 3.0) == 2.0
    assert FUNCTIONS["maximum"](*map(Value, range(20_000))).data == 19_999.0
    with pytest.raises(TypeError):
        FUNCTIONS["maximum"](x)


def test_functions_of_numbers_give_numbers() -> None:
    assert exp(0) == 1.0
    assert type(exp(numpy.float64(0))) is float
    assert relu(-3) == 0.0
    assert dot([1, 2], [3, 4], 5) == 16.0
    assert type(dot([1, 2], [3, 4])) is float
    nothing: list[float] = []
    assert type(total(nothing)) is float
    assert total(iter([1, 2.5])) == 3.5
    assert dot([], [], Value(2.0)).data == 2.0
    with pytest.raises(ValueError, match="one length, not of 2 and 1"):
        dot([1, 2], [Value(3.0)])


@per_operation
def test_an_operation_is_one_function_by_all_its_names(operation: Operation) -> None:
    function = FUNCTIONS[operation.name]
    assert (function.__name__, function.__module__) == (operation.name, "tinygrad_lin")
    assert function.__doc__ == describe(operation)
    if operation.name in tinygrad_lin.__all__:
        assert tinygrad_lin.__getattr__(operation.name) is function
    for method in operation.methods:
        found = vars(Value)[method]
        if method.startswith("__r"):
            assert found is not function
        else:
            assert found is function


def test_a_number_on_the_left_of_an_operator_stays_on_the_left() -> None:
    x = Value(2.0)
    for node, data in ((5 - x, 3.0), (5 / x, 2.5), (5**x, 25.0), (5 % x, 1.0), (5 + x, 7.0)):
        assert (node.data, node.operands) == (data, (5.0, x))
    assert x.__rsub__(5).operands == (5.0, x)
    assert Value.__rtruediv__(x, 5).data == 2.5


def test_the_plain_functions_take_what_the_operations_take() -> None:
    x, y = Value(1.0), Value(5.0)
    tanh, _ = plain_functions(TABLE["tanh"], record)
    sub, reflected = plain_functions(TABLE["sub"], record)
    maximum, _ = plain_functions(TABLE["maximum"], record)
    dot_product, _ = plain_functions(TABLE["dot"], record)
    assert tanh(x).partials == (1.0 - math.tanh(1.0) ** 2,)
    assert (sub(x, y).operands, reflected(x, 3).operands) == ((x, y), (3.0, x))
    highest = maximum(x, 4.0, y, 2.0)
    assert (highest.data, highest.operands[1]) == (5.0, 2.0)
    assert dot_product([x, 2], iter([y, x])).operands == (x, 2.0, y, x, 0.0)
    assert dot_product(xs=[x], ys=[y], bias=3).data == 8.0
    for function, wrong in ((tanh, (x, y)), (sub, (x,)), (maximum, (x,)), (dot_product, ([x],))):
        with pytest.raises(TypeError):
            function(*wrong)
    assert list(inspect.signature(dot_product).parameters) == ["xs", "ys", "bias"]
