"""Forward mode: tangents from the inputs to the output."""

from __future__ import annotations

import math

import pytest
from every_operation import apply, per_operation, smooth_points
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import Value, cos, jvp, log, tanh, value_and_grad
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
