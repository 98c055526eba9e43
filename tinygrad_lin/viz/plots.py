"""Plots of data and training, in one style. Each gives its Figure and takes the axes to draw on.

>>> from tinygrad_lin import Linear, fit, load
>>> data, line = load("line"), Linear()
>>> history = fit(line, data.x, data.y, lr=0.17, steps=50)
>>> figure = new_figure(width=11.0)
>>> left, right = figure.subplots(1, 2)
>>> plot_loss(history, left) is plot_contours(line, data, history.snapshots, ax=right) is figure
True
"""

from __future__ import annotations

import io
import math
import warnings
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy
from matplotlib.figure import Figure

from tinygrad_lin import Value, compile_graph, half_mse
from tinygrad_lin.errors import DataError, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from matplotlib.axes import Axes
    from numpy import float64
    from numpy.typing import NDArray

    from tinygrad_lin.nn.data import Data
    from tinygrad_lin.nn.learning_rate_sweep import Sweep
    from tinygrad_lin.nn.losses import Loss
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.nn.training.history import History, Snapshot

# From the colours of Okabe and Ito, told apart by colour-blind eyes and in greyscale. No colour
# says anything alone: lines differ in their dashes too, and points in their markers.
POINTS = "#d55e00"
CURVE = "#0072b2"
OTHER = "#009e73"
INK = "#1f2933"
SIDES = ("#f7dfcf", "#d3e6f3")
VERDICTS = {
    "too low": ("#56b4e9", ":"),
    "good": (CURVE, "-"),
    "at the limit": (OTHER, "-."),
    "diverging": (POINTS, "--"),
}
"""The colour and the dashes of each verdict on a learning rate."""

FINE = 241
"""Points along an axis at which a curve or a cost is computed."""
LONGEST = 28
"""Characters along an axis: more, and they would leave no room for the plot."""
SHORT = 20
"""Characters of a name among other words."""
OUT_OF_SIGHT = 1e3
"""How many times its start a cost may grow before it leaves the plot of a sweep."""


def axes_of(ax: Axes | None) -> tuple[Figure, Axes]:
    """The axes given and their figure, or new ones."""
    if ax is None:
        ax = new_figure().add_subplot()
    ax.spines[["top", "right"]].set_visible(False)
    ax.grid(color="#d9dee3", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(colors=INK)
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return figure, ax


def new_figure(width: float = 6.4, height: float = 4.0) -> Figure:
    """An empty figure of a size in inches, for one plot or for several side by side."""
    return Figure(figsize=(width, height), dpi=150, layout="constrained")


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
    target, feature = plain(data.target, SHORT), plain(data.features[0], SHORT)
    text = f"{target} = {weights[0]:.6g} {feature} {sign} {abs(bias):.6g}"
    (line,) = ax.plot(ends, [weights[0] * e + bias for e in ends], color=CURVE, zorder=3)
    plot_points(ax, x, data.y)
    ax.set_xlabel(plain(data.features[0]))
    ax.set_ylabel(plain(data.target))
    legend = ax.legend([line, ax.lines[-1]], ["line", "data"], frameon=False, labelcolor=INK)
    legend.get_texts()[0].set_text(text)  # as a label, a leading _ would hide it
    return figure


def plot_predictions(data: Data, predictions: Sequence[float], ax: Axes | None = None) -> Figure:
    """Predictions against targets: all would be well on the diagonal."""
    figure, ax = axes_of(ax)
    ends = [min(*predictions, *data.y), max(*predictions, *data.y)]
    ax.plot(ends, ends, color=CURVE, label="prediction = target", zorder=3)
    plot_points(ax, data.y, predictions)
    ax.set_xlabel(f"{plain(data.target, SHORT)}, target")
    ax.set_ylabel(f"{plain(data.target, SHORT)}, prediction")
    ax.legend(frameon=False, labelcolor=INK)
    return figure


def plot_points(ax: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    """The points of a data set: few stand on the line, many would hide it."""
    size, layer = (5.0, 4) if len(x) < 200 else (2.0, 2)
    ax.plot(x, y, "o", color=POINTS, markersize=size, zorder=layer, label="data")


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
    gone = max(1e100, start)  # further up, axes would overflow
    for verdict, (color, dashes) in VERDICTS.items():
        runs = [run for run in sweep.runs if run.verdict == verdict]
        rates = ", ".join(f"{run.rate:.4g}" for run in runs[:3]) + (", …" if runs[3:] else "")
        for run in runs:
            costs = [min(cost, gone) if 0.0 < cost < math.inf else math.nan for cost in run.costs]
            label = f"{verdict}: {rates}" if run is runs[0] else "_"
            ax.plot(costs, dashes, color=color, linewidth=1.6, label=label)
    ax.set_yscale("log")
    ax.set_xscale("symlog", linthresh=1.0)
    ax.set_xlim(left=0.0)
    if start > 0.0:
        ax.set_ylim(top=min(ax.get_ylim()[1], OUT_OF_SIGHT * start))
    ax.set_xlabel("step")
    ax.set_ylabel("cost C")
    measured = f"{sweep.measured:.5g} measured, " if sweep.measured else ""
    ax.set_title(f"limit: {measured}{sweep.computed:.5g} computed", fontsize="medium", color=INK)
    ax.legend(loc="lower left", fontsize="small", framealpha=0.9, edgecolor="none", labelcolor=INK)
    return figure


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
    shades = mpl.colormaps["Blues"](numpy.linspace(0.5, 0.05, len(heights)))
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
        # Room for the label of the third axis, which no layout knows of.
        figure = Figure(figsize=(6.4, 4.8), dpi=150)
        ax = figure.add_axes((0.0, 0.0, 0.95, 1.0), projection="3d")
    ax.computed_zorder = False  # the path lies on the surface, not behind it
    ax.plot_surface(first, second, costs, cmap="Blues", alpha=0.8, linewidth=0)
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
        *[numpy.linspace(end - r, end + r, FINE) for end, r in zip(path[-1], reach)]
    )
    cost = loss([model(row) for row in data.x], data.y)
    # The program's rows are the points of the grid: its batch are the parameters.
    program = compile_graph([cost], batch=parameters, wrt=[])
    costs = program.values([], first.ravel(), second.ravel())[:, 0]
    return first, second, costs.reshape(first.shape), path


def name_axes(ax: Axes, model: Module) -> None:
    """Write the names of a model's two parameters on the axes."""
    first, second = model.parameters()
    ax.set_xlabel(plain(first.label))
    ax.set_ylabel(plain(second.label))


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
    shades = mpl.colormaps["Blues"](numpy.linspace(0.35, 1.0, len(shown)))
    widths = numpy.linspace(1.0, 2.2, len(shown))
    for snapshot, shade, width in zip(shown, shades, widths):
        label = f"after {snapshot.step:,} steps"
        ax.plot(x, curves(snapshot.parameters), color=shade, linewidth=width, label=label)
    if not shown:
        now = [parameter.data for parameter in model.parameters()]
        ax.plot(x, curves(now), color=CURVE, linewidth=2.0, label="prediction")
    ax.set_xlabel(plain(data.features[0]))
    ax.set_ylabel(plain(data.target))
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
    x = numpy.linspace(min(at), max(at), FINE)
    return x, lambda parameters: program.values(parameters, x)[:, 0]


def plot_boundary(model: Module, data: Data, level: float = 0.0, ax: Axes | None = None) -> Figure:
    """Where a model of two features goes over from one class to the other.

    Args:
        model: of two features; it believes in the upper class where its output is above the level.
        data: points of two classes, told apart by their targets, such as 0 and 1.
        level: 0 for a model that gives logits; between the targets for one that gives targets.
        ax: the axes to draw on.

    Raises:
        DataError: the points have not two features, or their targets not two values.
    """
    classes = sorted(set(data.y))
    if len(data.features) != 2 or len(classes) != 2:
        raise DataError(
            f"a boundary is drawn between two classes by two features; the data have "
            f"{len(classes)} different targets and {len(data.features)} features"
        )
    leaves = [Value(v) for v in data.x[0]]
    program = compile_graph([model(leaves)], batch=[leaves], wrt=model.parameters())
    points = numpy.array(data.x)
    margin = 0.12 * (numpy.ptp(points, axis=0) + 1e-9)
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    first, second = numpy.meshgrid(
        *[numpy.linspace(start, end, FINE) for start, end in zip(low, high)]
    )
    grid = numpy.stack([first.ravel(), second.ravel()], axis=-1)
    now = [parameter.data for parameter in model.parameters()]
    outputs = program.values(now, grid)[:, 0].reshape(first.shape)
    figure, ax = axes_of(ax)
    above = numpy.where(outputs > level, 1.0, 0.0)
    ax.contourf(first, second, above, [-0.5, 0.5, 1.5], colors=SIDES)
    if 0.0 < above.mean() < 1.0:
        ax.contour(first, second, outputs, [level], colors=INK, linewidths=1.5)
    ax.grid(visible=False)
    size = 5 if len(points) > 30 else 9
    for target, color, marker in zip(classes, (POINTS, CURVE), ("o", "^")):
        x, y = points[numpy.array(data.y) == target].T
        label = f"{plain(data.target, SHORT)} = {target:g}"
        ax.plot(x, y, marker, color=color, markersize=size, markeredgecolor="white",
                markeredgewidth=0.5, label=label)  # fmt: skip
    ax.set_xlabel(plain(data.features[0]))
    ax.set_ylabel(plain(data.features[1]))
    beside = (1.0, 1.0)  # inside it would hide points
    ax.legend(loc="upper left", bbox_to_anchor=beside, frameon=False, labelcolor=INK)
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
        layers.setdefault(name, []).append(abs(parameter.grad))
    figure, ax = axes_of(ax)
    ticks = []
    for place, (name, sizes) in enumerate(layers.items()):
        shown = [size for size in sizes if 0.0 < size < math.inf]
        ax.plot([place] * len(shown), shown, "_", color=CURVE, markersize=9, alpha=0.5)
        median = float(numpy.median(sizes))
        if 0.0 < median < math.inf:
            ax.plot(place, median, "D", color=POINTS, markersize=6, markeredgecolor="white")
        absent = len(sizes) - len(shown)  # zeros have no place on a logarithmic axis
        ticks.append(plain(name, SHORT) + (f"\n{absent} are 0" if absent else ""))
    ax.set_yscale("log")
    ax.set_xticks(range(len(ticks)), ticks)
    ax.set_ylabel("size of the gradient")
    handles = [h for h in ax.lines if h.get_marker() == "_"][:1]
    handles += [h for h in ax.lines if h.get_marker() == "D"][:1]
    ax.legend(handles, ["of one parameter", "median"], frameon=False, labelcolor=INK)
    return figure


def plain(name: str, longest: int = LONGEST) -> str:
    """A name that matplotlib shows as it is: a dollar sign would begin a formula."""
    cut = name if len(name) <= longest else f"{name[: longest - 1]}…"
    return printable(cut).replace("$", r"\$")


def png(figure: Figure) -> bytes:
    """The figure as a PNG file."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # it draws a box in its place
        warnings.filterwarnings("ignore", "overflow encountered")  # at the end of the axes
        figure.savefig(buffer, format="png")
    return buffer.getvalue()
