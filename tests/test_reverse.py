"""Reverse mode against a naive oracle, by hand, and at any depth."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy
import pytest
from gradient_rounding import close, size
from hypothesis import given

from tinygrad_lin import (
    OperandError,
    Value,
    dot,
    exp,
    first_nonfinite,
    gradients,
    hessian,
    jvp,
    topological_order,
    total,
)
from tinygrad_lin._operands import gradient_so_far
from tinygrad_lin.check.strategies import Graph, graphs
from tinygrad_lin.reverse import backward


def naive(node: Value, leaf: Value) -> float:
    """The sum over all paths of the products of local derivatives, by recursion."""
    if node is leaf:
        return 1.0
    return sum(p * naive(x, leaf) for x, p in zip(node.inputs, node.partials))


@given(graphs(leaves=3, max_nodes=12))
def test_the_gradients_of_random_graphs_agree_with_the_naive_oracle(graph: Graph) -> None:
    root, leaves = graph
    nodes = topological_order(root)
    root.backward()
    first = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        assert close(leaf.grad, naive(root, leaf), size(nodes) * 1e-3)
    inner = {node: node.grad for node in topological_order(root) if node.op}
    for node, derivative in inner.items():
        assert close(derivative, naive(root, node), size(nodes) * 1e-3)
    root.backward()
    for leaf, derivative in zip(leaves, first):
        assert close(leaf.grad, 2.0 * derivative, size(nodes) * 1e-3)
    assert inner == {node: node.grad for node in inner}


def test_backward_twice_accumulates_on_leaves_and_resets_inner_nodes() -> None:
    a = Value(3.0)
    square = a * a
    root = square * (a * a)
    root.backward()
    assert (a.grad, square.grad) == (108.0, 9.0)
    root.backward()
    assert (a.grad, square.grad) == (216.0, 9.0)


def test_two_roots_that_share_an_inner_node_add_up_on_the_leaves() -> None:
    a = Value(2.0)
    shared = a * a
    first, second = shared * 3.0, exp(shared)
    first.backward()
    second.backward()
    assert a.grad == pytest.approx(3.0 * 4.0 + math.exp(4.0) * 4.0)
    assert shared.grad == pytest.approx(math.exp(4.0))


def test_an_interrupted_backward_does_not_spoil_the_next() -> None:
    a, b = Value(2.0), Value(3.0)
    product = a * b
    root = product * product + product
    b.grad = "not a number"  # type: ignore[assignment]  # stops the pass midway
    with pytest.raises(TypeError):
        root.backward()
    a.grad = b.grad = 0.0
    root.backward()
    assert (a.grad, b.grad) == ((2 * 6 + 1) * 3.0, (2 * 6 + 1) * 2.0)


def test_backward_of_a_leaf_adds_one_each_time() -> None:
    a = Value(5.0)
    a.backward()
    a.backward()
    assert a.grad == 2.0


def test_branches_that_the_root_does_not_use_get_no_gradient() -> None:
    a, b = Value(2.0), Value(3.0)
    unused = a * b
    (a * 2.0).backward()
    assert (a.grad, b.grad, unused.grad) == (2.0, 0.0, 0.0)


def test_a_chain_of_a_million_steps_at_the_default_recursion_limit() -> None:
    assert sys.getrecursionlimit() <= 1000
    a = x = Value(1.0)
    for _ in range(1_000_000):
        x = x * 1.0000001
    x.backward()
    assert a.grad == pytest.approx(1.0000001**1_000_000, rel=1e-9)
    (derivative,) = gradients(x, [a])
    assert derivative.data == pytest.approx(a.grad, rel=1e-9)
    assert first_nonfinite(x) is None
    del x, derivative  # freeing it must not recurse either


def test_a_diamond_of_sixty_levels_uses_each_edge_once() -> None:
    a = x = Value(1.0)
    for _ in range(60):
        x = x + x
    x.backward()
    assert a.grad == 2.0**60
    assert gradients(x, [a])[0].data == 2.0**60
    assert jvp(x, [a], [1.0]).data == 2.0**60


def test_nodes_of_many_operands_add_up_deep_and_wide() -> None:
    a = Value(0.5)
    x: Value = a
    for _ in range(2000):
        x = total([x, a, dot([a], [2.0])])
    x.backward()
    assert a.grad == 1.0 + 2000 * 3.0
    wide = total([a * float(k) for k in range(1000)])
    a.grad = 0.0
    wide.backward()
    assert a.grad == 999 * 1000 / 2


def test_the_gradients_and_hessian_of_the_line_are_those_found_by_hand() -> None:
    """On (2, 19) and (4, 35): C = MSE/2, dC/dw = mean((a - y) x), dC/db = mean(a - y)."""
    w, b = Value(0.4967141530112327, "w"), Value(-0.13826430117118466, "b")
    points = [(2.0, 19.0), (4.0, 35.0)]
    cost = total([(w * x + b - y) ** 2 for x, y in points]) / 2 / 2
    cost.backward()
    a1 = 0.4967141530112327 * 2 - 0.13826430117118466
    a2 = 0.4967141530112327 * 4 - 0.13826430117118466
    assert cost.data == pytest.approx(((a1 - 19) ** 2 + (a2 - 35) ** 2) / 4)
    assert w.grad == pytest.approx(((a1 - 19) * 2 + (a2 - 35) * 4) / 2)
    assert b.grad == pytest.approx(((a1 - 19) + (a2 - 35)) / 2)
    assert w.grad == pytest.approx(-84.45, abs=0.01)
    assert b.grad == pytest.approx(-25.65, abs=0.01)
    # The Hessian of the cost is the mean of [x², x; x, 1].
    assert hessian(cost, [w, b]).tolist() == [[10.0, 3.0], [3.0, 1.0]]


# --------------------------------------------------------------------------------- the plain form
def test_the_plain_backward_gives_the_gradients_found_by_hand() -> None:
    """Of c = (ab + a)²: dc/da = 2 (ab + a) (b + 1), dc/db = 2 (ab + a) a."""
    a, b = Value(2.0, "a"), Value(3.0, "b")
    product = a * b
    total_of_both = product + a
    cost = total_of_both * total_of_both
    for passes, gradient in ((1, 1.0), (2, 1.0), (3, 1.0)):
        backward(cost, gradient)
        assert (a.grad, b.grad) == (64.0 * passes, 32.0 * passes)
        assert (product.grad, total_of_both.grad, cost.grad) == (16.0, 16.0, 1.0)
    a.grad = b.grad = 0.0
    backward(cost, -0.5)
    assert (a.grad, b.grad, product.grad, cost.grad) == (-32.0, -16.0, -8.0, -0.5)


def test_the_plain_backward_of_a_leaf_adds_to_its_gradient() -> None:
    leaf = Value(5.0)
    backward(leaf)
    backward(leaf, 2)
    assert leaf.grad == 3.0


def test_backpropagation_by_hand_node_by_node_is_backward() -> None:
    a, b = Value(2.0), Value(3.0)
    cost = exp(a * b - 5.0) * a + dot([a, b], [b, 2.0])
    cost.backward()
    wanted = [node.grad for node in topological_order(cost)]
    for node in topological_order(cost):
        node.grad = 0.0
    cost.grad = 1.0
    for node in reversed(topological_order(cost)):
        node.propagate()
    assert [node.grad for node in topological_order(cost)] == wanted


@pytest.mark.parametrize(
    ("grad", "wanted"),
    [(None, 0.0), (2.5, 2.5), (3, 3.0), (numpy.float32(0.5), 0.5), (numpy.array([2.0]), 2.0)],
    ids=repr,
)
def test_what_a_leaf_has_accumulated_is_a_float_and_none_counts_as_zero(
    grad: Any, wanted: float
) -> None:
    leaf = Value(1.0)
    leaf.grad = grad
    assert (type(gradient_so_far(leaf)), gradient_so_far(leaf)) == (float, wanted)
    (leaf * 2.0).backward()
    assert (type(leaf.grad), leaf.grad) == (float, wanted + 2.0)


@pytest.mark.parametrize("grad", ["x", [1.0], True, Value(1.0), 1j], ids=repr)
def test_a_leaf_whose_gradient_is_no_number_is_named(grad: Any) -> None:
    kind = type(grad).__name__
    for leaf, name in (
        (Value(1.5, "w"), "the leaf 'w'"),
        (Value(1.5), r"a leaf with data 1\.5"),
    ):
        leaf.grad = grad
        said = f"^the grad of {name} is not a number but {kind}: set it to 0.0 before backward"
        with pytest.raises(OperandError, match=said):
            gradient_so_far(leaf)
        with pytest.raises(OperandError, match=said):
            (leaf * 2.0).backward()
