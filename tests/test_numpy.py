"""NumPy's functions, scalars and arrays meet Values."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

import tinygrad_lin
from tinygrad_lin import OperandError, Value, dot, total
from tinygrad_lin.registry import remove_operation


def test_operations_are_called_what_numpy_calls_them() -> None:
    named = {
        operation.ufunc
        for operation in tinygrad_lin.TABLE.values()
        if hasattr(numpy, operation.ufunc)
    }
    assert {"add", "subtract", "multiply", "divide", "negative", "pow", "absolute"} <= named
    assert "sigmoid" not in named


def test_numpy_functions_stay_in_the_graph() -> None:
    x: Any = Value(0.5)
    for function in (numpy.exp, numpy.tanh, numpy.sqrt, numpy.log1p, numpy.abs, numpy.negative):
        out = function(x)
        assert type(out) is Value
        assert out.data == pytest.approx(float(function(0.5)), rel=1e-15)
        assert out.inputs == (x,)
    assert numpy.maximum(x, 2.0).data == 2.0
    assert numpy.arctan(x).op == "atan"
    assert numpy.power(x, 2).data == 0.25
    with pytest.raises(OperandError, match="add_operation"):
        numpy.floor(x)
    with pytest.raises(OperandError):
        numpy.array([1.0, 2.0]) * x
    objects = numpy.array([x, x * 2]) * 3.0  # an array of Values works element by element
    assert [v.data for v in objects] == [1.5, 3.0]


def test_arrays_of_values_go_element_by_element() -> None:
    x, y, z = Value(1.0), Value(2.0), Value(3.0)
    array: Any = numpy.array([x, y])
    scalar: Any = z
    for out, data in (
        (array * scalar, [3.0, 6.0]),
        (array - scalar, [-2.0, -1.0]),
        (numpy.divide(scalar, array), [3.0, 1.5]),
        (numpy.array([4, 5], dtype=object) * scalar, [12.0, 15.0]),
        (array ** numpy.array([scalar]), [1.0, 8.0]),
    ):
        assert (out.dtype, out.shape) == (object, (2,))
        assert [type(v) for v in out] == [Value, Value]
        assert [v.data for v in out] == data
    total(list(array * scalar)).backward()
    assert (x.grad, y.grad, z.grad) == (3.0, 3.0, 3.0)
    assert (array < z).tolist() == [True, True]
    with pytest.raises(OperandError, match="one Value for each element"):
        numpy.array([1.0, 2.0]) * scalar


def test_an_array_equals_a_value_where_it_holds_that_very_value() -> None:
    x: Any = Value(1.0)
    assert (numpy.array([x, Value(1.0)]) == x).tolist() == [True, False]
    assert (numpy.array([x, Value(1.0)]) != x).tolist() == [False, True]
    assert (numpy.array([1.0, 2.0]) == x).tolist() == [False, False]


def test_an_array_of_long_doubles_equals_no_value() -> None:
    x: Any = Value(1.0)
    for ones in (numpy.longdouble(1), numpy.ones(1, numpy.longdouble)):
        assert not numpy.any(x == ones)
        assert numpy.all(ones != x)


def test_a_masked_array_keeps_the_graph() -> None:
    x: Any = Value(3.0)
    ones: Any = numpy.ma.array([1.0])
    assert (ones + x)[0].inputs == (x,)
    assert (ones * x)[0].inputs == (x,)
    node: Any = dot([ones], [x])
    node.backward()
    assert x.grad == 1.0
    assert type(node.operands[0]) is float


def test_operations_on_arrays_of_objects_are_our_own() -> None:
    x: Any = Value(1.0)
    both = numpy.array([1.0, x], object)
    tie = numpy.maximum(both, x)
    assert [node.op for node in tie] == ["maximum", "maximum"]
    assert (both < x).tolist() == [False, False]
    assert (numpy.array([1.0], object) / Value(1e-310))[0].data == math.inf  # without a warning
    assert (numpy.array([1.0], object) < Value(math.nan)).tolist() == [False]
    with pytest.raises(OperandError, match="no derivative here"):
        numpy.fmod(both, x)


def test_what_numpy_may_not_do_with_a_value_is_said() -> None:
    x: Any = Value(2.0)
    out = numpy.zeros(1)
    calls: list[tuple[Any, str]] = [
        (lambda: numpy.exp(x, out=out), r"numpy\.exp with out= does not take a Value"),
        (lambda: numpy.multiply(x, x, dtype=float), r"numpy\.multiply with dtype="),
        (lambda: numpy.multiply.outer(x, x), r"numpy\.multiply\.outer does not"),
        (lambda: numpy.add.reduce(x), r"numpy\.add\.reduce does not"),
    ]
    for call, said in calls:
        with pytest.raises(OperandError, match=said):
            call()


def test_a_row_of_ones_own_is_found_by_the_name_numpy_has_for_it() -> None:
    x: Any = Value(0.5)
    with pytest.raises(OperandError, match="no derivative here"):
        numpy.arcsinh(x)
    for sign in (1.0, 2.0):
        partial = f"{sign} / sqrt(1.0 + x * x)"
        tinygrad_lin.add_operation("arcsinh", f"{sign} * asinh(x)", (partial,))
        try:
            assert numpy.arcsinh(x).data == sign * math.asinh(0.5)
        finally:
            remove_operation(tinygrad_lin.TABLE["arcsinh"])
    with pytest.raises(OperandError, match="no derivative here"):
        numpy.arcsinh(x)
