"""Twice the graph, twice the work: counted in lines and calls, for no machine is quiet."""

from __future__ import annotations

import copy
import math
import pickle
import sys
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import pytest

from tinygrad_lin import (
    Value,
    check_gradients,
    compile_graph,
    dot,
    draw,
    explain,
    first_nonfinite,
    grad,
    gradients,
    hessian,
    jvp,
    steps,
    tanh,
    topological_order,
    total,
)
from tinygrad_lin.check.python_source import python_source
from tinygrad_lin.expression import Expression

SIZES = (150, 600)
STEEPEST = 1.1


def counted(work: Callable[[], Any]) -> int:
    """How many lines run, and how many functions are called, those written in C too."""
    count = 0

    def lines(frame: Any, event: str, given: Any) -> Any:
        nonlocal count
        count += 1
        return lines

    def calls(frame: Any, event: str, given: Any) -> None:
        nonlocal count
        count += event == "c_call"

    tracing, profiling = sys.gettrace(), sys.getprofile()
    sys.settrace(lines)
    sys.setprofile(calls)
    try:
        work()
    finally:
        sys.setprofile(profiling)
        sys.settrace(tracing)
    return count


def slope(small: int, large: int) -> float:
    """Of a line through two counts, with both scales logarithmic."""
    return math.log(large / small) / math.log(SIZES[1] / SIZES[0])


# Graphs of n nodes, as functions of one number or Value.


def chain(x: Any, n: int) -> Any:
    for k in range(n):
        x = tanh(x) if k % 2 else x * 0.99
    return x


def star(x: Any, n: int) -> Any:
    terms = [x * (k / n) for k in range(n // 2)]
    return total(terms) + dot([x] * len(terms), terms) + sum(terms[: n // 8], start=0.0)


def diamonds(x: Any, n: int) -> Any:
    """2 to the power of n / 3 paths."""
    for _ in range(n // 3):
        x = x * 0.5 + tanh(x)
    return x


def layers(x: Any, n: int) -> Any:
    """Four layers, each node made of two of the layer before."""
    layer = [x * (k / n) for k in range(n // 8)]
    for _ in range(4):
        layer = [tanh(a * b) for a, b in zip(layer, layer[1:] + layer[:1])]
    return total(layer)


SHAPES = [chain, star, diamonds, layers]
X = 0.7


# What is done with a graph.


def of_one(work: Callable[[Value, Value], Any]) -> Callable[[Any, int], Callable[[], Any]]:
    """Work with a root and its leaf, which is counted without the recording."""

    def prepared(shape: Any, n: int) -> Callable[[], Any]:
        x = Value(X, "x")
        root = shape(x, n)
        return lambda: work(root, x)

    return prepared


def compiled(shape: Any, n: int) -> Callable[[], Any]:
    x, w = Value(X, "x"), Value(X, "w")
    root = shape(x * w, n)
    return lambda: compile_graph(root, batch=[x], wrt=[w])


def refused_row(shape: Any, n: int) -> Callable[[], Any]:
    x, w = Value(X, "x"), Value(X, "w")
    program = compile_graph((shape(x * w, n) * 0.0 + w).log(), batch=[x], wrt=[w])

    def run() -> None:
        with pytest.raises(ValueError, match="row 0 of the batch"):
            program.value([0.0], [0.5, 0.6])

    return run


def every_leaf(shape: Any, n: int) -> Callable[[], Any]:
    """As many leaves as nodes."""
    leaves = [Value(X, f"x{k}") for k in range(n)]
    root = total([a * b for a, b in pairwise(leaves)]) * shape(leaves[0], n)
    return lambda: compile_graph(root, wrt=leaves).value_and_grad([X] * n)


WORK: dict[str, Callable[[Any, int], Callable[[], Any]]] = {
    "record": lambda shape, n: lambda: shape(Value(X), n),
    "grad": lambda shape, n: lambda: grad(shape)(X, n),
    "backward": of_one(lambda root, x: root.backward()),
    "order": of_one(lambda root, x: topological_order(root)),
    "first_nonfinite": of_one(lambda root, x: first_nonfinite(root)),
    "gradients": of_one(lambda root, x: gradients(root, [x])),
    "gradients twice": of_one(lambda root, x: gradients(gradients(root, [x])[0], [x])),
    "jvp": of_one(lambda root, x: jvp(jvp(root, [x], [1.0]), [x], [1.0])),
    "hessian": of_one(lambda root, x: hessian(root, [x])),
    "check_gradients": lambda shape, n: lambda: check_gradients(lambda x: shape(x, n), X),
    "steps": of_one(lambda root, x: str(steps(root))),
    "explain": of_one(explain),
    "draw": of_one(lambda root, x: draw(root).source),
    "draw a path": of_one(lambda root, x: draw(root, path=x).source),
    "draw every node": of_one(lambda root, x: draw(root, fold=None).source),
    "code": of_one(lambda root, x: python_source(root, [x])),
    "copy": of_one(lambda root, x: copy.deepcopy(root)),
    "copy all nodes": of_one(lambda root, x: copy.deepcopy(topological_order(root))),
    "pickle": of_one(lambda root, x: pickle.loads(pickle.dumps((root, x)))),
    "compile": of_one(lambda root, x: compile_graph(root, wrt=[x])),
    "compile with a batch": compiled,
    "compile every leaf": every_leaf,
    "refuse a row": refused_row,
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", WORK)
def test_work_grows_as_the_graph(name: str, shape: Callable[[Any, int], Any]) -> None:
    WORK[name](shape, 10)()  # what is made once is made
    small, large = (counted(WORK[name](shape, n)) for n in SIZES)
    assert slope(small, large) < STEEPEST


def read(text: str) -> None:
    Expression(text)({"x": 0.5})


def square(n: int) -> None:
    for _ in range(n):
        for _ in range(n):
            pass


def test_an_expression_is_read_in_time() -> None:
    for text in ("x * {} + ", "tanh(x + {}) * "):
        texts = ["".join(text.format(k) for k in range(n // 4)) + "1" for n in SIZES]
        small, large = (counted(partial(read, text)) for text in texts)
        assert slope(small, large) < STEEPEST


def test_what_is_quadratic_is_noticed() -> None:
    small, large = (counted(partial(square, n)) for n in SIZES)
    assert slope(small, large) > 1.9
