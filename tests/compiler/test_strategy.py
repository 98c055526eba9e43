"""Which form a graph runs in."""

from __future__ import annotations

from collections import OrderedDict

import numpy
import pytest
from compiler.reference import executable_of

from tinygrad_lin import Value, compile_graph, exp, log, sin, tanh, total
from tinygrad_lin.compiler import cache, strategy
from tinygrad_lin.compiler.executables import (
    ColumnExecutable,
    Executable,
    GroupedExecutable,
    InPlaceExecutable,
    ScalarExecutable,
)


@pytest.fixture(autouse=True)
def empty_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "EXECUTABLES", OrderedDict())


def deep(x: Value, count: int) -> Value:
    for k in range(count):
        x = (tanh, sin)[k % 2](x * 1.5)
    return x


def wide(count: int) -> tuple[Value, list[Value]]:
    """Each level has operations of three kinds on operands from anywhere."""
    leaves = [Value(0.5 + k / count) for k in range(count)]
    terms = [
        f(leaves[k] * leaves[(7 * k + 3) % count])
        for f in (exp, log, sin)
        for k in range(0, count, 3)
    ]
    return total(terms), leaves


def test_a_batch_runs_in_place() -> None:
    x, w = Value(0.5, "x"), Value(0.25, "w")
    program = compile_graph(tanh(w * x), batch=[x], wrt=[w])
    assert type(executable_of(program)) is InPlaceExecutable
    assert program.describe() == "2 scalar operations became 2 on arrays"


def test_a_result_for_each_row_is_not_computed_in_place() -> None:
    x, w = Value(0.5, "x"), Value(0.25, "w")
    program = compile_graph(tanh(w * x), batch=[x], wrt=[w])
    program.jacobian([0.25], [0.5, 1.0])
    kinds = {key: type(executable) for key, executable in program._executables.items()}
    assert kinds == {(0, True, False): InPlaceExecutable, (0, True, True): Executable}


def test_the_form_follows_the_shape_of_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    w, x = Value(0.5, "w"), Value(0.25, "x")
    long = strategy.MAX_NAMED_OPERATIONS
    few = executable_of(compile_graph(deep(w, 10), wrt=[w]))
    assert (type(few), few.source.count("def ")) == (ScalarExecutable, 1)
    many = executable_of(compile_graph(deep(w, long), wrt=[w]))
    assert (type(many), many.source.count("def ")) == (ScalarExecutable, 3)
    monkeypatch.setattr(strategy, "MAX_INSTRUCTIONS", 20)
    by_column = executable_of(compile_graph(deep(w * x, 30), batch=[x], wrt=[w]))
    assert type(by_column) is ColumnExecutable
    monkeypatch.setattr(strategy, "MIN_GROUP", 10)
    monkeypatch.setattr(strategy, "MIN_LANES", 1000)
    root, leaves = wide(90)
    assert type(executable_of(compile_graph(root, wrt=leaves))) is GroupedExecutable


def test_large_batches_run_in_blocks_that_fit_the_cache() -> None:
    x, w = Value(0.5, "x"), Value(0.25, "w")
    averaged = executable_of(compile_graph(tanh(w * x), batch=[x], wrt=[w]))
    assert isinstance(averaged, InPlaceExecutable)
    assert strategy.MIN_BLOCK_ROWS <= averaged.block <= strategy.MAX_BLOCK_NUMBERS
    fixed = executable_of(compile_graph(tanh(w), batch=[x], wrt=[w]))
    assert isinstance(fixed, InPlaceExecutable)
    assert fixed.block == numpy.inf
