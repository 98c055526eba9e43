"""Copies and pickles: the same graph again, whole, shared and of any depth."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from tinygrad_lin import (
    DataError,
    Linear,
    Value,
    add_operation,
    dot,
    exp,
    gradients,
    half_mse,
    scope,
    topological_order,
    total,
)
from tinygrad_lin.registry import remove_operation

if TYPE_CHECKING:
    from collections.abc import Callable


def through_pickle(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


both = pytest.mark.parametrize("again", [copy.deepcopy, through_pickle, copy.copy])
deep = pytest.mark.parametrize("again", [copy.deepcopy, through_pickle])


def everything() -> Value:
    """A graph of every kind of node: constants on each side, many operands, none at all."""
    x, y = Value(2.0, "x"), Value(0.5, "y")
    constants = 3.0 - x * 2.0 + 1.0 / y - (-y) ** 2
    many = dot([x, y, 2.0], [y, 3.0, x], 1.0) + total([x, y, x]) + dot([x], [y], x)
    (number,) = gradients(x * 2.0, [x])
    root: Value = constants * many + exp(x) * number
    root.label = "root"
    root.backward()
    return root


def shown(root: Value) -> list[Any]:
    order = topological_order(root)
    place = {node: k for k, node in enumerate(order)}
    return [
        (
            node.data,
            node.grad,
            node.label,
            node.op,
            [place[x] if isinstance(x, Value) else x for x in node.operands],
            [place[x] for x in node.inputs],
            node.partials,
        )
        for node in order
    ]


@both
def test_a_copy_is_the_same_graph(again: Callable[[Any], Any]) -> None:
    root = everything()
    twin = again(root)
    assert twin is not root
    assert shown(twin) == shown(root)
    leaves = [[v for v in topological_order(r) if v.label in ("x", "y")] for r in (root, twin)]
    derivatives = [[g.data for g in gradients(r, xs)] for r, xs in zip((root, twin), leaves)]
    assert derivatives[0] == derivatives[1]


def test_a_shallow_copy_has_the_same_operands_and_a_deep_one_none_of_them() -> None:
    root = everything()
    assert copy.copy(root).inputs == root.inputs
    assert not set(topological_order(root)) & set(topological_order(copy.deepcopy(root)))
    leaf = Value(1.0, "leaf")
    twin = copy.copy(leaf)
    twin.data = 2.0
    assert (leaf.data, twin.label) == (1.0, "leaf")


@deep
def test_what_a_graph_shares_stays_shared_in_its_copy(again: Callable[[Any], Any]) -> None:
    line = Linear()
    prediction = line(2.0)
    cost = half_mse([prediction, line(4.0)], [19.0, 35.0])
    twin, a, c, same = again((line, prediction, cost, cost))
    assert c is same
    assert {a, *twin.parameters()} < set(topological_order(c))
    c.backward()
    assert [p.grad for p in line.parameters()] == [0.0, 0.0]
    cost.backward()
    assert [p.grad for p in twin.parameters()] == [p.grad for p in line.parameters()]
    a, c = again((prediction, cost))[::-1]  # in the other order
    assert c in topological_order(a)


@deep
def test_a_graph_of_20_000_levels_is_copied_and_pickled(again: Callable[[Any], Any]) -> None:
    x = first = Value(1.0)
    for _ in range(20_000):
        x = x + first
    twin = again(x)
    assert twin.data == 20_001.0
    twin.backward()
    assert topological_order(twin)[0].grad == 20_001.0
    assert first.grad == 0.0


def test_a_row_that_a_pickle_needs_and_the_table_lacks_is_named() -> None:
    cube = add_operation("cube", "x * x * x", ("3.0 * x * x",))
    pickled = pickle.dumps(cube(Value(2.0)))
    operation = pickle.loads(pickled).operation
    remove_operation(operation)
    with pytest.raises(DataError, match="needs the row 'cube': add it"):
        pickle.loads(pickled)


def test_copies_and_pickles_keep_scopes() -> None:
    with scope("layer"):
        value = Value(2.0, "x") * 3.0
    for again in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert (again.data, again.label, again.scope) == (6.0, "", ("layer",))
        assert (again.inputs[0].label, again.inputs[0].scope) == ("x", ("layer",))
