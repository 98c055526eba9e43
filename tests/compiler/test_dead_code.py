"""Dead code elimination."""

from __future__ import annotations

from tinygrad_lin.compiler.dead_code import remove_dead_code


def test_a_statement_that_nothing_needs_is_dropped() -> None:
    lines = ["a = p[0]", "b = exp(a)", "c = a + a", "value = c", "return value, None"]
    assert remove_dead_code(lines) == ["a = p[0]", "c = a + a", "value = c", "return value, None"]


def test_a_statement_on_several_lines_stays_whole() -> None:
    lines = ["with ignoring():\n    a = xp.exp(p[0])\ncertain(a)", "value = a"]
    assert remove_dead_code(lines) == lines


def test_lanes_that_are_changed_are_needed() -> None:
    lines = ["gradient = xp.zeros(2)", "gradient[0] += p[0]", "d[0] += p[1]"]
    assert remove_dead_code(lines) == lines[:2]
