"""Labels, names of columns and of files, of any text: none gets out of its place.

What a hostile label gives is compared with what a harmless one does, piece by piece.
"""

from __future__ import annotations

import ast
import html
import io
import json
import math
import os
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pygraphviz
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import tinygrad_lin
from tinygrad_lin import (
    DataError,
    DomainError,
    Value,
    check_gradients,
    compile_graph,
    draw,
    explain,
    page,
    read_csv,
    scope,
    steps,
    tanh,
    total,
)
from tinygrad_lin.check.python_source import python_source
from tinygrad_lin.cli import main

FRAGMENTS = [
    *("<script>alert(1)</script>", "</script>", "]]>", "-->", "<!--", "</svg>", "<b>", "<BR/>"),
    *("\"'", "' onload='x", '" onload="x', "javascript:x", "https://example.org", "www.x.org"),
    *("&", "&amp;", "&#60;", "&lt;", "&nbsp;", "<a href='x'>", "xlink:href", "<![CDATA["),
    *("\\", "\\\\", r"\N", r"\G", r"\E", r"\l", r"\n", ">];", "{a|<p>b}", "n0 -> n1", "</title>"),
    *(r"\input{/etc/passwd}", "%", "$", "$$", "^^", "^^5c", "_", "{", "}", "#1", "~", r"\end{x}"),
    *(" = ", " &= ", r" \mathrel{+}= ", "&", r"\\", "|", "`", "*", "[x](y)", "![x](y)", "@x"),
    *("\x1b[31m", "\x1b]8;;x\x07", "\x9b31m", "\r", "\n", "\t", "\0", "\b", "\x7f", "\x85"),
    *("\u202e", "\u2066", "\u200f", "\u2028", "\ufeff", "\ufffe", "\ud800", "\udcff", "😀", "שלום"),
    *("[red]", "[/]", "[link=x]", "[bold", ":smile:", "%s", "{0}", "{x}", "${title}", "$title"),
    *("=1+1", "+", "-", "@", ",", ";", "'", "../", "/", "__import__('os')", "x\nimport os", "#"),
]  # fmt: skip
CHARACTERS = st.characters(exclude_categories=())  # surrogates, too
TEXTS = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS) | st.text(CHARACTERS, max_size=6), max_size=6).map("".join),
    st.builds(lambda t, n: (t * n)[:10_000], st.sampled_from(FRAGMENTS), st.integers(1, 10_000)),
)  # fmt: skip
LABELS = TEXTS.filter(bool)


class Labels(NamedTuple):
    """Those of two leaves, of the root, and the name of a scope."""

    left: str
    right: str
    root: str
    scope: str


HARMLESS = Labels("a b", "c d", "e f", "g h")
FOUR = st.builds(Labels, LABELS, LABELS, LABELS, LABELS)


def graph(labels: Labels) -> Value:
    """A graph with all kinds of labels, after its backward pass."""
    left, right = Value(0.5, labels.left), Value(-2.0, labels.right)
    with scope(labels.scope):
        inner = left * right - 1.0
    root = tanh(inner) / left
    root.label = labels.root
    root.backward()
    return root


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def readable(label: str) -> str:
    """What a person reads of a label: 40 characters at most, blanks where there is no shape."""
    cut = label if len(label) <= 40 else label[:39] + "…"
    return " ".join(printable(cut).split())


# Drawings


def structure(source: str) -> tuple[list[str], list[tuple[str, str]], list[str]]:
    """Nodes, edges and frames, as Graphviz reads them."""
    read = pygraphviz.AGraph(string=source)
    found = sorted(read.nodes()), sorted(read.edges()), sorted(g.name for g in read.subgraphs())
    read.close()
    return found


def texts_of(label: str) -> str:
    """What Graphviz would write for an HTML-like label."""
    text = html.unescape(re.sub(r"<[^>]*>", " ", label))
    return " ".join(text.replace("\\\\", "\\").split())


@given(FOUR)
def test_dot_reads_back_as_the_same_graph(labels: Labels) -> None:
    source = draw(graph(labels), title=labels.root).source
    assert structure(source) == structure(draw(graph(HARMLESS), title="e f").source)
    read = pygraphviz.AGraph(string=source)
    shown = {name: texts_of(read.get_node(name).attr["label"]) for name in ("n0", "n1", "n5")}
    frame = texts_of(read.subgraphs()[0].graph_attr["label"])
    title = texts_of(read.graph_attr["label"])
    read.close()
    for text, label in zip(shown.values(), labels):
        assert readable(label) in text
    assert (frame, title) == (readable(labels.scope), readable(labels.root))


def elements(svg: bytes) -> list[tuple[str, ...]]:
    """Each element with its attributes' names, and those values that give it a role."""
    return [
        (e.tag, *sorted(e.attrib), e.get("id", ""), e.get("class", ""))
        for e in ET.fromstring(svg).iter()
    ]


@settings(max_examples=40)
@given(FOUR)
def test_svg_has_no_element_or_attribute_more(labels: Labels) -> None:
    svg = draw(graph(labels), title=labels.root, theme="auto").pipe("svg")
    harmless = elements(draw(graph(HARMLESS), title="e f", theme="auto").pipe("svg"))
    text = "{http://www.w3.org/2000/svg}text"  # a blank label may go without one
    found = elements(svg)
    assert [e for e in found if e[0] != text] == [e for e in harmless if e[0] != text]
    assert {e for e in found if e[0] == text} <= {e for e in harmless if e[0] == text}
    assert len(found) <= len(harmless)
    joined = " ".join("".join(ET.fromstring(svg).itertext()).split())
    assert "/graph" not in joined
    for label in labels:
        assert readable(label) in joined


class Elements(HTMLParser):
    """The elements of a page with their attributes' names, and what its scripts hold."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []
        self.scripts: list[str] = []
        self.within = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *[name for name, _ in attrs]))
        self.within = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}",))
        self.within = ""

    def handle_data(self, data: str) -> None:
        if self.within == "script":
            self.scripts[-1] += data

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment",))


def page_of(labels: Labels) -> Elements:
    with TemporaryDirectory() as folder:
        page(graph(labels), f"{folder}/page.html", title=labels.root)
        assert os.listdir(folder) == ["page.html"]
        return Elements(Path(folder, "page.html").read_text(encoding="utf-8"))


@settings(max_examples=40)
@given(FOUR)
def test_a_page_has_no_element_or_attribute_more(labels: Labels) -> None:
    mine, harmless = page_of(labels), page_of(HARMLESS)
    assert mine.found == harmless.found
    data, script = mine.scripts
    assert script == harmless.scripts[1]
    names = [node["name"] for node in json.loads(data)["nodes"]]
    assert names == list(steps(graph(labels)).names.values())
    for name, label in zip((names[0], names[1], names[-1]), labels):
        assert printable(label)[:39] in name


# Text


COMMAND = re.compile(r"\\(?:[A-Za-z]+|.)", re.DOTALL)


def commands_of(tex: str) -> set[str]:
    return set(COMMAND.findall(tex))


OF_TEXT = {rf"\{c}" for c in "{}$&#_%"} | {
    rf"\text{name}" for name in ("", "backslash", "asciicircum", "asciitilde", "less", "greater")
}


@given(FOUR)
def test_tex_has_no_command_more(labels: Labels) -> None:
    tex, harmless = steps(graph(labels)).tex(), steps(graph(HARMLESS)).tex()
    assert commands_of(tex) <= commands_of(harmless) | OF_TEXT
    bare = COMMAND.sub("", tex)
    depth = 0
    for character in bare:
        depth += (character == "{") - (character == "}")
        assert depth >= 0
    assert depth == 0
    assert not set(bare) & set("$%#~")
    assert len(tex.splitlines()) == len(harmless.splitlines())
    for line, other in zip(tex.splitlines(), harmless.splitlines()):
        mine, theirs = COMMAND.sub("", line), COMMAND.sub("", other)
        assert mine.count("&") == theirs.count("&")
        assert outside_of_text(line).count("&") == outside_of_text(other).count("&")


def outside_of_text(line: str) -> str:
    r"""A line without its \text{...}, whose braces are balanced."""
    parts = line.split(r"\text{")
    outside = parts[0]
    for part in parts[1:]:
        depth, k = 1, 0
        while depth:
            if part[k] == "\\":
                k += 1
            else:
                depth += (part[k] == "{") - (part[k] == "}")
            k += 1
        outside += part[k:]
    return outside


@settings(max_examples=40)
@given(FOUR)
def test_text_has_no_control_characters_and_no_line_more(labels: Labels) -> None:
    value, harmless = graph(labels), graph(HARMLESS)
    for write in (str, repr, explained, lambda v: steps(v).markdown()):
        lines = write(value).split("\n")
        assert all(line.isprintable() for line in lines)
        assert len(lines) == len(write(harmless).split("\n"))
    assert str(steps(value)).replace("\n", "").isprintable()
    for line in steps(value).markdown().split("\n"):
        assert len(re.findall(r"(?<!\\)\|", line)) in (0, 3, 5)
        assert not re.search(r"(?<!\\)[`<*_\[@]|(?<!\\)://|(?<![\\\w])www\.", line)
    notebook = Elements(steps(value)._repr_html_()).found
    assert notebook == Elements(steps(harmless)._repr_html_()).found


def explained(value: Value) -> str:
    return explain(value, value.inputs[1])


@settings(max_examples=40)
@given(FOUR)
def test_rich_shows_labels_as_they_are(labels: Labels) -> None:
    listed = steps(graph(labels))
    shown = [io.StringIO(), io.StringIO()]
    Console(file=shown[0], width=100_000).print(listed)
    Console(file=shown[1], width=100_000, force_terminal=True).print(listed)
    for name in listed.names.values():
        assert name in shown[0].getvalue()
    assert shown[0].getvalue().replace("\n", "").isprintable()
    assert set(re.findall(r"\x1b[^m]*m", shown[1].getvalue())) <= {"\x1b[1m", "\x1b[0m"}


@given(LABELS)
def test_reports_and_errors_are_printable(label: str) -> None:
    report = check_gradients(lambda x: x * x, Value(2.0, label))
    assert len(str(report).split("\n")) == 3
    assert str(report).replace("\n", "").isprintable()
    with pytest.raises(DomainError) as outside:
        Value(-1.0, label).log()
    assert str(outside.value).isprintable()
    with TemporaryDirectory() as folder:
        write_csv(Path(folder, "points.csv"), [label, "a target"])
        with pytest.raises(DataError) as caught:
            read_csv(f"{folder}/points.csv", x=[f"{label}, too"])
    assert str(caught.value).replace("\n", "").isprintable()


# The command line


def argument(text: str) -> str:
    """What a shell could hand over of a text."""
    return os.fsdecode(text.encode("utf-8", "surrogatepass").replace(b"\0", b""))


def run(*arguments: str) -> str:
    """What a command says, colours included; how it ends is 0, 1 or 2."""
    result = CliRunner().invoke(main, arguments, color=True)
    assert result.exit_code in (0, 1, 2), result.output
    assert isinstance(result.exception, SystemExit | None), result.exception
    said = result.stdout + result.stderr
    assert said.replace("\n", "").isprintable(), said
    return said


@given(TEXTS)
def test_commands_say_nothing_but_text(text: str) -> None:
    given = argument(text)
    for command in ("draw", "steps", "play", "check"):
        assert run(command, "--", given).startswith("Error: ")
        assert run(command, "--", "x * y", "x=1", given).startswith("Error: ")
    run("--", given)
    run("fit", "--lr", given)
    run("sweep", "--rates", given)
    assert run("fit", "line", "--x", given or "x").startswith("Error: ")


@given(TEXTS)
def test_files_stay_where_they_were_asked_for(text: str) -> None:
    name = argument(text).replace("/", "")[:60]
    with TemporaryDirectory() as folder:
        assert run("draw", "x * y", "x=1", "y=2", "-o", f"{folder}/-{name}.dot") != ""
        assert os.listdir(folder) == [f"-{name}.dot"]
        run("predict", f"{folder}/-{name}.dot", f"{folder}/{name}.csv")
        run("fit", f"{folder}/-{name}.csv")
        run("fit", f"{folder}/-{name}.dot", "--out", folder)
        assert os.listdir(folder) == [f"-{name}.dot"]


def write_csv(path: Path, header: list[str]) -> None:
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in header)
    rows = "".join(f"\n{k},{2 * k + 1}" for k in range(3))
    path.write_bytes((quoted + rows).encode("utf-8", "replace"))


@settings(max_examples=3)
@given(LABELS)
def test_columns_of_any_name_can_be_learned_from(text: str) -> None:
    with TemporaryDirectory() as folder:
        write_csv(Path(folder, "points.csv"), [text, "a target"])
        out = Path(folder, "out")
        said = run("fit", f"{folder}/points.csv", "--steps", "2", "--out", str(out))
        assert sorted(os.listdir(folder)) in (["out", "points.csv"], ["points.csv"])
        if not said.startswith("Error: "):
            assert len(os.listdir(out)) in (5, 6)
            elements((out / "graph.svg").read_bytes())
            run(
                "predict",
                str(out / "model.json"),
                f"{folder}/points.csv",
                "--out",
                f"{folder}/p.csv",
            )
            again = run("predict", str(out / "model.json"), f"{folder}/p.csv", "--json")
            assert "prediction" in again


# Programs


WORDS = """
    p v d n xp weight value gradient program every slope prepare ignoring certain xs ys x y out
    d_a mul1 add1 tanh1 dot1 batch0 numbers0 a_weights a_slope sum zip exp tanh math lambda None
    match __debug__ bias _ self i j a b c x0 x1 ａ ｘ ｅｘｐ ſ ω
"""
NAMES = st.sampled_from(WORDS.split()) | TEXTS


def layers(labels: list[str]) -> tuple[Value, list[Value], list[Value]]:
    """A small net with labels everywhere, its leaves and its parameters."""
    first, second, u, v, c = (Value(0.5 + k / 8, label) for k, label in enumerate(labels[:5]))
    inner = tanh(first * u + second * v + c)
    inner.label = labels[5]
    root = total([inner * u, inner.exp(), first / v])
    root.label = labels[6]
    return root, [first, second], [u, v, c]


@settings(max_examples=40)
@given(st.lists(NAMES, min_size=7, max_size=7))
def test_a_label_is_never_code(labels: list[str]) -> None:
    root, leaves, wrt = layers(labels)
    plain, others, same = layers([""] * 7)
    params = [leaf.data for leaf in wrt]
    row: list[Any] = [x.data for x in leaves]
    batches: list[tuple[Any, Any, list[Any]]] = [
        ((), (), []),
        (leaves, others, [[x] for x in row]),
        ([leaves], [others], [[row]]),
    ]
    for batch, other, columns in batches:
        program = compile_graph(root, batch=batch, wrt=wrt)
        harmless = compile_graph(plain, batch=other, wrt=same)
        assert kinds(program.source) == kinds(harmless.source)
        assert program.describe() == harmless.describe()
        value, gradient = program.value_and_grad(params, *columns)
        expected, slopes = harmless.value_and_grad(params, *columns)
        assert (float(value), gradient.tolist()) == (float(expected), slopes.tolist())


def kinds(source: str) -> list[type[ast.AST]]:
    """What the nodes of the syntax tree are."""
    assert source.isascii()
    return [type(node) for node in ast.walk(ast.parse(source))]


@given(st.lists(NAMES, min_size=7, max_size=7))
def test_a_label_in_a_lambda_is_a_name_or_left_out(labels: list[str]) -> None:
    root, leaves, parameters = layers(labels)
    written = python_source(root, [*leaves, *parameters])
    function = eval(
        written, {name: getattr(tinygrad_lin, name) for name in ("exp", "tanh", "total")}
    )
    assert math.isclose(function(*[v.data for v in (*leaves, *parameters)]), root.data)
