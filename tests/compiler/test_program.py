"""Compiled programs against the engine: every row, random graphs, nets, errors."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_lin import (
    MLP,
    TABLE,
    DataError,
    DomainError,
    OperandError,
    Value,
    add_operation,
    compile_graph,
    dot,
    exp,
    half_mse,
    hessian,
    log,
    maximum,
    relu,
    sigmoid,
    sqrt,
    tanh,
    topological_order,
    total,
)
from tinygrad_lin.check.strategies import Graph, graphs, operands
from tinygrad_lin.ops import FUNCTIONS, Operation
from tinygrad_lin.recording import forget


def eager(root: Value, wrt: list[Value]) -> tuple[float, list[float]]:
    for node in topological_order(root):
        node.grad = 0.0
    root.backward()
    return root.data, [leaf.grad for leaf in wrt]


def close(got: Any, wanted: Any, scale: float = 1.0) -> bool:
    return bool(numpy.allclose(got, wanted, rtol=1e-11, atol=1e-12 * scale, equal_nan=True))


def scale_of(root: Value) -> float:
    order = topological_order(root)
    return max(
        1.0,
        *(abs(node.data) for node in order),
        math.prod(1.0 + max(map(abs, node.partials), default=0.0) for node in order),
    )


@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: row.name)
@given(data=st.data())
def test_every_row_without_a_batch(row: Operation, data: st.DataObject) -> None:
    numbers = data.draw(operands(row.name, plain=True))
    leaves = [Value(x) for x in numbers]
    root = FUNCTIONS[row.name](*row.grouped(leaves))
    value, gradient = compile_graph(root, wrt=leaves).value_and_grad(numbers)
    wanted, slopes = eager(root, leaves)
    assert close(value, wanted)
    assert close(gradient, slopes)


@pytest.mark.parametrize("row", TABLE.values(), ids=lambda row: row.name)
@pytest.mark.parametrize("place", [0, -1])
@given(data=st.data())
def test_every_row_with_one_operand_of_the_batch(
    row: Operation, place: int, data: st.DataObject
) -> None:
    numbers = data.draw(operands(row.name, plain=True))
    leaves = [Value(x) for x in numbers]
    root = FUNCTIONS[row.name](*row.grouped(leaves)) * 2.0
    batch = leaves[place]
    wrt = [leaf for leaf in leaves if leaf is not batch]
    column = [batch.data] * 3
    program = compile_graph(root, batch=[batch], wrt=wrt)
    value, gradient = program.value_and_grad([leaf.data for leaf in wrt], column)
    wanted, slopes = eager(root, wrt)
    assert close(value, wanted)
    assert close(gradient, slopes)
    assert close(program.value([leaf.data for leaf in wrt], column), wanted)


@given(graphs(leaves=4, max_nodes=25), st.integers(0, 3))
def test_random_graphs(graph: Graph, batched: int) -> None:
    """Some leaves of the batch, in rows that differ a little."""
    root, leaves = graph
    batch, wrt = list(leaves[:batched]), list(leaves[batched:])
    assume(scale_of(root) < 1e8)
    program = compile_graph(root, batch=batch, wrt=wrt)
    columns = [[leaf.data] * 3 for leaf in batch]
    value, gradient = program.value_and_grad([leaf.data for leaf in wrt], *columns)
    wanted, slopes = eager(root, wrt)
    assert close(value, wanted, scale_of(root))
    assert close(gradient, slopes, scale_of(root))
    if batch:
        found = program.jacobian([leaf.data for leaf in wrt], *columns)
        assert found.shape == (3, 1, len(wrt))
        assert close(found[1, 0], slopes, scale_of(root))
        assert close(program.values([leaf.data for leaf in wrt], *columns)[:, 0], wanted)


def net(sizes: list[int], activation: Any, *, written_out: bool = False) -> Any:
    """The cost of one example of a net, its inputs, target and parameters."""
    rng = numpy.random.default_rng(0)
    x = [Value(0.1, f"x{k}") for k in range(sizes[0])]
    y = Value(0.5, "y")
    h: list[Any] = x
    wrt = []
    for k, (m, n) in enumerate(pairwise(sizes)):
        ws = [[Value(v) for v in row] for row in rng.normal(size=(n, m))]
        bs = [Value(v) for v in rng.normal(size=n)]
        wrt += [w for row in ws for w in row] + bs
        if written_out:
            z = []
            for row, b in zip(ws, bs):
                s: Any = b
                for w, v in zip(row, h):
                    s = s + w * v
                z.append(s)
        else:
            z = [dot(row, h, b) for row, b in zip(ws, bs)]
        h = [activation(v) for v in z] if k < len(sizes) - 2 else z
    return (h[0] - y) ** 2 / 2, x, y, wrt


@pytest.mark.parametrize("written_out", [False, True])
@pytest.mark.parametrize("activation", [tanh, relu, sigmoid])
def test_a_net_written_neuron_by_neuron_becomes_matrix_products(
    activation: Any, written_out: bool
) -> None:
    cost, x, y, wrt = net([3, 5, 4, 1], activation, written_out=written_out)
    program = compile_graph(cost, batch=(x, y), wrt=wrt)
    assert program.source.count("# a matrix product") == 2
    assert "matrix products" in program.describe()
    rng = numpy.random.default_rng(1)
    inputs, targets = rng.normal(size=(7, 3)), rng.normal(size=7)
    parameters = [leaf.data for leaf in wrt]
    value, gradient = program.value_and_grad(parameters, inputs, targets)
    values, slopes = [], []
    for row, target in zip(inputs, targets):
        for leaf, number in zip([*x, y], [*row, target]):
            leaf.data = number
        again = rerun(cost)
        found = eager(again[cost], [again[leaf] for leaf in wrt])
        values.append(found[0])
        slopes.append(found[1])
    assert close(value, numpy.mean(values))
    assert close(gradient, numpy.mean(slopes, axis=0))
    assert close(program.jacobian(parameters, inputs, targets)[:, 0], slopes)


def rerun(root: Value) -> dict[Value, Value]:
    made: dict[Value, Value] = {}
    for node in topological_order(root):
        if node.operation is None:
            made[node] = Value(node.data)
        else:
            given = [made[o] if isinstance(o, Value) else o for o in node.operands]
            made[node] = FUNCTIONS[node.operation.name](*node.operation.grouped(given))
    return made


def test_models_of_the_package() -> None:
    model = MLP([2, 4, 1])
    x = [Value(0.0), Value(0.0)]
    y = Value(0.0)
    cost = half_mse([model(x)], [y])
    program = compile_graph(cost, batch=(x, y), wrt=model.parameters())
    rng = numpy.random.default_rng(0)
    inputs, targets = rng.normal(size=(6, 2)), rng.normal(size=6)
    whole = half_mse([model(row.tolist()) for row in inputs], targets.tolist())
    wanted, slopes = eager(whole, model.parameters())
    value, gradient = program.value_and_grad([p.data for p in model.parameters()], inputs, targets)
    assert close(value, wanted)
    assert close(gradient, slopes)


def test_blocks_of_a_large_batch_add_up() -> None:
    x, y, w, b = (Value(1.0, name) for name in "xywb")
    program = compile_graph((w * x + b - y) ** 2 / 2, batch=(x, y), wrt=[w, b])
    xs = numpy.linspace(-1, 1, 50_001)
    ys = 8 * xs + 3
    value, gradient = program.value_and_grad([2.0, 1.0], xs, ys)
    errors = 2.0 * xs + 1.0 - ys
    assert close(value, (errors**2).mean() / 2)
    assert close(gradient, [(errors * xs).mean(), errors.mean()])


def test_the_source_reads_like_the_graph() -> None:
    w, x, b = Value(2.0, "w"), Value(3.0, "x"), Value(1.0, "b")
    a = w * x + b
    a.label = "a"
    program = compile_graph(exp(a), batch=[x], wrt=[w, b])
    assert "def program(p, weight, x):" in program.source
    assert "a = mul1 + p[1]" in program.source
    assert program.source.index("a = ") < program.source.index("gradient")


@pytest.mark.parametrize(
    "label", ["'); import os; ('", "lambda", "xp", "p", "gradient", "n", "print", "", "two words"]
)
def test_labels_cannot_become_code(label: str) -> None:
    w, x = Value(2.0, label), Value(3.0, label)
    y = w * x
    y.label = label
    z = y * 2.0
    z.label = label
    program = compile_graph(z, batch=[x], wrt=[w])
    value, gradient = program.value_and_grad([2.0], [3.0, 5.0])
    assert (value, gradient.tolist()) == (16.0, [8.0])


def test_constants_fold_and_common_subexpressions_are_computed_once() -> None:
    x = Value(0.5, "x")
    constant = exp(Value(1.0))
    root = tanh(x * constant) + tanh(x * constant) * 2.0
    program = compile_graph(root, wrt=[x])
    assert program.source.count("tanh") == program.source.count("tanh1") + 1
    assert "exp" not in program.source
    value, gradient = program.value_and_grad([0.5])
    wanted, slopes = eager(root, [x])
    assert close(value, wanted)
    assert close(gradient, slopes)


# ---------------------------------------------------------------------------------- domain errors
def test_outside_a_domain_the_row_is_named() -> None:
    x, w = Value(1.0, "x"), Value(1.0, "w")
    program = compile_graph(log(w * x), batch=[x], wrt=[w])
    column = numpy.ones(40)
    column[17] = -2.0
    with pytest.raises(DomainError, match=r"row 17 of the batch: log\(x\) has no value"):
        program.value_and_grad([1.0], column)
    with pytest.raises(DomainError, match="row 17"):
        program.value([1.0], column)


@pytest.mark.parametrize(
    ("f", "bad"),
    [
        (lambda v: 1 / v, 0.0),
        (sqrt, -1.0),
        (exp, 1000.0),
        (lambda v: v**0.5, -1.0),
        (lambda v: maximum(0.0, log(v)), -1.0),
        (lambda v: maximum(1.0, 1 / v), 0.0),
    ],
)
def test_every_domain_is_watched(f: Any, bad: float) -> None:
    x, w = Value(1.0, "x"), Value(1.0, "w")
    program = compile_graph(f(w * x), batch=[x], wrt=[w])
    with pytest.raises(DomainError, match="row 1 of the batch"):
        program.value_and_grad([1.0], [1.0, bad])


def test_what_is_no_error_is_none() -> None:
    x, w = Value(1.0, "x"), Value(1.0, "w")
    program = compile_graph(sigmoid(w * x) + relu(x * w), batch=[x], wrt=[w])
    value, _ = program.value_and_grad([1.0], [1000.0, -1000.0])
    assert value == pytest.approx((1001.0 + 0.0) / 2)
    program = compile_graph(sqrt(w * x), batch=[x], wrt=[w])
    assert program.value_and_grad([0.0], [4.0])[1].tolist() == [math.inf]
    program = compile_graph(w * x * x, batch=[x], wrt=[w])
    assert program.value([1.0], [1e200]) == math.inf  # overflow of a product follows IEEE 754
    assert math.isnan(program.value([1.0], [math.nan]))


# --------------------------------------------------------------------------------- what it is given
def test_arrays_of_any_kind_are_taken_and_not_changed() -> None:
    x, y, w = Value(1.0, "x"), Value(1.0, "y"), Value(1.0, "w")
    program = compile_graph((w * x - y) ** 2, batch=(x, y), wrt=[w])
    xs, ys = numpy.arange(1, 9), numpy.arange(8, dtype=numpy.float32)
    wanted = program.value_and_grad([2.0], xs.astype(float), ys.astype(float))
    given: list[tuple[Any, Any]] = [
        (xs, ys),
        (xs.tolist(), ys.tolist()),
        (numpy.repeat(xs, 2)[::2], ys[::-1][::-1]),
    ]
    for one, other in given:
        before = numpy.array(one), numpy.array(other)
        value, gradient = program.value_and_grad([2.0], one, other)
        assert value == wanted[0]
        assert gradient.tolist() == wanted[1].tolist()
        assert (numpy.array(one) == before[0]).all()
        assert (numpy.array(other) == before[1]).all()


@pytest.mark.parametrize(
    ("params", "batch", "said"),
    [
        ([1.0], ([], []), "the batch is empty"),
        ([1.0, 2.0], ([1.0], [1.0]), "there are 1 parameters"),
        ([1.0], ([1.0],), "the batch has 2 arrays, not 1"),
        ([1.0], ([1.0, 2.0], [1.0]), r"shapes are \(2,\), \(1,\)"),
        ([1.0], ([[1.0]], [1.0]), r"must have the shape \(rows,\)"),
    ],
)
def test_shapes_that_do_not_fit(params: Any, batch: Any, said: str) -> None:
    x, y, w = Value(1.0, "x"), Value(1.0, "y"), Value(1.0, "w")
    program = compile_graph((w * x - y) ** 2, batch=(x, y), wrt=[w])
    with pytest.raises(DataError, match=said):
        program.value_and_grad(params, *batch)


def test_bad_questions_get_clear_answers() -> None:
    x, w = Value(1.0, "x"), Value(1.0, "w")
    number: Any = 3.0
    with pytest.raises(OperandError, match="made of Values"):
        compile_graph(number)
    with pytest.raises(DataError, match="not a leaf"):
        compile_graph(w * x, batch=[w * x], wrt=[w])
    with pytest.raises(DataError, match="given twice"):
        compile_graph(w * x, batch=[x], wrt=[w, x])
    with pytest.raises(DataError, match="no output"):
        compile_graph([], wrt=[w])


def test_what_the_output_does_not_depend_on_has_slope_0() -> None:
    x, w, unused = Value(2.0, "x"), Value(3.0, "w"), Value(1.0, "u")
    value, gradient = compile_graph(w * x, batch=[x], wrt=[w, unused]).value_and_grad(
        [3.0, 1.0], [2.0, 4.0]
    )
    assert (value, gradient.tolist()) == (9.0, [3.0, 0.0])
    assert compile_graph(x, batch=[x], wrt=[w]).value_and_grad([1.0], [2.0, 4.0])[0] == 3.0
    assert compile_graph(w, batch=[x], wrt=[w]).value_and_grad([7.0], [2.0])[1].tolist() == [1.0]


def test_several_outputs() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    program = compile_graph([x * y, x + y, exp(x)], wrt=[x, y])
    assert close(program.values([2.0, 3.0]), [6.0, 5.0, math.exp(2.0)])
    assert close(program.jacobian([2.0, 3.0]), [[3.0, 2.0], [1.0, 1.0], [math.exp(2.0), 0.0]])


def test_a_sum_of_a_million_terms() -> None:
    w = Value(2.0, "w")
    root: Any = w * 0.0
    for k in range(1_000_000):
        root = root + w * float(k % 7)
    value, gradient = compile_graph(root, wrt=[w]).value_and_grad([2.0])
    assert value == pytest.approx(root.data, rel=1e-12)
    assert gradient[0] == pytest.approx(sum(k % 7 for k in range(1_000_000)), rel=1e-12)


def test_rows_of_the_users_own() -> None:
    swish = add_operation("swish", "x * sigmoid(x)", ("sigmoid(x) + x * sigmoid(x) * sigmoid(-x)",))
    lse = add_operation("lse", "log(sum[exp(x)])", ("exp(x - out)",), operands=("*x",))
    try:
        w, x = Value(0.5, "w"), Value(2.0, "x")
        root = lse([swish(w * x), w, x])
        program = compile_graph(root, batch=[x], wrt=[w])
        value, gradient = program.value_and_grad([0.5], [2.0, 2.0])
        wanted, slopes = eager(root, [w])
        assert close(value, wanted)
        assert close(gradient, slopes)
    finally:
        forget(TABLE["swish"])
        forget(TABLE["lse"])


def test_newton_from_a_compiled_gradient_agrees_with_the_hessian() -> None:
    w, b = Value(0.5, "w"), Value(-0.1, "b")
    cost = total([(w * x + b - y) ** 2 for x, y in [(2.0, 19.0), (4.0, 35.0)]]) / 4
    program = compile_graph(cost, wrt=[w, b])
    base = program.value_and_grad([0.5, -0.1])[1]
    columns = [program.value_and_grad([0.5 + (k == 0), -0.1 + (k == 1)])[1] - base for k in (0, 1)]
    assert close(numpy.array(columns), hessian(cost, [w, b]))


def test_a_sum_of_some_lanes_takes_a_derivative_of_unknown_shape() -> None:
    """Which is added to a view of the lanes' derivatives, an array of the program's own."""
    w, b = Value(0.5, "w"), Value(0.25, "b")
    terms = [w * (k / 34) for k in range(34)]
    root = b * (total(terms) + dot([w] * 34, terms) + sum(terms[:31]))
    value, slopes = compile_graph(root, wrt=[w, b]).value_and_grad([0.5, 0.25])
    root.backward()
    assert value == pytest.approx(root.data, rel=1e-14)
    assert slopes == pytest.approx([w.grad, b.grad], rel=1e-14)


def test_a_sum_in_a_loop_is_one_sum() -> None:
    p, x = [Value(float(k), f"p{k}") for k in range(40)], Value(0.5, "x")
    root = sum([(v - k) ** 2.0 for k, v in enumerate(p)]) + 3.0 * x + 1.0
    assert isinstance(root, Value)
    program = compile_graph(root, wrt=[*p, x])
    assert program.source.count(".sum(-1)") == 1
    assert len(program.source.splitlines()) < 20
    numbers = numpy.arange(41) + 0.25
    value, gradient = program.value_and_grad(numbers)
    assert value == 40 * 0.0625 + 3.0 * 40.25 + 1.0
    assert gradient.tolist() == [0.5] * 40 + [3.0]
