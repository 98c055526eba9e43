"""What a Value is, and what a node remembers."""

from __future__ import annotations

import gc

import pytest

import tinygrad_lin
from tinygrad_lin import DataError, Value, dot, exp, gradients, total
from tinygrad_lin._fast.constructors import source


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


def test_the_graph_is_freed_at_once_without_the_collector() -> None:
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


def test_the_written_out_function_is_readable() -> None:
    text = source(tinygrad_lin.TABLE["mul"])
    assert "node._datum = out = x * y" in text
    assert "node._dleft = y" in text
    assert "node._dright = x" in text
