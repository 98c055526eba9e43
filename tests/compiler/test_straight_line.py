"""Straight-line programs."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from compiler.reference import agrees, executable_of

from tinygrad_lin import (
    Value,
    compile_graph,
    exp,
    maximum,
    sin,
    tanh,
)
from tinygrad_lin.compiler import cache, straight_line
from tinygrad_lin.compiler.executables import ScalarExecutable


def chain(count: int) -> tuple[Value, Value]:
    w = Value(0.5, "w")
    root: Value = w
    for k in range(count):
        root = tanh(root * 1.25 + 0.01 * k) if k % 3 else maximum(root, w) - 0.5
    return root, w


def test_a_deep_graph_becomes_a_straight_line_program() -> None:
    root, w = chain(4_000)
    program = compile_graph(root, wrt=[w])
    assert isinstance(executable_of(program), ScalarExecutable)
    assert program.source.count("\ndef ") > 4
    assert program.describe().endswith("on numbers, one after the other")
    assert agrees(root, [w])


def test_a_program_of_few_scalars_has_a_name_for_each() -> None:
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


def test_a_long_program_is_cut_into_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "EXECUTABLES", OrderedDict())
    monkeypatch.setattr(straight_line, "MAX_STATEMENTS", 50)
    root, w = chain(400)
    source = compile_graph(root, wrt=[w]).source
    lengths = [len(part.strip().splitlines()) - 1 for part in source.split("def ")[1:-1]]
    assert max(lengths) == 50
    assert len(lengths) > 20
    assert agrees(root, [w])


def test_operations_that_need_no_gradient_have_none() -> None:
    w, x = Value(0.5, "w"), Value(0.25, "x")
    fixed = sin(x)
    program = compile_graph(fixed * w, wrt=[w])
    assert "d_sin1" not in program.source
