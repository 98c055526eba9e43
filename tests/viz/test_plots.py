"""The plots: what stands on the axes, read from matplotlib and from the picture itself."""

from __future__ import annotations

import io
import itertools
import math
import xml.etree.ElementTree as ET
from typing import Any

import matplotlib
import numpy
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from tinygrad_lin import (
    MLP,
    Data,
    DataError,
    History,
    Linear,
    Sweep,
    Value,
    fit,
    mse,
    scope,
    sweep,
)
from tinygrad_lin.nn.learning_rate_sweep import VERDICTS as SWEEP_VERDICTS
from tinygrad_lin.nn.learning_rate_sweep import Run
from tinygrad_lin.nn.training.history import Snapshot
from tinygrad_lin.viz.plots import (
    CURVE,
    POINTS,
    VERDICTS,
    new_figure,
    plot_boundary,
    plot_contours,
    plot_curve,
    plot_fit,
    plot_gradients,
    plot_loss,
    plot_predictions,
    plot_surface,
    plot_sweep,
    png,
)

LINE = Data([[2.0], [4.0]], [19.0, 35.0])
COSTS = [Snapshot(0, 100.0, ()), Snapshot(1, 10.0, ()), Snapshot(10, 0.1, ())]
HISTORY = History(snapshots=COSTS)


def drawn(figure: Figure) -> tuple[list[str], Any, Any]:
    """The texts of the legend, the data of the curve, and the data of the points."""
    (ax,) = figure.axes
    (curve,) = (each for each in ax.get_lines() if each.get_marker() != "o")
    (points,) = (each for each in ax.get_lines() if each.get_marker() == "o")
    legend = ax.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()], numbers(curve), numbers(points)


def trained(steps: int, lr: float = 0.1) -> tuple[Linear, History]:
    """The line after so many steps."""
    model = Linear()
    return model, fit(model, LINE.x, LINE.y, lr=lr, steps=steps)


def plot_path(ax: Axes | None) -> Figure:
    model, history = trained(20)
    return plot_contours(model, LINE, history.snapshots, ax=ax)


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


def two_layers() -> list[Value]:
    """Parameters in two scopes, with gradients from outside."""
    with scope("first"):
        first = [Value(0.0) for _ in range(4)]
    with scope("second"):
        second = [Value(0.0)]
    for parameter, slope in zip([*first, *second], (-1e-3, 1e-2, 1e-1, 0.0, -10.0)):
        parameter.grad = slope
    return [*first, *second]


SWEEP = sweep(Linear(), LINE, [1e-5, 1e-4, 0.1, 0.1834, 0.2])
ASIDE = History(snapshots=COSTS, validation=[50.0, 5.0, 2.0], epoch=5)
ROWS = Data([[1.0, 2.0], [3.0, 5.0]], [10.0, 20.0], ("a", "b"), "c")
NET = MLP([1, 3, 1])
PLOTS: dict[str, Any] = {
    "fit": lambda ax: plot_fit(LINE, [8.0], 3.0, ax),
    "predictions": lambda ax: plot_predictions(ROWS, [9.0, 22.0], ax),
    "loss": lambda ax: plot_loss(ASIDE, ax),
    "sweep": lambda ax: plot_sweep(SWEEP, ax),
    "contours": plot_path,
    "curve": lambda ax: plot_curve(NET, LINE, ax=ax),
    "boundary": separated,
    "gradients": lambda ax: plot_gradients(two_layers(), ax),
}


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
    figure = plot_loss(HISTORY)
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
    (ax,) = plot_loss(History(snapshots=[Snapshot(10**k, 1.0 + k, ()) for k in range(5)])).axes
    places = ax.transData.transform([(10.0**k, 1.0) for k in range(5)])[:, 0]
    gaps = numpy.diff(places)
    assert gaps == pytest.approx(gaps[0])


def test_a_cost_of_0_has_no_place_on_a_logarithmic_axis() -> None:
    figure = plot_loss(History(snapshots=[*COSTS, Snapshot(11, 0.0, ())]))
    (line,) = figure.axes[0].get_lines()
    assert numbers(line)[0] == [0.0, 1.0, 10.0]


@pytest.mark.parametrize(
    "snapshots", [[], [Snapshot(0, 0.0, ())], [Snapshot(0, 1.0, ())], [Snapshot(0, 1e-300, ())]]
)
def test_a_short_history_is_a_plot_too(snapshots: list[Snapshot]) -> None:
    assert png(plot_loss(History(snapshots=snapshots))).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", PLOTS)
def test_they_draw_on_the_axes_given(name: str) -> None:
    figure = new_figure(10.0)
    left, right = figure.subplots(1, 2)
    assert PLOTS[name](right) is figure
    assert right.has_data()
    assert not left.has_data()
    others = [ax for ax in figure.axes if ax not in {left, right}]
    assert [ax.get_ylabel() for ax in others] == (["cost C"] if name == "contours" else [])


@pytest.mark.parametrize("name", [*PLOTS, "surface"])
def test_no_text_stands_on_another_or_leaves_the_picture(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    figure = {**PLOTS, "surface": surface}[name](None)
    seen: dict[str, Any] = {}
    draw = Text.draw

    def watched(text: Text, renderer: Any) -> None:
        draw(text, renderer)
        if text.get_visible() and text.get_text().strip():
            seen[f"{text.get_text()} {id(text)}"] = text.get_window_extent(renderer)

    monkeypatch.setattr(Text, "draw", watched)
    figure.savefig(io.BytesIO(), format="png")
    assert len(seen) > 5
    for text, box in seen.items():
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1, text
        assert box.y1 <= figure.bbox.y1, text
    for (one, first), (other, second) in itertools.combinations(seen.items(), 2):
        assert not first.overlaps(second), (one, other)


def test_no_figure_is_left_open_in_pyplot() -> None:
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    plot_fit(LINE, [8.0], 3.0)
    plot_loss(HISTORY)
    assert plt.get_fignums() == before


@pytest.mark.parametrize("name", ["$x$", "a$b", "in $", r"\$", r"$\frac{1}{0}$", "_x", "x_1^2"])
def test_names_are_shown_as_they_are(name: str) -> None:
    one = plot_fit(Data([[2.0], [4.0]], [19.0, 35.0], (name,), name), [8.0], 3.0)
    seen = texts(one)
    assert seen.count(name) == 2
    assert f"{name} = 8 {name} + 3" in seen
    several = Data([[2.0, 1.0], [4.0, 2.0]], [19.0, 35.0], ("a", "b"), name)
    assert f"{name}, target" in texts(plot_fit(several, [8.0, 1.0], 3.0))


@pytest.mark.parametrize("weights", [[8.0], [8.0, 1.0]])
@pytest.mark.parametrize("name", ["W" * 10_000, "a long name of a column, " * 9, "温度" * 30])
def test_a_long_name_leaves_room_for_the_plot(name: str, weights: list[float]) -> None:
    names = (name,) * len(weights)
    points = Data([[2.0, 1.0], [4.0, 2.0]], [19.0, 35.0], names, name)
    figure = plot_fit(points, weights, 3.0)
    png(figure)  # a warning of matplotlib's is an error here
    (ax,) = figure.axes
    cut = f"{name[:27]}…" if len(weights) == 1 else f"{name[:19]}…, target"
    assert ax.get_xlabel() == cut
    assert ax.get_window_extent().width > 0.3 * figure.bbox.width
    assert ax.get_window_extent().height > 0.5 * figure.bbox.height


@pytest.mark.parametrize("name", ["温度", "😀", "שלום", "\x1b[31m", "a\tb", "\u202e"])
def test_a_name_no_font_has_is_no_warning(name: str) -> None:
    data = Data([[2.0], [4.0]], [19.0, 35.0], (name,))
    assert png(plot_fit(data, [8.0], 3.0)).startswith(b"\x89PNG")  # a warning is an error here


def test_all_points_in_one_place_are_a_plot_too() -> None:
    assert png(plot_fit(Data([[2.0], [2.0]], [1.0, 1.0]), [0.0], 1.0))


@pytest.mark.parametrize("figure", [plot_fit(LINE, [8.0], 3.0), plot_loss(HISTORY)])
def test_a_png_is_a_picture_with_something_on_it(figure: Figure) -> None:
    with Image.open(io.BytesIO(png(figure))) as image:
        assert image.format == "PNG"
        assert image.width >= 600
        pixels = numpy.asarray(image.convert("L"))
    assert (pixels == 255).any()
    assert (pixels < 128).sum() > 500


def labelled(ax: Axes, label: str) -> Any:
    """The line on some axes that bears a label."""
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line


def contour_of(ax: Axes) -> Any:
    """The only lines of equal height on some axes; areas between heights have no edges."""
    collections: list[Any] = list(ax.collections)
    (lines,) = [c for c in collections if len(c.get_edgecolor()) and not len(c.get_facecolor())]
    return lines


def test_points_kept_aside_have_a_curve_of_their_own_before_every_epoch() -> None:
    (ax,) = plot_loss(ASIDE).axes
    assert numbers(labelled(ax, "points kept aside")) == ([0.0, 5.0, 10.0], [50.0, 5.0, 2.0])
    assert numbers(labelled(ax, "points it learns from")) == ([0.0, 1.0, 10.0], [100.0, 10.0, 0.1])


def test_a_history_knows_its_epochs() -> None:
    x = [float(k) for k in range(10)]
    history = fit(Linear(), x, x, steps=12, lr=1e-4, batch_size=2, validation=0.2)
    assert history.epoch == 4  # 8 points, 2 in a batch
    assert len(history.validation) == 4
    (ax,) = plot_loss(history).axes
    assert numbers(labelled(ax, "points kept aside"))[0] == [0.0, 4.0, 8.0, 12.0]


def test_a_sweep_shows_each_run_in_the_style_of_its_verdict() -> None:
    (ax,) = plot_sweep(SWEEP).axes
    styles = [(line.get_color(), line.get_linestyle()) for line in ax.lines]
    verdicts = ["too low", "too low", "good", "at the limit", "diverging"]
    assert styles == [VERDICTS[verdict] for verdict in verdicts]
    assert len({color for color, _ in styles}) == len({dashes for _, dashes in styles}) == 4
    legend = ax.get_legend()
    assert legend is not None
    assert [text.get_text() for text in legend.get_texts()] == [
        "too low: 1e-05, 0.0001", "good: 0.1", "at the limit: 0.1834", "diverging: 0.2",
    ]  # fmt: skip
    assert ax.get_title() == "limit: 0.18335 measured, 0.18335 computed"
    for line, run in zip(ax.lines, SWEEP.runs):
        assert numbers(line)[1] == run.costs
    start = SWEEP.runs[0].costs[0]
    assert ax.get_ylim()[1] == 1e3 * start
    assert ax.get_ylim()[0] < min(min(run.costs) for run in SWEEP.runs)


def test_every_verdict_has_a_style() -> None:
    assert tuple(VERDICTS) == SWEEP_VERDICTS


def test_a_cost_that_ran_away_ends_its_curve() -> None:
    runs = [Run(2.0, [1.0, 10.0, math.inf], math.inf, "diverging")]
    figure = plot_sweep(Sweep(runs, None, 0.5))
    (line,) = figure.axes[0].lines
    assert numbers(line)[1][:2] == [1.0, 10.0]
    assert math.isnan(numbers(line)[1][2])
    assert figure.axes[0].get_title() == "limit: 0.5 computed"
    assert png(figure)


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


def half_mse_by_hand(w: float, b: float) -> float:
    return ((19 - 2 * w - b) ** 2 + (35 - 4 * w - b) ** 2) / 4


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


def test_gradients_stand_above_their_layer_in_their_size() -> None:
    (ax,) = plot_gradients(two_layers()).axes
    dashes = [numbers(line) for line in ax.lines if line.get_marker() == "_"]
    assert dashes == [([0.0] * 3, [1e-3, 1e-2, 1e-1]), ([1.0], [10.0])]
    medians = [numbers(line) for line in ax.lines if line.get_marker() == "D"]
    assert medians == [([0.0], [0.0055]), ([1.0], [10.0])]  # that of 0, 0.001, 0.01, 0.1
    ticks = [tick.get_text() for tick in ax.get_xticklabels()]
    assert ticks == ["first\n1 are 0", "second"]
    assert ax.get_yscale() == "log"


def test_gradients_of_a_net_are_told_apart_by_layer() -> None:
    net = MLP([2, 3, 3, 1])
    net([1.0, 2.0]).backward()
    (ax,) = plot_gradients(net.parameters()).axes
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["layer 1", "layer 2", "layer 3"]
    shown = [len(numbers(line)[0]) for line in ax.lines if line.get_marker() == "_"]
    assert shown == [9, 12, 4]
