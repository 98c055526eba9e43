"""The strategies keep to domains, draw awkward numbers, give code that runs, and shrink well."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from tinygrad_lin import TABLE, DataError, Value, add_operation, fit, topological_order
from tinygrad_lin.check.strategies import (
    Formula,
    Graph,
    TrainingSet,
    expressions,
    graphs,
    operands,
    scalars,
    training_sets,
    values,
)
from tinygrad_lin.nn.models import Linear
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.registry import remove_operation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_lin.operation import Operation

OPERATIONS = list(TABLE.values())
per_operation = pytest.mark.parametrize(
    "operation", OPERATIONS, ids=lambda operation: operation.name
)
one_operand = pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS if len(each.operands) == 1 and not each.variadic],
    ids=lambda operation: operation.name,
)


@pytest.fixture
def own_operation() -> Iterator[str]:
    add_operation("arcsine", "asin(x)", ("1.0 / sqrt(1.0 - x * x)",),
                  defined="-1 <= x <= 1", smooth="-1 < x < 1", draw=((-0.9, 0.9),))  # fmt: skip
    yield "arcsine"
    remove_operation(TABLE["arcsine"])


# ---------------------------------------------------------------------------------------- numbers
@pytest.mark.parametrize(
    "kind",
    [
        lambda x: x == 0.0 and math.copysign(1.0, x) < 0.0,
        lambda x: 0.0 < abs(x) < 2.3e-308,
        lambda x: abs(x) > 1e300,
        lambda x: x == 0.0,
    ],
)
def test_scalars_hold_awkward_numbers(kind: Any) -> None:
    assert kind(find(scalars(), kind, settings=settings(max_examples=2000, database=None)))


@given(scalars(min_value=-2.0, max_value=3.0))
def test_scalars_keep_within_bounds(x: float) -> None:
    assert -2.0 <= x <= 3.0


@one_operand
@given(data=st.data())
def test_scalars_of_an_operation_lie_in_its_domain(
    operation: Operation, data: st.DataObject
) -> None:
    x = data.draw(scalars(operation.name))
    assert math.isfinite(x)
    FUNCTIONS[operation.name](x)  # It raises a DomainError outside.


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        ("log", lambda x: 0.0 < x < 1e-300),  # This is beside the edge.
        ("log1p", lambda x: -1.0 < x < -1.0 + 1e-8),
        ("sqrt", lambda x: x == 0.0),
        ("relu", lambda x: x == 0.0),  # This is in the corner.
        ("relu", lambda x: 0.0 < x < 1e-300),  # This is beside the corner.
        ("abs", lambda x: -1e-8 <= x < 0.0),
        ("exp", lambda x: x > 709.0),  # This is all but an overflow.
    ],
)
def test_scalars_of_an_operation_come_near_its_edges_and_corners(op: str, kind: Any) -> None:
    find(scalars(op), kind, settings=settings(max_examples=2000, database=None))


@per_operation
@given(data=st.data())
def test_operands_lie_in_the_domain(operation: Operation, data: st.DataObject) -> None:
    numbers = data.draw(operands(operation.name))
    FUNCTIONS[operation.name](*operation.grouped(numbers))
    plain = data.draw(operands(operation.name, plain=True))
    if not operation.variadic:
        for x, (low, high) in zip(plain, operation.draw, strict=True):
            assert low <= x <= high


@pytest.mark.parametrize(
    ("op", "kind"),
    [
        ("div", lambda v: 0.0 < abs(v[1]) < 1e-300),
        ("maximum", lambda v: v[0] == v[1] != 0.0),  # This is a tie.
        ("pow", lambda v: 0.0 < v[0] < 1e-300),
        ("pow", lambda v: v[0] == 0.0 and v[1] == 0.0),
        ("dot", lambda v: len(v) == 9),
    ],
)
def test_operands_hold_what_is_awkward_for_several(op: str, kind: Any) -> None:
    find(operands(op), kind, settings=settings(max_examples=5000, database=None))


@given(values(), values("log"))
def test_values_are_leaves(anything: Value, positive: Value) -> None:
    assert anything.op is None
    assert positive.data > 0.0


@given(st.from_type(Value))
def test_hypothesis_knows_values_by_their_type(value: Value) -> None:
    assert isinstance(value, Value)
    assert math.isfinite(value.data)


# ------------------------------------------------------------------------- graphs and expressions
@given(graphs(leaves=3, max_nodes=7))
def test_graphs_have_a_root_and_its_leaves(graph: Graph) -> None:
    root, leaves = graph
    order = topological_order(root)
    assert {node for node in order if node.op is None} <= set(leaves)
    assert sum(node.op is not None for node in order) <= 7
    assert all(math.isfinite(node.data) for node in order)
    assert all(math.isfinite(local) for node in order for local in node.partials)


@given(expressions(ops=["add", "mul", "log"], leaves=1, max_nodes=5))
def test_expressions_are_made_of_what_was_asked_for(f: Formula) -> None:
    x = Value(f.point[0])
    used = {node.op for node in topological_order(f(x))}
    assert used <= {"add", "mul", "log", None}


@given(expressions(leaves=2, max_nodes=15))
def test_the_repr_of_an_expression_is_the_expression(f: Formula) -> None:
    namespace: dict[str, Any] = {}
    exec("from tinygrad_lin import *", namespace)
    again = eval(repr(f), namespace)
    assert again(*f.point) == f(*f.point)
    assert again(*map(Value, f.point)).data == f(*map(Value, f.point)).data


def test_examples_shrink_to_what_a_person_reads_at_a_glance() -> None:
    quiet = settings(max_examples=3000, database=None)
    f = find(expressions(), lambda f: "tanh" in repr(f), settings=quiet)
    assert repr(f) in ("lambda x, y: tanh(x)", "lambda x, y: tanh(y)")
    shared = find(expressions(leaves=1), lambda f: "[a := " in repr(f), settings=quiet)
    assert len(repr(shared)) <= len("lambda x: [a := x + x, a + a][-1]")
    graph = find(graphs(), lambda g: len(topological_order(g.root)) >= 4, settings=quiet)
    assert len(topological_order(graph.root)) == 4
    assert find(training_sets(), lambda _: True) == ([0.0, 1.0], [0.0, 0.0])


def runs_to_get(strategy: st.SearchStrategy[Any], examples: int) -> int:
    """How many examples are begun until so many are finished."""
    begun = 0

    @settings(max_examples=examples, database=None, phases=[Phase.generate], derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(st.data())
    def look(data: st.DataObject) -> None:
        nonlocal begun
        begun += 1
        data.draw(strategy)

    look()
    return begun


@pytest.mark.parametrize(
    "strategy", [expressions(), graphs(max_nodes=30), operands("pow"), training_sets()]
)
def test_strategies_filter_nothing_out(strategy: st.SearchStrategy[Any]) -> None:
    """Hypothesis gives up on some examples that get large, as it does for lists of numbers."""
    most = runs_to_get(st.lists(st.floats(), max_size=30), 300)
    assert runs_to_get(strategy, 300) <= 1.03 * most


@per_operation
def test_every_operation_turns_up_in_random_graphs(operation: Operation) -> None:
    find(
        graphs(max_nodes=6),
        lambda graph: operation in {node.operation for node in topological_order(graph.root)},
        settings=settings(max_examples=5000, database=None, phases=[Phase.generate]),
    )


def test_the_users_own_operations_take_part(own_operation: str) -> None:
    quiet = settings(max_examples=5000, database=None)
    assert repr(
        find(expressions(leaves=1), lambda f: own_operation in repr(f), settings=quiet)
    ) == ("lambda x: arcsine(x)")
    assert 0.9999 < find(scalars(own_operation), lambda x: 0.9999 < x < 1.0, settings=quiet) < 1.0
    assert find(scalars(own_operation), lambda x: x == 1.0, settings=quiet) == 1.0


@given(training_sets(), training_sets(features=3, min_size=4, max_size=5))
def test_training_sets_can_be_trained_on(one: TrainingSet, three: TrainingSet) -> None:
    assert len(set(one.x)) == len(one.x) == len(one.y) >= 2
    assert {len(row) for row in three.x} == {3}
    assert 4 <= len(three.x) == len(three.y) <= 5
    history = fit(Linear(), *one, lr=1e-4, steps=2)
    assert history.costs[-1] <= history.costs[0]


def test_strategies_refuse_bad_arguments_with_a_clear_message() -> None:
    with pytest.raises(DataError, match="no operation 'sine'"):
        find(graphs(ops=["sine"]), lambda _: True)
    with pytest.raises(DataError, match="at least one operation"):
        find(graphs(ops=[]), lambda _: True)
    with pytest.raises(DataError, match="at least one leaf"):
        find(graphs(leaves=0), lambda _: True)
    with pytest.raises(DataError, match=r"use operands\('div'\)"):
        scalars("div")
