"""Makes the pictures of the course: python docs/course_pictures.py [folder]."""

from __future__ import annotations

import io
import math
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinygrad_lin import MLP, Adam, Drawing, Linear, Value, draw, fit, load, relu, sweep
from tinygrad_lin._files import write_whole
from tinygrad_lin.viz.plots import CURVE, INK, POINTS, axes_of
from tinygrad_lin.viz.plots import OTHER as GREEN
from tinygrad_lin.viz.themes import LIGHT

IMAGES = Path(__file__).parent / "images"
PURPLE, GREY = "#a5578a", "#8a94a0"
START = [parameter.data for parameter in Linear().parameters()]
X, Y = numpy.array([2.0, 4.0]), numpy.array([19.0, 35.0])


def one_weight() -> Figure:
    """The cost of a = wx against w, and four steps down."""
    figure, ax = axes_of(None)

    def cost(w: float) -> float:
        return (w - 2.0) ** 2 * 14.0 / 6.0

    grid = numpy.linspace(0.2, 3.2, 200)
    ax.plot(grid, [cost(w) for w in grid], color=CURVE)
    path = [0.5]
    for _ in range(4):
        path.append(path[-1] - 0.1 * (path[-1] - 2.0) * 14.0 / 3.0)
    ax.plot(path, [cost(w) for w in path], "o-", color=POINTS, linewidth=1.0)
    for k, w in enumerate(path[:3]):
        ax.annotate(f"step {k}" if k else "start", (w, cost(w)), (8, 2), color=INK,
                    textcoords="offset points")  # fmt: skip
    ax.axvline(2.0, color=GREEN, linestyle=":", label="w = 2, where the cost is 0")
    ax.set_xlabel("w")
    ax.set_ylabel("cost C of a = wx")
    ax.set_ylim(-0.25, 8.0)
    ax.legend(frameon=False)
    return figure


def pieces(f: Callable[[float], float], n: int) -> Callable[[float], float]:
    """The net of the second chapter: n relus with weights set by hand."""
    knots = [-1 + 2 * k / n for k in range(n + 1)]
    slopes = [(f(right) - f(left)) / (right - left) for left, right in pairwise(knots)]
    changes = [slopes[0], *(after - before for before, after in pairwise(slopes))]
    return lambda x: f(-1.0) + sum(c * relu(x - k) for c, k in zip(changes, knots))


def any_curve() -> Figure:
    """A sine drawn by hinges, and how its error falls with their number."""
    figure = Figure(figsize=(8.4, 3.6), dpi=150, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])

    def f(x: float) -> float:
        return math.sin(math.pi * x)

    grid = numpy.linspace(-1, 1, 801)
    truth = numpy.array([f(x) for x in grid])
    axes_of(left)
    left.plot(grid, truth, color=INK, linestyle=":", linewidth=2.2, label="sin πx")
    for n, colour in ((4, POINTS), (8, CURVE)):
        left.plot(grid, [pieces(f, n)(x) for x in grid], color=colour, label=f"{n} neurons")
    left.set_xlabel("x")
    left.legend(frameon=False)
    axes_of(right)
    counts = [4, 8, 16, 32, 64]
    errors = [max(abs(pieces(f, n)(x) - y) for x, y in zip(grid, truth)) for n in counts]
    right.loglog(counts, errors, "o-", color=CURVE)
    right.set_xlabel("neurons")
    right.set_ylabel("largest error")
    right.set_xticks(counts, [str(n) for n in counts])
    right.minorticks_off()
    return figure


def layers() -> Figure:
    """A net 1-3-1: a line for each weight, thicker for larger ones."""
    figure = Figure(figsize=(6.4, 3.2), dpi=150, layout="constrained")
    ax = figure.add_subplot()
    ax.axis("off")
    sizes, model = [1, 3, 1], MLP([1, 3, 1])
    places = [[(2.0 * k, (n - 1) / 2 - j) for j in range(n)] for k, n in enumerate(sizes)]
    for before, after, layer in zip(places, places[1:], model.layers):
        for end, weights in zip(after, layer.w):
            for begin, weight in zip(before, weights):
                ax.plot(*zip(begin, end), color=CURVE if weight.data > 0 else POINTS,
                        linewidth=0.8 + 2.5 * abs(weight.data), zorder=1)  # fmt: skip
                middle = [0.45 * b + 0.55 * e for b, e in zip(begin, end)]
                patch = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
                ax.text(*middle, f"{weight.data:.2f}", ha="center", va="center", fontsize=8,
                        color=INK, bbox=patch)  # fmt: skip
    names = [["x"], ["tanh"] * 3, ["a"]]
    for column, texts, title in zip(places, names, ("input", "hidden", "output")):
        ax.text(column[0][0], 1.55, title, ha="center", color=INK)
        for (across, up), text in zip(column, texts):
            ax.plot(across, up, "o", color=LIGHT.leaf, markeredgecolor=INK, markersize=36)
            ax.text(across, up, text, ha="center", va="center", color=INK)
    ax.set_xlim(-0.6, 4.6)
    ax.set_ylim(-1.5, 1.8)
    return figure


def start() -> Figure:
    """The two points, the true line, and the line of the random start."""
    figure, ax = axes_of(None)
    w, b = START
    ends = numpy.array([0.0, 5.0])
    ax.plot(ends, 8 * ends + 3, color=GREEN, linestyle="--", label="the truth, y = 8x + 3")
    ax.plot(ends, w * ends + b, color=CURVE, label="the start, a = 0.4967x − 0.1383")
    for x, y in zip(X, Y):
        ax.plot([x, x], [w * x + b, y], ":", color=INK)
        ax.text(x + 0.06, (y + w * x + b) / 2, f"error {y - w * x - b:.2f}", color=INK)
    ax.plot(X, Y, "o", color=POINTS, label="the points")
    ax.plot(X, w * X + b, "o", color=CURVE, markerfacecolor="white", label="their predictions")
    ax.set_xlabel("x")
    ax.legend(frameon=False, loc="upper left")
    return figure


def contours(ax: Axes, w: tuple[float, float], b: tuple[float, float]) -> None:
    """Lines of equal cost over w and b."""
    grid_w, grid_b = numpy.meshgrid(numpy.linspace(*w, 301), numpy.linspace(*b, 301))
    errors = grid_w[..., None] * X + grid_b[..., None] - Y
    costs = (errors**2).mean(axis=-1) / 2
    levels = 10.0 ** numpy.arange(-2.0, 4.0)
    shown = ax.contour(grid_w, grid_b, costs, levels=levels, colors=GREY, linewidths=0.9)
    ax.clabel(shown, fmt=lambda level: f"C = {level:g}", fontsize=7)
    ax.grid(visible=False)
    ax.set_xlabel("w")
    ax.set_ylabel("b")


def cost() -> Figure:
    """The cost over all lines."""
    figure, ax = axes_of(None)
    contours(ax, (-2.0, 16.0), (-12.0, 18.0))
    ax.plot(*START, "o", color=POINTS, label="the random start")
    ax.plot(8.0, 3.0, "*", color=GREEN, markersize=11, label="the minimum, w = 8, b = 3")
    ax.legend(loc="upper right", framealpha=0.95)
    return figure


def rates() -> Figure:
    """What a low, a good, a limiting and a high learning rate do to the cost."""
    figure, ax = axes_of(None)
    tried = sweep(Linear(), load("line"), [1e-3, 0.1, 0.18335, 0.2], steps=60)
    styles = [(CURVE, "--"), (GREEN, "-"), (INK, ":"), (POINTS, "-.")]
    for run, (colour, style) in zip(tried.runs, styles):
        shown = [each for each in run.costs if each < 1e7]
        ax.semilogy(shown, style, color=colour, label=f"{run.rate:g}: {run.verdict}")
    ax.set_xlabel("step")
    ax.set_ylabel("cost C")
    ax.set_ylim(1e-2, 1e6)
    ax.legend(title="learning rate", frameon=False, loc="center right",
              bbox_to_anchor=(1.0, 0.3))  # fmt: skip
    return figure


def descent(lr: float, steps: int) -> list[tuple[float, float]]:
    """Where gradient descent goes."""
    path = [(START[0], START[1])]
    for _ in range(steps):
        w, b = path[-1]
        errors = w * X + b - Y
        path.append((w - lr * float((errors * X).mean()), b - lr * float(errors.mean())))
    return path


def valley() -> Figure:
    """The descent at two learning rates, and Newton's step."""
    figure, ax = axes_of(None)
    contours(ax, (-1.0, 17.0), (-3.0, 9.0))
    ax.plot(*zip(*descent(0.18, 20)), ".-", color=POINTS, linewidth=0.6, markersize=4,
            label="lr 0.18, 20 steps: from wall to wall")  # fmt: skip
    ax.plot(*zip(*descent(1e-3, 20_000)), color=CURVE, linewidth=2.0,
            label="lr 0.001, 20,000 steps: along the bottom")  # fmt: skip
    ax.annotate("", (8.0, 3.0), (START[0], START[1]),
                arrowprops={"arrowstyle": "->", "color": GREEN, "linewidth": 1.8})  # fmt: skip
    ax.plot([], [], color=GREEN, label="Newton, 1 step")
    ax.plot(*START, "o", color=INK)
    ax.plot(8.0, 3.0, "*", color=GREEN, markersize=11)
    ax.legend(loc="upper right", framealpha=0.95, fontsize=8)
    return figure


def net() -> Figure:
    """What a net draws before, during and after training."""
    figure, ax = axes_of(None)
    data, model = load("sine"), MLP([1, 8, 1])
    grid = numpy.linspace(-1, 1, 201).tolist()
    ax.plot([row[0] for row in data.x], data.y, "o", color=POINTS, markersize=4, label="points")

    def watch(step: int, cost: Value, model: MLP) -> None:
        for wanted, colour, style in ((0, INK, ":"), (10, PURPLE, "--"), (500, CURVE, "-")):
            if step == wanted:
                curve = [model(x).data for x in grid]
                ax.plot(grid, curve, style, color=colour, label=f"after {step} steps")

    fit(model, data.x, data.y, optimizer=Adam(model.parameters(), lr=0.05), steps=500,
        tolerance=0.0, callbacks=[watch])  # fmt: skip
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    ax.legend(frameon=False, loc="upper left")
    return figure


def point() -> Drawing:
    """The cost of one point with the path to its weight."""
    w, x, b, y = Value(0.5, "w"), Value(2.0, "x"), Value(-0.1, "b"), Value(19.0, "y")
    a = w * x + b
    result = (a - y) ** 2 / 2
    a.label, result.label = "a", "C"
    result.backward()
    return draw(result, path=w)


def main(folder: Path) -> None:
    """Write all pictures to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    point().write(folder / "course-point.svg")
    for picture in (one_weight, any_curve, layers, start, cost, rates, valley, net):
        # The same picture gives the same file.
        with mpl.rc_context({"svg.hashsalt": "tinygrad_lin", "svg.fonttype": "path"}):
            content = io.BytesIO()
            picture().savefig(content, format="svg", metadata={"Date": None})
        name = picture.__name__.replace("_", "-")
        write_whole(folder / f"course-{name}.svg", content.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
