"""The notebook of the course's first chapter: it is that chapter, and its outputs are true."""

from __future__ import annotations

import copy
import doctest
import re
import runpy
from pathlib import Path
from typing import Any

import pytest

nbformat = pytest.importorskip("nbformat")
pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def maker() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "docs" / "notebook.py"))


@pytest.fixture(scope="module")
def notebook() -> Any:
    return nbformat.read(ROOT / "examples" / "course.ipynb", as_version=4)


def printed(cell: Any) -> str:
    """The text that a cell leaves."""
    outputs = cell.get("outputs", [])
    return "".join(o.get("text") or o["data"]["text/plain"] + "\n" for o in outputs)


def is_a_picture(cell: Any) -> bool:
    return any("image/svg+xml" in o.get("data", {}) for o in cell.get("outputs", []))


def test_it_is_the_chapter(maker: dict[str, Any], notebook: Any) -> None:
    chapter = (ROOT / "docs" / "course" / "one-weight.md").read_text(encoding="utf-8")
    wanted = [cell.source for cell in maker["cells"](chapter)]
    assert [cell.source for cell in notebook.cells] == wanted, "run python docs/notebook.py"
    examples = doctest.DocTestParser().get_examples(chapter)
    shown = [printed(cell) for cell in notebook.cells if not is_a_picture(cell)]
    assert [text for text in shown if text] == [e.want for e in examples if e.want and not e.indent]


def test_its_links_lead_to_files(notebook: Any) -> None:
    prose = "".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    targets = re.findall(r"\]\(([^)#]+)", prose)
    assert targets
    for target in targets:
        assert (ROOT / "examples" / target).exists(), target


@pytest.mark.filterwarnings("default")  # those of Jupyter are its own
def test_it_runs_and_shows_the_same(maker: dict[str, Any], notebook: Any) -> None:
    again = maker["executed"](copy.deepcopy(notebook))
    for cell, new in zip(notebook.cells, again.cells, strict=True):
        assert is_a_picture(new) == is_a_picture(cell)
        if not is_a_picture(cell):
            assert printed(new) == printed(cell)
