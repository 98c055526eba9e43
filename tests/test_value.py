"""What a Value is, and what a node remembers."""

from __future__ import annotations

import gc
import math
from fractions import Fraction
from typing import Any

import numpy
import pytest

import tinygrad_lin
from tinygrad_lin import (
    TABLE,
    DataError,
    DomainError,
    OperandError,
    Value,
    dot,
    exp,
    gradients,
    total,
)
from tinygrad_lin._fast.constructors import source
from tinygrad_lin.value import record

X = Value(2.0, "x")
"""An operand in parametrized tests, in which nothing is added to its grad."""


def test_a_neuron_holds_and_propagates_what_it_does_by_hand() -> None:
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


def test_the_repr_of_a_value_shows_what_matters() -> None:
    x = Value(2.0, "x")
    assert repr(x) == "Value(2.0, grad=0.0, label='x')"
    assert repr(x * x) == "Value(4.0, grad=0.0, op='mul')"


def test_value_cannot_be_subclassed() -> None:
    with pytest.raises(TypeError, match="subclassed"):
        type("Mine", (Value,), {})


def test_a_dropped_graph_is_freed_at_once_without_the_collector() -> None:
    """Nothing of a dropped graph is left for the cyclic collector to find."""
    gc.collect()
    gc.disable()
    try:
        before = sum(type(thing) is Value for thing in gc.get_objects())
        x = Value(2.0)
        out = dot([x, x * 3.0], [x, 1.0], exp(x)) + total([x, 1.0])
        out.backward()
        derivatives = tinygrad_lin.gradients(out, [x])
        assert sum(type(thing) is Value for thing in gc.get_objects()) > before
        del x, out, derivatives
        assert sum(type(thing) is Value for thing in gc.get_objects()) == before
    finally:
        gc.enable()


def test_the_function_written_out_for_an_operation_is_readable() -> None:
    text = source(tinygrad_lin.TABLE["mul"])
    assert "node._datum = out = x * y" in text
    assert "node._dleft = y" in text
    assert "node._dright = x" in text


# ------------------------------------------------------------------------ record, the plain form
def test_record_makes_the_node_that_the_operator_makes() -> None:
    w, x = Value(2.0, "w"), Value(3.0, "x")
    node = record(TABLE["mul"], w, x)
    assert isinstance(node, Value)
    assert (node.data, node.op, node.grad, node.label) == (6.0, "mul", 0.0, "")
    assert (node.inputs, node.partials, node.operands) == ((w, x), (3.0, 2.0), (w, x))
    assert (node.is_leaf, w.is_leaf) == (False, True)
    root = record(TABLE["sqrt"], Value(0.0))
    assert isinstance(root, Value)
    assert root.partials == (math.inf,)


@pytest.mark.parametrize(
    ("name", "operands", "data", "partials"),
    [
        ("sub", [1, X], -1.0, (-1.0,)),
        ("sub", [X, 1], 1.0, (1.0,)),
        ("pow", [X, numpy.float32(3)], 8.0, (12.0,)),
        ("div", [Fraction(1, 2), X], 0.25, (-0.125,)),
        ("maximum", [X, 2.0], 2.0, (0.5,)),
        ("dot", [X, 2, 4, X, 0.5], 12.5, (4.0, 2.0)),
        ("dot", [X, X, X], 6.0, (2.0, 2.0, 1.0)),
        ("total", [X, 5, X], 9.0, (1.0, 1.0)),
    ],
)
def test_record_keeps_numbers_as_constants_in_their_places(
    name: str, operands: list[Any], data: float, partials: tuple[float, ...]
) -> None:
    node = record(TABLE[name], *operands)
    assert isinstance(node, Value)
    assert (node.data, node.partials) == (data, partials)
    assert node.operands == tuple(operands)
    assert {type(operand) for operand in node.operands} <= {Value, float}
    assert node.inputs == (X,) * len(partials)


def test_record_of_numbers_alone_gives_a_number() -> None:
    for name, operands, wanted in (
        ("mul", [2, numpy.float64(3)], 6.0),
        ("tanh", [0], 0.0),
        ("dot", [1, 2, 3, 4, 5], 16.0),
        ("total", [], 0.0),
    ):
        result = record(TABLE[name], *operands)
        assert (type(result), result) == (float, wanted)


def test_record_refuses_in_the_words_that_name_operation_operands_and_domain() -> None:
    zero = Value(0.0, "zero")
    for given in (zero, Value(0.0), 0.0):
        label = " ('zero')" if given is zero else ""
        with pytest.raises(DomainError) as caught:
            record(TABLE["log"], given)
        words = f"log(x) has no value at x = 0.0{label}; it is defined where x > 0"
        assert str(caught.value) == words
        with pytest.raises(DomainError) as caught:
            tinygrad_lin.log(given)
        assert str(caught.value) == words
    with pytest.raises(DomainError, match=r"^exp\(x\) overflows a float at x = 1000\.0;"):
        record(TABLE["exp"], 1000)
    with pytest.raises(DomainError, match=r"^pow\(x, y\) has no derivative with respect to y \("):
        record(TABLE["pow"], -2.0, Value(3.0))
    assert record(TABLE["pow"], -2.0, 3.0) == -8.0
    for bad in ("x", None, [1.0]):
        with pytest.raises(OperandError, match="a Value holds one real number"):
            record(TABLE["mul"], Value(1.0), bad)


# ------------------------------------------------------------- propagate, the chain rule at a node
def test_a_node_of_one_operand_propagates_its_gradient_to_it() -> None:
    x = Value(3.0)
    square_root = tinygrad_lin.sqrt(x + 1.0)
    square_root.grad = 8.0
    square_root.propagate()
    (below,) = square_root.inputs
    assert (below.grad, x.grad) == (2.0, 0.0)  # one node's step goes no further


def test_a_node_of_two_operands_propagates_to_both_and_adds_to_what_they_have() -> None:
    w, x = Value(2.0), Value(3.0)
    w.grad, x.grad = 100.0, 200.0
    product = w * x
    product.grad = -2.0
    for times in (1, 2):
        product.propagate()
        assert (w.grad, x.grad) == (100.0 - 6.0 * times, 200.0 - 4.0 * times)
    assert product.grad == -2.0


def test_an_operand_that_is_used_twice_gets_both_shares() -> None:
    x = Value(3.0)
    square = x * x
    square.grad = 5.0
    square.propagate()
    assert x.grad == 30.0


def test_constants_get_no_share_and_shift_none() -> None:
    x, y = Value(3.0), Value(0.5)
    many = dot([2.0, x, 7.0], [y, 4.0, x], 1.0)  # 2 y + 4 x + 7 x + 1
    many.grad = 10.0
    many.propagate()
    assert (x.grad, y.grad) == (110.0, 20.0)
    for node, wanted in ((1.0 - x, -10.0), (x - 1.0, 10.0), (total([4.0, x]), 10.0)):
        x.grad, node.grad = 0.0, 10.0
        node.propagate()
        assert x.grad == wanted


def test_a_leaf_has_nobody_to_propagate_to() -> None:
    leaf = Value(3.0)
    leaf.grad = 2.0
    leaf.propagate()
    assert leaf.grad == 2.0


# -------------------------------------------------------------------------- backward(gradient=...)
def test_the_gradient_that_backward_begins_with_multiplies_all() -> None:
    a = Value(3.0)
    square = a * a
    for gradient, share in ((2.0, 12.0), (-1, -6.0), (numpy.float64(0.5), 3.0), (0.0, 0.0)):
        a.grad = 0.0
        square.backward(gradient=gradient)
        assert (a.grad, square.grad) == (share, float(gradient))
        a.grad = 0.0
        square.backward(gradient)
        assert a.grad == share
    a.backward(gradient=2.0)
    assert a.grad == 2.0


@pytest.mark.parametrize("wrong", ["1", None, Value(1.0), [1.0], True])
def test_backward_begins_with_a_number_or_changes_nothing(wrong: Any) -> None:
    a = Value(3.0)
    square = a * a
    a.grad, square.grad = 7.0, 8.0
    with pytest.raises(OperandError):
        square.backward(gradient=wrong)
    assert (a.grad, square.grad) == (7.0, 8.0)
