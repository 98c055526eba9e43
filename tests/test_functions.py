"""Operations as functions and methods of Values and numbers."""

from __future__ import annotations

import numpy
import pytest
from every_operation import apply, per_operation

from tinygrad_lin import Value, dot, exp, relu, total
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS


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
