"""A page is safe, small, self-contained and for everybody."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from viz.webpage.pages import Opened, line_cost, neuron

from tinygrad_lin import (
    DataError,
    OperandError,
    Value,
    dot,
    page,
    topological_order,
)
from tinygrad_lin.cli import main

if TYPE_CHECKING:
    from playwright.sync_api import Browser


HOSTILE = [
    "<script>window.harm = 1</script>",
    "</script><script>window.harm = 1</script>",
    "<img src=x onerror='window.harm=1'>",
    '" onmouseover="window.harm=1" x=\'',
    "]]><svg onload=window.harm=1>",
    "<!-- <script>",
    "'; window.harm = 1; //",
    "\\u003c ${window.harm=1} `",
    "😀 שלום \u202e\u2028\0\ud800",
    "x" * 5000,
]


@pytest.mark.parametrize("label", HOSTILE)
def test_hostile_labels_do_no_harm_in_a_page(opened: Callable[..., Opened], label: str) -> None:
    x = Value(2.0, label)
    root = x * Value(3.0, label) + 1.0
    root.label = label + "!"
    tab = opened(root, title=label)
    tab.tab.hover("#n0")
    tab.tab.click("#home")
    tab.tab.click("#step")
    assert tab.tab.evaluate("window.harm") is None
    shown = "".join(c if c.isprintable() else " " for c in label)
    assert tab.text("h1") == shown
    assert shown[:30] in tab.text("#row0")
    assert len(tab.tab.query_selector_all("script")) == 2
    tab.tab.click("#end")
    assert tab.cell(3, 2) == 7.0


def test_the_policy_lets_nothing_else_run(browser: Browser, tmp_path: Path) -> None:
    page(neuron(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0])
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    injected = text.replace("<main>", "<main><script>window.harm = 1</script>")
    (tmp_path / "injected.html").write_text(injected, encoding="utf-8")
    tab = Opened(browser, tmp_path / "injected.html")
    assert tab.tab.evaluate("window.harm") is None
    assert "Content Security Policy" in tab.said[0]
    tab.tab.close()


def test_a_page_loads_nothing_from_anywhere(tmp_path: Path) -> None:
    page(neuron(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!data:,)[^\"#]", text)
    addresses = set(re.findall(r"https?://[\w./]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not an address


def test_the_same_graph_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        page(neuron(), tmp_path / f"{name}.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_graph_of_fifty_nodes_is_under_200_kb(tmp_path: Path) -> None:
    x, y = Value(0.5, "x"), Value(0.25, "y")
    z = x
    while len(topological_order(z)) < 50:
        z = dot([z, x], [y, z], x).tanh() + y
    page(z, tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size < 200_000


def test_without_javascript_the_graph_and_the_steps_are_there(
    opened: Callable[..., Opened],
) -> None:
    tab = opened(neuron(), browser_options={"java_script_enabled": False})
    assert not tab.tab.is_visible("#play")
    assert not tab.tab.is_visible("#field0")
    assert tab.tab.is_visible("#graph svg")
    assert tab.text("#n0 .grad") == "grad -36.2"
    assert "∂C/∂w += ∂C/∂v1 · ∂v1/∂w = -18.1 · 2 = -36.2" in tab.text("#steps")
    assert tab.tab.is_visible("#steps")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_axe_finds_nothing_and_nothing_is_cut(
    opened: Callable[..., Opened], scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    model, cost = line_cost()
    tab = opened(
        cost,
        model=model,
        data=([2.0, 4.0], [19.0, 35.0]),
        browser_options={
            "viewport": {"width": width, "height": 800},
            "color_scheme": scheme,
            "reduced_motion": "reduce",
        },
    )
    for _ in range(4):
        found = axe.Axe().run(tab.tab)
        assert found.response["violations"] == []
        for _ in range(7):
            tab.tab.keyboard.press("ArrowLeft")
    assert tab.tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("name", ["page", "page.svg", "page.html.txt"])
def test_a_page_with_another_suffix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="suffix"):
        page(neuron(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_graphs_that_cannot_be_shown_are_refused(tmp_path: Path) -> None:
    x = Value(1.0, "x")
    long = x
    for _ in range(500):
        long = long + 1.0
    with pytest.raises(DataError, match="501"):
        page(long, tmp_path / "page.html")
    root = x * 2.0
    x.data = 5.0
    with pytest.raises(DataError, match="other data since"):
        page(root, tmp_path / "page.html")
    with pytest.raises(OperandError, match="page"):
        page(1.0, tmp_path / "page.html")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        page(x, tmp_path / "nowhere" / "page.html")
    assert not list(tmp_path.iterdir())


def test_play_writes_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["play", "((w*x+b)-y)**2/2", "w=0.5", "x=2", "b=-0.1", "y=19", "-o", "page.html"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (0, "wrote page.html\n")
    result = CliRunner().invoke(main, ["play", "line", "-o", "line.html"])
    assert (result.exit_code, result.stdout) == (0, "wrote line.html\n")
    tab = Opened(browser, tmp_path / "line.html")
    assert tab.text("h1") == "The line y = 8x + 3"
    assert "0.18335" in tab.text("main")
    assert not tab.said
    tab.tab.close()
