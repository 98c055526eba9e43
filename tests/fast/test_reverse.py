"""The backward pass that is written out does what the plain one does."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import OperandError, Value, dot
from tinygrad_lin._fast import PLAIN
from tinygrad_lin._fast.reverse import backward as fast
from tinygrad_lin.check.strategies import Graph, graphs
from tinygrad_lin.graph import topological_order
from tinygrad_lin.reverse import backward as plain

if PLAIN:
    pytest.skip("TINYGRAD_LIN_PLAIN leaves the fast forms out", allow_module_level=True)


def gradients_by(backward: Any, order: list[Value], root: Value, seed: float) -> list[float]:
    for node in order:
        node.grad = 0.5  # what leaves have accumulated, and inner nodes must forget
    backward(root, seed)
    return [node.grad for node in order]


@given(graphs(leaves=3, max_nodes=20), st.sampled_from([1.0, 0.0, -2.5]))
def test_both_forms_give_the_same_gradients(graph: Graph, seed: float) -> None:
    root = graph.root
    order = topological_order(root)
    sizes = dict.fromkeys(order, 0.0) | {root: abs(seed)}
    for node in reversed(order):  # of the terms that are summed, in whichever order
        for operand, local in zip(node.inputs, node.partials):
            sizes[operand] += sizes[node] * abs(local)
    both = zip(order, gradients_by(plain, order, root, seed), gradients_by(fast, order, root, seed))
    for node, wanted, found in both:
        close = abs(found - wanted) <= 1e-13 * (sizes[node] + 0.5)
        assert close or repr(found) == repr(wanted) or not math.isfinite(sizes[node])


@pytest.mark.parametrize("backward", [fast, plain])
def test_gradients_that_users_set(backward: Any) -> None:
    x, y = Value(3.0, "x"), Value(2.0)
    x.grad = None  # type: ignore[assignment]
    y.grad = 1
    backward(x * y + dot([x], [y]))
    assert (x.grad, y.grad) == (4.0, 7.0)
    leaf = Value(1.0)
    leaf.grad = None  # type: ignore[assignment]
    backward(leaf, 2)
    assert leaf.grad == 2.0


@pytest.mark.parametrize("backward", [fast, plain])
@pytest.mark.parametrize("wrong", ["x", Value(1.0), [1.0], 1j])
def test_a_gradient_that_is_no_number_is_refused_with_the_label(backward: Any, wrong: Any) -> None:
    for make in (lambda a, b: a * b, lambda a, b: b * a, lambda a, b: dot([b], [a])):
        good, bad, unnamed = Value(2.0, "good"), Value(3.0, "bad"), Value(4.0)
        bad.grad = unnamed.grad = wrong
        with pytest.raises(OperandError, match="grad of the leaf 'bad' is not a number"):
            backward(make(good, bad))
        assert good.grad == 0.0
        with pytest.raises(OperandError, match=r"grad of a leaf with data 4\.0"):
            backward(make(good, unnamed))


@pytest.mark.parametrize("backward", [fast, plain])
def test_the_gradient_that_it_begins_with_is_a_number(backward: Any) -> None:
    x = Value(3.0)
    y = x * x
    backward(y, gradient=2)
    assert x.grad == 12.0
    with pytest.raises(OperandError):
        backward(y, gradient="1")
