"""Labels as names of variables."""

from __future__ import annotations

import numpy
import pytest

from tinygrad_lin import (
    Value,
    compile_graph,
    exp,
)
from tinygrad_lin.compiler.variable_names import MAX_LENGTH, RESERVED, VariableNames, is_name


@pytest.mark.parametrize("label", ["d_mul1", "numbers1", "_dot", "v", "every", "_view0", "ones"])
def test_labels_that_programs_use_themselves_do_no_harm(label: str) -> None:
    w, x = Value(2.0, label), [Value(3.0, label), Value(1.0)]
    y = w * x[0]
    y.label = label
    z = exp(y * 0.125 + x[1])
    z.label = label
    value, gradient = compile_graph(z, batch=[x], wrt=[w]).value_and_grad([2.0], [[4.0, 0.0]] * 2)
    assert value == pytest.approx(numpy.e)
    assert gradient == pytest.approx([numpy.e / 2])


@pytest.mark.parametrize(
    "label", ["'); import os; ('", "lambda", "xp", "p", "gradient", "n", "print", "", "two words"]
)
def test_labels_cannot_become_code(label: str) -> None:
    w, x = Value(2.0, label), Value(3.0, label)
    y = w * x
    y.label = label
    z = y * 2.0
    z.label = label
    program = compile_graph(z, batch=[x], wrt=[w])
    value, gradient = program.value_and_grad([2.0], [3.0, 5.0])
    assert (value, gradient.tolist()) == (16.0, [8.0])


@pytest.mark.parametrize(
    "label",
    [*sorted(RESERVED), "", "2x", "a b", "lambda", "print", "tanh", "_a", "d_a", "numbers1",
     "batch0", "a_weights", "a_slope0", "é", "x" * (MAX_LENGTH + 1)],
)  # fmt: skip
def test_a_label_that_means_something_else_is_no_name(label: str) -> None:
    assert VariableNames().new(label, "mul") != label


def test_a_label_that_is_not_taken_is_a_variable_name() -> None:
    assert all(map(is_name, ["a", "loss", "w1", "x" * MAX_LENGTH]))


def test_names_that_are_taken_are_numbered_on() -> None:
    names = VariableNames(["a", "a1"])
    assert [names.new("a", "add"), names.new("a", "add")] == ["a2", "a3"]
