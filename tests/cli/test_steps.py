"""steps: both passes as text, Markdown, TeX and JSON."""

from __future__ import annotations

import json

import pytest
from cli.commands import run


def test_steps_are_written_as_text_markdown_and_tex() -> None:
    command = "steps", "((w*x+b)-y)**2/2", "w=0.5", "x=2", "b=-0.1", "y=19"
    text = run(*command)
    assert text.exit_code == 0
    assert "-18.1 · 2 = -36.2" in text.stdout
    assert run(*command, "--markdown").stdout.startswith("| step | forward |\n| --- | --- |")
    assert run(*command, "--tex").stdout.startswith(r"\begin{align*}")


@pytest.mark.parametrize(
    "arguments", [["w*x", "w=1"], ["w", "w=1", "w=2"], ["log(x)", "x=0"], ["x.y", "x=1"]]
)
def test_steps_refuses_bad_input(arguments: list[str]) -> None:
    result = run("steps", *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert not result.stdout


def test_steps_as_json_are_those_of_both_passes() -> None:
    got = json.loads(run("steps", "w * x", "w=2", "x=0", "--json").stdout)["steps"]
    assert [(step["phase"], step["node"], step["op"], step["value"]) for step in got[:3]] == [
        ("forward", "w", None, 2.0),
        ("forward", "x", None, 0.0),
        ("forward", got[2]["node"], "mul", 0.0),
    ]
    assert got[0]["operand"] is got[0]["local"] is got[0]["place"] is None
    shares = {(step["operand"], step["place"]): step["contribution"] for step in got[3:]}
    assert shares == {("w", 0): 0.0, ("x", 1): 2.0}


def test_steps_are_written_in_one_way_at_a_time() -> None:
    result = run("steps", "x * x", "x=1", "--json", "--tex")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "choose one" in result.stderr
