"""The commands steps and play: what they write, and what they refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tinygrad_lin.cli import main


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


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["w*x", "w=1"], "'x' has no value"),
        (["w", "w=1", "w=2"], "two values"),
        (["w", "w=1", "-o", "page.svg"], "page.svg"),
        (["w", "w=1", "-o", "missing/page.html"], "missing/page.html"),
        (["line", "-o", "page.txt"], "page.txt"),
    ],
)
def test_play_refuses_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["play", *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert not list(tmp_path.iterdir())
