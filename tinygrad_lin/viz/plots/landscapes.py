"""The cost by both parameters of a model, and the path that training took: a map and a surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy
from matplotlib.figure import Figure

from tinygrad_lin.compiler.program import compile_graph
from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.viz.plots.style import POINTS_ALONG_AXIS, axes_of, literal_name
from tinygrad_lin.viz.themes import INK, POINTS, SHADES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy import float64
    from numpy.typing import NDArray

    from tinygrad_lin.nn.checkpoint import Snapshot
    from tinygrad_lin.nn.data import Data
    from tinygrad_lin.nn.linear import Module
    from tinygrad_lin.nn.passes import Loss


def plot_contours(
    model: Module,
    data: Data,
    snapshots: Sequence[Snapshot],
    loss: Loss = half_mse,
    ax: Axes | None = None,
) -> Figure:
    """The cost by both parameters of a model as a map, and the path that training took on it.

    Args:
        model: with two parameters, such as a line of one feature.
        data: the points that the cost is of.
        snapshots: those of the history; the last stands in the middle of the map.
        loss: takes the predictions and the targets, gives the cost.
        ax: the axes to draw on.

    Raises:
        DataError: the model has more or fewer parameters, or there is no snapshot.
    """
    first, second, costs, path = landscape(model, data, snapshots, loss)
    figure, ax = axes_of(ax)
    lowest, highest = costs.min(), costs.max()
    # Each level is three times the one below, counted from the lowest cost.
    heights = (highest - lowest or 1.0) * 3.0 ** numpy.arange(-9, 1)
    levels = lowest + numpy.array([0.0, *heights])
    shades = mpl.colormaps[SHADES](numpy.linspace(0.5, 0.05, len(heights)))
    filled = ax.contourf(first, second, costs, levels, colors=shades)
    ax.contour(first, second, costs, levels[1:-1], colors=INK, linewidths=0.4)
    bar = figure.colorbar(filled, ax=ax, label="cost C", ticks=levels[1::3], format="%.3g")
    bar.ax.tick_params(colors=INK)
    ax.grid(visible=False)
    ax.plot(path[:, 0], path[:, 1], "o-", color=POINTS, markersize=3, linewidth=1.2, label="path")
    ax.plot(path[:1, 0], path[:1, 1], "s", color=INK, label="start")
    ax.plot(path[-1:, 0], path[-1:, 1], "*", color=INK, markersize=11, label="end")
    ax.legend(framealpha=0.9, edgecolor="none", labelcolor=INK)
    name_axes(ax, model)
    return figure


def plot_surface(
    model: Module,
    data: Data,
    snapshots: Sequence[Snapshot],
    loss: Loss = half_mse,
    ax: Any = None,
) -> Figure:
    """The cost by both parameters of a model as a surface, and the path that training took down it.

    Arguments and errors are those of :func:`plot_contours`, but the axes have a
    ``projection="3d"``.
    """
    first, second, costs, path = landscape(model, data, snapshots, loss)
    if ax is None:
        # matplotlib's layouts leave no space for the label of the third axis.
        figure = Figure(figsize=(6.4, 4.8), dpi=150)
        ax = figure.add_axes((0.0, 0.0, 0.95, 1.0), projection="3d")
    ax.computed_zorder = False  # the path lies on the surface, not behind it
    ax.plot_surface(first, second, costs, cmap=SHADES, alpha=0.8, linewidth=0)
    heights = [snapshot.cost for snapshot in snapshots]
    ax.plot(
        path[:, 0], path[:, 1], heights, "o-", color=POINTS, markersize=3, linewidth=0.8, zorder=3
    )
    ax.set_zlabel("cost C")
    ax.tick_params(colors=INK)
    name_axes(ax, model)
    drawn: Figure = ax.get_figure()
    return drawn


def landscape(
    model: Module, data: Data, snapshots: Sequence[Snapshot], loss: Loss
) -> tuple[NDArray[float64], NDArray[float64], NDArray[float64], NDArray[float64]]:
    """A grid of both parameters, the cost at each of its points, and the path across it."""
    parameters = model.parameters()
    if len(parameters) != 2:
        raise DataError(f"a cost by two parameters is drawn, and the model has {len(parameters)}")
    if not snapshots:
        raise DataError("there is no snapshot to draw a path through")
    path = numpy.array([snapshot.parameters for snapshot in snapshots])
    reach = 1.25 * numpy.abs(path - path[-1]).max(axis=0)
    reach[reach == 0.0] = 1.0
    first, second = numpy.meshgrid(
        *[numpy.linspace(end - r, end + r, POINTS_ALONG_AXIS) for end, r in zip(path[-1], reach)]
    )
    cost = loss([model(row) for row in data.x], data.y)
    # The batch is made of parameters: each of its rows is a point of the grid.
    program = compile_graph([cost], batch=parameters, wrt=[])
    costs = program.values([], first.ravel(), second.ravel())[:, 0]
    return first, second, costs.reshape(first.shape), path


def name_axes(ax: Axes, model: Module) -> None:
    """Write the names of a model's two parameters on the axes."""
    first, second = model.parameters()
    ax.set_xlabel(literal_name(first.label))
    ax.set_ylabel(literal_name(second.label))
