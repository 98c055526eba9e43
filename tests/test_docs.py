"""Every snippet of README and docs runs and prints what it shows; every link leads somewhere."""

from __future__ import annotations

import doctest
import re
import runpy
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from click.testing import CliRunner

from tinygrad_lin import TABLE
from tinygrad_lin.cli import main
from tinygrad_lin.recording import forget

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FLAGS = doctest.NORMALIZE_WHITESPACE


def blocks(page: Path, language: str) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_snippets(page: Path) -> None:
    before = set(TABLE)
    code = "\n".join(blocks(page, "pycon"))
    example = doctest.DocTestParser().get_doctest(code, {}, page.name, str(page), 0)
    runner = doctest.DocTestRunner(optionflags=FLAGS)
    try:
        runner.run(example)
    finally:
        for name in set(TABLE) - before:
            forget(TABLE[name])
    assert runner.failures == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_commands(page: Path) -> None:
    for block in blocks(page, "console"):
        for session in block.removeprefix("$ ").split("\n$ "):
            command, _, wanted = session.partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "tinygrad-lin"
            result = CliRunner().invoke(main, arguments, catch_exceptions=False)
            assert result.exit_code == 0
            assert result.stdout.split() == wanted.split()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


@pytest.mark.skipif(
    find_spec("playwright") is None or not shutil.which("chromium"), reason="there is no browser"
)
def test_the_pictures_can_be_made_again(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "docs" / "pictures.py"))["main"](tmp_path)
    runpy.run_path(str(ROOT / "docs" / "screenshots.py"))["main"](tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        p.name for p in (ROOT / "docs/images").iterdir() if p.is_file()
    }


def test_the_pictures_of_an_example_can_be_made_again(tmp_path: Path) -> None:
    pictures = runpy.run_path(str(ROOT / "docs" / "pictures.py"))
    pictures["run_example"](ROOT / "examples" / "norris.py", tmp_path / "images")
    assert [p.name for p in (tmp_path / "images").iterdir()] == ["norris.png"]
