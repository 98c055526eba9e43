"""Plots of what was learned: lines, curves, boundaries, and the landscape of the cost."""

from __future__ import annotations

import io
from typing import Any

import numpy
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from viz.plots.lines import LINE, contour_of, labelled, numbers, texts, trained

from tinygrad_lin import MLP, Data, DataError, Linear, mse
from tinygrad_lin.nn.training.history import Snapshot
from tinygrad_lin.viz.plots import (
    CURVE,
    POINTS,
    plot_boundary,
    plot_contours,
    plot_curve,
    plot_fit,
    plot_surface,
    png,
)

COSTS = [Snapshot(0, 100.0, ()), Snapshot(1, 10.0, ()), Snapshot(10, 0.1, ())]


ROWS = Data([[1.0, 2.0], [3.0, 5.0]], [10.0, 20.0], ("a", "b"), "c")


NET = MLP([1, 3, 1])


def drawn(figure: Figure) -> tuple[list[str], Any, Any]:
    """The texts of the legend, the data of the curve, and the data of the points."""
    (ax,) = figure.axes
    (curve,) = (each for each in ax.get_lines() if each.get_marker() != "o")
    (points,) = (each for each in ax.get_lines() if each.get_marker() == "o")
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()], numbers(curve), numbers(points)


def surface(ax: Any) -> Figure:
    model, history = trained(20)
    return plot_surface(model, LINE, history.snapshots, ax=ax)


def separated(ax: Axes | None = None) -> Figure:
    """The boundary x1 + x2 = 1 between three points and one."""
    model = Linear(inputs=2)
    for parameter, number in zip(model.parameters(), (2.0, 2.0, -2.0)):
        parameter.data = number
    corners = [[0.0, 0.0], [0.25, 0.25], [0.5, 0.0], [1.0, 1.0]]
    return plot_boundary(model, Data(corners, [0.0, 0.0, 0.0, 1.0], ("a", "b"), "c"), ax=ax)


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


def test_all_points_in_one_place_are_a_plot_too() -> None:
    assert png(plot_fit(Data([[2.0], [2.0]], [1.0, 1.0]), [0.0], 1.0))


def test_contours_lie_under_the_path_from_start_to_end() -> None:
    model, history = trained(20)
    ax, bar = plot_contours(model, LINE, history.snapshots).axes
    w, b = zip(*[snapshot.parameters for snapshot in history.snapshots])
    assert numbers(labelled(ax, "path")) == (list(w), list(b))
    assert numbers(labelled(ax, "start")) == ([w[0]], [b[0]])
    assert numbers(labelled(ax, "end")) == ([w[-1]], [b[-1]])
    assert (ax.get_xlabel(), ax.get_ylabel(), bar.get_ylabel()) == ("w", "b", "cost C")
    (left, right), (low, high) = ax.get_xlim(), ax.get_ylim()
    assert left < min(w) < max(w) < right
    assert low < min(b) < max(b) < high
    assert sum((left, right)) / 2 == pytest.approx(w[-1])


@pytest.mark.parametrize(("loss", "factor"), [(None, 1.0), (mse, 2.0)])
def test_the_contours_are_those_of_the_cost(loss: Any, factor: float) -> None:
    model, history = trained(20)
    options = {} if loss is None else {"loss": loss}
    ax = plot_contours(model, LINE, history.snapshots, **options).axes[0]
    contour = contour_of(ax)
    seen = 0
    for level, path in zip(contour.levels, contour.get_paths()):
        for w, b in path.vertices:
            # Straight between points of a grid 0.08 apart: off by up to 10.9 / 8 * 0.08²,
            # with the largest curvature there is.
            assert half_mse_by_hand(w, b) == pytest.approx(level / factor, abs=0.01)
            seen += 1
    assert seen > 100


def test_the_surface_carries_the_path_at_its_costs() -> None:
    model, history = trained(20)
    (ax,) = plot_surface(model, LINE, history.snapshots).axes
    (line,) = ax.lines
    w, b, heights = line.get_data_3d()  # type: ignore[attr-defined]
    assert heights == pytest.approx([half_mse_by_hand(*at) for at in zip(w, b)])
    assert ax.name == "3d"
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_zlabel()) == ("w", "b", "cost C")  # type: ignore[attr-defined]


def test_the_surface_is_drawn_on_the_axes_given() -> None:
    figure = Figure()
    ax = figure.add_subplot(projection="3d")
    assert surface(ax) is figure
    assert figure.axes == [ax]


@pytest.mark.parametrize("plot", [plot_contours, plot_surface])
def test_a_cost_by_two_parameters_needs_two(plot: Any) -> None:
    with pytest.raises(DataError, match="has 10"):
        plot(NET, LINE, COSTS)
    with pytest.raises(DataError, match="no snapshot"):
        plot(Linear(), LINE, [])


def test_a_training_that_never_moved_is_a_map_too() -> None:
    model = Linear()
    model.parameters()[0].data, model.parameters()[1].data = 8.0, 3.0
    assert png(plot_contours(model, LINE, [Snapshot(0, 0.0, (8.0, 3.0))]))


def test_a_curve_is_what_the_model_predicts() -> None:
    (ax,) = plot_curve(NET, LINE).axes
    x, y = numbers(labelled(ax, "prediction"))
    assert (x[0], x[-1]) == (2.0, 4.0)
    for at in (0, 100, -1):
        assert y[at] == pytest.approx(NET(x[at]).data, rel=1e-12)
    assert numbers(labelled(ax, "data")) == ([2.0, 4.0], [19.0, 35.0])


def test_a_curve_as_it_learned_is_drawn_at_powers_of_ten_and_at_the_end() -> None:
    model, history = trained(250, lr=0.05)
    (ax,) = plot_curve(model, LINE, history.snapshots).axes
    labels = [line.get_label() for line in ax.lines]
    assert labels == ["data", *(f"after {k} steps" for k in (0, 10, 100, 250))]
    for step in (0, 10, 100, 250):
        (there,) = [s for s in history.snapshots if s.step == step]
        w, b = there.parameters
        x, y = numbers(labelled(ax, f"after {step} steps"))
        assert y == pytest.approx([w * v + b for v in x])


def test_a_curve_has_one_feature() -> None:
    with pytest.raises(DataError, match="the data have 2"):
        plot_curve(Linear(inputs=2), ROWS)


def test_the_boundary_is_where_the_output_crosses_the_level() -> None:
    figure = separated()
    (ax,) = figure.axes
    ((first, *_, last),) = [path.vertices for path in contour_of(ax).get_paths()]
    assert sum(first) == pytest.approx(1.0)
    assert sum(last) == pytest.approx(1.0)
    assert numbers(labelled(ax, "c = 0")) == ([0.0, 0.25, 0.5], [0.0, 0.25, 0.0])
    assert numbers(labelled(ax, "c = 1")) == ([1.0], [1.0])
    assert (labelled(ax, "c = 0").get_color(), labelled(ax, "c = 1").get_color()) == (POINTS, CURVE)
    assert labelled(ax, "c = 0").get_marker() != labelled(ax, "c = 1").get_marker()
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("a", "b")


def test_the_sides_have_the_colours_of_their_classes() -> None:
    with Image.open(io.BytesIO(png(separated()))) as image:
        pixels = numpy.asarray(image.convert("RGB")).astype(int)
    figure = separated()
    png(figure)  # for the layout
    (ax,) = figure.axes
    for point, reddish in (((0.4, 0.5), True), ((0.6, 0.5), False)):
        x, y = ax.transData.transform(point)
        red, _, blue = pixels[pixels.shape[0] - int(y), int(x)]
        assert bool(red > blue) == reddish


def test_a_model_that_sees_one_class_only_has_no_boundary() -> None:
    model = Linear(inputs=2)
    model.parameters()[2].data = 100.0
    data = Data([[0.0, 0.0], [1.0, 1.0]], [0.0, 1.0], ("a", "b"))
    assert png(plot_boundary(model, data))  # matplotlib would warn of a contour that is nowhere


@pytest.mark.parametrize(
    "data",
    [LINE, Data([[0.0, 0.0], [1.0, 1.0]], [1.0, 1.0], ("a", "b"))],
)
def test_a_boundary_is_between_two_classes_by_two_features(data: Data) -> None:
    with pytest.raises(DataError, match="between two classes by two features"):
        plot_boundary(Linear(inputs=2), data)


def half_mse_by_hand(w: float, b: float) -> float:
    return ((19 - 2 * w - b) ** 2 + (35 - 4 * w - b) ** 2) / 4
