"""A graph in DOT, the language of Graphviz: its boxes, edges, frames and legend."""

from __future__ import annotations

import html
import math
from typing import NamedTuple

from tinygrad_lin.errors import printable
from tinygrad_lin.value import Value
from tinygrad_lin.viz.drawing.digraph import Digraph, Drawing
from tinygrad_lin.viz.drawing.folding import Box, Folding, without_numbers
from tinygrad_lin.viz.notation.text import MAX_LABEL_LENGTH, cut
from tinygrad_lin.viz.themes import PRINT, THEMES, Theme

FONT = "DejaVu Sans,Verdana,sans-serif"
MAX_CONSTANTS = 3
"""At most this many constants of an operation are written."""
MAX_FRAMED_SCOPES = 20
"""Of scopes that are nested deeper than this, only the outer ones are framed."""


class Settings(NamedTuple):
    """What :func:`draw` was asked for."""

    direction: str
    precision: int
    show: tuple[str, ...]
    theme: str
    fold: str | None
    title: str | None
    legend: bool
    path: Value | None


class DotWriter:
    """Writes the boxes and edges of one graph in the language of Graphviz."""

    def __init__(self, folding: Folding, settings: Settings, marked: dict[Value, int]) -> None:
        self.folding = folding
        self.settings = settings
        self.theme: Theme = THEMES[settings.theme]
        self.marked = marked
        gradients = (abs(node.grad or 0.0) for node in folding.place)
        self.largest: float = max(filter(math.isfinite, gradients), default=0.0)

    def drawing(self, lines: list[str]) -> Drawing:
        """The graph with its boxes, edges and scopes, below some lines of text."""
        theme, heading = self.theme, "<BR/>".join(lines)
        text = {"fontname": FONT, "fontcolor": theme.ink}
        label = {"label": f"<{heading}>", "labelloc": "t", "fontsize": "13"} if heading else {}
        drawing = Drawing(
            "tinygrad_lin",
            format="svg",
            graph_attr={
                "rankdir": self.settings.direction, "bgcolor": theme.background,
                "nodesep": "0.18", "ranksep": "0.45", **text, **label,
            },
            node_attr={
                "shape": "box", "style": "filled", "fillcolor": theme.box, "color": theme.ink,
                "fontsize": "11", "margin": "0.07,0.05", **text,
            },
            edge_attr={"color": theme.quiet, "fontsize": "10", "arrowsize": "0.6", **text},
        )  # fmt: skip
        drawing.theme = self.settings.theme
        drawing.boxes = len(self.folding.boxes)
        self.put_boxes(drawing, (), list(enumerate(self.folding.boxes)))
        self.put_edges(drawing)
        if self.settings.legend:
            self.put_legend(drawing)
        return drawing

    def put_boxes(
        self, drawing: Digraph, scope: tuple[str, ...], boxes: list[tuple[int, Box]]
    ) -> None:
        """Add the boxes of a scope, and those of the scopes within it in frames of their own."""
        inner: dict[str, list[tuple[int, Box]]] = {}
        for k, box in boxes:
            path = box.node.scope[: -1 if box.closed else None][:MAX_FRAMED_SCOPES]
            if len(path) > len(scope):
                inner.setdefault(path[len(scope)], []).append((k, box))
            else:
                drawing.node(f"n{k}", self.label_of(box), **self.shape_of(box))
        for name, members in inner.items():
            frame = {
                "label": f"<{escape(name)}>", "labeljust": "l", "style": "filled,rounded",
                "fillcolor": self.theme.scope, "color": self.theme.quiet, "fontsize": "11",
            }  # fmt: skip
            with drawing.subgraph(name=f"cluster_{members[0][0]}_{len(scope)}") as cluster:
                cluster.attr(**frame)
                self.put_boxes(cluster, (*scope, name), members)

    def put_edges(self, drawing: Digraph) -> None:
        """Add the edges between boxes, each of them once where boxes stand for many nodes."""
        place, boxes = self.folding.place, self.folding.boxes
        drawn: set[tuple[int, int]] = set()
        for node, to in place.items():
            for operand, local in zip(node.inputs, node.partials):
                edge = place[operand], to
                if boxes[edge[0]].times > 1 or boxes[to].times > 1:
                    if edge in drawn or edge[0] == to:
                        continue
                    drawn.add(edge)
                on_path = operand in self.marked and node in self.marked
                attributes = {"color": self.theme.path, "penwidth": "2.4"} if on_path else {}
                numbered = "local" in self.settings.show and not boxes[to].closed
                text = f" {self.number(local)} " if numbered else None
                drawing.edge(f"n{edge[0]}", f"n{to}", text, **attributes)

    def put_legend(self, drawing: Digraph) -> None:
        """Add an explanation of the boxes, colours and numbers."""
        theme = self.theme
        positive, negative = theme.positive[2], theme.negative[2]
        entries = [
            (theme.leaf, "leaf: an input or a parameter"),
            (theme.box, "operation: its sign, data and gradient"),
            (positive, "gradient above 0, stronger for larger ones"),
            (negative, "gradient below 0, stronger for larger ones"),
            (theme.background, "on an edge: the local derivative"),
        ]
        if theme is PRINT:
            entries[2:4] = [(positive, "gradient, darker for larger ones; its sign is written")]
        cells = "".join(
            f'<TR><TD BGCOLOR="{colour}" BORDER="1" WIDTH="18"></TD>'
            f'<TD ALIGN="LEFT">{text}</TD></TR>'
            for colour, text in entries
        )
        drawing.node("legend", f'<<TABLE BORDER="0" CELLSPACING="3">{cells}</TABLE>>',
                     shape="plaintext", style="", fontsize="10")  # fmt: skip

    def shape_of(self, box: Box) -> dict[str, str]:
        """What makes leaves, whole scopes and many nodes look different from one operation."""
        found: dict[str, str] = {}
        if box.closed:
            found = {"style": "filled,rounded", "fillcolor": self.theme.scope}
        elif box.node.operation is None:
            found = {"style": "filled,rounded", "fillcolor": self.theme.leaf}
        if box.times > 1:
            found["peripheries"] = "2"
        if box.node in self.marked and box.times == 1:
            found |= {"color": self.theme.path, "penwidth": "2"}
        return found

    def label_of(self, box: Box) -> str:
        """The HTML-like label of a box: its sign, name and count, data, and gradient."""
        node, count = box.node, f"<B>× {box.times:,}</B>" if box.times > 1 else ""
        if box.closed:
            return f"<<B>{escape(node.scope[-1])}</B><BR/>{box.times:,} nodes>"
        label = without_numbers(node.label) if box.times > 1 else node.label
        name = f"<B>{escape(label)}</B>" if label else ""
        parts = [part for part in (self.sign_of(box), name, count) if part]
        lines = [" &nbsp;".join(parts)] if parts else []
        example = "e.g. " if box.times > 1 else ""
        if "data" in self.settings.show:
            lines.append(f"{example}data {self.number(node.data)}")
        cells = "".join(f"<TR><TD>{line}</TD></TR>" for line in lines)
        if "grad" in self.settings.show:
            gradient = 0.0 if node.grad is None else node.grad
            tint = self.tint_of(gradient)
            text = f"{example}grad {self.number(gradient)}"
            cells += f'<TR><TD BGCOLOR="{tint}">{text}</TD></TR>'
        cells = cells or "<TR><TD> </TD></TR>"
        return f'<<TABLE BORDER="0" CELLSPACING="0" CELLPADDING="2">{cells}</TABLE>>'

    def sign_of(self, box: Box) -> str:
        """The sign of an operation, with its constants on the side where they belong."""
        node, operation = box.node, box.node.operation
        if operation is None:
            return ""
        sign = f'<FONT POINT-SIZE="15">{escape(operation.sign)}</FONT>'
        constants = [(k, o) for k, o in enumerate(node.operands) if not isinstance(o, Value)]
        if not constants:
            return sign
        # A box of many nodes shows no constants, as those of its other nodes may differ.
        texts = [self.number(o) if box.times == 1 else "…" for _, o in constants]
        shown = ", ".join(texts[:MAX_CONSTANTS] + ["…"] * (len(texts) > MAX_CONSTANTS))
        between = operation.special and not any(c.isalpha() for c in operation.sign)
        if not between and not operation.variadic:
            shown = f"{operation.operands[constants[0][0]]} = {shown}"
        shown = f'<FONT COLOR="{self.theme.quiet}">{shown}</FONT>'
        return f"{shown} {sign}" if between and constants[0][0] == 0 else f"{sign} {shown}"

    def tint_of(self, gradient: float) -> str:
        """The colour behind a gradient: its sign, and its size beside the largest one."""
        if gradient == 0.0 or math.isnan(gradient):
            return "transparent"
        size = 1.0 if math.isinf(gradient) else abs(gradient) / self.largest
        strength = 2 if size > 0.3 else 1 if size > 0.03 else 0
        return (self.theme.positive if gradient > 0.0 else self.theme.negative)[strength]

    def number(self, number: float) -> str:
        """A number in the digits that are shown."""
        return f"{number:.{self.settings.precision}g}"


def escape(text: str, max_length: int = MAX_LABEL_LENGTH) -> str:
    """Text for an HTML-like label, whatever is in it; there, a backslash begins a command."""
    safe = html.escape(printable(cut(text, max_length))).replace("\\", "&#92;&#92;")
    return safe or "&nbsp;"
