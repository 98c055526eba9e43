"""A drawing as files and formats, with and without Graphviz."""

from __future__ import annotations

import os
import re
import shutil
import stat
import warnings
from pathlib import Path

import graphviz
import pygraphviz
import pytest
from viz.drawing.drawings import dark_pixels, run, shown

from tinygrad_lin import (
    DataError,
    Drawing,
    Value,
    draw,
    scope,
    tanh,
)
from tinygrad_lin.viz.drawing import digraph
from tinygrad_lin.viz.themes import DARK, LIGHT, colours


def test_a_drawing_is_a_digraph_of_the_graphviz_package(product: Drawing) -> None:
    assert isinstance(product, graphviz.Digraph)
    assert type(product) is Drawing


def test_pipe_gives_bytes_or_text_of_the_format(product: Drawing) -> None:
    assert product.pipe("png").startswith(b"\x89PNG\r\n\x1a\n")
    assert product.pipe("pdf").startswith(b"%PDF-")
    assert product.pipe(format="svg") == product.pipe()  # SVG where nothing is said
    text = product.pipe("svg", encoding="utf-8")
    assert isinstance(text, str)
    assert text.encode() == product.pipe("svg")
    assert "×" in text
    graph = pygraphviz.AGraph(string=product.pipe("dot", encoding="utf-8"))
    assert graph.get_node("n2").attr["pos"]


def test_another_engine_makes_another_layout(product: Drawing) -> None:
    assert shown(product.pipe("svg", engine="circo"))
    assert product.pipe("svg", engine="circo") != product.pipe("svg")


@pytest.mark.parametrize("bad", [{"format": "nonsense"}, {"engine": "nonsense"}])
def test_an_unknown_format_or_engine_is_a_valueerror(product: Drawing, bad: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        product.pipe(**bad)


@pytest.mark.parametrize(
    ("suffix", "begin"),
    [
        ("svg", b"<?xml"),
        ("SVG", b"<?xml"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF-"),
        ("dot", b"digraph"),
        ("gv", b"digraph"),
    ],
)
def test_write_takes_the_format_from_the_suffix(
    tmp_path: Path, product: Drawing, suffix: str, begin: bytes
) -> None:
    path = tmp_path / f"graph.{suffix}"
    product.write(path)
    first = path.read_bytes()
    product.write(str(path))
    assert path.read_bytes()[:5] == first[:5] == begin[:5].ljust(len(first[:5]), first[4:5])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    if suffix in ("dot", "gv"):
        assert first.decode() == product.source


@pytest.mark.parametrize("name", ["graph", "graph.jpg", "graph.svg.txt", "svg", ".svg", "graph."])
def test_write_refuses_a_suffix_it_does_not_know(
    tmp_path: Path, product: Drawing, name: str
) -> None:
    with pytest.raises(DataError, match="suffix") as caught:
        product.write(tmp_path / name)
    assert "png" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_write_into_nowhere_is_an_oserror(tmp_path: Path, product: Drawing) -> None:
    with pytest.raises(FileNotFoundError, match=r"graph\.svg"):
        product.write(tmp_path / "nowhere" / "graph.svg")
    (tmp_path / "folder.svg").mkdir()
    with pytest.raises(OSError, match=r"folder\.svg"):
        product.write(tmp_path / "folder.svg")
    assert [p.name for p in tmp_path.iterdir()] == ["folder.svg"]
    assert not list((tmp_path / "folder.svg").iterdir())


def test_render_writes_the_source_and_the_drawing(tmp_path: Path, product: Drawing) -> None:
    rendered = product.render("line", tmp_path, format="png")
    assert rendered == str(tmp_path / "line.png")
    assert (tmp_path / "line").read_text(encoding="utf-8").strip() == product.source.strip()
    assert (tmp_path / "line.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["line", "line.png"]


def test_render_cleans_up_when_asked(tmp_path: Path, product: Drawing) -> None:
    rendered = product.render(filename=tmp_path / "line", cleanup=True)
    assert [str(p) for p in tmp_path.iterdir()] == [rendered] == [str(tmp_path / "line.svg")]


def test_render_writes_to_an_outfile(tmp_path: Path, product: Drawing) -> None:
    rendered = product.render(outfile=tmp_path / "line.pdf")
    assert rendered == str(tmp_path / "line.pdf")
    assert (tmp_path / "line.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "line.gv").exists()


def test_a_notebook_shows_a_drawing_as_svg(product: Drawing) -> None:
    bundle = product._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml"]
    assert "grad 3" in shown(bundle["image/svg+xml"].encode())


def test_a_drawing_needs_no_dot_binary_and_prints_nothing(tmp_path: Path) -> None:
    result = run(
        "import shutil; assert shutil.which('dot') is None\n"
        "from tinygrad_lin import Value, draw\n"
        "drawing = draw(Value(2.0, 'x').exp())\n"
        f"for name in ('g.svg', 'g.png', 'g.pdf'): drawing.write({str(tmp_path)!r} + '/' + name)\n"
        f"drawing.render('r', {str(tmp_path)!r})\n"
        "assert drawing._repr_mimebundle_()"
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert "data 7.389" in shown((tmp_path / "g.svg").read_bytes())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["g.pdf", "g.png", "g.svg", "r", "r.svg"]


@pytest.mark.parametrize("system", [True, False], ids=["fonts of the system", "no fonts at all"])
def test_a_configuration_without_fonts_still_shows_text(tmp_path: Path, system: bool) -> None:
    empty = tmp_path / "fonts.conf"
    empty.write_text('<?xml version="1.0"?><fontconfig></fontconfig>', encoding="utf-8")
    result = run(
        "import tinygrad_lin.viz.drawing.rendering as rendering\n"
        f"if not {system}: rendering.FONT_FOLDERS = ()\n"
        "from tinygrad_lin import Value, draw\n"
        "for c in 'Mi ':\n"
        f"    draw(Value(1.0, c * 30 + '.')).write({str(tmp_path)!r} + f'/{{ord(c)}}.png')",
        FONTCONFIG_FILE=str(empty),
        HOME=str(tmp_path),
        XDG_CACHE_HOME=str(tmp_path / "cache"),
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    wide, narrow, blank = (
        dark_pixels((tmp_path / f"{ord(c)}.png").read_bytes()) for c in ("M", "i", " ")
    )
    # Were there no font, all would be empty or the same boxes.
    assert wide > narrow + 200 > blank + 200
    assert narrow > blank + 200


def test_the_environment_is_left_as_it_was(
    monkeypatch: pytest.MonkeyPatch, product: Drawing
) -> None:
    monkeypatch.setenv("FONTCONFIG_FILE", "mine")
    product.pipe("png")
    assert os.environ["FONTCONFIG_FILE"] == "mine"
    monkeypatch.delenv("FONTCONFIG_FILE")
    product.pipe("png")
    assert "FONTCONFIG_FILE" not in os.environ


def without_pygraphviz(*_: str) -> None:
    """Stands for render_in_process where pygraphviz cannot be imported."""


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for dot is a shell script")
def test_without_pygraphviz_a_dot_on_the_path_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, product: Drawing
) -> None:
    program = tmp_path / "dot"
    program.write_text(
        f'#!/bin/sh\necho "$@" > "{tmp_path}/arguments"\n/bin/cat > "{tmp_path}/source"\n'
        "echo '<svg/>'\n",
        encoding="utf-8",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(digraph, "render_in_process", without_pygraphviz)
    assert product.pipe("svg") == b"<svg/>\n"
    assert "-Tsvg" in (tmp_path / "arguments").read_text(encoding="utf-8")
    assert (tmp_path / "source").read_text(encoding="utf-8").strip() == product.source.strip()
    assert product.pipe("svg", encoding="utf-8") == "<svg/>\n"
    product.write(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_bytes() == b"<svg/>\n"


@pytest.mark.skipif(shutil.which("dot") is None, reason="no dot binary on PATH")
def test_a_dot_binary_draws_the_same(monkeypatch: pytest.MonkeyPatch, product: Drawing) -> None:
    ours = shown(product.pipe("svg"))
    monkeypatch.setattr(digraph, "render_in_process", without_pygraphviz)
    assert shown(product.pipe("svg")) == ours
    assert product.pipe("png").startswith(b"\x89PNG")


def test_without_either_the_error_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, product: Drawing
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(digraph, "render_in_process", without_pygraphviz)
    with pytest.raises(OSError, match="pip install pygraphviz"):
        product.pipe("svg")
    with pytest.raises(OSError, match="pip install pygraphviz"):
        product.write(tmp_path / "graph.svg")
    with pytest.raises(OSError, match="pip install pygraphviz"):
        product.render("graph", tmp_path)
    assert not list(tmp_path.iterdir())
    product.write(tmp_path / "graph.dot")  # the source needs no Graphviz
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == product.source


def test_many_boxes_come_with_a_warning_before_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digraph, "render_in_process", lambda *_: b"<svg/>")
    x = Value(1.0)
    for _ in range(400):
        x = x * 2.0
    with pytest.warns(UserWarning, match="401 boxes takes"):
        draw(x, fold=None).pipe("svg")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(x).pipe("svg")


def neuron() -> tuple[Value, Value]:
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-0.1, "b")
    with scope("neuron"):
        a = tanh(w * x + b)
    a.label = "a"
    a.backward()
    return a, w


def test_the_theme_auto_follows_the_viewer() -> None:
    svg = draw(neuron()[0], theme="auto").pipe("svg", encoding="utf-8")
    assert "prefers-color-scheme:dark" in svg
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', svg))
    assert used <= set(colours(LIGHT))  # each of them has a dark one
    for light in used:
        assert f'[fill="{light}"]' in svg
    assert len(set(colours(LIGHT))) == len(colours(LIGHT)) == len(colours(DARK))
    assert "prefers-color-scheme" not in draw(neuron()[0]).pipe("svg", encoding="utf-8")
