"""The steps against numbers by hand and backward() itself; tables of them, whatever the labels."""

from __future__ import annotations

import html
import io
import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
from hypothesis import given

from tinygrad_lin import (
    OperandError,
    Value,
    explain,
    steps,
    topological_order,
)
from tinygrad_lin.check.strategies import Graph, graphs
from tinygrad_lin.reverse import backward

HOSTILE = [
    "<script>alert(1)</script>",
    "</td></table>",
    "a|b",
    "`code` *bold* _it_",
    "[link](https://example.org)",
    r"\input{x} $ & # _ % { } ^ ~",
    "$$",
    "a\x1b[31mb\x07\r\n\u202e",
    "😀",
    "שלום",
    "x" * 1000,
    " ",
    "[bold red]",
]


def test_the_steps_of_the_line_are_those_computed_by_hand(
    cost: tuple[Value, dict[str, Value]],
) -> None:
    root, leaves = cost
    text = str(steps(root))
    assert "a = v1 + b = 1 + (-0.1) = 0.9" in text
    assert "C = v3 / 2 = 327.6 / 2 = 163.8" in text
    assert "∂C/∂C = 1" in text
    assert "∂C/∂w += ∂C/∂v1 · ∂v1/∂w = -18.1 · 2 = -36.2" in text  # (0.9 - 19) · 2
    assert "∂v1/∂w = x" in text
    assert "∂v3/∂v2 = 2 · v2 " in text  # and no first power
    assert [leaf.grad for leaf in leaves.values()] == [0.0] * 4
    last = [s for s in steps(root) if s.operand is leaves["w"]][-1]
    assert last.node.op == "mul"
    assert last.upstream == pytest.approx(-18.1)
    assert last.local == 2.0
    assert last.contribution == last.total == pytest.approx(-36.2)


@given(graphs(leaves=3, max_nodes=12))
def test_the_steps_are_those_of_backward(graph: Graph) -> None:
    root = graph.root
    listed = steps(root)
    order = topological_order(root)
    assert [s.node for s in listed.forward] == order
    assert len(listed.backward) == sum(len(node.inputs) for node in order)
    totals = dict.fromkeys(order, 0.0) | {root: 1.0}
    finished = set()
    for step in listed.backward:
        assert step.operand is not None
        assert step.operand is step.node.inputs[step.place]
        assert step.local == step.node.partials[step.place]
        assert step.upstream == totals[step.node]
        assert step.contribution == step.upstream * step.local
        totals[step.operand] += step.contribution
        assert step.total == totals[step.operand]
        finished.add(step.node)
        assert step.operand not in finished  # no share comes after a node passed its own on
    backward(root)  # the plain form, which adds the same shares in the same order
    assert [repr(node.grad) for node in order] == [repr(totals[node]) for node in order]


def test_a_leaf_alone_has_one_step() -> None:
    leaf = Value(2.0, "w")
    assert str(steps(leaf)).split("\n")[1] == "1     w = 2"
    assert len(steps(leaf)) == 1
    assert "∂w/∂w = 1" in explain(leaf, leaf)


@pytest.mark.parametrize("wrong", [1.0, "x", None])
def test_only_values_have_steps(wrong: Any) -> None:
    with pytest.raises(OperandError, match="steps"):
        steps(wrong)
    with pytest.raises(OperandError, match="explain"):
        explain(Value(1.0), wrong)
    with pytest.raises(OperandError, match="explain"):
        explain(wrong, Value(1.0))


def test_a_deep_graph_is_written_line_by_line() -> None:
    x = Value(1.0, "x")
    y = x
    for _ in range(20_000):
        y = y + 1.0
    listed = steps(y)
    assert sum(1 for _ in listed.lines()) == 40_001 + 4
    assert explain(y, x).endswith("∂v20000/∂x = 1")
    assert listed._repr_html_().count("<tr>") == 1003


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_do_no_harm_in_tables_of_steps(label: str) -> None:
    value = Value(2.0, label) * Value(3.0, label)
    text = str(steps(value)) + explain(value, value.inputs[0])
    assert all(line.isprintable() for line in text.split("\n"))
    tex = steps(value).tex()
    body = re.sub(r"\\[{}]", "", tex)
    assert body.count("{") == body.count("}")
    assert not re.search(r"(?<!\\)[$#%~]", body)
    assert r"\input" not in tex
    table = steps(value).markdown()
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (0, 3, 5) for line in table.split("\n"))
    assert not re.search(r"(?<!\\)[`<*_]", table)
    page = steps(value)._repr_html_()
    texts = "".join(ET.fromstring(f"<div>{page}</div>").itertext())
    assert "<script" not in page
    assert html.unescape(page).count("·") == texts.count("·")


def test_an_equation_in_a_label_is_not_where_tex_aligns() -> None:
    tex = steps(Value(2.0, "a = b") * 1.0).tex()
    assert tex.split("\n")[1] == r'\text{"a {=} b"} &= 2 \\'
    assert all(line.count("&") in (0, 1, 5) for line in tex.split("\n"))


def test_the_terminal_shows_the_steps_as_a_table(cost: tuple[Value, dict[str, Value]]) -> None:
    from rich.console import Console

    cost[1]["w"].label = "[red]w"
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(steps(cost[0]))
    assert '"[red]w" = 0.5' in console.export_text()
