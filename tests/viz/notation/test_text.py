"""Formulas as text: branches, brackets, sums, own operations; and names of nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tinygrad_lin import (
    Value,
    add_operation,
    dot,
    maximum,
    relu,
    sigmoid,
    sqrt,
    steps,
    tanh,
    total,
)
from tinygrad_lin.ops import TABLE
from tinygrad_lin.registry import remove_operation


@pytest.fixture
def gaussian() -> Iterator[Any]:
    yield add_operation(
        "gaussian", "exp(-x * x)", ("-2.0 * x * out",), tex=r"e^{{-{x}^2}}", draw=((-2.0, 2.0),)
    )
    remove_operation(TABLE["gaussian"])


def equations(value: Value) -> list[str]:
    """What is written for each step of both passes."""
    return [re.split(r"  +", line)[1] for line in str(steps(value)).splitlines() if "=" in line]


def test_a_branch_is_written_as_it_is_taken() -> None:
    x, y = Value(2.0, "x"), Value(-3.0, "y")
    assert equations(relu(x))[1] == "v1 = relu(x) = x = 2"
    assert equations(relu(y))[1] == "v1 = relu(y) = 0"
    assert equations(maximum(x, y))[2] == "v1 = maximum(x, y) = x = 2"
    assert equations(sigmoid(x))[1].startswith("v1 = sigmoid(x) = 1 / (1 + exp(-x)) = ")
    assert equations(sigmoid(y))[1].startswith("v1 = sigmoid(y) = exp(y) / (1 + exp(y)) = ")


def test_brackets_stand_where_they_must() -> None:
    x = Value(-2.0, "x")
    assert equations(x**2)[1] == "v1 = x^2 = (-2)^2 = 4"
    assert equations(3.0 - x)[1] == "v1 = 3 - x = 3 - (-2) = 5"
    y = Value(3.0, "y")
    assert "∂v1/∂y = -v1 / y" in str(steps(x / y))
    assert "∂v1/∂y = y^2" not in str(steps(x / y))
    assert "∂v1/∂x = 1 - v1 · v1" in str(steps(tanh(x)))
    assert "∂v1/∂y = 4 · y^3" in str(steps(y**4))


def test_nodes_of_many_operands_are_written_out() -> None:
    x, y = Value(2.0, "x"), Value(3.0, "y")
    node = dot([x, y], [y, 4.0], x)
    assert equations(node)[2] == "v1 = x · y + y · 4 + x = 2 · 3 + 3 · 4 + 2 = 20"
    assert "∂v1/∂y = x" in str(steps(node))
    long = total([Value(float(k), f"x{k}") for k in range(100)])
    assert equations(long)[100] == "v1 = x0 + x1 + x2 + … + x99 = 0 + 1 + 2 + … + 99 = 4950"
    assert str(steps(total([1.0, 2.0, Value(3.0, "a")]))).count("v1 = 1 + 2 + a") == 1


def test_an_operation_of_the_users_own_is_written(gaussian: Any) -> None:
    x = Value(0.5, "x")
    text = str(steps(gaussian(x)))
    assert "v1 = gaussian(x) = exp(-x · x) = exp(-0.5 · 0.5) = 0.7788" in text
    assert "∂v1/∂x = -2 · x · v1" in text
    assert r"v_{1} &= e^{-x^2} = e^{-x \cdot x}" in steps(gaussian(x)).tex()


def test_an_infinite_derivative_is_written() -> None:
    text = str(steps(sqrt(Value(0.0, "x"))))
    assert "1 · inf = inf" in text
    assert "∂v1/∂x = 0.5 / v1" in text


def test_no_two_nodes_have_the_same_name() -> None:
    leaves = [Value(1.0, label) for label in ("v1", "v2", "a", "a", "a₁", "", "v3", "a", "", "a₂")]
    names = steps(total(leaves)).names
    assert names[leaves[0]] == "v1"
    assert names[leaves[4]] == "a₁"
    assert len(set(names.values())) == len(leaves) + 1
    long = [Value(1.0, "y" * 50 + str(k)) for k in range(3)]
    assert len(set(steps(total(long)).names.values())) == 4
    tex = steps(total([Value(1.0, "v[1]"), Value(2.0), Value(3.0, "w[0,1]")])).tex()
    assert "w_{0,1} &= 3" in tex
    assert r"\text{v[1]} &= 1" in tex
    assert r"\text{v1} &= 2" in tex
