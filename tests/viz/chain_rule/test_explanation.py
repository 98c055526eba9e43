"""The explanation of a gradient: its paths by hand, and that they add up."""

from __future__ import annotations

import pytest
from hypothesis import given

from tinygrad_lin import (
    Value,
    explain,
    topological_order,
)
from tinygrad_lin.check.strategies import Graph, graphs


@given(graphs(leaves=3, max_nodes=12))
def test_the_products_along_the_paths_add_up_to_the_gradient(graph: Graph) -> None:
    root = graph.root
    leaf = topological_order(root)[0]
    text = explain(root, leaf)
    root.backward()
    written = float(text.replace(": a Value changes as fast as itself.", "").split(" = ")[-1])
    assert written == pytest.approx(leaf.grad, rel=1e-3)


def test_the_explanation_of_the_line_is_that_written_by_hand(
    cost: tuple[Value, dict[str, Value]],
) -> None:
    root, leaves = cost
    text = explain(root, leaves["w"])
    assert text.splitlines() == [
        "One path leads from C to w. Along it the local derivatives are multiplied.",
        "",
        "Path 1: C → v3 → v2 → a → v1 → w",
        "  ∂C/∂v3 · ∂v3/∂v2 · ∂v2/∂a · ∂a/∂v1 · ∂v1/∂w",
        "  = 0.5 · 2 · v2 · 1 · 1 · x",
        "  = 0.5 · (-36.2) · 1 · 1 · 2",
        "  = -36.2",
        "",
        "Together: ∂C/∂w = -36.2",
    ]


def test_many_paths_are_counted_and_not_walked() -> None:
    x = Value(1.0, "x")
    y = x
    for _ in range(10):
        y = y + y
    text = explain(y, x)
    assert text.startswith("1,024 paths lead from v10 to x.")
    assert "The other 1,019 paths are left out here; they add 1019." in text
    assert text.endswith("∂v10/∂x = 1 + 1 + 1 + 1 + 1 + 1019 = 1024")
    for _ in range(1000):
        y = y + y
    assert explain(y, x).startswith("More than 1,000,000,000,000,000 paths")


def test_what_does_not_depend_on_a_leaf_has_no_path_to_it() -> None:
    assert "0" in explain(Value(1.0, "a") * 2.0, Value(1.0, "b"))
    assert "does not depend on b" in explain(Value(1.0, "a") * 2.0, Value(1.0, "b"))
