"""Every snippet of README and docs runs and prints what it shows; every link leads somewhere."""

from __future__ import annotations

import doctest
import re
import runpy
import shlex
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy
import pytest
from click.testing import CliRunner

import tinygrad_lin
from tinygrad_lin import TABLE, add_operation
from tinygrad_lin.cli import main
from tinygrad_lin.registry import remove_operation

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FLAGS = doctest.NORMALIZE_WHITESPACE
FILE = re.compile(r"`([\w.]+)`[^`]*:\n\n```text\n(.*?)^```$", re.MULTILINE | re.DOTALL)
"""A file that a page names in a sentence that ends in a colon, and then shows."""


def blocks(page: Path, language: str) -> list[str]:
    """The code of a language, that in quotations and answers too."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(rf"^([ >]*)```{language}\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL)
    return [
        re.sub(rf"^(?:{margin}|{margin.rstrip()})", "", code, flags=re.MULTILINE)
        for margin, code in found
    ]


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
            remove_operation(TABLE[name])
    assert runner.failures == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_commands(page: Path) -> None:
    for name, content in FILE.findall(page.read_text(encoding="utf-8")):
        Path(name).write_text(content, encoding="utf-8")
    for block in blocks(page, "console"):
        for session in block.removeprefix("$ ").split("\n$ "):
            command, _, wanted = session.partition("\n")
            program, *arguments = shlex.split(command)
            assert program == "tinygrad-lin"
            result = CliRunner().invoke(main, arguments, catch_exceptions=False)
            assert result.exit_code == 0
            flags = FLAGS | doctest.ELLIPSIS  # digits after those that every machine agrees on
            assert doctest.OutputChecker().check_output(wanted, result.stdout, flags), result.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            file = page.parent / path if path else page
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """The names that GitHub and the site give to a page's headings."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings}


def test_every_page_is_in_the_table_of_contents() -> None:
    index = ROOT / "docs" / "index.md"
    targets = re.findall(r"^[-\d.]+ \[.+\]\((\S+\.md)\)", index.read_text("utf-8"), re.MULTILINE)
    assert {index.parent / target for target in targets} == {*PAGES[1:]} - {index}


def test_the_table_of_derivatives_is_that_of_the_rows() -> None:
    add_operation(
        "cube", "x * x * x", ("3.0 * x * x if x > 0.05 else 0.0",), sign="x³", smooth="x > 0"
    )
    try:
        docs = str(ROOT / "docs" / "derivatives.py")
        lines = runpy.run_path(docs)["table"]().splitlines()
    finally:
        remove_operation(TABLE["cube"])
    assert len(lines) == 2 + len(TABLE) + 1
    assert {len(re.split(r"(?<!\\)\|", line)) for line in lines} == {8}
    assert lines[-1] == (
        r"| `cube` | x³ | $x \cdot x \cdot x$ | $\frac{\partial \mathit{out}}{\partial x} = "
        r"\begin{cases} 3 \cdot x \cdot x & \text{if } x > 0.05 \\ 0 & \text{else} \end{cases}$ "
        r"| everywhere | `x > 0` |"
    )


@pytest.mark.skipif(
    find_spec("playwright") is None or not shutil.which("chromium"), reason="there is no browser"
)
def test_the_pictures_can_be_made_again(tmp_path: Path) -> None:
    runpy.run_path(str(ROOT / "docs" / "pictures.py"))["main"](tmp_path)
    runpy.run_path(str(ROOT / "docs" / "course_pictures.py"))["main"](tmp_path)
    runpy.run_path(str(ROOT / "docs" / "screenshots.py"))["main"](tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {
        p.name for p in (ROOT / "docs/images").iterdir() if p.is_file()
    }


def test_the_pictures_of_an_example_can_be_made_again(tmp_path: Path) -> None:
    pictures = runpy.run_path(str(ROOT / "docs" / "pictures.py"))
    pictures["run_example"](ROOT / "examples" / "norris.py", tmp_path / "images")
    assert [p.name for p in (tmp_path / "images").iterdir()] == ["norris.png"]


def test_the_scripts_on_compiling_run() -> None:
    """Those that need files, or devices."""
    jax = pytest.importorskip("jax", reason="JAX is not installed")
    files, devices = blocks(ROOT / "docs" / "compile.md", "python")
    xs = numpy.linspace(-1.0, 1.0, 200_000)
    numpy.save("x.npy", xs)
    numpy.save("y.npy", 8 * xs + 3)
    Path("points.csv").write_text("x,y\n1,11\n2,19\n", encoding="utf-8")
    line = tinygrad_lin.Linear()
    names = {"numpy": numpy, "line": line, "fit": tinygrad_lin.fit}
    exec(files, {**names, "read_csv_batches": tinygrad_lin.read_csv_batches})
    model = tinygrad_lin.MLP([2, 3, 1])
    x, y = [tinygrad_lin.Value(0.0), tinygrad_lin.Value(0.0)], tinygrad_lin.Value(0.0)
    known = {
        "jax": jax, "model": model, "x": x, "y": y, "compile_graph": tinygrad_lin.compile_graph,
        "cost": tinygrad_lin.half_mse([model(x)], [y]),
        "inputs": numpy.ones((8, 2)), "targets": numpy.ones(8),
        "parameters": [parameter.data for parameter in model.parameters()],
    }  # fmt: skip
    try:
        exec(devices, known)
    finally:
        jax.config.update("jax_enable_x64", False)
    assert known["gradient"].shape == (13,)
