"""The DOT source, read back by Graphviz, and labels that mean harm."""

from __future__ import annotations

import html
import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from PIL import Image
from viz.drawing.drawings import SVG, dark_pixels, parsed, run, shown

from tinygrad_lin import (
    Drawing,
    Linear,
    Value,
    draw,
    exp,
    half_mse,
    maximum,
    scope,
    total,
)
from tinygrad_lin import dot as dot_product
from tinygrad_lin.viz.themes import LIGHT

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


def test_a_product_is_drawn_as_by_hand(product: Drawing) -> None:
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
def test_infinities_nan_and_tiny_numbers_are_drawn(number: float) -> None:
    x = Value(number, "x")
    y = x * 2.0
    y.backward()
    x.grad = number
    texts = shown(draw(y).pipe("svg"))
    assert f"data {number:.4g}" in texts
    assert f"grad {number:.4g}" in texts


def test_the_cost_of_the_article_is_drawn_with_its_names_and_numbers() -> None:
    line = Linear()
    cost = half_mse([line(2.0), line(4.0)], [19.0, 35.0])
    cost.backward()
    texts = shown(draw(cost).pipe("svg"))
    for text in ("w", "b", "C", "MSE", "data 0.4967", "data -0.1383", "grad 1"):
        assert text in texts


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
def test_hostile_labels_become_a_picture(label: str) -> None:
    png = draw(Value(2.0, label)).pipe("png")
    with Image.open(io.BytesIO(png)) as image:
        assert image.format == "PNG"
        assert min(image.size) > 20
    assert dark_pixels(png) > 200


def test_scopes_are_frames_that_nest() -> None:
    x = Value(1.0, "x")
    with scope("outer"):
        y = x * 2.0
        with scope('in"ner<'):
            z = exp(y)
    source = draw(z).source
    frames = re.findall(r"subgraph (\S+) \{", source)
    assert len(frames) == 2
    assert source.index("<outer>") < source.index("<in&quot;ner&lt;>")
    assert draw(z).pipe("svg").count(b'class="cluster"') == 2


def test_of_scopes_in_a_thousand_scopes_the_outer_ones_are_framed() -> None:
    with ExitStack() as opened:
        for k in range(1000):
            opened.enter_context(scope(f"scope {k}"))
        value = Value(1.0) * 2.0
    source = draw(value).source
    assert source.count("subgraph cluster") == 20
    assert "scope 19" in source
    assert b"</svg>" in draw(value).pipe("svg")
