"""Programs against the engine: every operation, random graphs, models, errors."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest
from compiler.reference import close, eager
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
    exp,
    half_mse,
    hessian,
    log,
    maximum,
    relu,
    sigmoid,
    sqrt,
    topological_order,
    total,
)
from tinygrad_lin.check.strategies import Graph, graphs, operands
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.registry import remove_operation


def scale_of(root: Value) -> float:
    order = topological_order(root)
    return max(
        1.0,
        *(abs(node.data) for node in order),
        math.prod(1.0 + max(map(abs, node.partials), default=0.0) for node in order),
    )


@pytest.mark.parametrize("operation", TABLE.values(), ids=lambda operation: operation.name)
@given(data=st.data())
def test_every_operation_agrees_with_the_engine_without_a_batch(
    operation: Operation, data: st.DataObject
) -> None:
    numbers = data.draw(operands(operation.name, plain=True))
    leaves = [Value(x) for x in numbers]
    root = FUNCTIONS[operation.name](*operation.grouped(leaves))
    value, gradient = compile_graph(root, wrt=leaves).value_and_grad(numbers)
    wanted, expected = eager(root, leaves)
    assert close(value, wanted)
    assert close(gradient, expected)


@pytest.mark.parametrize("operation", TABLE.values(), ids=lambda operation: operation.name)
@pytest.mark.parametrize("place", [0, -1])
@given(data=st.data())
def test_every_operation_agrees_with_the_engine_with_one_operand_of_the_batch(
    operation: Operation, place: int, data: st.DataObject
) -> None:
    numbers = data.draw(operands(operation.name, plain=True))
    leaves = [Value(x) for x in numbers]
    root = FUNCTIONS[operation.name](*operation.grouped(leaves)) * 2.0
    batch = leaves[place]
    wrt = [leaf for leaf in leaves if leaf is not batch]
    column = [batch.data] * 3
    program = compile_graph(root, batch=[batch], wrt=wrt)
    value, gradient = program.value_and_grad([leaf.data for leaf in wrt], column)
    wanted, expected = eager(root, wrt)
    assert close(value, wanted)
    assert close(gradient, expected)
    assert close(program.value([leaf.data for leaf in wrt], column), wanted)


@given(graphs(leaves=4, max_nodes=25), st.integers(0, 3))
def test_random_graphs_agree_with_the_engine(graph: Graph, batched: int) -> None:
    """Some leaves of the batch, in rows that differ a little."""
    root, leaves = graph
    batch, wrt = list(leaves[:batched]), list(leaves[batched:])
    assume(scale_of(root) < 1e8)
    program = compile_graph(root, batch=batch, wrt=wrt)
    columns = [[leaf.data] * 3 for leaf in batch]
    value, gradient = program.value_and_grad([leaf.data for leaf in wrt], *columns)
    wanted, expected = eager(root, wrt)
    assert close(value, wanted, scale_of(root))
    assert close(gradient, expected, scale_of(root))
    if batch:
        found = program.jacobian([leaf.data for leaf in wrt], *columns)
        assert found.shape == (3, 1, len(wrt))
        assert close(found[1, 0], expected, scale_of(root))
        assert close(program.values([leaf.data for leaf in wrt], *columns)[:, 0], wanted)


def test_models_of_the_package_agree_with_the_engine() -> None:
    model = MLP([2, 4, 1])
    x = [Value(0.0), Value(0.0)]
    y = Value(0.0)
    cost = half_mse([model(x)], [y])
    program = compile_graph(cost, batch=(x, y), wrt=model.parameters())
    rng = numpy.random.default_rng(0)
    inputs, targets = rng.normal(size=(6, 2)), rng.normal(size=6)
    whole = half_mse([model(row.tolist()) for row in inputs], targets.tolist())
    wanted, expected = eager(whole, model.parameters())
    value, gradient = program.value_and_grad([p.data for p in model.parameters()], inputs, targets)
    assert close(value, wanted)
    assert close(gradient, expected)


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
def test_leaving_the_domain_of_any_operation_is_noticed(f: Any, bad: float) -> None:
    x, w = Value(1.0, "x"), Value(1.0, "w")
    program = compile_graph(f(w * x), batch=[x], wrt=[w])
    with pytest.raises(DomainError, match="row 1 of the batch"):
        program.value_and_grad([1.0], [1.0, bad])


def test_infinities_and_nan_within_the_domain_are_no_errors() -> None:
    x, w = Value(1.0, "x"), Value(1.0, "w")
    program = compile_graph(sigmoid(w * x) + relu(x * w), batch=[x], wrt=[w])
    value, _ = program.value_and_grad([1.0], [1000.0, -1000.0])
    assert value == pytest.approx((1001.0 + 0.0) / 2)
    program = compile_graph(sqrt(w * x), batch=[x], wrt=[w])
    assert program.value_and_grad([0.0], [4.0])[1].tolist() == [math.inf]
    program = compile_graph(w * x * x, batch=[x], wrt=[w])
    assert program.value([1.0], [1e200]) == math.inf  # As IEEE 754 says.
    assert math.isnan(program.value([1.0], [math.nan]))


def test_an_infinite_gradient_is_what_the_engine_gives() -> None:
    w = Value(1.0, "w")
    program = compile_graph(sqrt(w), wrt=[w])
    value, gradient = program.value_and_grad([0.0])
    assert (value, gradient.tolist()) == (0.0, [numpy.inf])


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
def test_arrays_of_the_wrong_shape_are_refused(params: Any, batch: Any, said: str) -> None:
    x, y, w = Value(1.0, "x"), Value(1.0, "y"), Value(1.0, "w")
    program = compile_graph((w * x - y) ** 2, batch=(x, y), wrt=[w])
    with pytest.raises(DataError, match=said):
        program.value_and_grad(params, *batch)


def test_graphs_that_cannot_be_compiled_are_refused() -> None:
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


def test_the_gradient_of_a_leaf_that_the_output_does_not_depend_on_is_0() -> None:
    x, w, unused = Value(2.0, "x"), Value(3.0, "w"), Value(1.0, "u")
    value, gradient = compile_graph(w * x, batch=[x], wrt=[w, unused]).value_and_grad(
        [3.0, 1.0], [2.0, 4.0]
    )
    assert (value, gradient.tolist()) == (9.0, [3.0, 0.0])
    assert compile_graph(x, batch=[x], wrt=[w]).value_and_grad([1.0], [2.0, 4.0])[0] == 3.0
    assert compile_graph(w, batch=[x], wrt=[w]).value_and_grad([7.0], [2.0])[1].tolist() == [1.0]


def test_several_outputs_have_values_and_a_jacobian() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    program = compile_graph([x * y, x + y, exp(x)], wrt=[x, y])
    assert close(program.values([2.0, 3.0]), [6.0, 5.0, math.exp(2.0)])
    assert close(program.jacobian([2.0, 3.0]), [[3.0, 2.0], [1.0, 1.0], [math.exp(2.0), 0.0]])


def test_operations_of_the_users_own_are_compiled() -> None:
    swish = add_operation("swish", "x * sigmoid(x)", ("sigmoid(x) + x * sigmoid(x) * sigmoid(-x)",))
    lse = add_operation("lse", "log(sum[exp(x)])", ("exp(x - out)",), operands=("*x",))
    try:
        w, x = Value(0.5, "w"), Value(2.0, "x")
        root = lse([swish(w * x), w, x])
        program = compile_graph(root, batch=[x], wrt=[w])
        value, gradient = program.value_and_grad([0.5], [2.0, 2.0])
        wanted, expected = eager(root, [w])
        assert close(value, wanted)
        assert close(gradient, expected)
    finally:
        remove_operation(TABLE["swish"])
        remove_operation(TABLE["lse"])


def test_newton_from_a_compiled_gradient_agrees_with_the_hessian() -> None:
    w, b = Value(0.5, "w"), Value(-0.1, "b")
    cost = total([(w * x + b - y) ** 2 for x, y in [(2.0, 19.0), (4.0, 35.0)]]) / 4
    program = compile_graph(cost, wrt=[w, b])
    base = program.value_and_grad([0.5, -0.1])[1]
    columns = [program.value_and_grad([0.5 + (k == 0), -0.1 + (k == 1)])[1] - base for k in (0, 1)]
    assert close(numpy.array(columns), hessian(cost, [w, b]))
