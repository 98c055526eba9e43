"""Every step of the forward and of the backward pass, in order, and tables of them."""

from __future__ import annotations

import html
import math
import re
from functools import cached_property
from itertools import chain, groupby, islice
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tinygrad_lin.errors import OperandError, short_repr
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value
from tinygrad_lin.viz.notation.tex import TexNotation
from tinygrad_lin.viz.notation.text import Notation, names_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType
    from rich.table import Table

FORWARD = ("step", "forward")
BACKWARD = ("step", "backward", "local derivative", "sum so far")
MAX_ENTRIES_IN_NOTEBOOK = 500
MAX_MEASURED_ENTRIES = 1000
"""Columns of text are as wide as the first entries need: a long table need not be in memory."""

Cells: TypeAlias = tuple[str, ...]


class Step(NamedTuple):
    """One step: a node gets its value, or passes its gradient on along one edge.

    Attributes:
        phase: "forward" or "backward".
        node: the node that is computed, or that passes its gradient on.
        value: the node's data.
        operand: the input at the other end; None in the forward pass, which has none of these.
        place: which of the node's inputs that is, counted from 0.
        upstream: the node's gradient, which is complete by then.
        local: the local derivative on the edge.
        contribution: their product, which is added to the operand's gradient.
        total: the operand's gradient so far, from 0 on.
    """

    phase: str
    node: Value
    value: float
    operand: Value | None = None
    place: int = -1
    upstream: float = math.nan
    local: float = math.nan
    contribution: float = math.nan
    total: float = math.nan


def steps(value: Value) -> Steps:
    """List the forward pass, then the backward pass as `reverse.py` writes it.

    Nothing is changed: gradients begin at 0 here, and every ``grad`` stays as it is. The list
    prints as a table; ``markdown()``, ``tex()`` and ``lines()`` write it in other ways.

    Raises:
        OperandError: the root is not a Value.

    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> a = w * x
    >>> a.label = "a"
    >>> print(steps(a))
    step  forward
    1     w = 0.5
    2     x = 2
    3     a = w · x = 0.5 · 2 = 1
    <BLANKLINE>
    step  backward                              local derivative  sum so far
          ∂a/∂a = 1
    4     ∂a/∂w += ∂a/∂a · ∂a/∂w = 1 · 2 = 2    ∂a/∂w = x         2
    5     ∂a/∂x += ∂a/∂a · ∂a/∂x = 1 · 0.5 = 0.5  ∂a/∂x = w         0.5
    """
    require_value(value, "steps")
    order = topological_order(value)
    forward = [Step("forward", node, node.data) for node in order]
    return Steps([*forward, *backward_steps(order)])


def require_value(value: object, function: str) -> None:
    """Refuse what is not a Value for the root of a graph."""
    if not isinstance(value, Value):
        raise OperandError(
            f"{function}() takes a Value, not {type(value).__name__} {short_repr(value)}"
        )


def backward_steps(order: list[Value]) -> Iterator[Step]:
    """What each node propagates, from the root to the leaves, without touching any ``grad``."""
    gradient = dict.fromkeys(order, 0.0)
    gradient[order[-1]] = 1.0
    for node in reversed(order):
        upstream = gradient[node]
        for place, (operand, local) in enumerate(zip(node.inputs, node.partials)):
            contribution = upstream * local
            gradient[operand] += contribution
            yield Step(
                "backward", node, node.data, operand, place, upstream, local, contribution,
                gradient[operand],
            )  # fmt: skip


class Steps(list[Step]):
    """The steps of a forward and a backward pass; ``print`` shows them as a table."""

    @cached_property
    def forward(self) -> list[Step]:
        """The steps of the forward pass, one for each node, operands first and the root last."""
        return [step for step in self if step.phase == "forward"]

    @cached_property
    def backward(self) -> list[Step]:
        """The steps of the backward pass, one for each edge, in the order in which it runs."""
        return [step for step in self if step.phase == "backward"]

    @cached_property
    def names(self) -> dict[Value, str]:
        """The name of every node, which is its label if it has one, else v1, v2 and so on.

        Labels that occur several times are numbered. No two nodes have the same name.
        """
        return names_of([step.node for step in self.forward])

    @property
    def root(self) -> Value:
        """The Value whose steps these are."""
        return self.forward[-1].node

    def tables(
        self, notation: Notation, max_entries: int | None = None
    ) -> tuple[tuple[Cells, Iterator[Cells]], tuple[Cells, Iterator[Cells]]]:
        """Headings and entries of the forward and of the backward pass."""
        forward = (
            (str(k), notation.value(step.node))
            for k, step in enumerate(self.forward[:max_entries], 1)
        )
        backward = backward_entries(notation, self.backward[:max_entries])
        return (FORWARD, forward), (BACKWARD, backward)

    @property
    def notation(self) -> Notation:
        """The steps' names as text writes them."""
        return Notation(self.root, self.names)

    def lines(self) -> Iterator[str]:
        """The table line by line, so that a long one need not be in memory."""
        forward, backward = self.tables(self.notation)
        yield from text_table(*forward)
        yield ""
        yield from text_table(*backward)

    def markdown_lines(self) -> Iterator[str]:
        """The same as tables of Markdown."""
        for headings, entries in self.tables(self.notation):
            yield from markdown_table(headings, entries)
            yield ""

    def tex_lines(self) -> Iterator[str]:
        """The same as two displays for amsmath, MathJax or KaTeX."""
        notation = TexNotation(self.root, self.names)
        (_, forward), (_, backward) = self.tables(notation)
        return tex_displays(forward, backward, notation.added)

    def markdown(self) -> str:
        """The steps as tables of Markdown."""
        return "\n".join(self.markdown_lines())

    def tex(self) -> str:
        """The steps as two displays for amsmath, MathJax or KaTeX."""
        return "\n".join(self.tex_lines())

    def __str__(self) -> str:
        return "\n".join(self.lines())

    def __repr__(self) -> str:
        return f"<{len(self):,} steps to and from {self.names[self.root]}; print() shows them>"

    def __rich__(self) -> RenderableType:
        from rich.console import Group

        return Group(*(rich_table(*table) for table in self.tables(self.notation)))

    def _repr_html_(self) -> str:
        max_entries = MAX_ENTRIES_IN_NOTEBOOK
        parts = [html_table(*table) for table in self.tables(self.notation, max_entries)]
        left_out = sum(max(0, len(part) - max_entries) for part in (self.forward, self.backward))
        if left_out:
            parts.append(f"<p>{left_out:,} more steps are not shown.</p>")
        return "\n".join(parts)


def backward_entries(notation: Notation, backward: Iterable[Step]) -> Iterator[Cells]:
    """The cells of each step of the backward pass, after those of the gradient it begins with."""
    root, kind = notation.root, notation.kind
    yield "", f"{notation.derivative(root, root)} = 1", "", ""
    k = len(notation.names)
    for node, edges in groupby(backward, key=lambda step: step.node):
        formulas = notation.partials(node)
        upstream = notation.derivative(root, node)
        for step in edges:
            k += 1
            operand = node.inputs[step.place]
            local = notation.derivative(node, operand)
            equation = (
                f"{notation.derivative(root, operand)}{notation.added}"
                f"{upstream}{notation.times}{local}"
                f" = {notation.product(*map(kind.number, (step.upstream, step.local)))}"
                f" = {kind.digits(step.contribution)}"
            )
            formula = f"{local} = {formulas[step.place].text}"
            yield str(k), equation, formula, kind.digits(step.total)


def text_table(headings: Cells, entries: Iterable[Cells]) -> Iterator[str]:
    """A table of text, its columns as wide as the first entries need."""
    entries = iter(entries)
    first = [headings, *islice(entries, MAX_MEASURED_ENTRIES)]
    widths = [max(map(len, column)) for column in zip(*first)]
    for entry in chain(first, entries):
        yield "  ".join(cell.ljust(width) for cell, width in zip(entry, widths)).rstrip()


def markdown_table(headings: Cells, entries: Iterable[Cells]) -> Iterator[str]:
    """A table of Markdown."""
    yield "| " + " | ".join(headings) + " |"
    yield "|" + " --- |" * len(headings)
    for entry in entries:
        yield "| " + " | ".join(map(escape_markdown, entry)) + " |"


def escape_markdown(text: str) -> str:
    """Text in Markdown, whatever is in it; even an address that begins with www. is no link."""
    return re.sub(r"([\\`*_\[\]<>|~$&#:@]|(?<=www)\.)", r"\\\1", text)


def html_table(headings: Cells, entries: Iterable[Cells], caption: str = "") -> str:
    """A table of HTML."""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in entry) + "</tr>"
        for entry in entries
    )
    unseen = f'<caption class="unseen">{caption}</caption>' if caption else ""
    return f"<table>{unseen}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"


def tex_displays(forward: Iterable[Cells], backward: Iterable[Cells], added: str) -> Iterator[str]:
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


def rich_table(headings: Cells, entries: Iterable[Cells]) -> Table:
    """A table for the terminal."""
    from rich.box import SIMPLE
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=SIMPLE)
    for entry in entries:
        table.add_row(*map(Text, entry))
    return table
