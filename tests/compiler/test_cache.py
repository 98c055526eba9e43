"""Graphs of the same structure share one executable."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest
from compiler.reference import executable_of

from tinygrad_lin import (
    Value,
    compile_graph,
    exp,
    topological_order,
)
from tinygrad_lin.compiler import cache


def line() -> tuple[Value, list[Value], list[Value]]:
    x, y, w, b = (Value(0.5, name) for name in "xywb")
    return (w * x + b - y) ** 2 / 2, [x, y], [w, b]


def test_a_graph_of_the_same_structure_is_compiled_once() -> None:
    one, other = (
        compile_graph(cost, batch=batch, wrt=wrt) for cost, batch, wrt in (line(), line())
    )
    assert executable_of(one) is executable_of(other)
    x = Value(1.0, "x")
    by_sign = [compile_graph(x * zero, wrt=[x]).value([2.0]) for zero in (0.0, -0.0)]
    assert [str(value) for value in by_sign] == ["0.0", "-0.0"]


def test_cached_executables_hold_no_graph() -> None:
    """What is kept for later knows operations and labels, no Values."""
    cost, batch, wrt = line()
    compile_graph(cost, batch=batch, wrt=wrt)
    held = {id(node) for node in topological_order(cost)}
    todo: list[Any] = list(cache.EXECUTABLES)
    while todo:
        thing = todo.pop()
        assert id(thing) not in held
        if isinstance(thing, tuple):
            todo += thing


def test_the_executable_that_was_used_longest_ago_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "EXECUTABLES", OrderedDict())
    monkeypatch.setattr(cache, "MAX_KEPT", 2)
    x = Value(1.0, "x")
    kept = [executable_of(compile_graph(x * k, wrt=[x])) for k in (2.0, 3.0, 2.0, 4.0)]
    assert kept[0] is kept[2]
    assert list(cache.EXECUTABLES.values()) == [kept[2], kept[3]]


def test_a_large_graph_is_not_looked_up_in_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "EXECUTABLES", OrderedDict())
    monkeypatch.setattr(cache, "MAX_COMPARED", 3)
    x = Value(1.0, "x")
    compile_graph(exp(x * 2.0) + x, wrt=[x])
    assert not cache.EXECUTABLES
    compile_graph(exp(x), wrt=[x])
    assert len(cache.EXECUTABLES) == 1
