"""The graph of a page as SVG: laid out by Graphviz, in elements that the scripts can light."""

from __future__ import annotations

import html
import json
from typing import Any

from tinygrad_lin.viz.drawing.digraph import Drawing
from tinygrad_lin.viz.notation.equations import cut
from tinygrad_lin.viz.notation.text import Symbol
from tinygrad_lin.viz.webpage.scene import Scene

MAX_FORMULA_LENGTH = 28
"""A longer formula is cut in its box; the whole of it stands in the table of all values."""
POINTS_PER_INCH = 72.0  # Graphviz reads and writes sizes in inches
LINE_HEIGHT = 16.0
WIDEST_DERIVATIVE = "0" * 7
"""The space that is kept free on an edge, whatever its local derivative becomes."""
MARKER = (
    '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
    'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/>'
    "</marker></defs>"
)


def graph_as_svg(scene: Scene) -> tuple[str, float]:
    """The graph as SVG, and its width."""
    captions = [
        cut(formula if node.operation else name, MAX_FORMULA_LENGTH)
        for node, formula, name in zip(scene.order, scene.formulas, scene.names)
    ]
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
    """Where Graphviz puts boxes of a fixed size and the edges between them."""

    def __init__(self, scene: Scene, captions: list[str]) -> None:
        layout = json.loads(boxes_and_edges(scene, captions).pipe("json"))
        self.left, bottom, right, self.top = map(float, layout["bb"].split(","))
        self.width: float = right - self.left
        self.height: float = self.top - bottom
        self.boxes: dict[str, Any] = {entry["name"]: entry for entry in layout["objects"]}
        self.edges: dict[str, Any] = {entry["id"]: entry for entry in layout.get("edges", ())}

    def at(self, point: str) -> tuple[int, int]:
        """A point of Graphviz, whose y grows upwards, as one of SVG, whose y grows downwards."""
        x, y = map(float, point.split(","))
        return round(x - self.left), round(self.top - y)


def boxes_and_edges(scene: Scene, captions: list[str]) -> Drawing:
    """The graph without any text but space for it."""
    drawing = Drawing(graph_attr={"rankdir": "LR", "nodesep": "0.2", "ranksep": "0.35"})
    height = f"{(3 * LINE_HEIGHT + 12) / POINTS_PER_INCH}"
    for k, caption in enumerate(captions):
        width = max(112.0, 8.0 * len(caption) + 18.0) / POINTS_PER_INCH
        drawing.node(f"n{k}", "", shape="box", fixedsize="true", width=f"{width}", height=height)
    for k, node in enumerate(scene.order):
        for place, operand in enumerate(node.inputs):
            drawing.edge(f"n{scene.index[operand]}", f"n{k}", WIDEST_DERIVATIVE,
                         id=f"e{k}-{place}", fontsize="11")  # fmt: skip
    return drawing


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
    formula = html.escape(scene.formulas[index] if node.operation else scene.names[index])
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
