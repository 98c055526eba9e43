"""play: the page of the line, and of an expression."""

from __future__ import annotations

from pathlib import Path

from cli.commands import run


def test_play_writes_the_page_of_the_line_or_of_an_expression(here: Path) -> None:
    result = run("play", "line", "-o", "line.html")
    assert (result.exit_code, result.stdout) == (0, "wrote line.html\n")
    result = run("play", "line * x", "line=2", "x=3")
    assert (result.exit_code, result.stdout) == (0, "wrote page.html\n")
    assert "<h1>The line y = 8x + 3</h1>" in (here / "line.html").read_text(encoding="utf-8")
    assert "<h1>line * x</h1>" in (here / "page.html").read_text(encoding="utf-8")
