"""Tables of steps, whatever is in their labels."""

from __future__ import annotations

import html
import io
import re
import xml.etree.ElementTree as ET

import pytest

from tinygrad_lin import (
    Value,
    explain,
    steps,
)

HOSTILE = [
    "<script>alert(1)</script>",
    "</td></table>",
    "a|b",
    "`code` *bold* _it_",
    "[link](https://example.org)",
    r"\input{x} $ & # _ % { } ^ ~",
    "$$",
    "a\x1b[31mb\x07\r\n\u202e",
    "😀",
    "שלום",
    "x" * 1000,
    " ",
    "[bold red]",
]


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_that_mean_harm_do_none(label: str) -> None:
    value = Value(2.0, label) * Value(3.0, label)
    text = str(steps(value)) + explain(value, value.inputs[0])
    assert all(line.isprintable() for line in text.split("\n"))
    tex = steps(value).tex()
    body = re.sub(r"\\[{}]", "", tex)
    assert body.count("{") == body.count("}")
    assert not re.search(r"(?<!\\)[$#%~]", body)
    assert r"\input" not in tex
    table = steps(value).markdown()
    assert all(len(re.findall(r"(?<!\\)\|", line)) in (0, 3, 5) for line in table.split("\n"))
    assert not re.search(r"(?<!\\)[`<*_]", table)
    page = steps(value)._repr_html_()
    texts = "".join(ET.fromstring(f"<div>{page}</div>").itertext())
    assert "<script" not in page
    assert html.unescape(page).count("·") == texts.count("·")


def test_an_equation_in_a_label_is_not_where_tex_aligns() -> None:
    tex = steps(Value(2.0, "a = b") * 1.0).tex()
    assert tex.split("\n")[1] == r'\text{"a {=} b"} &= 2 \\'
    assert all(line.count("&") in (0, 1, 5) for line in tex.split("\n"))


def test_the_terminal_shows_the_steps_as_a_table(cost: tuple[Value, dict[str, Value]]) -> None:
    from rich.console import Console

    cost[1]["w"].label = "[red]w"
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(steps(cost[0]))
    assert '"[red]w" = 0.5' in console.export_text()
