"""The drawing: its DOT source read back by Graphviz, its files, and labels that mean harm."""

from __future__ import annotations

import html
import io
import os
import re
import shutil
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import graphviz
import numpy
import pygraphviz
import pytest
from PIL import Image

from tinygrad_lin import (
    DataError,
    Drawing,
    Linear,
    OperandError,
    Value,
    draw,
    half_mse,
    maximum,
    total,
)
from tinygrad_lin import (
    dot as dot_product,
)
from tinygrad_lin.scopes import scope
from tinygrad_lin.viz import dot
from tinygrad_lin.viz.themes import LIGHT

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = {
    "quotes": "\"double\" and 'single'",
    "the name of the node": r"\N",
    "the name of the graph": r"\G and \E",
    "two backslashes": r"a\\b\\N",
    "a last backslash": "end\\",
    "line breaks of DOT": r"\l\r\n",
    "a script": "<script>alert(1)</script>",
    "an end of a comment": "-->",
    "a begin of a comment": "<!-- /* // #",
    "an end of CDATA": "]]>",
    "HTML of DOT": "<B>bold</B><BR/>",
    "an end of the label": "></TD></TR></TABLE>>];",
    "entities": "&amp; &lt; &#65; &nbsp; & ;",
    "a record": "{a|<p>b}",
    "an emoji": "😀",
    "right to left": "שלום",
    "another alphabet": "αβγ Жж",
    "percent": "%s %(x)d {0}",
    "a dollar": "$x^2$",
}
UNSHOWN = {
    "a newline": "a\nb\r\nc",
    "a tab": "a\tb",
    "a zero byte": "a\0b",
    "an escape code": "a\x1b[31mb",
    "control characters": "".join(map(chr, range(32))) + "\x7f\x80\x9f",
    "a lone surrogate": "a\ud800b",
    "a right-to-left override": "a\u202eb",
    "a line separator": "a\u2028b",
    "no character": "\ufffe\uffff",
    "a blank": " ",
    "nothing": "",
}
CLEAN_ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("PATH", "FONTCONFIG"))
}


def parsed(drawing: Drawing) -> Any:
    """The drawing as Graphviz reads it."""
    return pygraphviz.AGraph(string=drawing.source)


def words(label: str) -> list[str]:
    """What a person reads in an HTML-like label."""
    return html.unescape(re.sub("<[^>]*>", " ", label)).split()


def edges(drawing: Drawing) -> list[tuple[str, str, str]]:
    """From, to and label of each edge, in order of the source."""
    found = re.findall(r"^\t(\w+) -> (\w+)(.*)$", drawing.source, re.MULTILINE)
    return [
        (tail, head, (re.search(r'label="? *([^" \]]+)', rest) or [""] * 2)[1])
        for tail, head, rest in found
    ]


def shown(svg: bytes) -> list[str]:
    """The texts in an SVG, and proof that it is one."""
    root = ET.fromstring(svg)
    assert root.tag == f"{SVG}svg"
    return [(text.text or "").replace("\xa0", " ").strip() for text in root.iter(f"{SVG}text")]


def dark_pixels(png: bytes) -> int:
    with Image.open(io.BytesIO(png)) as image:
        return int((numpy.asarray(image.convert("L")) < 100).sum())


def run(code: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Python in a process of its own, without PATH."""
    return subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        env={**CLEAN_ENVIRONMENT, "PATH": "", **environment},
        check=False,
    )


@pytest.fixture
def product() -> Drawing:
    w, x = Value(2.0, "w"), Value(3.0, "x")
    a = w * x
    a.label = "a"
    a.backward()
    return draw(a)


# What is drawn


def test_a_product_by_hand(product: Drawing) -> None:
    graph = parsed(product)
    assert graph.directed
    assert not graph.strict
    assert {name: words(graph.get_node(name).attr["label"]) for name in graph.nodes()} == {
        "n0": ["w", "data", "2", "grad", "3"],
        "n1": ["x", "data", "3", "grad", "2"],
        "n2": ["×", "a", "data", "6", "grad", "1"],
    }
    assert edges(product) == [("n0", "n2", "3"), ("n1", "n2", "2")]
    assert {(e[0], e[1], e.attr["label"].strip()) for e in graph.edges()} == set(edges(product))


def test_a_drawing_is_a_digraph_of_the_graphviz_package(product: Drawing) -> None:
    assert isinstance(product, graphviz.Digraph)
    assert type(product) is Drawing


@pytest.mark.parametrize(
    ("operation", "partials"),
    [
        (lambda x: x * x, ["2", "2"]),
        (lambda x: x / x, ["0.5", "-0.5"]),
        (lambda x: x - x, ["1", "-1"]),
        (lambda x: x**x, ["4", "2.773"]),  # x x^(x-1), and x^x log x = 4 · 0.6931
    ],
)
def test_an_operand_used_twice_has_two_edges_in_order(
    operation: Callable[[Value], Value], partials: list[str]
) -> None:
    drawing = draw(operation(Value(2.0)))
    assert edges(drawing) == [("n0", "n1", partial) for partial in partials]
    assert len(parsed(drawing).edges(keys=True)) == 2
    texts = shown(drawing.pipe("svg"))
    assert all(texts.count(partial) >= partials.count(partial) for partial in partials)


def test_operands_are_drawn_in_the_order_they_were_written() -> None:
    x, y = Value(5.0, "x"), Value(7.0, "y")
    assert edges(draw(y - x)) == [("n0", "n2", "1"), ("n1", "n2", "-1")]
    graph = parsed(draw(y - x))
    assert words(graph.get_node("n0").attr["label"])[0] == "y"


@pytest.mark.parametrize(
    ("operation", "head"),
    [
        (lambda x: x * 3.25, ["×", "3.25"]),
        (lambda x: 19 - x, ["19", "−"]),
        (lambda x: x**2, ["xʸ", "y", "=", "2"]),
        (lambda x: 2**x, ["xʸ", "x", "=", "2"]),
        (lambda x: maximum(x, 1.5), ["max", "y", "=", "1.5"]),
        (lambda x: dot_product([x, 2.0], [3.0, x], 4.0), ["x·y", "2,", "3,", "4"]),
        (lambda x: total([x, 1, 2, 3, 4, 5]), ["Σ", "1,", "2,", "3,", "…"]),
    ],
)
def test_constants_stand_beside_the_sign(
    operation: Callable[[Value], Value], head: list[str]
) -> None:
    drawing = draw(operation(Value(2.0, "x")))
    graph = parsed(drawing)
    assert len(graph.nodes()) == 2
    assert words(graph.get_node("n1").attr["label"])[: len(head)] == head


def test_leaves_look_different_and_gradients_have_the_colour_of_their_sign() -> None:
    plus, minus, flat = Value(1.0, "plus"), Value(1.0, "minus"), Value(1.0, "flat")
    root = plus - minus + flat * 0.0
    root.backward()
    graph = parsed(draw(root))
    nodes = {words(n.attr["label"])[0]: n for n in graph.nodes() if "TABLE" in n.attr["label"]}
    assert any(colour in nodes["plus"].attr["label"] for colour in LIGHT.positive)
    assert not any(colour in nodes["plus"].attr["label"] for colour in LIGHT.negative)
    assert any(colour in nodes["minus"].attr["label"] for colour in LIGHT.negative)
    assert not any(
        colour in nodes["flat"].attr["label"] for colour in (*LIGHT.positive, *LIGHT.negative)
    )
    assert nodes["plus"].attr["fillcolor"] == LIGHT.leaf != nodes["+"].attr["fillcolor"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf"), -0.0, 5e-324])
def test_odd_numbers_are_drawn(number: float) -> None:
    x = Value(number, "x")
    y = x * 2.0
    y.backward()
    x.grad = number
    texts = shown(draw(y).pipe("svg"))
    assert f"data {number:.4g}" in texts
    assert f"grad {number:.4g}" in texts


def test_the_cost_of_the_article() -> None:
    line = Linear()
    cost = half_mse([line(2.0), line(4.0)], [19.0, 35.0])
    cost.backward()
    texts = shown(draw(cost).pipe("svg"))
    for text in ("w", "b", "C", "MSE", "data 0.4967", "data -0.1383", "grad 1"):
        assert text in texts


def test_precision_is_the_number_of_digits() -> None:
    third = Value(1.0) / 3.0
    assert "data 0.33" in shown(draw(third, precision=2).pipe("svg"))
    assert "data 0.33333333333333331" in shown(draw(third, precision=17).pipe("svg"))


@pytest.mark.parametrize("direction", ["LR", "RL", "TB", "BT"])
def test_the_drawing_grows_where_it_is_told_to(direction: str) -> None:
    graph = parsed(draw(Value(1.0, "x").exp(), direction=direction))
    assert graph.graph_attr["rankdir"] == direction
    graph.layout("dot")
    (x0, y0), (x1, y1) = (
        map(float, graph.get_node(name).attr["pos"].split(",")) for name in ("n0", "n1")
    )
    wanted = {"LR": x1 > x0, "RL": x1 < x0, "BT": y1 > y0, "TB": y1 < y0}
    assert wanted[direction]


def test_a_title_stands_above() -> None:
    assert "The cost" in shown(draw(Value(1.0), title="The cost").pipe("svg"))
    assert len(shown(draw(Value(1.0)).pipe("svg"))) == 2


@pytest.mark.parametrize("root", [1.0, "x", None, [Value(1.0)]])
def test_only_a_value_can_be_drawn(root: Any) -> None:
    with pytest.raises(OperandError, match="draw"):
        draw(root)


@pytest.mark.parametrize(
    "option",
    [
        {"direction": "lr"},
        {"direction": "up"},
        {"precision": 0},
        {"precision": 18},
        {"precision": 2.5},
    ],
)
def test_options_that_do_not_exist(option: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=next(iter(option))):
        draw(Value(1.0), **option)


def test_a_deep_graph_does_not_recurse() -> None:
    x = Value(1.0)
    for _ in range(3000):
        x = x + 1.0
    assert draw(x, fold=None).source.count("->") == 3000


def test_the_source_is_the_same_in_every_process() -> None:
    code = (
        "from tinygrad_lin import *\n"
        "x, y = Value(2.0, 'x'), Value(3.0, 'y')\n"
        "root = (x * y + x.exp()) * (x - y * 4.0) + dot([x, y], [y, 2.0])\n"
        "root.backward()\n"
        "print(draw(root).source)"
    )
    first, second = (run(code, PYTHONHASHSEED=seed) for seed in ("1", "2"))
    assert first.stdout == second.stdout
    assert first.stdout.count(b"->") >= 12
    assert first.returncode == second.returncode == 0


# Labels that mean harm


@pytest.mark.parametrize("label", HOSTILE.values(), ids=HOSTILE)
def test_a_label_is_shown_as_it_is_whatever_is_in_it(label: str) -> None:
    drawing = draw(Value(2.0, label), title=label)
    assert parsed(drawing).nodes() == ["n0"]
    svg = drawing.pipe("svg")
    tags = {element.tag for element in ET.fromstring(svg).iter()}
    assert tags <= {f"{SVG}{name}" for name in ("svg", "g", "title", "polygon", "path", "text")}
    assert shown(svg) == [label, label, "data 2", "grad 0"]


@pytest.mark.parametrize("label", UNSHOWN.values(), ids=UNSHOWN)
def test_what_has_no_shape_of_its_own_becomes_a_blank(label: str) -> None:
    drawing = draw(Value(2.0, label), title=label)
    assert parsed(drawing).nodes() == ["n0"]
    texts = shown(drawing.pipe("svg"))
    assert texts[-2:] == ["data 2", "grad 0"]
    joined = " ".join(texts)
    assert joined.isprintable()
    assert {c for c in label if c.isprintable() and c != " "} <= set(joined)


def test_a_long_label_is_cut_where_one_sees_it() -> None:
    texts = shown(draw(Value(2.0, "x" * 10_000)).pipe("svg"))
    (cut,) = [text for text in texts if text.startswith("xxx")]
    assert cut.endswith("…")
    assert len(cut) <= 60
    forty = "y" * 40
    assert forty in shown(draw(Value(2.0, forty)).pipe("svg"))


@pytest.mark.parametrize("label", [*HOSTILE.values(), *UNSHOWN.values(), "x" * 10_000])
def test_hostile_labels_as_a_picture(label: str) -> None:
    png = draw(Value(2.0, label)).pipe("png")
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert min(image.size) > 20
    assert dark_pixels(png) > 200


# Files and formats


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


def test_render_to_an_outfile(tmp_path: Path, product: Drawing) -> None:
    rendered = product.render(outfile=tmp_path / "line.pdf")
    assert rendered == str(tmp_path / "line.pdf")
    assert (tmp_path / "line.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "line.gv").exists()


def test_a_notebook_shows_it_as_svg(product: Drawing) -> None:
    bundle = product._repr_mimebundle_()
    assert list(bundle) == ["image/svg+xml"]
    assert "grad 3" in shown(bundle["image/svg+xml"].encode())


# With and without Graphviz


def test_it_needs_no_dot_binary_and_says_nothing(tmp_path: Path) -> None:
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
        "import tinygrad_lin.viz.render as render\n"
        f"if not {system}: render.FONT_FOLDERS = ()\n"
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
    """Stands for in_process where pygraphviz cannot be imported."""


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
    monkeypatch.setattr(dot, "in_process", without_pygraphviz)
    assert product.pipe("svg") == b"<svg/>\n"
    assert "-Tsvg" in (tmp_path / "arguments").read_text(encoding="utf-8")
    assert (tmp_path / "source").read_text(encoding="utf-8").strip() == product.source.strip()
    assert product.pipe("svg", encoding="utf-8") == "<svg/>\n"
    product.write(tmp_path / "graph.svg")
    assert (tmp_path / "graph.svg").read_bytes() == b"<svg/>\n"


@pytest.mark.skipif(shutil.which("dot") is None, reason="no dot binary on PATH")
def test_a_real_dot_draws_the_same(monkeypatch: pytest.MonkeyPatch, product: Drawing) -> None:
    ours = shown(product.pipe("svg"))
    monkeypatch.setattr(dot, "in_process", without_pygraphviz)
    assert shown(product.pipe("svg")) == ours
    assert product.pipe("png").startswith(b"\x89PNG")


def test_without_either_the_error_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, product: Drawing
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(dot, "in_process", without_pygraphviz)
    with pytest.raises(OSError, match="pip install pygraphviz"):
        product.pipe("svg")
    with pytest.raises(OSError, match="pip install pygraphviz"):
        product.write(tmp_path / "graph.svg")
    with pytest.raises(OSError, match="pip install pygraphviz"):
        product.render("graph", tmp_path)
    assert not list(tmp_path.iterdir())
    product.write(tmp_path / "graph.dot")  # the source needs no Graphviz
    assert (tmp_path / "graph.dot").read_text(encoding="utf-8") == product.source


def test_of_scopes_in_a_thousand_scopes_the_outer_ones_are_framed() -> None:
    with ExitStack() as opened:
        for k in range(1000):
            opened.enter_context(scope(f"scope {k}"))
        value = Value(1.0) * 2.0
    source = draw(value).source
    assert source.count("subgraph cluster") == 20
    assert "scope 19" in source
    assert b"</svg>" in draw(value).pipe("svg")
