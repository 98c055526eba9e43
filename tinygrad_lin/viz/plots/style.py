"""What all plots have in common: figures, axes, points, and names that are shown as they are."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinygrad_lin.errors import printable
from tinygrad_lin.viz.notation.text import cut
from tinygrad_lin.viz.themes import GRID, INK, POINTS

POINTS_ALONG_AXIS = 241
"""A curve or a cost is computed at this many points along an axis."""
MAX_NAME_LENGTH = 28
"""A longer name along an axis would leave no space for the plot."""
MAX_SHORT_NAME_LENGTH = 20
"""The length of a name among other words."""


def axes_of(ax: Axes | None) -> tuple[Figure, Axes]:
    """The axes given and their figure, or new ones."""
    if ax is None:
        ax = new_figure().add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color=GRID, linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(colors=INK)
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure, ax


def new_figure(width: float = 6.4, height: float = 4.0) -> Figure:
    """An empty figure of a size in inches, for one plot or for several side by side."""
    return Figure(figsize=(width, height), dpi=150, layout="constrained")


def plot_points(ax: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    """The points of a data set, above the curve where they are few, below where they are many."""
    size, layer = (5.0, 4) if len(x) < 200 else (2.0, 2)
    ax.plot(x, y, "o", color=POINTS, markersize=size, zorder=layer, label="data")


def literal_name(name: str) -> str:
    """A name along an axis. matplotlib shows it as it is, and no formula at a dollar sign."""
    return printable(cut(name, MAX_NAME_LENGTH)).replace("$", r"\$")


def name_axes(ax: Axes, x: str, y: str) -> None:
    """Write names along both axes."""
    ax.set_xlabel(literal_name(x))
    ax.set_ylabel(literal_name(y))


def short_name(name: str) -> str:
    """A name among other words, shown as it is."""
    return literal_name(cut(name, MAX_SHORT_NAME_LENGTH))


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # matplotlib draws a box instead.
        warnings.filterwarnings("ignore", "overflow encountered")  # An axis may end at 1e308.
        figure.savefig(buffer, format="png")
    return buffer.getvalue()
