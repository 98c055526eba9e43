"""A graph as a drawing: data and gradient in every node, the local derivative on every edge.

The gradient of an operand is the sum, over its edges, of the gradient at the other end times the
number on the edge. Leaves are rounded, constants stand beside the sign of their operation, scopes
are frames around their nodes. A blue gradient is positive, an orange one negative.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tinygrad_lin.errors import DataError
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value
from tinygrad_lin.viz.chain_rule.explanation import products_of_paths, require_paths
from tinygrad_lin.viz.chain_rule.steps import require_value
from tinygrad_lin.viz.drawing.digraph import Drawing
from tinygrad_lin.viz.drawing.dot import DotWriter, Settings, escape
from tinygrad_lin.viz.drawing.folding import fold_alike, one_box_each
from tinygrad_lin.viz.themes import THEMES

SHOWN = ("data", "grad", "local")


def draw(
    value: Value,
    *,
    direction: str = "LR",
    precision: int = 4,
    show: Sequence[str] = SHOWN,
    theme: str = "light",
    fold: str | None = "auto",
    title: str | None = None,
    legend: bool = False,
    path: Value | None = None,
) -> Drawing:
    """Draw the graph below a Value, with data and gradients in its nodes, derivatives on its edges.

    Args:
        value: the root, for instance a cost after ``cost.backward()``.
        direction: where the drawing grows to: LR, RL, TB or BT.
        precision: how many significant digits the numbers have.
        show: which of "data", "grad" and "local", the local derivatives.
        theme: "light", "dark", "print" for paper, or "auto": an SVG that follows its viewer.
        fold: "auto" draws what is alike once, with a count, where the graph has more than 60
            nodes; None draws every node.
        title: a line of text above the drawing.
        legend: whether to explain the drawing in a corner.
        path: a Value below the root; the paths to it are marked and, up to 5, written out.

    Raises:
        OperandError: the root or the end of a path is not a Value.
        DataError: a setting that does not exist, or no path leads there.

    >>> from tinygrad_lin import Value
    >>> draw(Value(2.0, "w") * Value(3.0, "x")).pipe("svg")[:5]
    b'<?xml'
    """
    require_value(value, "draw")
    settings = Settings(direction, precision, tuple(show), theme, fold, title, legend, path)
    require_settings(settings)
    return drawing_of(value, settings)


def require_settings(settings: Settings) -> None:
    """Refuse settings that do not exist."""
    direction, precision, show, theme, fold, *_ = settings
    if direction not in ("LR", "RL", "TB", "BT"):
        raise DataError(f"direction must be LR, RL, TB or BT, not {direction!r}")
    if not isinstance(precision, int) or not 1 <= precision <= 17:
        raise DataError(f"precision must be a whole number from 1 to 17, not {precision!r}")
    if unknown := [entry for entry in show if entry not in SHOWN]:
        raise DataError(f"show takes {', '.join(SHOWN)}, not {unknown[0]!r}")
    if theme not in THEMES:
        raise DataError(f"theme must be one of {', '.join(THEMES)}, not {theme!r}")
    if fold not in ("auto", None):
        raise DataError(f'fold must be "auto" or None, not {fold!r}')


def drawing_of(value: Value, settings: Settings) -> Drawing:
    """The drawing of a graph, and above it the title, the paths and what was folded."""
    order = topological_order(value)
    folding = fold_alike(order) if settings.fold else one_box_each(order)
    marked: dict[Value, int] = {}
    heading = [f"<B>{escape(settings.title)}</B>"] if settings.title else []
    if settings.path is not None:
        marked = require_paths(order, settings.path)
        lines = products_of_paths(value, settings.path)
        heading += [escape(line, max_length=400) for line in lines]
    if folding.note:
        heading.append(escape(folding.note, max_length=200))
    return DotWriter(folding, settings, marked).drawing(heading)


def mimebundle(value: Value) -> dict[str, Any]:
    """What a notebook shows of a Value: the graph, or text where there is no Graphviz."""
    shown: dict[str, Any] = {"text/plain": repr(value)}
    with suppress(ImportError, OSError, ValueError):
        drawing = draw(value)
        svg, png = drawing.pipe("svg", encoding="utf-8"), drawing.pipe("png")
        shown |= {"image/svg+xml": svg, "image/png": png}
    return shown
