"""Reverse mode against a naive oracle, by hand, to any order and any depth."""

from __future__ import annotations

import math
import sys
from typing import Any, cast

import numpy
import pytest
from hypothesis import given

from tinygrad_lin import (
    OperandError,
    Value,
    cos,
    dot,
    exp,
    first_nonfinite,
    grad,
    gradients,
    hessian,
    jvp,
    log,
    maximum,
    relu,
    sin,
    sqrt,
    tanh,
    topological_order,
    total,
    value_and_grad,
)
from tinygrad_lin.check.strategies import Graph, graphs


def naive(node: Value, leaf: Value) -> float:
    """The sum over all paths of the products of local derivatives, by recursion."""
    if node is leaf:
        return 1.0
    return sum(p * naive(x, leaf) for x, p in zip(node.inputs, node.partials))


def close(got: float, wanted: float, scale: float = 1.0) -> bool:
    return got == pytest.approx(wanted, rel=1e-9, abs=1e-9 * max(1.0, scale))


def size(nodes: list[Value]) -> float:
    """How large sums of gradients may get, for the rounding to be allowed."""
    return math.prod(1.0 + max(map(abs, node.partials), default=0.0) for node in nodes)


@given(graphs(leaves=3, max_nodes=12))
def test_random_graphs_agree_with_the_naive_oracle(graph: Graph) -> None:
    root, leaves = graph
    nodes = topological_order(root)
    root.backward()
    first = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        assert close(leaf.grad, naive(root, leaf), size(nodes) * 1e-3)
    inner = {node: node.grad for node in topological_order(root) if node.op}
    for node, slope in inner.items():
        assert close(slope, naive(root, node), size(nodes) * 1e-3)
    root.backward()
    for leaf, slope in zip(leaves, first):
        assert close(leaf.grad, 2.0 * slope, size(nodes) * 1e-3)
    assert inner == {node: node.grad for node in inner}


@given(graphs(leaves=3, max_nodes=12))
def test_the_order_is_that_of_the_plain_recursion(graph: Graph) -> None:
    root, leaves = graph

    def visit(node: Value) -> None:
        if node not in order:
            for operand in node.inputs:
                visit(operand)
            order.append(node)

    order: list[Value] = []
    visit(root)
    assert topological_order(root) == order
    order = list(leaves[:1])
    visit(root)
    assert topological_order(root, stop=leaves[:1]) == order


@given(graphs(leaves=3, max_nodes=12))
def test_gradients_and_jvp_agree_with_backward(graph: Graph) -> None:
    root, leaves = graph
    nodes = topological_order(root)
    before = [leaf.data for leaf in leaves]
    slopes = gradients(root, leaves)
    along = jvp(root, leaves, [1.0] * len(leaves))
    assert all(leaf.grad == 0.0 for leaf in leaves)  # neither touches grad
    root.backward()
    for leaf, slope in zip(leaves, slopes):
        assert close(slope.data, leaf.grad, size(nodes) * 1e-3)
    assert close(along.data, sum(leaf.grad for leaf in leaves), size(nodes) * 1e-3)
    assert before == [leaf.data for leaf in leaves]


@given(graphs(leaves=3, max_nodes=6))
def test_the_hessian_is_symmetric_and_forward_over_reverse(graph: Graph) -> None:
    root, leaves = graph
    nodes = topological_order(root)
    matrix = hessian(root, leaves)
    scale = 1e-9 * max(1.0, float(numpy.abs(matrix).max()), size(nodes) ** 2 * 1e-3)
    assert numpy.allclose(matrix, matrix.T, rtol=1e-9, atol=scale)
    slopes = gradients(root, leaves)
    for k in range(len(leaves)):
        direction = [float(j == k) for j in range(len(leaves))]
        column = [jvp(slope, leaves, direction).data for slope in slopes]
        assert numpy.allclose(matrix[:, k], column, rtol=1e-9, atol=scale)


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


def test_backward_of_a_leaf_is_one() -> None:
    a = Value(5.0)
    a.backward()
    a.backward()
    assert a.grad == 2.0


def test_unused_branches_get_nothing() -> None:
    a, b = Value(2.0), Value(3.0)
    unused = a * b
    (a * 2.0).backward()
    assert (a.grad, b.grad, unused.grad) == (2.0, 0.0, 0.0)


# ------------------------------------------------------------------------------ grad and friends
def test_grad_of_numbers_is_a_number_to_any_order() -> None:
    def f(x: Any) -> Any:
        return x**4

    assert value_and_grad(f)(2.0) == (16.0, 32.0)
    derivatives = [16.0, 32.0, 48.0, 48.0, 24.0, 0.0, 0.0]
    for wanted in derivatives:
        assert f(2.0) == wanted
        assert type(f(2.0)) is float
        f = grad(f)


def test_grad_matches_known_series() -> None:
    f: Any = sin
    for k in range(8):
        assert f(0.7) == pytest.approx(math.sin(0.7 + k * math.pi / 2), abs=1e-12)
        f = grad(f)


def test_perturbation_confusion() -> None:
    """The classic trap: the inner variable must not be taken for the outer one."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x + y)(x))(1.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(2.0))(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 12.0  # d/dx 2x² = 4x
    assert grad(lambda x: x * jvp(x * x, [x], [1.0]))(3.0) == 12.0  # d/dx x · 2x

    def forward_in_forward(x: Value) -> Value:
        y = Value(1.0)
        return x * jvp(x + y, [y], [1.0])

    x = Value(5.0)
    assert jvp(forward_in_forward(x), [x], [1.0]).data == 1.0


def test_grad_is_a_value_when_anything_it_depends_on_is_one() -> None:
    w = Value(3.0, "w")
    slope = grad(lambda x: w * x * x)(2.0)
    assert isinstance(slope, Value)
    assert slope.data == 12.0
    slope.backward()
    assert w.grad == 4.0
    x = Value(2.0, "x")
    slope = grad(lambda v: v**3)(x)
    assert slope.data == 12.0
    slope.backward()
    assert x.grad == 12.0
    assert isinstance(grad(lambda v: w + v)(2.0), Value)
    value, slope = value_and_grad(lambda v: w * v)(2.0)
    assert isinstance(value, Value)
    assert (value.data, slope.data) == (6.0, 3.0)


def test_argnums_as_in_jax() -> None:
    def f(x: Any, y: Any, power: int) -> Any:
        return x**power * y

    assert grad(f)(2.0, 5.0, 3) == 60.0
    assert grad(f, argnums=1)(2.0, 5.0, 3) == 8.0
    assert grad(f, argnums=(1, 0))(2.0, 5.0, power=3) == (8.0, 60.0)
    assert value_and_grad(f, argnums=(0, 1))(2.0, 5.0, 3) == (40.0, (60.0, 8.0))
    with pytest.raises(OperandError, match="no argument 3"):
        grad(f, argnums=3)(2.0, 5.0, 3)
    with pytest.raises(OperandError):
        grad(f)([2.0], 5.0, 3)


def test_functions_that_do_not_depend_on_their_argument() -> None:
    assert grad(lambda x: 5.0)(1.0) == 0.0
    assert grad(lambda x: x)(1.0) == 1.0
    assert grad(lambda x: x * 0 + 2)(1.0) == 0.0
    assert grad(lambda x, y: y, argnums=(0, 1))(1.0, 2.0) == (0.0, 1.0)
    assert grad(grad(lambda x: 3 * x))(1.0) == 0.0
    with pytest.raises(OperandError):
        grad(lambda x: None)(1.0)
    x, unrelated = Value(1.0), Value(2.0)
    assert [g.data for g in gradients(x * 2, [unrelated, x])] == [0.0, 2.0]
    assert gradients(x, [x])[0].data == 1.0


@pytest.mark.parametrize("output", [None, [1.0, 2.0], "1", True])
def test_f_must_return_one_number(output: Any) -> None:
    with pytest.raises(OperandError, match="f must return one number, not "):
        grad(lambda x: output)(1.0)


def test_inner_nodes_as_inputs_end_the_walk() -> None:
    a = Value(2.0)
    middle = a * a
    out = middle * middle + a
    slope, direct = gradients(out, [middle, a])
    assert (slope.data, direct.data) == (8.0, 1.0)  # a counts only where it does not pass middle
    assert jvp(out, [middle], [1.0]).data == 8.0
    assert hessian(out, [middle])[0, 0] == 2.0
    long = middle
    for _ in range(1000):
        long = long + 1.0
    assert len(topological_order(long * 2.0, stop=[long])) == 2


def test_repeated_inputs_and_wrong_inputs() -> None:
    x = Value(3.0)
    assert [g.data for g in gradients(x * x, [x, x])] == [6.0, 6.0]
    number: Any = 3.0
    for bad in (
        lambda: gradients(x, [number]),
        lambda: gradients(number, [x]),
        lambda: jvp(x, [number], [1.0]),
    ):
        with pytest.raises(OperandError, match="derivatives are taken"):
            bad()
    with pytest.raises(ValueError, match="as many tangents"):
        jvp(x, [x], [])


def test_nested_derivatives_of_numbers_are_numbers() -> None:
    assert grad(lambda x: grad(lambda y: x * y * y)(1.0))(3.0) == 2.0
    assert grad(lambda x: value_and_grad(lambda y: x * y**3)(2.0)[1])(3.0) == 12.0
    assert grad(lambda x: grad(lambda y: grad(lambda z: x * y * z * z)(1.0))(2.0))(3.0) == 2.0


def test_argnums_count_from_the_end_and_take_numpy_integers() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y

    assert grad(f, argnums=-1)(2.0, 5.0) == 2.0
    assert grad(f, argnums=(-2, -1))(2.0, 5.0) == (5.0, 2.0)
    assert grad(f, argnums=cast("Any", numpy.int64(1)))(2.0, 5.0) == 2.0
    with pytest.raises(OperandError, match="no argument"):
        grad(f, argnums=-3)(2.0, 5.0)


def test_inputs_may_be_any_iterable_but_not_one_value() -> None:
    x = Value(3.0)
    assert gradients(x * x, (v for v in [x]))[0].data == 6.0  # type: ignore[arg-type]
    assert jvp(x * x, iter([x]), iter([1.0])).data == 6.0  # type: ignore[arg-type]
    assert hessian(x * x, iter([x])).tolist() == [[2.0]]  # type: ignore[arg-type]
    for function in (gradients, hessian):
        with pytest.raises(OperandError, match=r"give \[x\]"):
            function(x * x, cast("Any", x))


def test_descent_by_grad_of_values_walks_only_what_is_new() -> None:
    """An unrolled descent: each gradient goes no further back than to its own argument."""
    x = Value(1.0)
    walked = len(topological_order(grad(lambda v: v * v)(x)))
    for _ in range(50):
        x = x - 0.1 * grad(lambda v: v * v)(x)
    slope = grad(lambda v: v * v)(x)
    assert len(topological_order(slope, stop=[x])) <= walked
    x.backward()
    assert x.data == pytest.approx(0.8**50)


def test_the_slope_of_an_infinite_slope_is_not_a_number() -> None:
    assert math.isnan(grad(grad(sqrt))(0.0))
    assert math.isnan(grad(grad(lambda v: v**0.5))(0.0))
    x = Value(0.0)
    assert math.isnan(hessian(sqrt(x), [x])[0, 0])


def test_infinite_slopes() -> None:
    assert grad(sqrt)(0.0) == math.inf
    x = Value(0.0)
    assert gradients(sqrt(x), [x])[0].data == math.inf
    assert grad(lambda v: v**0.5)(0.0) == math.inf


def test_kinks_by_hand() -> None:
    assert grad(relu)(0.0) == 0.0
    assert grad(abs)(0.0) == 0.0
    assert grad(lambda x: maximum(x, x))(2.0) == 1.0
    assert grad(maximum, argnums=(0, 1))(2.0, 2.0) == (0.5, 0.5)
    assert grad(grad(relu))(1.0) == 0.0


def test_zero_seed_and_value_under_differentiation() -> None:
    x = Value(1.3)
    out = tanh(log(x) * cos(x))
    assert jvp(out, [x], [0.0]).data == 0.0
    assert value_and_grad(lambda v: tanh(log(v) * cos(v)))(1.3)[0] == out.data


# ---------------------------------------------------------------------------------- size and depth
def test_a_chain_of_a_million_steps_at_the_default_recursion_limit() -> None:
    assert sys.getrecursionlimit() <= 1000
    a = x = Value(1.0)
    for _ in range(1_000_000):
        x = x * 1.0000001
    x.backward()
    assert a.grad == pytest.approx(1.0000001**1_000_000, rel=1e-9)
    (slope,) = gradients(x, [a])
    assert slope.data == pytest.approx(a.grad, rel=1e-9)
    assert first_nonfinite(x) is None
    del x, slope  # freeing it must not recurse either


def test_a_diamond_of_sixty_levels() -> None:
    a = x = Value(1.0)
    for _ in range(60):
        x = x + x
    x.backward()
    assert a.grad == 2.0**60
    assert gradients(x, [a])[0].data == 2.0**60
    assert jvp(x, [a], [1.0]).data == 2.0**60


def test_many_operands_deep_and_wide() -> None:
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


def test_the_article_by_hand() -> None:
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
