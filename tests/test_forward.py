"""Forward mode: tangents from the inputs to the output."""

from __future__ import annotations

import math
from typing import Any

import pytest
from every_operation import apply, per_operation, smooth_points
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import DataError, OperandError, Value, cos, dot, jvp, log, tanh, value_and_grad
from tinygrad_lin.operation import Operation


@per_operation
@given(data=st.data())
def test_forward_mode_agrees_with_reverse_mode_for_every_operation(
    operation: Operation, data: st.DataObject
) -> None:
    operands = data.draw(smooth_points(operation))
    values = [Value(x) for x in operands]
    tangents = data.draw(st.lists(st.floats(-2, 2), min_size=len(values), max_size=len(values)))
    out = apply(operation, values)
    along = jvp(out, values, tangents).data
    out.backward()
    expected = math.fsum(v.grad * t for v, t in zip(values, tangents))
    scale = math.fsum(abs(v.grad * t) for v, t in zip(values, tangents))
    assert along == pytest.approx(expected, rel=1e-12, abs=1e-13 * scale)


def test_a_zero_tangent_gives_zero_and_the_value_stays() -> None:
    x = Value(1.3)
    out = tanh(log(x) * cos(x))
    assert jvp(out, [x], [0.0]).data == 0.0
    assert value_and_grad(lambda v: tanh(log(v) * cos(v)))(1.3)[0] == out.data


def test_a_tangent_is_the_sum_over_the_operands_of_local_derivative_times_tangent() -> None:
    x, y = Value(3.0), Value(2.0)
    assert jvp(x * y, [x, y], [10.0, 1.0]).data == 2.0 * 10.0 + 3.0 * 1.0
    assert jvp(x * x, [x], [1.0]).data == 6.0
    assert jvp(dot([x, 5.0], [y, x], y), [x, y], [1, 100]).data == 2.0 + 300.0 + 5.0 + 100.0
    assert jvp(x, [x], [7.0]).data == 7.0


def test_the_tangents_of_an_input_that_is_given_twice_add_up() -> None:
    x = Value(3.0)
    assert jvp(x * x, [x, x], [1.0, 2.0]).data == 18.0


def test_an_output_that_no_input_leads_to_does_not_move() -> None:
    x, unrelated = Value(3.0), Value(2.0)
    moved = jvp(x * x, [unrelated], [5.0])
    assert (moved.data, moved.is_leaf, moved.inputs) == (0.0, False, ())


def test_tangents_may_be_values_and_the_result_is_a_graph_of_them() -> None:
    x, t = Value(3.0, "x"), Value(4.0, "t")
    moved = jvp(x * x, [x], [t])
    assert moved.data == 24.0
    moved.backward()
    assert (x.grad, t.grad) == (8.0, 6.0)
    assert jvp(jvp(x * x * x, [x], [1.0]), [x], [1.0]).data == 18.0  # d² x³ / dx² = 6 x


def test_tangents_are_numbers_or_values_one_for_each_input() -> None:
    x = Value(3.0)
    wrong: Any = "1"
    with pytest.raises(OperandError, match="one real number"):
        jvp(x * x, [x], [wrong])
    with pytest.raises(OperandError, match="one real number"):
        jvp(x, [x], [wrong])
    with pytest.raises(DataError, match="1 inputs need as many tangents, not 2"):
        jvp(x * x, [x], [1.0, 2.0])
