"""What is taken for an operand, and what is refused with which advice."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

import numpy
import pytest

import tinygrad_lin
from tinygrad_lin import DomainError, OperandError, TinygradError, Value, dot, exp, total

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
def test_numbers_of_all_kinds_are_operands_on_either_side(number: Any) -> None:
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
def test_what_is_not_a_number_is_refused_with_advice(bad: Any, advice: str) -> None:
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


def test_an_object_whose_repr_fails_is_refused_too() -> None:
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


def test_what_is_no_sequence_is_refused_where_one_is_wanted() -> None:
    x: Any = Value(3.0, "x")
    for function, operands in ((dot, (x, x)), (dot, ([x], x)), (total, (x,))):
        with pytest.raises(OperandError, match=r"takes sequences .* give \[x\], not x = Value\(3"):
            function(*operands)
    with pytest.raises(OperandError, match=r"not x = 3\.0"):
        total(cast("Any", 3.0))
