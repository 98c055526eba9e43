"""The training that a page replays: what it needs to know, and its part of the page."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin._operands import to_float
from tinygrad_lin.errors import DataError
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value
from tinygrad_lin.viz.notation.text import Symbol
from tinygrad_lin.viz.webpage.javascript import number_literal
from tinygrad_lin.viz.webpage.scene import node_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.viz.webpage.scene import Scene

MAX_NODES = 400
"""A larger graph takes long to lay out, and nobody reads it."""
MAX_COMPUTED = 500_000
"""Computing this many nodes, over all training steps, takes JavaScript about a second."""
PROPER_PART_OF_LIMIT = 0.75
"""A learning rate of this part of the limit is neither slow nor wild."""
PRESETS = (("slow crawl", 0.01), ("proper drop", PROPER_PART_OF_LIMIT), ("wild divergence", 1.05))


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

    def data(self) -> dict[str, Any]:
        """What the scripts compute with."""
        return {**self._asdict(), "limit": number_literal(self.limit), "predicting": None}


def training_of(
    scene: Scene, model: Module | None, data: Any, lr: float | None, steps: int
) -> Training | None:
    """The training of a model whose cost is the root of a scene; None without a model."""
    from tinygrad_lin.nn.optimizers import MAX_HESSIAN_PARAMETERS, learning_rate_limit

    if model is None:
        if data is not None or lr is not None:
            raise DataError("data and lr belong to a model: give model=, too")
        return None
    parameters = model.parameters()
    missing = [p for p in parameters if p not in scene.index]
    if missing or not parameters:
        raise DataError(f"the value does not depend on the model's parameters: {missing[:3]}")
    limit = math.inf
    if len(parameters) <= MAX_HESSIAN_PARAMETERS:
        limit = learning_rate_limit(scene.order[-1], parameters)
    if lr is None:
        lr = float(f"{limit * PROPER_PART_OF_LIMIT:.3g}") if limit < math.inf else 0.01
    if not 0 < lr < math.inf:
        raise DataError(f"the learning rate must be above 0 and finite, not {lr}")
    most = MAX_COMPUTED // len(scene.order)
    if isinstance(steps, bool) or not isinstance(steps, int) or not 1 <= steps <= most:
        raise DataError(f"steps must be a whole number from 1 to {most:,} here, not {steps!r}")
    points = points_of(data) if data is not None else []
    prediction, predicting = prediction_of(model, points) if points else (None, [])
    indices = [scene.index[parameter] for parameter in parameters]
    return Training(indices, lr, steps, limit, points, prediction, predicting)


def points_of(data: Any) -> list[tuple[float, float]]:
    """The points to draw if every x is one number; none otherwise."""
    try:
        xs, ys = data
        rows = [(x[0] if hasattr(x, "__len__") and len(x) == 1 else x, y) for x, y in zip(xs, ys)]
        if len(xs) != len(ys) or not rows:
            raise DataError(f"data has {len(xs)} x and {len(ys)} y")
        if any(hasattr(x, "__len__") and not isinstance(x, str) for x, _ in rows):
            return []
        return [(to_float(x), to_float(y)) for x, y in rows]
    except (TypeError, ValueError) as error:
        raise DataError(f"data must be (x, y), two sequences of numbers: {error}") from None


def prediction_of(
    model: Module, points: list[tuple[float, float]]
) -> tuple[dict[str, Any] | None, list[Value]]:
    """The graph of a model's prediction at one x, if it is a curve that can be drawn."""
    x = Value(points[0][0], "x")
    output = model(x)
    order = topological_order(output) if isinstance(output, Value) else []
    if x not in order or len(order) > MAX_NODES:
        return None, []
    index = {node: k for k, node in enumerate(order)}
    prediction = {
        "nodes": [node_data(node, index) for node in order],
        "x": index[x],
        "parameters": [index.get(parameter) for parameter in model.parameters()],
    }
    return prediction, order


def updates(scene: Scene, training: Training) -> Iterator[tuple[str, str]]:
    """The step of gradient descent of each parameter, numbered after the steps of both passes."""
    root, lr = scene.order[-1], training.lr
    for k, index in enumerate(training.parameters, len(scene.steps) + 1):
        node, name, grad = scene.order[index], scene.names[index], scene.grads[index]
        derivative = scene.notation.derivative(root, node)
        numbers = scene.notation.product(Symbol.number(lr), Symbol.number(grad))
        before, after = Symbol.digits(node.data), Symbol.digits(node.data - lr * grad)
        yield str(k), f"{name} ← {name} - η · {derivative} = {before} - {numbers} = {after}"


def training_parts(scene: Scene, training: Training) -> dict[str, object]:
    """What the controls and plots of the training are made of."""
    known = math.isfinite(training.limit)
    top = training.limit if known else training.lr
    presets = "\n".join(
        f'<button type="button" data-lr="{training.limit * part:.3g}">{label}</button>'
        for label, part in PRESETS
        if known
    )
    plots = [("cost-plot", "The cost after every update")]
    if training.prediction:
        plots.insert(0, ("fit-plot", "The model over the points"))
    if len(training.parameters) == 2:
        w, b = (html.escape(scene.names[k]) for k in training.parameters)
        plots.append(("contour-plot", f"The path over ({w}, {b}) on the cost's contours"))
    return {
        "limit": f"Here it must stay below 2/λmax = {training.limit:.5g}." if known else "",
        "lr": repr(training.lr),
        "low": math.log10(top / 1000),
        "high": math.log10(top * 2),
        "presets": presets,
        "plots": "\n".join(
            f"<figure><figcaption>{caption}</figcaption>"
            f'<svg id="{id}" viewBox="0 0 340 250" role="img" aria-label="{caption}" '
            'aria-describedby="t-status"></svg></figure>'
            for id, caption in plots
        ),
    }
