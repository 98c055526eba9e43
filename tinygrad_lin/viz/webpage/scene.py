"""A graph with all that a page says about it, and its picture: SVG that the scripts can light."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any

from tinygrad_lin.errors import DataError, printable
from tinygrad_lin.value import Value
from tinygrad_lin.viz.chain_rule.steps import Steps, steps
from tinygrad_lin.viz.drawing.digraph import Drawing
from tinygrad_lin.viz.notation.text import Notation, Symbol, cut
from tinygrad_lin.viz.webpage.javascript import number_literal

MAX_FORMULA_LENGTH = 28
"""A longer formula is cut in its box; the whole of it stands in the table of all values."""
POINTS_PER_INCH = 72.0  # Graphviz reads and writes sizes in inches.
LINE_HEIGHT = 16.0
BOX_HEIGHT = 3 * LINE_HEIGHT + 12
DERIVATIVE_PLACEHOLDER = "0" * 7
"""Keeps enough space free on an edge, whatever its local derivative becomes."""
MARKER = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
    'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/>'
    "</marker></defs>"
)


class Scene:
    """A graph with all that is written about it."""

    def __init__(self, value: Value, title: str | None) -> None:
        self.steps: Steps = steps(value)
        self.order: list[Value] = [step.node for step in self.steps.forward]
        self.index: dict[Value, int] = {node: k for k, node in enumerate(self.order)}
        self.notation: Notation = self.steps.notation
        self.names: list[str] = [self.steps.names[node] for node in self.order]
        self.formulas: list[str] = [self.notation.definition(node) for node in self.order]
        self.title: str = printable(title) if title else f"Backprop of {self.names[-1]}"
        self.grads: list[float] = [0.0] * len(self.order)
        self.grads[-1] = 1.0
        for step in self.steps.backward:
            self.grads[self.index[step.node.inputs[step.place]]] = step.total
        self.require_current()

    def require_current(self) -> None:
        """Refuse a graph whose leaves have been given other data: the page would show both."""
        for node, formula in zip(self.order, self.formulas):
            if node.operation is None:
                continue
            now = self.notation.formula(node, self.notation.number).data
            if abs(now - node.data) > 1e-9 * abs(node.data):
                raise DataError(
                    f"a leaf below {formula} has been given other data since: it was {node.data}, "
                    f"now it would be {now}; compute the output again"
                )

    def words(self) -> Iterable[str]:
        """The graph in words, for those who do not see it."""
        for node, name, formula, grad in zip(self.order, self.names, self.formulas, self.grads):
            what = formula if node.operation else f"{name} is a leaf"
            yield f"{what}: data {Symbol.digits(node.data)}, gradient {Symbol.digits(grad)}."

    def data(self) -> dict[str, Any]:
        """What the scripts compute with."""
        return {
            "nodes": [
                {**node_data(node, self.index), "name": name, "formula": formula}
                for node, name, formula in zip(self.order, self.names, self.formulas)
            ],
            "backward": [(self.index[step.node], step.place) for step in self.steps.backward],
        }


def node_data(node: Value, index: dict[Value, int]) -> dict[str, Any]:
    """A node for the scripts: its operands are indices of nodes, or strings for constants."""
    return {
        "op": node.op,
        "data": number_literal(node.data),
        "operands": [
            index[o] if isinstance(o, Value) else number_literal(o) for o in node.operands
        ],
    }


def graph_as_svg(scene: Scene) -> tuple[str, float]:
    """The graph as SVG, and its width."""
    captions = [cut(formula, MAX_FORMULA_LENGTH) for formula in scene.formulas]
    layout = Layout(scene, captions)
    elements = [
        edge_as_svg(layout, f"e{k}-{place}", local)
        for k, node in enumerate(scene.order)
        for place, local in enumerate(node.partials)
    ]
    elements += [node_as_svg(scene, layout, k, caption) for k, caption in enumerate(captions)]
    drawn = "\n".join(elements)
    svg = (
        f'<svg width="{layout.width:.0f}" height="{layout.height:.0f}" '
        f'viewBox="-2 -2 {layout.width + 4:.0f} {layout.height + 4:.0f}" role="group" '
        f'aria-label="Graph of {len(scene.order)} nodes">\n{MARKER}\n{drawn}\n</svg>'
    )
    return svg, layout.width


class Layout:
    """Where Graphviz puts boxes and edges of a graph without any text, but with space for it."""

    def __init__(self, scene: Scene, captions: list[str]) -> None:
        drawing = Drawing(graph_attr={"rankdir": "LR", "nodesep": "0.2", "ranksep": "0.35"})
        box = {"shape": "box", "fixedsize": "true", "height": f"{BOX_HEIGHT / POINTS_PER_INCH}"}
        for k, caption in enumerate(captions):
            width = max(112.0, 8.0 * len(caption) + 18.0) / POINTS_PER_INCH
            drawing.node(f"n{k}", "", width=f"{width}", **box)
        for k, node in enumerate(scene.order):
            for place, operand in enumerate(node.inputs):
                ends = f"n{scene.index[operand]}", f"n{k}"
                drawing.edge(*ends, DERIVATIVE_PLACEHOLDER, id=f"e{k}-{place}", fontsize="11")
        layout = json.loads(drawing.pipe("json"))
        left, bottom, right, top = map(float, layout["bb"].split(","))
        self.left: float = left
        self.top: float = top
        self.width: float = right - self.left
        self.height: float = self.top - bottom
        self.boxes: dict[str, Any] = {entry["name"]: entry for entry in layout["objects"]}
        self.edges: dict[str, Any] = {entry["id"]: entry for entry in layout.get("edges", ())}

    def at(self, point: str) -> tuple[int, int]:
        """A point of Graphviz, whose y grows upwards, as one of SVG, whose y grows downwards."""
        x, y = map(float, point.split(","))
        return round(x - self.left), round(self.top - y)


def edge_as_svg(layout: Layout, id: str, local: float) -> str:
    """An edge with its local derivative."""
    edge = layout.edges[id]
    end, start, *curve = edge["pos"].removeprefix("e,").split(" ")
    points = [f"{x} {y}" for x, y in map(layout.at, [start, *curve, end])]
    x, y = layout.at(edge["lp"])
    return (
        f'<g class="edge" id="{id}"><path d="M{points[0]}C{" ".join(points[1:-1])}'
        f'L{points[-1]}" marker-end="url(#tip)"/>'
        f'<text x="{x}" y="{y + 4}">{Symbol.digits(local)}</text></g>'
    )


def node_as_svg(scene: Scene, layout: Layout, index: int, caption: str) -> str:
    """A box with a node's formula, data and gradient, which the Tab key reaches."""
    node, grad, box = scene.order[index], scene.grads[index], layout.boxes[f"n{index}"]
    x, y = layout.at(box["pos"])
    width, height = (float(box[size]) * POINTS_PER_INCH for size in ("width", "height"))
    formula = html.escape(scene.formulas[index])
    texts = (f"data {Symbol.digits(node.data)}", f"grad {Symbol.digits(grad)}")
    return (
        f'<g class="node{"" if node.operation else " leaf"}" id="n{index}" tabindex="0" '
        f'role="button" aria-label="{formula}: {", ".join(texts)}" data-formula="{formula}" '
        f'data-sign="{(grad > 0) - (grad < 0)}">'
        f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="{2 if node.operation else 14}"/>'
        f'<g text-anchor="middle"><text class="formula" x="{x}" y="{y - LINE_HEIGHT + 4:.1f}">'
        f"{html.escape(caption)}</text>"
        f'<text class="data" x="{x}" y="{y + 5:.1f}">{texts[0]}</text>'
        f'<text class="grad" x="{x}" y="{y + LINE_HEIGHT + 5:.1f}">{texts[1]}</text></g></g>'
    )
