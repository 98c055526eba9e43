"""draw: the picture, and where it cannot be written."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from cli.commands import run


def test_draw_writes_the_graph_with_its_gradients(here: Path) -> None:
    result = run("draw", "((w*x+b)-y)**2/2", "w=0.5", "x=2", "b=-0.1", "y=19", "-o", "cost.svg")
    assert (result.exit_code, result.stdout) == (0, "wrote cost.svg\n")
    text = html.unescape((here / "cost.svg").read_text(encoding="utf-8"))
    assert "grad -36.2" in text  # dC/dw = (0.9 - 19) · 2
    assert "data 163.8" in text


@pytest.mark.parametrize("output", ["graph.jpg", "graph", "missing/graph.svg"])
def test_draw_refuses_a_file_that_it_cannot_write(output: str, here: Path) -> None:
    result = run("draw", "x", "x=1", "-o", output)
    assert result.exit_code == 2
    assert output in result.stderr
    assert not list(here.iterdir())
