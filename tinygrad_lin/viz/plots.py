"""Plots of data and training, in one style. Each gives its Figure and takes the axes to draw on."""

from __future__ import annotations

import io
import math
import warnings
from typing import TYPE_CHECKING

import numpy
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

    from tinygrad_lin.nn.checkpoint import Snapshot
    from tinygrad_lin.nn.data import Data
    from tinygrad_lin.nn.rates import Sweep

# From the colours of Okabe and Ito, told apart by colour-blind eyes and in greyscale.
POINTS = "#d55e00"
CURVE = "#0072b2"
INK = "#1f2933"


def axes_of(ax: Axes | None) -> tuple[Figure, Axes]:
    """The axes given and their figure, or new ones."""
    if ax is None:
        ax = Figure(figsize=(6.4, 4.0), dpi=150, layout="constrained").add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#d9dee3", linewidth=0.6)
    ax.tick_params(colors=INK)
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure, ax


def plot_fit(data: Data, weights: Sequence[float], bias: float, ax: Axes | None = None) -> Figure:
    """The points of a data set and the line that was learned.

    With several features a line cannot be drawn; then predictions stand against targets, and all
    would be well on the diagonal.
    """
    figure, ax = axes_of(ax)
    # Few points stand on the line, many would hide it.
    size, layer = (5.0, 4) if len(data.y) < 200 else (2.0, 2)
    if len(weights) == 1:
        x = [row[0] for row in data.x]
        ends = [min(x), max(x)]
        margin = 0.08 * (ends[1] - ends[0])
        ends = [ends[0] - margin, ends[1] + margin]
        sign = "+" if bias >= 0 else "−"
        text = f"{data.target} = {weights[0]:.6g} {data.features[0]} {sign} {abs(bias):.6g}"
        ax.plot(
            ends, [weights[0] * e + bias for e in ends], color=CURVE, label=plain(text), zorder=3
        )
        ax.plot(x, data.y, "o", color=POINTS, markersize=size, zorder=layer, label="data")
        ax.set_xlabel(plain(data.features[0]))
        ax.set_ylabel(plain(data.target))
    else:
        text = "prediction = target"
        predictions = [sum(w * v for w, v in zip(weights, row)) + bias for row in data.x]
        ends = [min(*predictions, *data.y), max(*predictions, *data.y)]
        ax.plot(ends, ends, color=CURVE, label=text, zorder=3)
        ax.plot(data.y, predictions, "o", color=POINTS, markersize=size, zorder=layer, label="data")
        ax.set_xlabel(plain(f"{data.target}, target"))
        ax.set_ylabel(plain(f"{data.target}, prediction"))
    legend = ax.legend(ax.lines[-2:], ["line", "data"], frameon=False, labelcolor=INK)
    legend.get_texts()[0].set_text(plain(text))  # as a label, a leading _ would hide it
    return figure


def plot_loss(snapshots: Sequence[Snapshot], ax: Axes | None = None) -> Figure:
    """The cost after each step, on logarithmic axes; step 0 stands left of 1 all the same."""
    figure, ax = axes_of(ax)
    shown = [(step, cost) for step, cost, _ in snapshots if cost > 0.0]
    if shown:  # a cost of 0 has no logarithm
        ax.semilogy(*zip(*shown), color=CURVE, marker="o" if len(shown) < 30 else "", markersize=4)
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_xlim(left=0.0)
    ax.set_xlabel("step")
    ax.set_ylabel("cost C")
    return figure


def plain(text: str) -> str:
    """Text that matplotlib shows as it is: a dollar sign would begin a formula."""
    return "".join(c if c.isprintable() else " " for c in text).replace("$", r"\$")


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # it draws a box in its place
        warnings.filterwarnings("ignore", "overflow encountered")  # at the end of the axes
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def plot_curve(
    data: Data, predict: Callable[[list[float]], float], ax: Axes | None = None
) -> Figure:
    """The points of a data set with one feature, and what a model makes of it."""
    figure, ax = axes_of(ax)
    x = [row[0] for row in data.x]
    margin = 0.08 * (max(x) - min(x))
    grid = numpy.linspace(min(x) - margin, max(x) + margin, 300).tolist()
    ax.plot(grid, [predict([v]) for v in grid], color=CURVE, label="model", zorder=3)
    size, layer = (5.0, 4) if len(data.y) < 200 else (2.0, 2)
    ax.plot(x, data.y, "o", color=POINTS, markersize=size, zorder=layer, label="data")
    ax.set_xlabel(plain(data.features[0]))
    ax.set_ylabel(plain(data.target))
    ax.legend(frameon=False, labelcolor=INK)
    return figure


def plot_predictions(data: Data, predictions: Sequence[float], ax: Axes | None = None) -> Figure:
    """Predictions against targets: all would be well on the diagonal."""
    figure, ax = axes_of(ax)
    ends = [min(*predictions, *data.y), max(*predictions, *data.y)]
    ax.plot(ends, ends, color=CURVE, label="prediction = target", zorder=3)
    size, layer = (5.0, 4) if len(data.y) < 200 else (2.0, 2)
    ax.plot(data.y, predictions, "o", color=POINTS, markersize=size, zorder=layer, label="data")
    ax.set_xlabel(plain(f"{data.target}, target"))
    ax.set_ylabel(plain(f"{data.target}, prediction"))
    ax.legend(frameon=False, labelcolor=INK)
    return figure


def plot_boundary(
    data: Data, predict: Callable[[list[float]], float], ax: Axes | None = None
) -> Figure:
    """The points of two classes, and where a model gives either of them the same probability."""
    figure, ax = axes_of(ax)
    sides = []
    for column in zip(*data.x):
        margin = 0.08 * (max(column) - min(column)) or 1.0
        sides.append(numpy.linspace(min(column) - margin, max(column) + margin, 60).tolist())
    across, up = sides
    heights = [[predict([h, v]) for h in across] for v in up]
    colors = LinearSegmentedColormap.from_list("classes", ["#fbe3d3", "#ffffff", "#d3e5f2"])
    ax.contourf(across, up, heights, levels=20, vmin=0.0, vmax=1.0, cmap=colors)
    ax.contour(across, up, heights, levels=[0.5], colors=INK, linewidths=1.2)
    for target, color, marker in ((0.0, POINTS, "o"), (1.0, CURVE, "s")):
        members = [row for row, y in zip(data.x, data.y) if y == target]
        x, y = zip(*members) if members else ((), ())
        ax.plot(x, y, marker, color=color, markersize=4, label=plain(f"{data.target} = {target:g}"))
    ax.set_xlabel(plain(data.features[0]))
    ax.set_ylabel(plain(data.features[1]))
    ax.legend(framealpha=0.9, edgecolor="white", labelcolor=INK)
    return figure


def plot_sweep(sweep: Sweep, ax: Axes | None = None) -> Figure:
    """The last cost at each learning rate, with a sign for what became of it, and the limit."""
    figure, ax = axes_of(ax)
    top = max(run.costs[0] for run in sweep.runs) * 10.0
    looks = {"too low": "v", "good": "o", "at the limit": "D", "diverging": "X"}
    colors = {"too low": "#56b4e9", "good": "#009e73", "at the limit": "#e69f00"}
    for verdict, marker in looks.items():
        runs = [run for run in sweep.runs if run.verdict == verdict]
        if runs:
            ax.loglog(
                [run.rate for run in runs],
                [max(min(run.costs[-1], top), 1e-30) for run in runs],
                marker,
                color=colors.get(verdict, POINTS),
                label=verdict,
                zorder=3,
            )
    if math.isfinite(sweep.computed):
        ax.axvline(sweep.computed, color=INK, linewidth=1.0, linestyle="--", label="2 / λmax")
    ax.set_xlabel("learning rate")
    ax.set_ylabel(f"cost after {len(sweep.runs[0].costs) - 1} steps")
    ax.legend(frameon=False, labelcolor=INK)
    return figure
