"""Puts a page together: one HTML file with the graph, its tables, its controls and its scripts."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from tinygrad_lin._files import write_whole
from tinygrad_lin.errors import DataError
from tinygrad_lin.graph import topological_order
from tinygrad_lin.viz.chain_rule.steps import html_table, require_value
from tinygrad_lin.viz.notation.text import Symbol
from tinygrad_lin.viz.themes import page_style
from tinygrad_lin.viz.webpage.javascript import number_literal, operations_as_javascript
from tinygrad_lin.viz.webpage.scene import Scene, graph_as_svg
from tinygrad_lin.viz.webpage.training import MAX_NODES, training_of, training_parts, updates

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.value import Value
    from tinygrad_lin.viz.webpage.training import Training

MAX_SPAN = 1e300
"""How far a slider reaches at most, so that both of its ends are finite."""
MIN_SCALE = 0.7
"""A graph that would have to shrink further scrolls."""


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
        DataError: another suffix, too large a graph, a leaf given other data since, a model whose
            parameters are not in the graph, or data or settings out of range.
        ExpressionError: an own operation uses Python that JavaScript does not have.
        OSError: the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from tinygrad_lin import Value
    >>> with TemporaryDirectory() as folder:
    ...     page(Value(0.5, "w") * Value(2.0, "x"), f"{folder}/product.html")
    """
    require_page(value, path)
    scene = Scene(value, title)
    training = training_of(scene, model, data, lr, steps)
    write_whole(path, html_of(scene, training).encode())


def require_page(value: Value, path: str | os.PathLike[str]) -> None:
    """Refuse what is no Value, no name of a page, or too large to be read."""
    require_value(value, "page")
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise DataError(f"cannot write a page to {str(path)!r}: the suffix must be .html")
    nodes = len(topological_order(value))
    if nodes > MAX_NODES:
        raise DataError(
            f"a page shows at most {MAX_NODES} nodes, this graph has {nodes:,}: "
            "take fewer points or a smaller model"
        )


def html_of(scene: Scene, training: Training | None) -> str:
    """The whole page."""
    nodes = [*scene.order, *(training.predicting if training else ())]
    operations = operations_as_javascript(node.operation for node in nodes if node.operation)
    scripts = ["engine.js", *(["training.js"] if training else []), "player.js"]
    code = "".join(map(read_asset, scripts))
    script = f'\n"use strict";\nconst OPERATIONS = {operations};\n{code}'
    graph, width = graph_as_svg(scene)
    smallest = f"#graph svg {{ min-width: {MIN_SCALE * width:.0f}px; }}"
    style = f"{page_style()}{read_asset('page.css')}{smallest}\n"
    return fill(
        "page.html",
        policy=content_security_policy(style, script),
        title=html.escape(scene.title),
        style=style,
        graph=graph,
        words="\n".join(f"<li>{html.escape(sentence)}</li>" for sentence in scene.words()),
        training=fill("training.html", **training_parts(scene, training)) if training else "",
        leaves="\n".join(
            leaf_controls(k, node.data, scene.names[k])
            for k, node in enumerate(scene.order)
            if node.operation is None
        ),
        values="\n".join(values_of(scene, k) for k in range(len(scene.order))),
        steps=tables_of_steps(scene, training),
        data=json_of(scene.data() | ({"training": training.data()} if training else {})),
        script=script,
    )


def read_asset(name: str) -> str:
    """A file of HTML, CSS or JavaScript, which stands beside this one."""
    return (files("tinygrad_lin.viz.webpage") / name).read_text(encoding="utf-8")


def fill(name: str, **parts: object) -> str:
    """A file of HTML with its parts filled in."""
    return Template(read_asset(name)).substitute(parts)


def content_security_policy(style: str, script: str) -> str:
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


def leaf_controls(index: int, data: float, name: str) -> str:
    """The slider and the number field of a leaf."""
    center = data if math.isfinite(data) else 0.0
    shown = repr(data) if math.isfinite(data) else ""  # A number field does not take infinities.
    span = max(2.0, min(2.0 * abs(center), MAX_SPAN))
    low, high = center - span, center + span
    name = html.escape(name)
    return (
        f'<li><label for="field{index}">{name}</label>'
        f'<input type="range" id="slider{index}" min="{low!r}" max="{high!r}" step="any" '
        f'value="{center!r}" aria-label="{name}, slider" autocomplete="off">'
        f'<input type="number" id="field{index}" step="any" value="{shown}" autocomplete="off">'
        "</li>"
    )


def values_of(scene: Scene, index: int) -> str:
    """A node's line in the table of all values."""
    node = scene.order[index]
    name = html.escape(scene.names[index])
    formula = html.escape(scene.formulas[index] if node.operation else "leaf")
    return (
        f'<tr id="row{index}"><th scope="row">{name}</th><td>{formula}</td>'
        f"{number_cell(node.data)}{number_cell(scene.grads[index])}</tr>"
    )


def number_cell(data: float) -> str:
    """A number as it is shown, and in an attribute at full precision."""
    negative = ' class="negative"' if data < 0 else ""
    return f'<td{negative} data-value="{number_literal(data)}">{Symbol.digits(data)}</td>'


def tables_of_steps(scene: Scene, training: Training | None) -> str:
    """The tables of all steps."""
    forward, backward = scene.steps.tables(scene.notation)
    tables = [html_table(*forward, "Forward"), html_table(*backward, "Backward")]
    if training:
        tables.append(html_table(("step", "update"), updates(scene, training), "Update"))
    return "\n".join(tables)
