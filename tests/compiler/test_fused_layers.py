"""Fused layers: one product for each."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from tinygrad_lin import Value, compile_graph, dot, relu, sigmoid, tanh
from tinygrad_lin.compiler.fused_layers import fuse_layers
from tinygrad_lin.transforms import value_and_grad

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPES: dict[str, Any] = {"x": ("n", 4), "h": ("n", 3), "d": ("n",), "p": (9,)}


def lines_of(*lines: str) -> list[str]:
    trees, _ = fuse_layers(ast.parse("\n".join(lines)).body, SHAPES)
    return [ast.unparse(tree) for tree in trees]


def test_a_layer_is_one_product() -> None:
    trees, inputs = fuse_layers(ast.parse("h = x @ w.T + p[0:3]").body, SHAPES)
    assert ast.unparse(trees[0]) == "h = beside_ones(x) @ beside(w.T, p[0:3])"
    assert inputs == {"x"}


def test_weights_and_a_bias_that_are_neighbours_are_one_slice() -> None:
    assert lines_of("a = x @ p[4:8] + p[8]") == ["a = beside_ones(x) @ p[4:9]"]
    assert lines_of("a = x @ p[3:7] + p[8]") == ["a = x @ p[3:7] + p[8]"]


def test_the_gradients_of_neighbours_are_one_product() -> None:
    forward = "a = x @ p[4:8] + p[8]"
    _, first, second = lines_of(
        forward, "g[8] = 2.0 * d.sum()", "g[0:3] = d", "g[4:8] = 2.0 * (d @ x)"
    )
    assert first == "g[4:9] = 2.0 * (d @ beside_ones(x))"
    assert second == "g[0:3] = d"
    apart = ["g[8] = 3.0 * d.sum()", "g[4:8] = 2.0 * (d @ x)"]
    assert lines_of(forward, *apart)[1:] == apart
    other = ["g[8] = e.sum()", "g[4:8] = d @ x"]
    assert lines_of(forward, *other)[1:] == other


@pytest.mark.parametrize(
    "text", ["a = x @ w.T + h", "a = x @ w.T + d[:, None]", "a = d @ x + p[8]"]
)
def test_a_summand_that_differs_between_rows_is_no_bias(text: str) -> None:
    assert lines_of(text) == [text]


def chain(activation: Any, x: list[Any], p: list[Any]) -> Any:
    """A net 2-3-2-1."""
    h = [activation(dot(p[2 * k : 2 * k + 2], x, p[6 + k])) for k in range(3)]
    h = [activation(dot(p[9 + 3 * k : 12 + 3 * k], h, p[15 + k])) for k in range(2)]
    return dot(p[17:19], h, p[19])


def residual(x: list[Any], p: list[Any]) -> Any:
    """A layer that adds what it is given."""
    h = [relu(dot(p[2 * k : 2 * k + 2], x, x[k])) for k in range(2)]
    return dot(p[4:6], h, p[6])


def shared_bias(x: list[Any], p: list[Any]) -> Any:
    """All neurons add the same number, once a parameter and once not."""
    h = [tanh(dot(p[2 * k : 2 * k + 2], x, p[10])) for k in range(3)]
    h = [tanh(dot(p[4 + 3 * k : 7 + 3 * k], h, 0.5)) for k in range(2)]
    return h[0] * h[1]


def line(x: list[Any], p: list[Any]) -> Any:
    """A plane, and nothing else."""
    return dot(p[0:2], x, p[2])


NETS: dict[str, Callable[[list[Any], list[Any]], Any]] = {
    "tanh": lambda x, p: chain(tanh, x, p),
    "relu": lambda x, p: chain(relu, x, p),
    "sigmoid": lambda x, p: chain(sigmoid, x, p),  # Its formula is a choice between two.
    "residual": residual,
    "shared bias": shared_bias,
    "line": line,
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("rows", [1, 31, 32, 100])
def test_few_rows_and_many_give_the_numbers_of_the_engine(name: str, rows: int) -> None:
    rng = numpy.random.default_rng(rows)
    numbers = rng.normal(size=20)
    x, y, p = [Value(0.1), Value(0.2)], Value(0.3), [Value(v) for v in numbers.tolist()]
    program = compile_graph((NETS[name](x, p) - y) ** 2, batch=(x, y), wrt=p)
    inputs, targets = rng.normal(size=(rows, 2)), rng.normal(size=rows)

    def cost(*p: Any) -> Any:
        errors = [NETS[name](a, list(p)) - b for a, b in zip(inputs.tolist(), targets.tolist())]
        return sum(e * e for e in errors) / rows

    value, expected = value_and_grad(cost, argnums=tuple(range(20)))(*numbers.tolist())
    for _ in range(2):  # The second run is in the arrays of the first.
        found, gradient = program.value_and_grad(numbers, inputs, targets)
        assert found == pytest.approx(value, rel=1e-12)
        assert gradient == pytest.approx([float(g) for g in expected], rel=1e-11, abs=1e-13)
