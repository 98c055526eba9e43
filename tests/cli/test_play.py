"""play: the page of the line or of an expression, and what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.commands import refusal, run


def test_play_writes_the_page_of_the_line_or_of_an_expression(here: Path) -> None:
    result = run("play", "line", "-o", "line.html")
    assert (result.exit_code, result.stdout) == (0, "wrote line.html\n")
    result = run("play", "line * x", "line=2", "x=3")
    assert (result.exit_code, result.stdout) == (0, "wrote page.html\n")
    assert "<h1>The line y = 8x + 3</h1>" in (here / "line.html").read_text(encoding="utf-8")
    assert "<h1>line * x</h1>" in (here / "page.html").read_text(encoding="utf-8")


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
def test_play_refuses_bad_input(here: Path, arguments: list[str], said: str) -> None:
    assert said in refusal(run("play", *arguments))
    assert not list(here.iterdir())
