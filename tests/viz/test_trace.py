"""The steps and the explanation, against numbers by hand and against backward() itself."""

from __future__ import annotations

import html
import io
import math
import re
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given

from tinygrad_lin import (
    OperandError,
    Value,
    add_operation,
    dot,
    explain,
    maximum,
    relu,
    sigmoid,
    sqrt,
    steps,
    tanh,
    topological_order,
    total,
)
from tinygrad_lin.check.strategies import Graph, graphs
from tinygrad_lin.cli import main
from tinygrad_lin.ops import TABLE
from tinygrad_lin.recording import forget

if TYPE_CHECKING:
    from collections.abc import Iterator

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


@pytest.fixture
def cost() -> tuple[Value, dict[str, Value]]:
    leaves = {
        name: Value(data, name) for name, data in {"w": 0.5, "x": 2.0, "b": -0.1, "y": 19.0}.items()
    }
    a = leaves["w"] * leaves["x"] + leaves["b"]
    a.label = "a"
    result = (a - leaves["y"]) ** 2 / 2
    result.label = "C"
    return result, leaves


@pytest.fixture
def gaussian() -> Iterator[Any]:
    yield add_operation(
        "gaussian", "exp(-x * x)", ("-2.0 * x * out",), tex=r"e^{{-{x}^2}}", draw=((-2.0, 2.0),)
    )
    forget(TABLE["gaussian"])


def equations(value: Value) -> list[str]:
    """What is written for each step of both passes."""
    return [re.split(r"  +", line)[1] for line in str(steps(value)).splitlines() if "=" in line]


def test_the_line_by_hand(cost: tuple[Value, dict[str, Value]]) -> None:
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
    root.backward()
    assert {node: node.grad for node in order} == totals  # the same order: the same bits


@given(graphs(leaves=3, max_nodes=12))
def test_the_paths_add_up(graph: Graph) -> None:
    root = graph.root
    leaf = topological_order(root)[0]
    text = explain(root, leaf)
    root.backward()
    written = float(text.replace(": a Value changes as fast as itself.", "").split(" = ")[-1])
    assert written == pytest.approx(leaf.grad, rel=1e-3)


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


def test_a_row_of_the_users_own_is_written(gaussian: Any) -> None:
    x = Value(0.5, "x")
    text = str(steps(gaussian(x)))
    assert "v1 = gaussian(x) = exp(-x · x) = exp(-0.5 · 0.5) = 0.7788" in text
    assert "∂v1/∂x = -2 · x · v1" in text
    assert r"v_{1} &= e^{-x^2} = e^{-x \cdot x}" in steps(gaussian(x)).tex()


def test_an_infinite_slope_is_written() -> None:
    text = str(steps(sqrt(Value(0.0, "x"))))
    assert "1 · inf = inf" in text
    assert "∂v1/∂x = 0.5 / v1" in text


def test_names_never_collide() -> None:
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


def test_a_leaf_alone() -> None:
    leaf = Value(2.0, "w")
    assert str(steps(leaf)).split("\n")[1] == "1     w = 2"
    assert len(steps(leaf)) == 1
    assert "∂w/∂w = 1" in explain(leaf, leaf)


def test_tex_is_as_in_the_book(cost: tuple[Value, dict[str, Value]]) -> None:
    tex = steps(cost[0]).tex()
    assert r"C &= \frac{v_{3}}{2} = \frac{327.6}{2} = 163.8 \\" in tex
    assert (
        r"\frac{\partial C}{\partial w} &\mathrel{+}= \frac{\partial C}{\partial v_{1}} "
        r"\cdot \frac{\partial v_{1}}{\partial w} = -18.1 \cdot 2 = -36.2" in tex
    )
    assert tex.count("{") == tex.count("}")
    small = Value(1e-9, "w") * math.inf
    assert r"w &= 1 \times 10^{-9}" in steps(small).tex()
    assert r"\infty" in steps(small).tex()


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_that_mean_harm(label: str) -> None:
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


def test_explanation_by_hand(cost: tuple[Value, dict[str, Value]]) -> None:
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


def test_what_does_not_depend() -> None:
    assert "0" in explain(Value(1.0, "a") * 2.0, Value(1.0, "b"))
    assert "does not depend on b" in explain(Value(1.0, "a") * 2.0, Value(1.0, "b"))


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


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["steps", *arguments])


def test_the_command_writes_text_markdown_and_tex() -> None:
    arguments = "((w*x+b)-y)**2/2", "w=0.5", "x=2", "b=-0.1", "y=19"
    text = run(*arguments)
    assert text.exit_code == 0
    assert "-18.1 · 2 = -36.2" in text.stdout
    assert run(*arguments, "--markdown").stdout.startswith("| step | forward |\n| --- | --- |")
    assert run(*arguments, "--tex").stdout.startswith(r"\begin{align*}")


@pytest.mark.parametrize(
    "arguments", [["w*x", "w=1"], ["w", "w=1", "w=2"], ["log(x)", "x=0"], ["x.y", "x=1"]]
)
def test_the_command_refuses_bad_input(arguments: list[str]) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert not result.stdout


def test_a_table_for_the_terminal(cost: tuple[Value, dict[str, Value]]) -> None:
    from rich.console import Console

    cost[1]["w"].label = "[red]w"
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(steps(cost[0]))
    assert '"[red]w" = 0.5' in console.export_text()
