"""Every step of the forward and of the backward pass, in order."""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value
from tinygrad_lin.viz.arguments import require_value
from tinygrad_lin.viz.chain_rule.tables import (
    BACKWARD,
    FORWARD,
    backward_entries,
    forward_entries,
    html_table,
    markdown_table,
    rich_table,
    tex_displays,
    text_table,
)
from tinygrad_lin.viz.notation.equations import Notation, names_of
from tinygrad_lin.viz.notation.tex import TexNotation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

MAX_ENTRIES_IN_NOTEBOOK = 500


class Step(NamedTuple):
    """One step: a node gets its value, or passes its gradient on along one edge.

    Attributes:
        phase: "forward" or "backward".
        node: the node that is computed, or that passes its gradient on.
        value: the node's data.
        operand: the input that gets a share; None in the forward pass, which has none of these.
        place: which of the node's inputs that is, counted from 0.
        upstream: the node's gradient, which is complete by then.
        local: the local derivative on the edge.
        contribution: their product, the share.
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


def backward_steps(order: list[Value]) -> Iterator[Step]:
    """What each node propagates, from the root to the leaves, without touching any ``grad``."""
    gradient = dict.fromkeys(order, 0.0)
    gradient[order[-1]] = 1.0
    for node in reversed(order):
        upstream = gradient[node]
        for place, (operand, local) in enumerate(zip(node.inputs, node.partials)):
            share = upstream * local
            gradient[operand] += share
            yield Step(
                "backward", node, node.data, operand, place, upstream, local, share,
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
        self, notation: Notation, longest: int | None = None
    ) -> tuple[tuple[tuple[str, ...], Iterator[tuple[str, ...]]], ...]:
        """Headings and entries of the forward and of the backward pass."""
        return (
            (FORWARD, forward_entries(notation, self.forward[:longest])),
            (BACKWARD, backward_entries(notation, self.backward[:longest])),
        )

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
        longest = MAX_ENTRIES_IN_NOTEBOOK
        parts = [html_table(*table) for table in self.tables(self.notation, longest)]
        left_out = sum(max(0, len(part) - longest) for part in (self.forward, self.backward))
        if left_out:
            parts.append(f"<p>{left_out:,} more steps are not shown.</p>")
        return "\n".join(parts)
