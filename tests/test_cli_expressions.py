"""The commands that take an expression: draw and check."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result

from tinygrad_lin.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_draw_writes_the_graph_with_its_gradients(here: Path) -> None:
    result = run("draw", "((w*x+b)-y)**2/2", "w=0.5", "x=2", "b=-0.1", "y=19", "-o", "cost.svg")
    assert (result.exit_code, result.stdout) == (0, "wrote cost.svg\n")
    text = html.unescape((here / "cost.svg").read_text(encoding="utf-8"))
    assert "grad -36.2" in text  # dC/dw = (0.9 - 19) · 2
    assert "data 163.8" in text


def test_check_prints_the_report() -> None:
    result = run("check", "w * x", "w=2", "x=3")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [(row[0], float(row[1]), row[2], float(row[3]), row[-1]) for row in rows] == [
        ("w", 2.0, "reverse", 3.0, "ok"),
        ("x", 3.0, "reverse", 2.0, "ok"),
        ("w", 2.0, "forward", 3.0, "ok"),
        ("x", 3.0, "forward", 2.0, "ok"),
    ]
    assert len(run("check", "w * x", "w=2", "x=3", "--order", "2").stdout.splitlines()) == 13


def test_check_of_a_wrong_gradient_ends_with_1() -> None:
    result = run("check", "(x * x) ** 0.5", "x=0")  # its gradient is NaN: 0 · inf
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the gradient is wrong\nlabel ")
    assert result.stderr.count("wrong") == 3


@pytest.mark.parametrize("command", ["draw", "check"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x.y", "x=1"], "allowed\n  x.y\n  ^\n"),
        (["9**9**9 + x", "x=1"], "overflows"),
        (["(" * 4000 + "x"], "Error:"),
        (["log(x)", "x=0"], "x = 0.0 ('x')"),
        (["a + b", "a=1"], "'b' has no value; add b=NUMBER"),
        (["a + b", "a=1", "a=2", "b=1"], "'a' is given two values"),
        (["a + b", "a=1", "b=1", "c=1"], "there is no 'c'"),
        (["a + b", "a", "b=1"], "'a' is not of the form name=number"),
        (["a + b", "a=one", "b=1"], "'a=one' is not of the form"),
        (["1 + 2"], "there are no variables in '1 + 2', which is 3.0"),
        (["a\x1b[31m", "a=1"], "not an expression"),
    ],
)
def test_bad_input_is_exit_code_2_and_nothing_written(
    command: str, arguments: list[str], said: str, here: Path
) -> None:
    result = run(command, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert "\x1b" not in result.stderr
    assert not result.stdout
    assert not list(here.iterdir())


@pytest.mark.parametrize("output", ["graph.jpg", "graph", "missing/graph.svg"])
def test_draw_where_it_cannot(output: str, here: Path) -> None:
    result = run("draw", "x", "x=1", "-o", output)
    assert result.exit_code == 2
    assert output in result.stderr
    assert not list(here.iterdir())
