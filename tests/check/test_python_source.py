"""A graph that is printed as Python source is that graph."""

from __future__ import annotations

import ast
from typing import Any

import pytest
from hypothesis import given

from tinygrad_lin import Value, dot, maximum, sigmoid, total
from tinygrad_lin.check.python_source import python_source
from tinygrad_lin.check.strategies import Graph, graphs


def star() -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    exec("from tinygrad_lin import *", namespace)
    return namespace


STAR = star()


@given(graphs(leaves=3, max_nodes=20))
def test_source_that_is_pasted_and_run_gives_the_same_value_and_gradient(graph: Graph) -> None:
    root, leaves = graph
    again = tuple(Value(leaf.data) for leaf in leaves)
    result = eval(python_source(root, leaves), STAR)(*again)
    assert result.data == root.data
    result.backward()
    root.backward()
    assert [leaf.grad for leaf in again] == [leaf.grad for leaf in leaves]
    assert eval(repr(graph), STAR) == pytest.approx(root.data, rel=1e-15)


def written(root: Value, *leaves: Value) -> str:
    return python_source(root, leaves)


def test_source_reads_like_what_was_written() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    assert written(x * y + 1, x, y) == "lambda x, y: x * y + 1.0"
    assert written((x + y) * 2, x, y) == "lambda x, y: (x + y) * 2.0"
    assert written(x - (y - 1), x, y) == "lambda x, y: x - (y - 1.0)"
    assert written((-x) ** 2, x) == "lambda x: (-x) ** 2.0"
    assert written(-(x**2), x) == "lambda x: -x ** 2.0"
    assert written((-2) * x, x) == "lambda x: -2.0 * x"
    assert written((-2.0) ** (x * 0 + 2.0) if False else 2.0**x, x) == "lambda x: 2.0 ** x"
    assert written(maximum(x, sigmoid(y)), x, y) == "lambda x, y: maximum(x, sigmoid(y))"
    assert written(dot([x, 2], [y, x], 1), x, y) == "lambda x, y: dot([x, 2.0], [y, x], 1.0)"
    assert written(total([x, y, 3]), x, y) == "lambda x, y: total([x, y, 3.0])"
    shared = x * y
    assert written(shared * shared, x, y) == "lambda x, y: [a := x * y, a * a][-1]"
    assert written(x, x, y) == "lambda x, y: x"


def test_leaves_that_are_not_arguments_are_numbers() -> None:
    w, x = Value(0.5, "w"), Value(2.0, "x")
    assert written(w * x, x) == "lambda x: 0.5 * x"


@pytest.mark.parametrize(
    "label", ["", "two words", "lambda", "sin", "1x", '"); import os; ("', "ω"]
)
def test_a_label_cannot_become_code(label: str) -> None:
    x = Value(2.0, label)
    text = python_source(x * x, [x])
    names = {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.arg)}
    assert names == ({"ω"} if label == "ω" else {"x0"})
    assert eval(text, STAR)(3.0) == 9.0


def test_names_are_those_that_python_tells_apart() -> None:
    labels = ["ａ", "ｘ", "x", "x0", "__debug__", "ω"]
    leaves = [Value(float(k), label) for k, label in enumerate(labels)]
    text = python_source(total(leaves), leaves)
    assert text == "lambda x0, x1, x, x3, x4, ω: total([x0, x1, x, x3, x4, ω])"
    assert eval(text, STAR)(*range(6)) == 15.0


def test_names_of_parts_keep_clear_of_labels() -> None:
    a = Value(2.0, "a")
    shared = a + 1
    assert python_source(shared * shared, [a]) == "lambda a: [b := a + 1.0, b * b][-1]"


def test_a_deep_graph_has_named_parts_instead_of_many_brackets() -> None:
    x = root = Value(0.5, "x")
    for _ in range(2000):
        root = root.tanh() + 0.1
    assert eval(python_source(root, [x]), STAR)(0.5) == pytest.approx(root.data, rel=1e-12)
