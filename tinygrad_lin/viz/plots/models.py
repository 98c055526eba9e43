"""What a model has learned, and the landscape of its cost in which it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy
from matplotlib.figure import Figure

from tinygrad_lin.compiler.program import compile_graph
from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.value import Value
from tinygrad_lin.viz.plots.style import (
    POINTS_ALONG_AXIS,
    axes_of,
    name_axes,
    plot_points,
    short_name,
)
from tinygrad_lin.viz.themes import CURVE, INK, LIGHT, POINTS, SHADES, SIDES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes
    from numpy import float64
    from numpy.typing import NDArray

    from tinygrad_lin.nn.data import Data
    from tinygrad_lin.nn.losses import Loss
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.nn.training.history import Snapshot


def plot_fit(data: Data, weights: Sequence[float], bias: float, ax: Axes | None = None) -> Figure:
    """The points of a data set and the line that was learned.

    With several features a line cannot be drawn; then predictions stand against targets.
    """
    if len(weights) > 1:
        predictions = [sum(w * v for w, v in zip(weights, row)) + bias for row in data.x]
        return plot_predictions(data, predictions, ax)
    figure, ax = axes_of(ax)
    x = [row[0] for row in data.x]
    margin = 0.08 * (max(x) - min(x))
    ends = [min(x) - margin, max(x) + margin]
    sign = "+" if bias >= 0 else "−"
    target, feature = short_name(data.target), short_name(data.features[0])
    text = f"{target} = {weights[0]:.6g} {feature} {sign} {abs(bias):.6g}"
    (line,) = ax.plot(ends, [weights[0] * e + bias for e in ends], color=CURVE, zorder=3)
    plot_points(ax, x, data.y)
    name_axes(ax, data.features[0], data.target)
    legend = ax.legend([line, ax.lines[-1]], ["line", "data"], frameon=False, labelcolor=INK)
    legend.get_texts()[0].set_text(text)  # As a label, a leading _ would hide it.
    return figure


def plot_predictions(data: Data, predictions: Sequence[float], ax: Axes | None = None) -> Figure:
    """Predictions against targets: all would be well on the diagonal."""
    figure, ax = axes_of(ax)
    ends = [min(*predictions, *data.y), max(*predictions, *data.y)]
    ax.plot(ends, ends, color=CURVE, label="prediction = target", zorder=3)
    plot_points(ax, data.y, predictions)
    ax.set_xlabel(f"{short_name(data.target)}, target")
    ax.set_ylabel(f"{short_name(data.target)}, prediction")
    ax.legend(frameon=False, labelcolor=INK)
    return figure


def plot_curve(
    model: Module, data: Data, snapshots: Sequence[Snapshot] = (), ax: Axes | None = None
) -> Figure:
    """The curve that a model of one feature draws through the points.

    Args:
        model: of one feature.
        data: the points.
        snapshots: those of the history, for the curve after 0, 10, 100, ... steps and at the end;
            without them it is drawn as the model is now.
        ax: the axes to draw on.

    Raises:
        DataError: the points have several features.
    """
    x, curves = curves_of(model, data)
    figure, ax = axes_of(ax)
    ax.plot([row[0] for row in data.x], data.y, "o", color=POINTS, markersize=4, label="data")
    shown = [s for s in snapshots[:-1] if s.step in {0, *(10**k for k in range(1, 10))}]
    shown += snapshots[-1:]
    shades = mpl.colormaps[SHADES](numpy.linspace(0.35, 1.0, len(shown)))
    widths = numpy.linspace(1.0, 2.2, len(shown))
    for snapshot, shade, width in zip(shown, shades, widths):
        label = f"after {snapshot.step:,} steps"
        ax.plot(x, curves(snapshot.parameters), color=shade, linewidth=width, label=label)
    if not shown:
        now = [parameter.data for parameter in model.parameters()]
        ax.plot(x, curves(now), color=CURVE, linewidth=2.0, label="prediction")
    name_axes(ax, data.features[0], data.target)
    ax.legend(framealpha=0.9, edgecolor="none", labelcolor=INK, fontsize="small")
    return figure


def curves_of(
    model: Module, data: Data
) -> tuple[NDArray[float64], Callable[[Sequence[float]], NDArray[float64]]]:
    """Points along the data's only feature, and the model's curve there for given parameters."""
    if len(data.features) != 1:
        raise DataError(f"a curve has one feature, and the data have {len(data.features)}")
    feature = Value(data.x[0][0])
    program = compile_graph([model(feature)], batch=[feature], wrt=model.parameters())
    at = [row[0] for row in data.x]
    x = numpy.linspace(min(at), max(at), POINTS_ALONG_AXIS)
    return x, lambda parameters: program.values(parameters, x)[:, 0]


def plot_boundary(model: Module, data: Data, level: float = 0.0, ax: Axes | None = None) -> Figure:
    """Where a model of two features turns from one class to the other.

    Args:
        model: of two features; it believes in the upper class where its output is above the level.
        data: points of two classes, told apart by their targets, such as 0 and 1.
        level: 0 for a model that gives logits; between the targets for one that gives targets.
        ax: the axes to draw on.

    Raises:
        DataError: the points do not have two features, or their targets two values.
    """
    classes = sorted(set(data.y))
    if len(data.features) != 2 or len(classes) != 2:
        raise DataError(
            f"a boundary is drawn between two classes by two features; the data have "
            f"{len(classes)} different targets and {len(data.features)} features"
        )
    first, second, outputs = outputs_around(model, data)
    figure, ax = axes_of(ax)
    above = numpy.where(outputs > level, 1.0, 0.0)
    ax.contourf(first, second, above, [-0.5, 0.5, 1.5], colors=SIDES)
    if 0.0 < above.mean() < 1.0:
        ax.contour(first, second, outputs, [level], colors=INK, linewidths=1.5)
    ax.grid(visible=False)
    size = 5 if len(data.y) > 30 else 9
    for target, color, marker in zip(classes, (POINTS, CURVE), ("o", "^")):
        x, y = numpy.array(data.x)[numpy.array(data.y) == target].T
        label = f"{short_name(data.target)} = {target:g}"
        ax.plot(x, y, marker, color=color, markersize=size, markeredgecolor=LIGHT.background,
                markeredgewidth=0.5, label=label)  # fmt: skip
    name_axes(ax, *data.features)
    beside = (1.0, 1.0)  # Inside, it would hide points.
    ax.legend(loc="upper left", bbox_to_anchor=beside, frameon=False, labelcolor=INK)
    return figure


def outputs_around(
    model: Module, data: Data
) -> tuple[NDArray[float64], NDArray[float64], NDArray[float64]]:
    """A grid of both features, a little wider than the data, and a model's output on it."""
    leaves = [Value(v) for v in data.x[0]]
    program = compile_graph([model(leaves)], batch=[leaves], wrt=model.parameters())
    points = numpy.array(data.x)
    margin = 0.12 * (numpy.ptp(points, axis=0) + 1e-9)
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    first, second = numpy.meshgrid(*numpy.linspace(low, high, POINTS_ALONG_AXIS).T)
    grid = numpy.stack([first.ravel(), second.ravel()], axis=-1)
    now = [parameter.data for parameter in model.parameters()]
    return first, second, program.values(now, grid)[:, 0].reshape(first.shape)


def plot_contours(
    model: Module,
    data: Data,
    snapshots: Sequence[Snapshot],
    loss: Loss = half_mse,
    ax: Axes | None = None,
) -> Figure:
    """The cost over both parameters of a model as a map, and the path that training took on it.

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
    name_axes(ax, *(parameter.label for parameter in model.parameters()))
    return figure


def plot_surface(
    model: Module, data: Data, snapshots: Sequence[Snapshot], loss: Loss = half_mse, ax: Any = None
) -> Figure:
    """The cost over both parameters of a model as a surface, and the path that training took down.

    Arguments and errors are those of :func:`plot_contours`, but the axes have a
    ``projection="3d"``.
    """
    first, second, costs, path = landscape(model, data, snapshots, loss)
    if ax is None:
        # matplotlib's layouts leave no space for the label of the third axis.
        figure = Figure(figsize=(6.4, 4.8), dpi=150)
        ax = figure.add_axes((0.0, 0.0, 0.95, 1.0), projection="3d")
    ax.computed_zorder = False  # The path lies on the surface, not behind it.
    ax.plot_surface(first, second, costs, cmap=SHADES, alpha=0.8, linewidth=0)
    heights = [snapshot.cost for snapshot in snapshots]
    ax.plot(
        path[:, 0], path[:, 1], heights, "o-", color=POINTS, markersize=3, linewidth=0.8, zorder=3
    )
    ax.set_zlabel("cost C")
    ax.tick_params(colors=INK)
    name_axes(ax, *(parameter.label for parameter in model.parameters()))
    drawn: Figure = ax.get_figure()
    return drawn


def landscape(
    model: Module, data: Data, snapshots: Sequence[Snapshot], loss: Loss
) -> tuple[NDArray[float64], NDArray[float64], NDArray[float64], NDArray[float64]]:
    """A grid of both parameters, the cost at each of its points, and the path across it."""
    parameters = model.parameters()
    if len(parameters) != 2:
        raise DataError(f"a cost is drawn over two parameters, and the model has {len(parameters)}")
    if not snapshots:
        raise DataError("there is no snapshot to draw a path through")
    path = numpy.array([snapshot.parameters for snapshot in snapshots])
    reach = 1.25 * numpy.abs(path - path[-1]).max(axis=0)
    reach[reach == 0.0] = 1.0
    low, high = path[-1] - reach, path[-1] + reach
    first, second = numpy.meshgrid(*numpy.linspace(low, high, POINTS_ALONG_AXIS).T)
    cost = loss([model(row) for row in data.x], data.y)
    # The batch is made of parameters: each of its rows is a point of the grid.
    program = compile_graph([cost], batch=parameters, wrt=[])
    costs = program.values([], first.ravel(), second.ravel())[:, 0]
    return first, second, costs.reshape(first.shape), path
