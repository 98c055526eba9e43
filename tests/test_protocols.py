"""What Python and people ask of a Value beside arithmetic."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy
import pytest

from tinygrad_lin import TABLE, OperandError, Value, dot, total
from tinygrad_lin.ops import FUNCTIONS


def test_labels_are_text() -> None:
    with pytest.raises(OperandError, match="label is a str"):
        Value(1.0, 5)  # type: ignore[arg-type]
    with pytest.raises(OperandError, match="label is a str"):
        Value(1.0, numpy.array([]))  # type: ignore[arg-type]
    node = Value(1.0) + 1
    assert node.label == ""
    node.label = "sum"
    assert node.label == "sum"


def test_values_are_equal_by_identity_and_ordered_by_data() -> None:
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


# ------------------------------------------------------------------- what they are called elsewhere
def test_the_backward_pass_of_the_micrograd_lecture_runs_as_it_stands() -> None:
    """The names are micrograd's: _prev for the inputs, _backward() for one node's step."""
    x1, x2 = Value(2.0, "x1"), Value(0.0, "x2")
    w1, w2, b = Value(-3.0), Value(1.0), Value(6.8813735870195432)
    o = (x1 * w1 + x2 * w2 + b).tanh()
    topo: list[Value] = []
    visited = set()

    def build_topo(v: Value) -> None:
        if v not in visited:
            visited.add(v)
            for child in v._prev:
                build_topo(child)
            topo.append(v)

    build_topo(o)
    o.grad = 1.0
    for node in reversed(topo):
        node._backward()
    grads = [x1.grad, w1.grad, x2.grad, w2.grad]
    assert grads == pytest.approx([-1.5, 1.0, 0.5, 0.0], abs=1e-12)
    again = [leaf.grad for leaf in (x1, w1, x2, w2, b)]
    for leaf in (x1, w1, x2, w2, b):
        leaf.grad = 0.0
    o.backward()
    assert [leaf.grad for leaf in (x1, w1, x2, w2, b)] == again


def test_micrograds_names_give_the_inputs_and_the_sign() -> None:
    x, y = Value(3.0), Value(2.0)
    assert (x * y)._prev == (x, y)
    assert (x * x)._prev == (x, x)
    assert (x * 2.0)._prev == (x,)
    assert total([x, 1.0, y])._prev == (x, y)
    assert (x._prev, x._op) == ((), "")
    for operation in TABLE.values():
        numbers = [0.3 * low + 0.7 * high for low, high in operation.draw]
        node = FUNCTIONS[operation.name](*operation.grouped([Value(v) for v in numbers]))
        assert node._op == operation.sign != ""
        assert node._prev == node.inputs
    assert ((x + y)._op, (x * y)._op, x.tanh()._op) == ("+", "×", "tanh")


def test_a_value_is_formatted_like_its_number() -> None:
    v = Value(2.34567, "v")
    assert (f"{v:.4f}", f"{v:>9.2f}", f"{v:e}") == ("2.3457", "     2.35", "2.345670e+00")
    assert "%.3f" % v.data == "2.346"  # noqa: UP031
    assert f"{v}" == str(v) == repr(v) == "Value(2.34567, grad=0.0, label='v')"
    assert f"{v * 2:.2f}" == "4.69"
    with pytest.raises(ValueError, match="format"):
        f"{v:d}"
    with pytest.raises(TypeError, match=r"\.data"):
        "%.3f" % v  # noqa: UP031


def test_the_number_is_had_by_item_and_rounded_by_round() -> None:
    v = Value(-2.34567)
    assert (type(v.item()), v.item(), (v * 2.0).item()) == (float, -2.34567, -4.69134)
    assert (type(round(v, 2)), round(v, 2)) == (float, -2.35)
    assert (type(round(v)), round(v)) == (int, -2)
    assert round(Value(2.5)) == round(2.5)
    assert round(v * 100, -1) == -230.0


def test_a_plus_before_a_value_is_that_value_and_a_minus_negates_it() -> None:
    v = Value(2.0)
    assert +v is v
    product = v * 3.0
    assert +product is product
    assert ((-v).op, abs(-v).op, abs(-v).data) == ("neg", "abs", 2.0)


def test_a_remainder_is_taken_with_a_number_on_either_side() -> None:
    v = Value(7.5)
    for node, data, derivative in ((v % 2, 1.5, 1.0), (20 % v, 5.0, -2.0), (v % v, 0.0, 0.0)):
        assert (node.op, node.data) == ("mod", data)
        v.grad = 0.0
        node.backward()
        assert v.grad == derivative
    assert (numpy.float64(20.0) % v).data == 5.0


def test_a_gradient_that_is_none_counts_as_zero_as_in_pytorch() -> None:
    p, q = Value(3.0), Value(2.0)
    for cost in (p * q, p * p, dot([p, q], [q, 1.0]), p):
        p.grad = None  # type: ignore[assignment]
        q.grad = 0.0
        cost.backward()
        found = p.grad
        p.grad = q.grad = 0.0
        cost.backward()
        assert (type(found), found) == (float, p.grad)


def test_an_empty_label_may_be_given_again() -> None:
    v = Value(1.0, "v")
    v.label = ""
    assert (v.label, v.scope, repr(v)) == ("", (), "Value(1.0, grad=0.0)")
