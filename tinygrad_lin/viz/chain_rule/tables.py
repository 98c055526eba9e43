"""The steps of both passes as tables: of text, Markdown, HTML, TeX and for the terminal."""

from __future__ import annotations

import html
import re
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.table import Table

    from tinygrad_lin.viz.chain_rule.steps import Step
    from tinygrad_lin.viz.notation.equations import Notation

FORWARD = ("step", "forward")
BACKWARD = ("step", "backward", "local derivative", "sum so far")
MEASURED_ENTRIES = 1000
"""So many of the first entries decide how wide the columns of a text are."""


def forward_entries(notation: Notation, forward: Iterable[Step]) -> Iterator[tuple[str, ...]]:
    """The cells of each step of the forward pass."""
    for k, step in enumerate(forward, 1):
        yield str(k), notation.value(step.node)


def backward_entries(notation: Notation, backward: Iterable[Step]) -> Iterator[tuple[str, ...]]:
    """The cells of each step of the backward pass, after those of the gradient it begins with."""
    root, kind = notation.root, notation.kind
    yield "", f"{notation.derivative(root, root)} = 1", "", ""
    k = len(notation.names)
    for node, edges in groupby(backward, key=lambda step: step.node):
        formulas = notation.formulas.partials(node, notation.name)
        upstream = notation.derivative(root, node)
        for step in edges:
            k += 1
            by = node.inputs[step.place]
            local = notation.derivative(node, by)
            equation = (
                f"{notation.derivative(root, by)}{notation.added}{upstream}{notation.times}{local}"
                f" = {notation.product(*map(kind.number, (step.upstream, step.local)))}"
                f" = {kind.digits(step.contribution)}"
            )
            because = f"{local} = {formulas[step.place].text}"
            yield str(k), equation, because, kind.digits(step.total)


def text_table(headings: tuple[str, ...], entries: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table of text, its columns as wide as the first entries need."""
    entries = iter(entries)
    first = [headings, *islice(entries, MEASURED_ENTRIES)]
    widths = [max(map(len, column)) for column in zip(*first)]
    for entry in chain(first, entries):
        yield "  ".join(cell.ljust(width) for cell, width in zip(entry, widths)).rstrip()


def markdown_table(headings: tuple[str, ...], entries: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """A table of Markdown."""
    yield "| " + " | ".join(headings) + " |"
    yield "|" + " --- |" * len(headings)
    for entry in entries:
        yield "| " + " | ".join(map(markdown, entry)) + " |"


def markdown(text: str) -> str:
    """Text in Markdown, whatever is in it; even an address that begins with www. is no link."""
    return re.sub(r"([\\`*_\[\]<>|~$&#:@]|(?<=www)\.)", r"\\\1", text)


def html_table(
    headings: tuple[str, ...], entries: Iterable[tuple[str, ...]], caption: str = ""
) -> str:
    """A table of HTML."""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in entry) + "</tr>"
        for entry in entries
    )
    unseen = f'<caption class="unseen">{caption}</caption>' if caption else ""
    return f"<table>{unseen}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def tex_displays(
    forward: Iterable[tuple[str, ...]], backward: Iterable[tuple[str, ...]], added: str
) -> Iterator[str]:
    """Two displays of amsmath, aligned at the sign between both sides of each equation."""
    yield r"\begin{align*}"
    for _, equation in forward:
        yield rf"{equation.replace(' = ', ' &= ', 1)} \\"
    yield "\\end{align*}\n\\begin{align*}"
    for _, equation, local, total in backward:
        left, sign, right = equation.partition(" = " if not local else added)
        more = rf" && {local} && \Sigma = {total}" if local else ""
        yield rf"{left} &{sign.strip()} {right}{more} \\"
    yield r"\end{align*}"


def rich_table(headings: tuple[str, ...], entries: Iterable[tuple[str, ...]]) -> Table:
    """A table for the terminal."""
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=SIMPLE)
    for entry in entries:
        table.add_row(*map(Text, entry))
    return table
