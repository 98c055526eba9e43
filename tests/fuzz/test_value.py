"""Objects of every kind as data and as operands: the right number, or an honest refusal."""

from __future__ import annotations

import array
import copy
import ctypes
import datetime
import enum
import math
import operator
import pickle
from collections import UserString
from decimal import Decimal
from fractions import Fraction
from functools import partial
from numbers import Real
from typing import Any, NamedTuple
from unittest import mock

import numpy
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tinygrad_lin import TABLE, DomainError, TinygradError, Value, dot, maximum, total
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS

try:
    import torch
except ImportError:
    torch = None


class Thing(NamedTuple):
    """An object, and the number that it is; None if it is none."""

    object: Any
    number: float | None


class Whole(int):
    def __add__(self, other: Any) -> Any:
        return "whole"

    __radd__ = __add__


class Floating(float):
    def __float__(self) -> float:
        return 2.5

    def __mul__(self, other: Any) -> Any:
        return NotImplemented


class Colour(enum.IntEnum):
    RED = 3


class Pretender:
    """Not a number, whatever it says of itself."""

    __array_priority__ = 1e9
    dtype = "float64"
    mask = False
    filled = None
    _data = 2.0

    def __float__(self) -> float:
        return 2.0

    def __index__(self) -> int:
        return 2

    def __len__(self) -> int:
        return 1

    def __radd__(self, other: Any) -> Any:
        return self

    __add__ = __rmul__ = __rpow__ = __radd__


class Unspeakable:
    def __repr__(self) -> str:
        raise RuntimeError

    def item(self) -> Any:
        return self


class Foreign:
    """An array of a library that we do not know."""

    def __init__(self, item: Any) -> None:
        self.inside = item

    def item(self) -> Any:
        if isinstance(self.inside, type):
            raise self.inside
        return self.inside


class Unfloatable:
    """A real number that is not told."""

    def __float__(self) -> float:
        raise OverflowError


Real.register(Unfloatable)


def real(number: Any) -> Thing:
    """What is a number, unless it is larger than any float."""
    try:
        result = float(number)
    except OverflowError:
        return Thing(number, None)
    beyond = math.isinf(result) and isinstance(number, numpy.longdouble) and numpy.isfinite(number)
    return Thing(number, None if beyond else result)


def of_array(given: Any) -> Thing:
    """An array or scalar of NumPy's is a number if it holds one real number alone."""
    if given.size != 1 or given.dtype.kind not in "iuf":
        return Thing(given, None)
    return Thing(given, real(given.reshape(())[()]).number)


DTYPES = (
    arrays.scalar_dtypes()
    | st.sampled_from([numpy.dtype(numpy.longdouble), numpy.dtype(numpy.clongdouble)])
    | st.just(numpy.dtype([("a", "f8"), ("b", "i4")]))
)
SCALARS = DTYPES.flatmap(lambda dtype: arrays.arrays(dtype, ())).map(lambda a: a[()])
ARRAYS = DTYPES.flatmap(
    lambda dtype: arrays.arrays(
        dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=2)
    )
)
WHOLES = st.integers(-(2**70), 2**70) | st.sampled_from([1, -1]).flatmap(
    lambda sign: st.sampled_from([20, 308, 309, 400, 5000]).map(lambda n: sign * 10**n)
)
NO_NUMBERS: list[Any] = [
    None, True, False, "", "3", b"3", bytearray(b"3"), memoryview(b"3"), 1j, Decimal(3),
    Decimal("nan"), datetime.datetime(2020, 1, 1), datetime.date(2020, 1, 1), datetime.timedelta(1),
    datetime.time(3), [], [1.0], (1.0,), {}, {1: 2.0}, {1.0}, frozenset({1.0}), range(1), slice(1),
    iter([1.0]), object(), type, float, Value, math, len, ..., NotImplemented, UserString("3"),
    array.array("d", [1.0]), ctypes.c_double(1.0), Pretender(), Unspeakable(), [Unspeakable()],
    mock.Mock(), mock.MagicMock(), [10**5000], Unfloatable(), numpy.ma.masked,
    numpy.ma.array([2.0], mask=[True]), numpy.array(None), numpy.array([10**5000, 1], object),
    numpy.array(Value(2.0), object), numpy.array([Value(2.0), 1], object), numpy, numpy.float64,
    numpy.array(["text"]), numpy.str_("3"), numpy.bytes_(b"3"), numpy.datetime64("NaT"),
    Foreign(None), Foreign(True), Foreign(1j), Foreign("3"), Foreign(KeyError), Foreign(IndexError),
    Foreign(10**400), Foreign([1.0]), Foreign(NotImplementedError), Foreign(AssertionError),
    ValueError(3), (yes for yes in [1.0]), lambda: 1.0,
]  # fmt: skip
TENSORS: list[Thing] = []
if torch is not None:
    for name in ("float16", "bfloat16", "float32", "float64", "int8", "int64"):
        kind = getattr(torch, name)
        TENSORS += [Thing(torch.tensor(x, dtype=kind), 2.0) for x in (2, [2], [[2]])]
        TENSORS += [Thing(torch.tensor(x, dtype=kind), None) for x in ([], [2, 3])]
    TENSORS += [
        Thing(torch.tensor(2.0, requires_grad=True), 2.0),
        Thing(torch.nn.Parameter(torch.tensor(2.0)), 2.0),
        Thing(torch.tensor(True), None),
        Thing(torch.tensor(2j), None),
        Thing(torch.empty((), device="meta"), None),
        Thing(torch.float32, None),
        Thing(torch.device("cpu"), None),
    ]
THINGS = (
    st.floats().map(lambda x: Thing(x, x))
    | WHOLES.map(real)
    | WHOLES.map(Whole).map(lambda n: Thing(n, real(int(n)).number))
    | st.floats().map(lambda x: Thing(Floating(x), 2.5))
    | st.just(Thing(Colour.RED, 3.0))
    | st.fractions().map(real)
    | st.sampled_from([Fraction(10**400), Fraction(1, 10**400)]).map(real)
    | st.decimals().map(lambda d: Thing(d, None))
    | st.sampled_from(["1e4000", "-1e4000", "inf", "1e-4000"]).map(numpy.longdouble).map(real)
    | SCALARS.map(lambda x: of_array(numpy.asarray(x))._replace(object=x))
    | ARRAYS.map(of_array)
    | st.floats().map(lambda x: Thing(numpy.array(Fraction(1, 2), object), 0.5))
    | st.floats().map(lambda x: Thing(Foreign(x), x))
    | st.floats().map(lambda x: Thing(numpy.ma.array([x]), x))
    | st.sampled_from(NO_NUMBERS).map(lambda o: Thing(o, None))
    | st.sampled_from(TENSORS or [Thing(None, None)])
)


def same(one: float, other: float) -> bool:
    """Equal to the sign of zero, and NaN to NaN."""
    return type(one) is type(other) is float and repr(one) == repr(other)


def whole(node: Value) -> bool:
    """Whether nothing but floats and Values has come in."""
    return (
        type(node) is Value
        and type(node.data) is float
        and all(type(o) is float or type(o) is Value for o in node.operands)
        and all(type(partial) is float for partial in node.partials)
    )


def refuses(what: Any, *errors: type[Exception]) -> None:
    with pytest.raises((TinygradError, *errors)) as caught:
        what()
    assert isinstance(caught.value, TypeError | ValueError)


@given(THINGS)
def test_data_is_one_number(thing: Thing) -> None:
    leaf = Value(1.0)
    if thing.number is None:
        refuses(lambda: Value(thing.object))
        refuses(lambda: setattr(leaf, "data", thing.object))
        assert leaf.data == 1.0
        return
    leaf.data = thing.object
    for made in (leaf, Value(thing.object)):
        assert whole(made)
        assert same(made.data, thing.number)
    for again in (copy.copy(leaf), copy.deepcopy(leaf), pickle.loads(pickle.dumps(leaf))):
        assert same(again.data, leaf.data)


COMPARISONS = [operator.lt, operator.le, operator.gt, operator.ge]
OTHERS = [operator.floordiv, operator.matmul, operator.and_, operator.lshift]
TWO = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "mod": operator.mod,
    "pow": operator.pow,
    "maximum": FUNCTIONS["maximum"],
    "minimum": FUNCTIONS["minimum"],
}
FLOATS = st.sampled_from([0.0, -0.0, 1.0, -2.0, 0.5]) | st.floats()


def has_ways_of_its_own(thing: Any) -> bool:
    """Whether an object does with a Value as it likes."""
    dtype = getattr(thing, "dtype", None)
    own = Whole | Pretender | UserString | mock.MagicMock | numpy.ma.MaskedArray
    return isinstance(thing, own) or (isinstance(dtype, numpy.dtype) and dtype.kind in "OV")


@given(THINGS, FLOATS, st.sampled_from(sorted(TWO)), st.booleans())
def test_operands_on_either_side(thing: Thing, number: float, name: str, left: bool) -> None:
    value, operate = Value(number), TWO[name]
    operands = (thing.object, value) if left else (value, thing.object)
    try:
        assert thing.number is not None
        plain = (Value(thing.number), value) if left else (value, Value(thing.number))
        wanted = FUNCTIONS[name](*(p if p is value else p.data for p in plain))
    except (AssertionError, DomainError):
        wanted = None
    try:
        with numpy.errstate(all="ignore"):  # of masked arrays
            found = operate(*operands)
    except (TypeError, ValueError):
        assert wanted is None or isinstance(thing.object, numpy.ma.MaskedArray)
        return
    except OverflowError:  # Fraction(10**400) ** value makes a float first
        assert left
        assert isinstance(thing.object, Fraction)
        return
    if isinstance(found, numpy.ndarray) and found.dtype == object and found.size == 1:
        found = found.item()
    if not isinstance(found, Value):
        assert has_ways_of_its_own(thing.object)
        return
    assert whole(found)
    assert value in found.inputs
    if has_ways_of_its_own(thing.object):
        return
    assert found.inputs == (value,)
    assert wanted is not None
    assert same(found.data, wanted.data)
    assert [repr(p) for p in found.partials] == [repr(p) for p in wanted.partials]


@given(THINGS, FLOATS)
def test_comparisons_go_by_the_number(thing: Thing, number: float) -> None:
    value = Value(number)
    for compare in COMPARISONS:
        if thing.number is None:
            refuses(partial(compare, value, thing.object))
        else:
            with numpy.errstate(all="ignore"):  # of masked arrays
                found = compare(value, thing.object), compare(thing.object, value)
            assert bool(found[0]) is compare(number, thing.number)
            assert bool(found[1]) is compare(thing.number, number)
    if not has_ways_of_its_own(thing.object):
        assert not numpy.any(value == thing.object)
        assert numpy.all(value != thing.object)
    assert value in {value: thing}


@given(st.lists(THINGS, min_size=1, max_size=3), st.lists(FLOATS, min_size=3, max_size=3))
def test_many_operands(things: list[Thing], numbers: list[float]) -> None:
    objects, known = [t.object for t in things], [t.number for t in things]
    values = [Value(x) for x in numbers[: len(things)]]
    for make in (
        lambda given: dot(given, values),
        lambda given: dot(values, given, given[0]),
        lambda given: total([*given, *values]),
        lambda given: maximum(values[0], *given),
    ):
        if None in known:
            refuses(partial(make, objects))
            continue
        found, wanted = make(objects), make(known)
        assert whole(found)
        assert same(found.data, wanted.data)


SINGLE = [row for row in TABLE.values() if len(row.operands) == 1 and not row.variadic]


@given(THINGS, st.sampled_from(SINGLE))
def test_functions_take_numbers_of_every_kind(thing: Thing, row: Operation) -> None:
    function = FUNCTIONS[row.name]
    if thing.number is None:
        refuses(lambda: function(thing.object))
        return
    try:
        wanted = function(thing.number)
    except DomainError:
        refuses(lambda: function(thing.object))
        return
    assert same(function(thing.object), wanted)


UFUNCS = sorted(
    {f for f in vars(numpy).values() if isinstance(f, numpy.ufunc)}, key=lambda f: f.__name__
)


@given(st.sampled_from(UFUNCS), st.lists(THINGS, max_size=2), FLOATS, st.integers(0, 2))
def test_functions_of_numpy(
    ufunc: numpy.ufunc, things: list[Thing], number: float, place: int
) -> None:
    operands = [t.object for t in things]
    operands.insert(place, Value(number))
    assume(len(operands) == ufunc.nin)
    assume(not any(isinstance(o, Pretender | mock.MagicMock) for o in operands))
    try:
        with numpy.errstate(all="ignore"):
            result = ufunc(*operands)
    except (TypeError, ValueError):
        return
    if isinstance(result, numpy.ndarray):
        assert result.dtype in (object, bool)
    else:
        assert isinstance(result, bool | numpy.bool_) or whole(result)


@given(THINGS)
def test_labels_are_text(thing: Thing) -> None:
    if isinstance(thing.object, str):
        assert Value(1.0, thing.object).label == thing.object
    else:
        refuses(lambda: Value(1.0, thing.object))


LEAVING: list[Any] = [float, int, complex, math.exp, math.floor, operator.index, len, iter]


@given(THINGS, st.sampled_from(LEAVING), st.sampled_from(OTHERS))
def test_values_do_not_leave_the_graph(thing: Thing, leave: Any, other: Any) -> None:
    value = Value(1.0)
    refuses(lambda: leave(value), TypeError)
    if not has_ways_of_its_own(thing.object):
        refuses(lambda: other(value, thing.object), TypeError, ValueError)
