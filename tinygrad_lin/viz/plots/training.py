"""How a training went: its costs, a sweep of learning rates, the gradients of its parameters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.viz.plots.style import axes_of, short_name
from tinygrad_lin.viz.themes import CURVE, FAINT, INK, LIGHT, OTHER, POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tinygrad_lin.nn.learning_rate_sweep import Sweep
    from tinygrad_lin.nn.training.history import History
    from tinygrad_lin.value import Value

VERDICTS = {
    "too low": (FAINT, ":"),
    "good": (CURVE, "-"),
    "at the limit": (OTHER, "-."),
    "diverging": (POINTS, "--"),
}
"""The colour and the dashes of each verdict on a learning rate."""
MAX_GROWTH = 1e3
"""A cost that grows by more than this factor leaves the plot of a sweep."""


def plot_loss(history: History, ax: Axes | None = None) -> Figure:
    """The cost after each step, and that on the points kept aside if there are some.

    The axes are logarithmic; step 0 stands left of 1 all the same.
    """
    figure, ax = axes_of(ax)
    costs = [(step, cost) for step, cost, _ in history.snapshots]
    aside = [(k * history.epoch, cost) for k, cost in enumerate(history.validation)]
    plot_costs(ax, costs, color=CURVE, label="points it learns from")
    if aside:
        plot_costs(ax, aside, color=POINTS, linestyle="--", label="points kept aside")
        ax.legend(frameon=False, labelcolor=INK)
    ax.set_xlabel("step")
    ax.set_ylabel("cost C")
    return figure


def plot_costs(ax: Axes, costs: Iterable[tuple[int, float]], **style: Any) -> None:
    """A curve of costs on logarithmic axes, on which a cost of 0 or infinity has no place."""
    shown = [(step, cost) for step, cost in costs if 0.0 < cost < math.inf]
    if shown:
        ax.semilogy(*zip(*shown), marker="o" if len(shown) < 30 else "", markersize=4, **style)
        ax.set_xscale("symlog", linthresh=1.0)
        ax.set_xlim(left=0.0)


def plot_sweep(sweep: Sweep, ax: Axes | None = None) -> Figure:
    """The cost after each step at every learning rate, in the style of the rate's verdict."""
    figure, ax = axes_of(ax)
    start = sweep.runs[0].costs[0]
    top = max(1e100, start)  # Further up, axes would overflow.
    for verdict, (color, dashes) in VERDICTS.items():
        runs = [run for run in sweep.runs if run.verdict == verdict]
        rates = ", ".join(f"{run.rate:.4g}" for run in runs[:3]) + (", …" if runs[3:] else "")
        for run in runs:
            costs = [min(cost, top) if 0.0 < cost < math.inf else math.nan for cost in run.costs]
            label = f"{verdict}: {rates}" if run is runs[0] else "_"
            ax.plot(costs, dashes, color=color, linewidth=1.6, label=label)
    ax.set_yscale("log")
    ax.set_xscale("symlog", linthresh=1.0)
    ax.set_xlim(left=0.0)
    if start > 0.0:
        ax.set_ylim(top=min(ax.get_ylim()[1], MAX_GROWTH * start))
    ax.set_xlabel("step")
    ax.set_ylabel("cost C")
    measured = f"{sweep.measured:.5g} measured, " if sweep.measured else ""
    ax.set_title(f"limit: {measured}{sweep.computed:.5g} computed", fontsize="medium", color=INK)
    ax.legend(loc="lower left", fontsize="small", framealpha=0.9, edgecolor="none", labelcolor=INK)
    return figure


def plot_gradients(parameters: Iterable[Value], ax: Axes | None = None) -> Figure:
    """The sizes of the parameters' gradients, layer by layer, and their medians.

    Args:
        parameters: such as ``model.parameters()``, after a backward pass. A layer is what was made
            in one scope.
        ax: the axes to draw on.
    """
    layers: dict[str, list[float]] = {}
    for parameter in parameters:
        name = parameter.scope[-1] if parameter.scope else "no scope"
        layers.setdefault(name, []).append(abs(parameter.grad or 0.0))
    figure, ax = axes_of(ax)
    ticks = []
    for place, (name, sizes) in enumerate(layers.items()):
        shown = [size for size in sizes if 0.0 < size < math.inf]
        ax.plot([place] * len(shown), shown, "_", color=CURVE, markersize=9, alpha=0.5)
        median = float(numpy.median(sizes))
        if 0.0 < median < math.inf:
            ax.plot(
                place, median, "D", color=POINTS, markersize=6, markeredgecolor=LIGHT.background
            )
        absent = len(sizes) - len(shown)  # Zeros have no place on a logarithmic axis.
        ticks.append(short_name(name) + (f"\n{absent} are 0" if absent else ""))
    ax.set_yscale("log")
    ax.set_xticks(range(len(ticks)), ticks)
    ax.set_ylabel("size of the gradient")
    handles = [h for h in ax.lines if h.get_marker() == "_"][:1]
    handles += [h for h in ax.lines if h.get_marker() == "D"][:1]
    ax.legend(handles, ["of one parameter", "median"], frameon=False, labelcolor=INK)
    return figure
