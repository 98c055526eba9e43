"""The order of a graph, and what is found in it."""

from __future__ import annotations

import gc
from typing import Any

import pytest
from hypothesis import given

from tinygrad_lin import OperandError, Value, first_nonfinite, no_gc, topological_order
from tinygrad_lin.check.strategies import Graph, graphs


def test_operands_come_before_the_nodes_that_use_them_and_once() -> None:
    x, y = Value(1.0), Value(2.0)
    product = x * y
    root = (product + x) * (product - y) * product
    order = topological_order(root)
    place = {node: k for k, node in enumerate(order)}
    assert len(place) == len(order) == 7
    assert order[-1] is root
    for node in order:
        assert all(place[operand] < place[node] for operand in node.inputs)


def test_the_order_is_depth_first_from_left_to_right() -> None:
    a, b, c = Value(1.0, "a"), Value(2.0, "b"), Value(3.0, "c")
    order = topological_order((c - b) * (a + c))
    assert [node.label or node.op for node in order] == ["c", "b", "sub", "a", "add", "mul"]


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


@pytest.mark.parametrize("bad", [3.0, None, "x", [Value(1.0)]])
def test_only_a_value_has_a_graph(bad: Any) -> None:
    for function in (topological_order, first_nonfinite):
        with pytest.raises(OperandError, match="only a Value has a graph"):
            function(bad)


def test_a_leaf_is_its_own_order() -> None:
    x = Value(1.0)
    assert topological_order(x) == [x]


def test_first_nonfinite_names_the_first_in_order() -> None:
    x = Value(1e200, "x")
    overflow = x * x
    root = overflow - overflow
    assert first_nonfinite(root) is overflow
    assert first_nonfinite(x + 1.0) is None
    nan = Value(float("nan"), "bad")
    assert first_nonfinite(nan * 2.0) is nan


def test_no_gc_switches_the_collector_off_and_restores_what_was() -> None:
    assert gc.isenabled()
    with no_gc():
        assert not gc.isenabled()
        with no_gc():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    again = no_gc()
    with again, again:
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(KeyError), no_gc():
        raise KeyError
    assert gc.isenabled()
