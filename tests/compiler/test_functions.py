"""The ways to run a graph: in place, one by one, gathered, column by column; and what is kept."""

from __future__ import annotations

import random
import warnings
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy
import pytest
from hypothesis import given

from tinygrad_lin import (
    TABLE,
    DomainError,
    Value,
    add_operation,
    compile_graph,
    dot,
    exp,
    log,
    maximum,
    relu,
    sigmoid,
    sin,
    sqrt,
    tanh,
    topological_order,
    total,
)
from tinygrad_lin.check.strategies import Graph, graphs
from tinygrad_lin.compiler import choosing, functions
from tinygrad_lin.compiler.functions import Columns, Function, InPlace, Scalars
from tinygrad_lin.recording import forget


def function_of(program: Any) -> Function:
    (function,) = program._functions.values()
    assert isinstance(function, Function)
    return function


def agrees(root: Value, wrt: list[Value]) -> bool:
    """Whether the program without a batch agrees with the engine."""
    for leaf in wrt:
        leaf.grad = 0.0
    root.backward()
    numbers = [leaf.data for leaf in wrt]
    value, gradient = compile_graph(root, wrt=wrt).value_and_grad(numbers)
    slopes = [leaf.grad for leaf in wrt]
    return bool(
        numpy.isclose(value, root.data, rtol=1e-12)
        and numpy.allclose(gradient, slopes, rtol=1e-11, atol=1e-13)
    )


def wide(count: int, width: int) -> tuple[Value, list[Value]]:
    """Layers of operations on operands drawn at random, numbers among them."""
    rng = random.Random(0)
    leaves = [Value(rng.uniform(-1.0, 1.0)) for _ in range(width)]
    layer = leaves
    for _ in range(count // width):
        one, other = rng.choices(layer, k=width), rng.choices(layer, k=width)
        makes: list[Any] = [
            lambda x, y: x * y, lambda x, y: x - 0.5, lambda x, y: tanh(x + y), lambda x, y: sin(x),
            lambda x, y: x / (y * y + 1.0), lambda x, y: sigmoid(y), lambda x, y: (x + 2.0) ** 3,
            lambda x, y: dot([x, 0.25], [0.5, y], 1.0), lambda x, y: total([x, y, -0.125]),
            maximum,
        ]  # fmt: skip
        layer = [tanh(rng.choice(makes)(x, y)) for x, y in zip(one, other)]
    return total(layer), leaves


def test_a_wide_graph_is_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "KEPT", OrderedDict())
    monkeypatch.setattr(choosing, "WORTH_GATHERING", 16)
    root, leaves = wide(6_000, 600)
    program = compile_graph(root, wrt=leaves)
    assert "times tanh" in program.source
    assert "each of many of a kind" in program.describe()
    assert "add_at" in program.source
    assert agrees(root, leaves)
    assert program.value([leaf.data for leaf in leaves]) == pytest.approx(root.data, rel=1e-12)


def test_gathered_programs_leave_domains_as_the_engine_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "KEPT", OrderedDict())
    monkeypatch.setattr(choosing, "WORTH_GATHERING", 4)
    leaves = [Value(1.0 + k, f"w{k}") for k in range(60)]
    rng = random.Random(1)
    pairs = [rng.sample(leaves, 2) for _ in range(240)]
    makes: list[Any] = [lambda x, y: log(x) * y, lambda x, y: sin(x) - y, lambda x, y: x / y]
    terms = [rng.choice(makes)(x, rng.choice([y, tanh(y)])) for x, y in pairs]
    root = total(terms)
    program = compile_graph(root, wrt=leaves)
    assert "add_at" in program.source
    numbers = [leaf.data for leaf in leaves]
    numbers[7] = -1.0
    with pytest.raises(DomainError, match=r"log\(x\) has no value at x = -1.0 \('w7'\)"):
        program.value_and_grad(numbers)


def chain(count: int) -> tuple[Value, Value]:
    w = Value(0.5, "w")
    root: Value = w
    for k in range(count):
        root = tanh(root * 1.25 + 0.01 * k) if k % 3 else maximum(root, w) - 0.5
    return root, w


def test_a_deep_graph_is_straight_line() -> None:
    root, w = chain(4_000)
    program = compile_graph(root, wrt=[w])
    assert isinstance(function_of(program), Scalars)
    assert program.source.count("\ndef ") > 4
    assert program.describe().endswith("on numbers, one after the other")
    assert agrees(root, [w])


def test_a_long_sum_needs_no_recursion() -> None:
    leaves = [Value(float(k)) for k in range(20_000)]
    root = leaves[0]
    for leaf in leaves[1:]:
        root = root + leaf * 2.0
    value, gradient = compile_graph(root, wrt=leaves).value_and_grad(numpy.ones(20_000))
    assert value == 39_999.0
    assert gradient.tolist() == [1.0] + [2.0] * 19_999


def test_what_is_used_very_often() -> None:
    """Its derivative has a share of every use, too many for one expression, or one function."""
    v = [Value(k / 2000) for k in range(1100)]
    assert agrees(maximum(*v) + v[0], v)
    top = maximum(*v)
    assert agrees(log(total([exp(x - top) for x in v])), v)
    w, x = Value(0.5), Value(0.25)
    root = total([f(w * x) * k for k, f in zip(range(100), [sin, tanh, exp, sigmoid] * 25)])
    value, gradient = compile_graph(root, batch=[x], wrt=[w]).value_and_grad([0.5], [0.25] * 3)
    root.backward()
    assert value == pytest.approx(root.data, rel=1e-12)
    assert gradient == pytest.approx([w.grad], rel=1e-12)


def test_few_scalars_have_names() -> None:
    a, b = Value(2.0, "a"), Value(3.0, "b")
    c = a * b
    c.label = "c"
    program = compile_graph(exp(c) + a, wrt=[a, b])
    assert program.source == (
        "def program(p, weight):\n"
        "    c = p[0] * p[1]\n"
        "    exp1 = exp(c)\n"
        "    add1 = exp1 + p[0]\n"
        "    value = add1\n"
        "    d_add1 = 1.0\n"
        "    d_exp1 = d_add1\n"
        "    d_p0 = d_add1\n"
        "    d_c = d_exp1 * exp1\n"
        "    d_p0 = d_p0 + d_c * p[1]\n"
        "    d_p1 = d_c * p[0]\n"
        "    return value, [d_p0, d_p1]\n"
    )


def test_an_infinite_slope_is_what_the_engine_gives() -> None:
    w = Value(1.0, "w")
    program = compile_graph(sqrt(w), wrt=[w])
    value, gradient = program.value_and_grad([0.0])
    assert (value, gradient.tolist()) == (0.0, [numpy.inf])


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_a_deep_graph_over_a_batch_goes_by_columns(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choosing, "KEPT", OrderedDict())
    monkeypatch.setattr(choosing, "MOST_STEPS", 100)
    monkeypatch.setattr(functions, "MOST_NUMBERS", 5_000)
    w, x, y = Value(0.7, "w"), Value(0.5, "x"), [Value(0.1), Value(0.2)]
    root = w * x
    for k in range(150):
        root = tanh(root * y[k % 2] + sigmoid(w)) + 0.01
    program = compile_graph(root, batch=[x, y], wrt=[w])
    assert isinstance(function_of(program), Columns)
    assert program.describe().endswith("on columns, one after the other")
    rng = numpy.random.default_rng(0)
    xs, ys = rng.normal(size=rows), rng.normal(size=(rows, 2))
    value, gradient = program.value_and_grad([0.7], xs, ys)
    monkeypatch.setattr(choosing, "MOST_STEPS", 10_000)
    choosing.KEPT.clear()
    other = compile_graph(root, batch=[x, y], wrt=[w])
    assert isinstance(function_of(other), InPlace)
    wanted, slopes = other.value_and_grad([0.7], xs, ys)
    assert value == pytest.approx(wanted, rel=1e-12)
    assert gradient == pytest.approx(slopes, rel=1e-11)
    jacobian = program.jacobian([0.7], xs, ys)
    assert jacobian.shape == (rows, 1, 1)
    assert jacobian == pytest.approx(other.jacobian([0.7], xs, ys), rel=1e-11)


@given(graphs(leaves=4, max_nodes=25))
def test_in_place_and_as_it_reads(graph: Graph) -> None:
    """What runs gives the numbers of the source that is shown."""
    root, leaves = graph
    program = compile_graph(root, batch=leaves[:1], wrt=list(leaves[1:]))
    function = function_of(program)
    p = numpy.array([leaf.data for leaf in leaves[1:]])
    column = numpy.array([leaves[0].data] * 3)
    value, gradient = program.value_and_grad(p, column)
    wanted, slopes = function.quietly(p, [column], 3)
    assert numpy.allclose(value, wanted, rtol=1e-11, atol=1e-300, equal_nan=True)
    assert numpy.allclose(gradient, slopes, rtol=1e-9, atol=1e-9, equal_nan=True)


def line() -> tuple[Value, list[Value], list[Value]]:
    x, y, w, b = (Value(0.5, name) for name in "xywb")
    return (w * x + b - y) ** 2 / 2, [x, y], [w, b]


def test_a_graph_of_the_same_structure_is_compiled_once() -> None:
    one, other = (
        compile_graph(cost, batch=batch, wrt=wrt) for cost, batch, wrt in (line(), line())
    )
    assert function_of(one) is function_of(other)
    x = Value(1.0, "x")
    by_sign = [compile_graph(x * zero, wrt=[x]).value([2.0]) for zero in (0.0, -0.0)]
    assert [str(value) for value in by_sign] == ["0.0", "-0.0"]


def test_results_are_the_users_own() -> None:
    cost, batch, wrt = line()
    program = compile_graph(cost, batch=batch, wrt=wrt)
    x, y = numpy.array([1.0, 2.0]), numpy.array([3.0, 4.0])
    _, first = program.value_and_grad([1.0, 2.0], x, y)
    kept = first.copy()
    program.value_and_grad([5.0, 6.0], x, y)
    assert (first == kept).all()
    assert x.tolist() == [1.0, 2.0]
    assert y.tolist() == [3.0, 4.0]


def test_many_threads_run_one_program() -> None:
    x, w = [Value(0.5), Value(0.25)], [Value(0.1 * k) for k in range(12)]
    hidden = [tanh(dot(w[3 * k : 3 * k + 2], x, w[3 * k + 2])) for k in range(3)]
    program = compile_graph(dot(w[9:], hidden) ** 2, batch=[x], wrt=w)
    rng = numpy.random.default_rng(0)
    given = [(rng.normal(size=12), rng.normal(size=(300, 2))) for _ in range(16)]
    wanted = [program.value_and_grad(*each) for each in given]

    def again(k: int) -> bool:
        runs = [program.value_and_grad(*given[k]) for _ in range(50)]
        return all(v == wanted[k][0] and (g == wanted[k][1]).all() for v, g in runs)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(again, range(16)))


def test_a_case_that_is_chosen_and_makes_no_number_is_an_error() -> None:
    f = add_operation(
        "bent", "log(x) if x > 1.0 else sqrt(x)", ("1.0 / x if x > 1.0 else 0.5 / out",)
    )
    try:
        x, w = Value(2.0, "x"), Value(1.0, "w")
        program = compile_graph(f(x) * w, batch=[x], wrt=[w])
        assert program.value([2.0], [0.25, 1.0]) == 1.5
        with pytest.raises(DomainError, match=r"row 1 of the batch: bent\(x\) has no value"):
            program.value([2.0], [0.25, -1.0])
    finally:
        forget(TABLE["bent"])


def test_an_output_that_no_row_matters_to() -> None:
    w, x = Value(2.0, "w"), Value(0.0, "x")
    program = compile_graph(exp(w), batch=[x], wrt=[w])
    value, gradient = program.value_and_grad([1.0], numpy.zeros(20_000))
    assert value == pytest.approx(numpy.e)
    assert gradient == pytest.approx([numpy.e])


@pytest.mark.parametrize("label", ["d_mul1", "numbers1", "_dot", "v", "every", "_view0", "ones"])
def test_labels_that_programs_use_themselves(label: str) -> None:
    w, x = Value(2.0, label), [Value(3.0, label), Value(1.0)]
    y = w * x[0]
    y.label = label
    z = exp(y * 0.125 + x[1])
    z.label = label
    value, gradient = compile_graph(z, batch=[x], wrt=[w]).value_and_grad([2.0], [[4.0, 0.0]] * 2)
    assert value == pytest.approx(numpy.e)
    assert gradient == pytest.approx([numpy.e / 2])


def test_relu_has_the_slope_of_the_engine_at_nan() -> None:
    w, x = Value(2.0, "w"), Value(0.0, "x")
    relu_of = relu(w * x)
    program = compile_graph(relu_of, batch=[x], wrt=[w])
    value, gradient = program.value_and_grad([numpy.nan], [3.0])
    assert numpy.isnan(value)
    assert gradient == [3.0]


def test_constants_over_a_batch_of_parameters() -> None:
    """As for a map of the cost: the parameters are the batch, and the points are constants."""
    w, b = Value(0.5, "w"), Value(0.25, "b")
    cost = total([(w * x + b - y) ** 2 for x, y in [(2.0, 19.0), (4.0, 35.0), (5.0, 1.0)]])
    program = compile_graph([cost], batch=[w, b], wrt=[])
    assert program.values([], [8.0, 0.0], [3.0, 1.0])[:, 0].tolist() == [42.0**2, 18.0**2 + 34.0**2]
    value, gradient = program.value_and_grad([], [8.0], [3.0])
    assert (value, gradient.shape) == (42.0**2, (0,))


def test_a_dot_of_columns_that_come_one_by_one() -> None:
    w = [Value(0.5), Value(-0.25), Value(1.5)]
    x = [Value(1.0, "x"), Value(2.0, "y")]
    program = compile_graph(tanh(dot([*w[:2], 2.0], [*x, 0.125], w[2])), batch=x, wrt=w)
    assert "sum(" not in program.source.replace(".sum(", "")
    value, gradient = program.value_and_grad([0.5, -0.25, 1.5], [1.0] * 3, [2.0] * 3)
    assert value == pytest.approx(numpy.tanh(1.75))
    slope = 1.0 - numpy.tanh(1.75) ** 2
    assert gradient == pytest.approx([slope, 2.0 * slope, slope])


@pytest.mark.parametrize("batched", [True, False])
def test_slopes_of_0_and_1_add_up(batched: bool) -> None:
    w, x = Value(2.0), Value(3.0)
    root = relu(-(w * x)) * 2.0 + relu(w * x) + relu(w * x + 1.0) + relu(w * x) * x - relu(-w)
    given = ([2.0], [3.0] * 4) if batched else ([2.0, 3.0],)
    program = compile_graph(root, batch=[x] if batched else [], wrt=[w] if batched else [w, x])
    value, gradient = program.value_and_grad(*given)
    root.backward()
    assert value == root.data == 31.0
    assert gradient[0] == w.grad == 15.0


@pytest.mark.parametrize(
    "make",
    [
        lambda x, y: dot([y, y], [y, x], y),
        lambda x, y: dot([y, x], [x, y], y),
        lambda x, y: dot([x, y, x], [y, y, x]),
        lambda x, y: dot([x, x], [y, y], x),
        lambda x, y: total([x, x, y, x]),
        lambda x, y: dot([x, 2.0], [y, x], 1.0),
        lambda x, y: x + y + x + y * x + y * x,
    ],
)
@pytest.mark.parametrize("batched", [True, False])
def test_operands_that_come_again_in_a_sum(make: Any, batched: bool) -> None:
    x, y, z = Value(0.5), Value(1.5), Value(0.25)
    root = make(x, y) * z
    batch = [z] if batched else []
    wrt = [y, x] if batched else [y, x, z]
    columns = [[0.25] * 3] if batched else []
    program = compile_graph(root, batch=batch, wrt=wrt)
    value, gradient = program.value_and_grad([leaf.data for leaf in wrt], *columns)
    root.backward()
    assert value == pytest.approx(root.data)
    assert gradient == pytest.approx([leaf.grad for leaf in wrt])


def test_what_melting_sums_makes_twice() -> None:
    w = [Value(1.0), Value(2.0)]
    a = w[0] + w[1]
    x = Value(0.5)
    value, gradient = compile_graph(a + a + a, batch=[x], wrt=w).value_and_grad([1.0, 2.0], [0.0])
    assert (value, gradient.tolist()) == (9.0, [3.0, 3.0])


def test_an_infinite_constant() -> None:
    w, x = Value(2.0, "w"), Value(0.0, "x")
    program = compile_graph(w * 0.0 + numpy.inf, batch=[x], wrt=[w])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert program.value([1.0], [1.0]) == numpy.inf


def test_kept_functions_hold_no_graph() -> None:
    """What is kept for later knows operations and labels, no Values."""
    cost, batch, wrt = line()
    compile_graph(cost, batch=batch, wrt=wrt)
    held = {id(node) for node in topological_order(cost)}
    todo: list[Any] = list(choosing.KEPT)
    while todo:
        thing = todo.pop()
        assert id(thing) not in held
        if isinstance(thing, tuple):
            todo += thing
