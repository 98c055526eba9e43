"""What a Value is, what it refuses, and what a node remembers."""

from __future__ import annotations

import gc
import math
import weakref
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_lin
from tinygrad_lin import (
    DataError,
    DomainError,
    OperandError,
    TinygradError,
    Value,
    dot,
    exp,
    gradients,
    relu,
    total,
)
from tinygrad_lin._fast.constructors import source
from tinygrad_lin.registry import remove_operation


def test_the_neuron_by_hand() -> None:
    w, x, b = Value(2.0, "w"), Value(3.0, "x"), Value(1.0, "b")
    a = w * x + b
    a.label = "a"
    product = a.inputs[0]
    assert (a.data, a.op, a.inputs, a.partials) == (7.0, "add", (product, b), (1.0, 1.0))
    assert (product.data, product.op, product.inputs) == (6.0, "mul", (w, x))
    assert product.partials == (3.0, 2.0)
    assert (w.op, w.inputs, w.partials, w.operands, w.label) == (None, (), (), (), "w")
    a.backward()
    assert (w.grad, x.grad, b.grad, product.grad, a.grad) == (3.0, 2.0, 1.0, 1.0, 1.0)


def test_operands_keep_their_order_and_repeats() -> None:
    x, y = Value(3.0), Value(2.0)
    assert (x * x).inputs == (x, x)
    assert (x * x).partials == (3.0, 3.0)
    assert (x - y).inputs == (x, y)
    assert (y - x).inputs == (y, x)
    assert dot([x, y], [y, x], x).inputs == (x, y, y, x, x)
    assert total([x, x, y]).inputs == (x, x, y)


def test_constants_live_in_the_node() -> None:
    x = Value(3.0)
    for node, operands, partials in (
        (x - 1, (x, 1.0), (1.0,)),
        (1 - x, (1.0, x), (-1.0,)),
        (2 / x, (2.0, x), (-2 / 9,)),
        (x**2, (x, 2.0), (6.0,)),
        (-x, (x,), (-1.0,)),
        (total([x, 5]), (x, 5.0), (1.0,)),
        (dot([x, 2.0], [4.0, x]), (x, 2.0, 4.0, x, 0.0), (4.0, 2.0)),
    ):
        assert node.operands == operands
        assert node.partials == pytest.approx(partials)
        assert all(operand is x for operand in node.inputs)
        assert [type(o) for o in node.operands if o is not x] == [float] * (
            len(node.operands) - len(node.inputs)
        )


NUMBERS = [
    2,
    2.0,
    Fraction(2),
    numpy.float64(2),
    numpy.float32(2),
    numpy.float16(2),
    numpy.int8(2),
    numpy.uint64(2),
    numpy.longdouble(2),
    numpy.array(2.0),
    numpy.array([2.0]),
    numpy.array([[2]]),
]


@pytest.mark.parametrize("number", NUMBERS, ids=lambda n: f"{type(n).__name__}-{n!r}")
def test_numbers_of_all_kinds_on_either_side(number: Any) -> None:
    x = Value(3.0)
    assert type(Value(number).data) is float
    for node, data in (
        (x + number, 5.0),
        (number + x, 5.0),
        (x - number, 1.0),
        (number - x, -1.0),
        (x * number, 6.0),
        (number * x, 6.0),
        (x / number, 1.5),
        (number / x, 2 / 3),
        (x**number, 9.0),
        (number**x, 8.0),
    ):
        assert type(node) is Value
        assert (type(node.data), node.data) == (float, data)
    assert x > number
    assert number < x
    assert x >= number
    assert number <= x
    assert not x < number
    assert not number > x


BAD: list[tuple[Any, str]] = [
    ("3", r"float\(x\)"),
    (None, "give a float"),
    (1j, r"abs\(x\)"),
    (True, "1.0 or 0.0"),
    (numpy.bool_(True), "1.0 or 0.0"),
    (numpy.complex128(1j), r"abs\(x\)"),
    ([1, 2], "one Value for each element"),
    ((), "one Value for each element"),
    (numpy.array([1.0, 2.0]), "one Value for each element"),
    (numpy.array([]), "one Value for each element"),
    ({}, "one Value for each element"),
    (b"3", "one Value for each element"),
    (Decimal(3), "give a float"),
    (object(), "give a float"),
    (numpy.datetime64("2020-01-01"), "give a float"),
    (numpy.datetime64("2020-01-01", "ns"), "give a float"),
    (numpy.timedelta64(5, "ns"), "give a float"),
    (numpy.timedelta64(5, "s"), "give a float"),
    (numpy.array("text"), "one real number"),
    (numpy.ma.masked, "one real number"),
    (numpy.ma.array([2.0], mask=[True]), "one real number"),
    (numpy.array([1, 2], dtype=object), "numpy.multiply"),
    (Value, "give a float"),
]


@pytest.mark.parametrize(("bad", "advice"), BAD, ids=lambda b: repr(b).partition(" at 0x")[0][:30])
def test_what_is_not_a_number_is_refused_at_the_door(bad: Any, advice: str) -> None:
    with pytest.raises(OperandError, match=advice):
        Value(bad)
    x = Value(3.0)
    for operate in (
        lambda: x + bad,
        lambda: x * bad,
        lambda: x**bad,
        lambda: dot([x], [bad]),
        lambda: total([x, bad]),
        lambda: exp(bad),
        lambda: x < bad,
        lambda: tinygrad_lin.maximum(x, bad),
    ):
        with pytest.raises(TypeError):
            operate()
    with pytest.raises(OperandError):
        x.data = bad
    assert x.data == 3.0


def test_a_value_within_a_value_is_refused() -> None:
    with pytest.raises(OperandError, match="is a Value already"):
        Value(Value(1.0))  # type: ignore[arg-type]
    assert issubclass(OperandError, TypeError)
    assert issubclass(OperandError, TinygradError)


def test_numpy_names_are_those_of_numpy() -> None:
    named = {row.ufunc for row in tinygrad_lin.TABLE.values() if hasattr(numpy, row.ufunc)}
    assert {"add", "subtract", "multiply", "divide", "negative", "pow", "absolute"} <= named
    assert "sigmoid" not in named


def test_a_number_beyond_the_floats_is_refused() -> None:
    with pytest.raises(DomainError, match="too large"):
        Value(10**400)
    assert Value(10**308).data == 1e308
    long = numpy.longdouble("1e4000")
    if numpy.isfinite(long):  # not where it is a float
        with pytest.raises(DomainError, match="too large"):
            Value(long)
        with pytest.raises(DomainError, match="too large"):
            Value(1.0) * numpy.array([long])
    assert Value(numpy.longdouble("-inf")).data == -math.inf


def test_what_cannot_be_written_out_is_refused_too() -> None:
    class Broken:
        def item(self) -> float:
            raise KeyError

        def __repr__(self) -> str:
            raise RuntimeError

    objects: list[Any] = [[10**5000], numpy.array([10**5000, 1], object), Broken(), [Broken()]]
    for bad in objects:
        for operate in (Value, exp, lambda bad: Value(1.0) + bad, lambda bad: Value(1.0, bad)):
            with pytest.raises(OperandError):
                operate(bad)


def test_labels_are_text() -> None:
    with pytest.raises(OperandError, match="label is a str"):
        Value(1.0, 5)  # type: ignore[arg-type]
    with pytest.raises(OperandError, match="label is a str"):
        Value(1.0, numpy.array([]))  # type: ignore[arg-type]
    node = Value(1.0) + 1
    assert node.label == ""
    node.label = "sum"
    assert node.label == "sum"


def test_data_of_a_leaf_can_be_set_and_of_an_inner_node_cannot() -> None:
    x = Value(3.0, "x")
    y = x * 2
    x.data = 5
    assert (x.data, y.data) == (5.0, 6.0)
    with pytest.raises(AttributeError, match="result of mul"):
        y.data = 1.0
    assert y.data == 6.0


def test_changing_a_leaf_after_the_forward_pass_does_not_corrupt_the_backward_pass() -> None:
    x, y = Value(3.0), Value(4.0)
    out = x * y
    x.data = 100.0
    out.backward()
    assert (x.grad, y.grad) == (4.0, 3.0)
    with pytest.raises(DataError, match="given other data"):
        gradients(out, [y])  # as a graph it would mix the old and the new
    assert gradients(x * y, [y])[0].data == 100.0


def test_equality_is_identity_and_order_is_by_data() -> None:
    x, same, larger = Value(1.0), Value(1.0), Value(2.0)
    assert x != same
    assert len({x, same, x}) == 2
    assert {x: "x"}[x] == "x"
    assert x < larger
    assert larger <= Value(2.0)
    assert larger > 1.5 >= x
    assert not x < same
    assert sorted([larger, x]) == [x, larger]
    assert bool(x)
    assert not bool(Value(0.0))
    assert not Value(math.nan) < 1.0
    assert bool(numpy.equal(numpy.float64(1.0), cast("Any", x))) is False


def test_leaving_the_graph_silently_is_refused() -> None:
    x = Value(1.0, "x")
    for leave in (float, int, math.exp, lambda v: numpy.array([v], dtype=float)):
        with pytest.raises(TypeError, match=r"\.data") as caught:
            leave(x)
        assert "tinygrad_lin" in str(caught.value)


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


def test_a_row_of_one_s_own_is_found_by_numpy_s_name() -> None:
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


def test_what_is_no_sequence_is_refused_where_one_is_wanted() -> None:
    x: Any = Value(3.0, "x")
    for function, operands in ((dot, (x, x)), (dot, ([x], x)), (total, (x,))):
        with pytest.raises(OperandError, match=r"takes sequences .* give \[x\], not x = Value\(3"):
            function(*operands)
    with pytest.raises(OperandError, match=r"not x = 3\.0"):
        total(cast("Any", 3.0))


@given(st.floats(), st.floats())
def test_arithmetic_is_that_of_floats(x: float, y: float) -> None:
    def same(value: Value, number: float) -> bool:
        return value.data == number or (math.isnan(value.data) and math.isnan(number))

    for left in (Value(x), x):
        for right in (Value(y), y):
            if left is x and right is y:
                continue
            assert same(left + right, x + y)  # type: ignore[arg-type]
            assert same(left - right, x - y)  # type: ignore[arg-type]
            assert same(left * right, x * y)  # type: ignore[arg-type]
            if y:
                assert same(left / right, x / y)  # type: ignore[arg-type]
    assert math.copysign(1.0, (-Value(x)).data) == math.copysign(1.0, -x)


def test_division_is_correctly_rounded() -> None:
    assert (Value(5) / Value(3)).data == 5 / 3
    assert (Value(5) / 3).data == 5 / 3
    assert (5 / Value(3)).data == 5 / 3


def test_repr_shows_what_matters() -> None:
    x = Value(2.0, "x")
    assert repr(x) == "Value(2.0, grad=0.0, label='x')"
    assert repr(x * x) == "Value(4.0, grad=0.0, op='mul')"


def test_value_cannot_be_subclassed() -> None:
    with pytest.raises(TypeError, match="subclassed"):
        type("Mine", (Value,), {})


def test_the_graph_is_freed_at_once_without_the_collector() -> None:
    """Nothing of a dropped graph is left for the cyclic collector to find."""
    gc.collect()
    gc.disable()
    try:
        before = sum(type(thing) is Value for thing in gc.get_objects())
        x = Value(2.0)
        out = dot([x, x * 3.0], [x, 1.0], exp(x)) + total([x, 1.0])
        out.backward()
        slopes = tinygrad_lin.gradients(out, [x])
        assert sum(type(thing) is Value for thing in gc.get_objects()) > before
        del x, out, slopes
        assert sum(type(thing) is Value for thing in gc.get_objects()) == before
    finally:
        gc.enable()


def test_an_error_does_not_keep_the_graph_alive() -> None:
    class Mark:
        pass

    def fail() -> weakref.ref[Mark]:
        mark = Mark()
        with pytest.raises(DomainError):
            tinygrad_lin.log(Value(0.0) * 1.0)
        return weakref.ref(mark)

    assert fail()() is None


def test_the_written_out_function_is_readable() -> None:
    text = source(tinygrad_lin.TABLE["mul"])
    assert "node._datum = out = x * y" in text
    assert "node._dleft = y" in text
    assert "node._dright = x" in text
