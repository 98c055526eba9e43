"""The plots: what stands on the axes, read from matplotlib and from the picture itself."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from typing import Any

import matplotlib
import numpy
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from tinygrad_lin import Data, Linear, load, sweep
from tinygrad_lin.nn.checkpoint import Snapshot
from tinygrad_lin.viz.plots import (
    plot_boundary,
    plot_curve,
    plot_fit,
    plot_loss,
    plot_predictions,
    plot_sweep,
    png,
)

LINE = Data([[2.0], [4.0]], [19.0, 35.0])
COSTS = [Snapshot(0, 100.0, ()), Snapshot(1, 10.0, ()), Snapshot(10, 0.1, ())]


def drawn(figure: Figure) -> tuple[list[str], Any, Any]:
    """The texts of the legend, the data of the curve, and the data of the points."""
    (ax,) = figure.axes
    (curve,) = (each for each in ax.get_lines() if each.get_marker() != "o")
    (points,) = (each for each in ax.get_lines() if each.get_marker() == "o")
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()], numbers(curve), numbers(points)


def numbers(line: Any) -> tuple[list[float], list[float]]:
    return [float(v) for v in line.get_xdata()], [float(v) for v in line.get_ydata()]


def texts(figure: Figure) -> list[str]:
    """The texts a reader sees: those of the figure saved as SVG."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg")
    root = ET.fromstring(buffer.getvalue())
    return ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_fit_shows_the_points_and_the_line_through_them() -> None:
    figure = plot_fit(LINE, [8.0], 3.0)
    assert isinstance(figure, Figure)
    legend, (x, y), points = drawn(figure)
    assert legend == ["y = 8 x + 3", "data"]
    assert points == ([2.0, 4.0], [19.0, 35.0])
    assert y == pytest.approx([8 * v + 3 for v in x])
    assert x[0] < 2.0
    assert x[1] > 4.0
    (ax,) = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")
    assert "y = 8 x + 3" in texts(figure)


def test_a_negative_bias_is_subtracted() -> None:
    assert "y = 2 x − 0.5" in texts(plot_fit(LINE, [2.0], -0.5))


def test_several_features_show_predictions_against_targets() -> None:
    data = Data([[1.0, 2.0], [3.0, 5.0]], [10.0, 20.0], ("a", "b"), "c")
    figure = plot_fit(data, [2.0, 3.0], 1.0)
    legend, diagonal, points = drawn(figure)
    assert legend == ["prediction = target", "data"]
    assert points == ([10.0, 20.0], [9.0, 22.0])
    assert diagonal[0] == diagonal[1] == [9.0, 22.0]
    (ax,) = figure.axes
    assert ax.get_xlabel() == "c, target"
    assert ax.get_ylabel() == "c, prediction"


def test_the_loss_is_drawn_on_logarithmic_axes() -> None:
    figure = plot_loss(COSTS)
    assert isinstance(figure, Figure)
    (ax,) = figure.axes
    (line,) = ax.get_lines()
    assert numbers(line) == ([0.0, 1.0, 10.0], [100.0, 10.0, 0.1])
    assert ax.get_yscale() == "log"
    assert ax.get_xscale() == "symlog"
    assert ax.get_xlim()[0] == 0.0
    assert ax.get_xlabel() == "step"
    assert "cost" in ax.get_ylabel()


def test_steps_a_power_of_ten_apart_are_evenly_apart() -> None:
    (ax,) = plot_loss([Snapshot(10**k, 1.0 + k, ()) for k in range(5)]).axes
    places = ax.transData.transform([(10.0**k, 1.0) for k in range(5)])[:, 0]
    gaps = numpy.diff(places)
    assert gaps == pytest.approx(gaps[0])


def test_a_cost_of_0_has_no_place_on_a_logarithmic_axis() -> None:
    figure = plot_loss([*COSTS, Snapshot(11, 0.0, ())])
    (line,) = figure.axes[0].get_lines()
    assert numbers(line)[0] == [0.0, 1.0, 10.0]


@pytest.mark.parametrize(
    "snapshots", [[], [Snapshot(0, 0.0, ())], [Snapshot(0, 1.0, ())], [Snapshot(0, 1e-300, ())]]
)
def test_a_short_history_is_a_plot_too(snapshots: list[Snapshot]) -> None:
    assert png(plot_loss(snapshots)).startswith(b"\x89PNG")


def plot_fit_on(ax: Axes) -> Figure:
    return plot_fit(LINE, [8.0], 3.0, ax=ax)


def plot_loss_on(ax: Axes) -> Figure:
    return plot_loss(COSTS, ax)


@pytest.mark.parametrize("plot", [plot_fit_on, plot_loss_on])
def test_they_draw_on_the_axes_given(plot: Any) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot(right) is figure
    assert len(figure.axes) == 2
    assert right.get_lines()
    assert not left.get_lines()


def test_no_figure_is_left_open_in_pyplot() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plot_fit(LINE, [8.0], 3.0)
    plot_loss(COSTS)
    assert plt.get_fignums() == before


@pytest.mark.parametrize("name", ["$x$", "a$b", "in $", r"\$", r"$\frac{1}{0}$", "_x", "x_1^2"])
def test_names_are_shown_as_they_are(name: str) -> None:
    one = plot_fit(Data([[2.0], [4.0]], [19.0, 35.0], (name,), name), [8.0], 3.0)
    seen = texts(one)
    assert seen.count(name) == 2
    assert f"{name} = 8 {name} + 3" in seen
    several = Data([[2.0, 1.0], [4.0, 2.0]], [19.0, 35.0], ("a", "b"), name)
    assert f"{name}, target" in texts(plot_fit(several, [8.0, 1.0], 3.0))


@pytest.mark.parametrize("name", ["温度", "😀", "שלום", "\x1b[31m", "a\tb", "\u202e"])
def test_a_name_no_font_has_is_no_warning(name: str) -> None:
    data = Data([[2.0], [4.0]], [19.0, 35.0], (name,))
    assert png(plot_fit(data, [8.0], 3.0)).startswith(b"\x89PNG")  # a warning is an error here


def test_all_points_in_one_place_are_a_plot_too() -> None:
    assert png(plot_fit(Data([[2.0], [2.0]], [1.0, 1.0]), [0.0], 1.0))


@pytest.mark.parametrize("figure", [plot_fit(LINE, [8.0], 3.0), plot_loss(COSTS)])
def test_a_png_is_a_picture_with_something_on_it(figure: Figure) -> None:
    with Image.open(io.BytesIO(png(figure))) as image:
        assert image.format == "PNG"
        assert image.width >= 600
        pixels = numpy.asarray(image.convert("L"))
    assert (pixels == 255).any()
    assert (pixels < 128).sum() > 500


def test_a_curve_is_what_the_model_makes_of_the_feature() -> None:
    figure = plot_curve(LINE, lambda row: row[0] ** 2)
    legend, (x, y), points = drawn(figure)
    assert legend == ["model", "data"]
    assert points == ([2.0, 4.0], [19.0, 35.0])
    assert y == pytest.approx([v**2 for v in x])
    assert x[0] < 2.0
    assert x[-1] > 4.0


def test_predictions_stand_against_targets() -> None:
    figure = plot_predictions(LINE, [20.0, 34.0])
    legend, diagonal, points = drawn(figure)
    assert legend == ["prediction = target", "data"]
    assert points == ([19.0, 35.0], [20.0, 34.0])
    assert diagonal[0] == diagonal[1] == [19.0, 35.0]


def test_the_boundary_runs_where_both_classes_are_as_probable() -> None:
    data = Data([[0.0, 0.0], [2.0, 1.0], [1.9, 3.0]], [0.0, 1.0, 1.0], ("p", "q"), "c")
    (ax,) = plot_boundary(data, lambda row: min(max(row[0] - 0.7, 0.0), 1.0)).axes
    zeros, ones = (numbers(line) for line in ax.get_lines())
    assert (zeros, ones) == (([0.0], [0.0]), ([2.0, 1.9], [1.0, 3.0]))
    *_, boundary = ax.collections
    (path,) = (p for p in boundary.get_paths() if len(p.vertices))  # type: ignore[arg-type]
    assert numpy.asarray(path.vertices)[:, 0] == pytest.approx(1.2)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("p", "q")


def test_a_sweep_shows_every_rate_with_what_became_of_it() -> None:
    tried = sweep(Linear(), load("line"), [1e-4, 0.01, 0.1, 0.3], steps=50)
    (ax,) = plot_sweep(tried).axes
    *verdicts, limit = ax.get_lines()
    shown = {str(line.get_label()): numbers(line)[0] for line in verdicts}
    assert shown == {"too low": [1e-4], "good": [0.01, 0.1], "diverging": [0.3]}
    assert numbers(limit)[0] == [tried.computed] * 2
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
