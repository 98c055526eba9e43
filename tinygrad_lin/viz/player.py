"""A graph as a page that replays it: one HTML file, without a network, that computes by itself."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin.errors import DataError, printable
from tinygrad_lin.files import write_whole
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value, number
from tinygrad_lin.viz.dot import Drawing
from tinygrad_lin.viz.formulas import Symbol
from tinygrad_lin.viz.javascript import rows_as_javascript
from tinygrad_lin.viz.trace import BACKWARD, FORWARD, Notation, Steps, check
from tinygrad_lin.viz.trace import steps as steps_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from tinygrad_lin.nn.modules import Module

MOST_NODES = 400  # more are neither soon laid out nor read
MOST_COMPUTED = 500_000  # values of nodes in all training steps: about a second of JavaScript
LARGEST_SPAN = 1e300  # of a slider, for its ends to be finite
PROPER = 0.75  # of the limit, a learning rate that is neither slow nor wild
MOST_CURVED = 64  # parameters of which the Hessian, and so the limit of the rate, is computed
LONGEST_FORMULA = 28  # in a box; the whole stands beside it
POINTS = 72.0  # to an inch, Graphviz's unit of sizes
LINE = 16.0  # of text in a box
SMALLEST = 0.7  # of its natural size; where that is too wide, the graph scrolls


def page(
    value: Value,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    model: Module | None = None,
    data: tuple[Sequence[Any], Sequence[Any]] | None = None,
    lr: float | None = None,
    steps: int = 200,
) -> None:
    """Write a page that replays a graph forward and backward, and lets its leaves be changed.

    The page is one HTML file that needs no network. With a model it also replays the training of
    the model's parameters by gradient descent.

    Args:
        value: the root, for instance a cost.
        path: a file whose suffix is .html or .htm.
        title: the heading.
        model: whose parameters are leaves of the value, such as a ``Linear``.
        data: the points (x, y) of which the value is the cost, to draw the model over them.
        lr: the learning rate the page begins with; three quarters of the limit if not given.
        steps: how many training steps there are.

    Raises:
        OperandError: the root is not a Value.
        DataError: another suffix, too large a graph, a leaf that has been given other data since,
            a model whose parameters are not in the graph, or data or settings out of range.
        ExpressionError: a row of the user's uses Python that JavaScript does not have.
        OSError: the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> with TemporaryDirectory() as folder:
    ...     page(w * x, f"{folder}/product.html")
    """
    check(value, "page")
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise DataError(f"cannot write a page to {str(path)!r}: the suffix must be .html")
    order = topological_order(value)
    if len(order) > MOST_NODES:
        raise DataError(
            f"a page shows at most {MOST_NODES} nodes, this graph has {len(order):,}: "
            "take fewer points or a smaller model"
        )
    scene = Scene(value, title)
    scene.must_be_current()
    training = None
    if model is not None:
        training = training_of(scene, model, data, lr, steps)
    elif data is not None or lr is not None:
        raise DataError("data and lr belong to a model: give model=, too")
    write_whole(path, html_of(scene, training).encode())


class Scene:
    """A graph with all that is written about it."""

    def __init__(self, value: Value, title: str | None) -> None:
        self.steps: Steps = steps_of(value)
        self.order: list[Value] = [step.node for step in self.steps.forward]
        self.index: dict[Value, int] = {node: k for k, node in enumerate(self.order)}
        self.notation: Notation = Notation(value, self.steps.names)
        self.names: list[str] = [self.steps.names[node] for node in self.order]
        self.formulas: list[str] = [self.notation.definition(node) for node in self.order]
        self.title: str = printable(title) if title else f"Backprop of {self.names[-1]}"
        self.grads: list[float] = [0.0] * len(self.order)
        self.grads[-1] = 1.0
        for step in self.steps.backward:
            self.grads[self.index[step.node.inputs[step.place]]] = step.total

    def must_be_current(self) -> None:
        """Refuse a graph whose leaves have been given other data: the page would show both."""
        for node, formula in zip(self.order, self.formulas):
            if node.operation is None:
                continue
            now = self.notation.writer.value(node, self.notation.number).data
            if abs(now - node.data) > 1e-9 * abs(node.data):
                raise DataError(
                    f"a leaf below {formula} has been given other data since: it was {node.data}, "
                    f"now it would be {now}; compute the output again"
                )


class Training(NamedTuple):
    """What a page needs to replay training.

    The prediction is the graph of the model at one x, whose nodes stand in ``predicting``.
    """

    parameters: list[int]
    lr: float
    steps: int
    limit: float
    points: list[tuple[float, float]]
    prediction: dict[str, Any] | None
    predicting: list[Value]


def training_of(scene: Scene, model: Module, data: Any, lr: float | None, steps: int) -> Training:
    """The training of a model whose cost is the root of a scene."""
    from tinygrad_lin import learning_rate_limit

    cost, parameters = scene.order[-1], model.parameters()
    missing = [p for p in parameters if p not in scene.index]
    if missing or not parameters:
        raise DataError(f"the value does not depend on the model's parameters: {missing[:3]}")
    limit = math.inf
    if len(parameters) <= MOST_CURVED:
        limit = learning_rate_limit(cost, parameters)
    if lr is None:
        lr = float(f"{limit * PROPER:.3g}") if limit < math.inf else 0.01
    if not 0 < lr < math.inf:
        raise DataError(f"the learning rate must be above 0 and finite, not {lr}")
    most = MOST_COMPUTED // len(scene.order)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= most:
        raise DataError(f"steps must be a whole number from 1 to {most:,} here, not {steps!r}")
    points = points_of(data) if data is not None else []
    prediction, predicting = prediction_of(model, points) if points else (None, [])
    indices = [scene.index[parameter] for parameter in parameters]
    return Training(indices, lr, steps, limit, points, prediction, predicting)


def points_of(data: Any) -> list[tuple[float, float]]:
    """The points to draw, where x is one number each; none otherwise."""
    try:
        xs, ys = data
        rows = [(x[0] if hasattr(x, "__len__") and len(x) == 1 else x, y) for x, y in zip(xs, ys)]
        if len(xs) != len(ys) or not rows:
            raise DataError(f"data has {len(xs)} x and {len(ys)} y")
        if any(hasattr(x, "__len__") and not isinstance(x, str) for x, _ in rows):
            return []
        return [(number(x), number(y)) for x, y in rows]
    except (TypeError, ValueError) as error:
        raise DataError(f"data must be (x, y), two sequences of numbers: {error}") from None


def prediction_of(
    model: Module, points: list[tuple[float, float]]
) -> tuple[dict[str, Any] | None, list[Value]]:
    """The graph of a model's prediction at one x, if it is a curve that can be drawn."""
    x = Value(points[0][0], "x")
    output = model(x)
    order = topological_order(output) if isinstance(output, Value) else []
    if x not in order or len(order) > MOST_NODES:
        return None, []
    index = {node: k for k, node in enumerate(order)}
    prediction = {
        "nodes": [node_data(node, index) for node in order],
        "x": index[x],
        "parameters": [index.get(parameter) for parameter in model.parameters()],
    }
    return prediction, order


# The file


def html_of(scene: Scene, training: Training | None) -> str:
    """The whole page."""
    nodes = [*scene.order, *(training.predicting if training else ())]
    rows = rows_as_javascript(node.operation for node in nodes if node.operation)
    scripts = ["player_engine.js", *(["player_training.js"] if training else []), "player.js"]
    script = f'\n"use strict";\nconst ROWS = {rows};\n{"".join(map(asset, scripts))}'
    graph, width = svg_of(scene)
    style = f"{asset('player.css')}#graph svg {{ min-width: {SMALLEST * width:.0f}px; }}\n"
    return Template(asset("player.html")).substitute(
        policy=policy(style, script),
        title=html.escape(scene.title),
        style=style,
        graph=graph,
        words="\n".join(f"<li>{html.escape(sentence)}</li>" for sentence in words(scene)),
        training=training_section(scene, training) if training else "",
        leaves="\n".join(
            leaf_controls(k, node.data, scene.names[k])
            for k, node in enumerate(scene.order)
            if node.operation is None
        ),
        values="\n".join(value_row(scene, k) for k in range(len(scene.order))),
        steps=steps_tables(scene, training),
        data=json_of(page_data(scene, training)),
        script=script,
    )


def asset(name: str) -> str:
    """A file that stands beside this one."""
    return (files("tinygrad_lin.viz") / name).read_text(encoding="utf-8")


def policy(style: str, script: str) -> str:
    """The Content-Security-Policy under which this style and script run, and nothing else does."""

    def fingerprint(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {fingerprint(style)}; script-src {fingerprint(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def json_of(content: Any) -> str:
    """JSON that can stand in a script element, whatever is in it."""
    text = json.dumps(content, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def page_data(scene: Scene, training: Training | None) -> dict[str, Any]:
    """What the script computes with."""
    content: dict[str, Any] = {
        "nodes": [
            {**node_data(node, scene.index), "name": name, "formula": formula}
            for node, name, formula in zip(scene.order, scene.names, scene.formulas)
        ],
        "backward": [(scene.index[step.node], step.place) for step in scene.steps.backward],
    }
    if training:
        content["training"] = {
            **training._asdict(),
            "limit": javascript_number(training.limit),
            "predicting": None,
        }
    return content


def node_data(node: Value, index: dict[Value, int]) -> dict[str, Any]:
    """A node for the script: its row, and its operands as indices, or as strings for constants."""
    return {
        "row": node.op,
        "data": javascript_number(node.data),
        "operands": [
            index[o] if isinstance(o, Value) else javascript_number(o) for o in node.operands
        ],
    }


def javascript_number(value: float) -> str:
    """A number as JavaScript's Number reads it, exactly."""
    return repr(value).replace("inf", "Infinity").replace("nan", "NaN")


# The parts of the page


def words(scene: Scene) -> Iterable[str]:
    """The graph in words, for those who do not see it."""
    for node, name, formula, grad in zip(scene.order, scene.names, scene.formulas, scene.grads):
        what = f"{formula}" if node.operation else f"{name} is a leaf"
        yield f"{what}: data {Symbol.digits(node.data)}, gradient {Symbol.digits(grad)}."


def leaf_controls(index: int, data: float, name: str) -> str:
    """The slider and the number field of a leaf."""
    center = data if math.isfinite(data) else 0.0
    shown = repr(data) if math.isfinite(data) else ""  # no field takes an infinity
    span = max(2.0, min(2.0 * abs(center), LARGEST_SPAN))
    low, high = center - span, center + span
    name = html.escape(name)
    return (
        f'<li><label for="field{index}">{name}</label>'
        f'<input type="range" id="slider{index}" min="{low!r}" max="{high!r}" step="any" '
        f'value="{center!r}" aria-label="{name}, slider" autocomplete="off">'
        f'<input type="number" id="field{index}" step="any" value="{shown}" autocomplete="off">'
        "</li>"
    )


def value_row(scene: Scene, index: int) -> str:
    """A row of the table of all values."""
    node = scene.order[index]
    formula = scene.formulas[index] if node.operation else "leaf"
    return (
        f'<tr id="row{index}"><th scope="row">{html.escape(scene.names[index])}</th>'
        f"<td>{html.escape(formula)}</td>{value_cell(node.data)}{value_cell(scene.grads[index])}</tr>"
    )


def value_cell(data: float) -> str:
    """A number, and in an attribute the whole of it."""
    negative = ' class="negative"' if data < 0 else ""
    return f'<td{negative} data-value="{javascript_number(data)}">{Symbol.digits(data)}</td>'


def steps_tables(scene: Scene, training: Training | None) -> str:
    """The tables of all steps."""
    tables = [
        table("Forward", FORWARD, scene.notation.forward_rows(scene.steps.forward)),
        table("Backward", BACKWARD, scene.notation.backward_rows(scene.steps.backward)),
    ]
    if training:
        rows = ((str(len(scene.steps) + k), update(scene, p, training.lr))
                for k, p in enumerate(training.parameters, 1))  # fmt: skip
        tables.append(table("Update", ("step", "update"), rows))
    return "\n".join(tables)


def update(scene: Scene, index: int, lr: float) -> str:
    """The step of gradient descent of one parameter."""
    name, data, grad = scene.names[index], scene.order[index].data, scene.grads[index]
    slope = scene.notation.derivative(scene.order[-1], scene.order[index])
    numbers = scene.notation.product(Symbol.number(lr), Symbol.number(grad))
    after = Symbol.digits(data - lr * grad)
    return f"{name} ← {name} - η · {slope} = {Symbol.digits(data)} - {numbers} = {after}"


def table(caption: str, headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A table with a caption."""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f'<table><caption class="unseen">{caption}</caption><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table>"
    )


def training_section(scene: Scene, training: Training) -> str:
    """The controls and plots of the training."""
    known = math.isfinite(training.limit)
    top = training.limit if known else training.lr
    rates = (("slow crawl", 0.01), ("proper drop", PROPER), ("wild divergence", 1.05))
    presets = "\n".join(
        f'<button type="button" data-lr="{training.limit * share:.3g}">{label}</button>'
        for label, share in rates
        if known
    )
    plots = [("cost-plot", "The cost after every update")]
    if training.prediction:
        plots.insert(0, ("fit-plot", "The model over the points"))
    if len(training.parameters) == 2:
        w, b = (html.escape(scene.names[k]) for k in training.parameters)
        plots.append(("contour-plot", f"The path over ({w}, {b}) on the cost's contours"))
    return Template(asset("player_training.html")).substitute(
        limit=f"Here it must stay below 2/λmax = {training.limit:.5g}." if known else "",
        lr=repr(training.lr),
        low=math.log10(top / 1000),
        high=math.log10(top * 2),
        presets=presets,
        plots="\n".join(
            f"<figure><figcaption>{caption}</figcaption>"
            f'<svg id="{id}" viewBox="0 0 340 250" role="img" aria-label="{caption}" '
            'aria-describedby="t-status"></svg></figure>'
            for id, caption in plots
        ),
    )


# The graph as SVG


def svg_of(scene: Scene) -> tuple[str, float]:
    """The graph, laid out by Graphviz, in elements that the script can light; and its width."""
    shown = [
        f if len(f) <= LONGEST_FORMULA else f[: LONGEST_FORMULA - 1] + "…"
        for f in (f if n.operation else name
                  for n, f, name in zip(scene.order, scene.formulas, scene.names))
    ]  # fmt: skip
    drawing = Drawing(graph_attr={"rankdir": "LR", "nodesep": "0.2", "ranksep": "0.35"})
    for k, text in enumerate(shown):
        width = max(112.0, 8.0 * len(text) + 18.0)
        drawing.node(f"n{k}", "", shape="box", fixedsize="true", width=f"{width / POINTS}",
                     height=f"{(3 * LINE + 12) / POINTS}")  # fmt: skip
    for k, node in enumerate(scene.order):
        for place, operand in enumerate(node.inputs):
            room = "0" * 7  # for the local derivative, whatever it becomes
            drawing.edge(f"n{scene.index[operand]}", f"n{k}", room, id=f"e{k}-{place}",
                         fontsize="11")  # fmt: skip
    layout = json.loads(drawing.pipe("json"))
    left, bottom, right, top = map(float, layout["bb"].split(","))

    def at(point: str) -> tuple[int, int]:
        x, y = map(float, point.split(","))
        return round(x - left), round(top - y)

    boxes = {entry["name"]: entry for entry in layout["objects"]}
    lines = {entry["id"]: entry for entry in layout.get("edges", ())}
    parts = []
    for k, node in enumerate(scene.order):
        for place, local in enumerate(node.partials):
            line = lines[f"e{k}-{place}"]
            end, start, *curve = line["pos"].removeprefix("e,").split(" ")
            points = [f"{x} {y}" for x, y in map(at, [start, *curve, end])]
            x, y = at(line["lp"])
            parts.append(
                f'<g class="edge" id="e{k}-{place}"><path d="M{points[0]}C{" ".join(points[1:-1])}'
                f'L{points[-1]}" marker-end="url(#tip)"/>'
                f'<text x="{x}" y="{y + 4}">{Symbol.digits(local)}</text></g>'
            )
    for k, node in enumerate(scene.order):
        box = boxes[f"n{k}"]
        x, y = at(box["pos"])
        width, height = (float(box[size]) * POINTS for size in ("width", "height"))
        formula = html.escape(scene.formulas[k] if node.operation else scene.names[k])
        texts = (f"data {Symbol.digits(node.data)}", f"grad {Symbol.digits(scene.grads[k])}")
        sign = (scene.grads[k] > 0) - (scene.grads[k] < 0)
        parts.append(
            f'<g class="node{"" if node.operation else " leaf"}" id="n{k}" tabindex="0" '
            f'role="button" aria-label="{formula}: {", ".join(texts)}" data-formula="{formula}" '
            f'data-sign="{sign}">'
            f'<rect x="{x - width / 2:.1f}" y="{y - height / 2:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" rx="{2 if node.operation else 14}"/>'
            f'<g text-anchor="middle"><text class="formula" x="{x}" y="{y - LINE + 4:.1f}">'
            f"{html.escape(shown[k])}</text>"
            f'<text class="data" x="{x}" y="{y + 5:.1f}">{texts[0]}</text>'
            f'<text class="grad" x="{x}" y="{y + LINE + 5:.1f}">{texts[1]}</text></g></g>'
        )
    width, height = right - left, top - bottom
    drawn = "\n".join(parts)
    svg = (
        f'<svg width="{width:.0f}" height="{height:.0f}" viewBox="-2 -2 {width + 4:.0f} '
        f'{height + 4:.0f}" role="group" aria-label="Graph of {len(scene.order)} nodes">\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z"/>'
        f"</marker></defs>\n{drawn}\n</svg>"
    )
    return svg, width
