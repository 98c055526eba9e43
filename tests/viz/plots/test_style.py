"""What all plots have in common: their axes, texts and files."""

from __future__ import annotations

import io
import itertools
from typing import Any

import numpy
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from viz.plots.lines import LINE, texts, trained

from tinygrad_lin import MLP, Data, History, Linear, Value, scope, sweep
from tinygrad_lin.nn.training.history import Snapshot
from tinygrad_lin.viz.plots import (
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

COSTS = [Snapshot(0, 100.0, ()), Snapshot(1, 10.0, ()), Snapshot(10, 0.1, ())]


HISTORY = History(snapshots=COSTS)


ASIDE = History(snapshots=COSTS, validation=[50.0, 5.0, 2.0], epoch=5)


ROWS = Data([[1.0, 2.0], [3.0, 5.0]], [10.0, 20.0], ("a", "b"), "c")


NET = MLP([1, 3, 1])


SWEEP = sweep(Linear(), LINE, [1e-5, 1e-4, 0.1, 0.1834, 0.2])


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


@pytest.mark.parametrize("name", PLOTS)
def test_plots_are_drawn_on_the_axes_given(name: str) -> None:
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
def test_names_that_look_like_formulas_are_shown_as_they_are(name: str) -> None:
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


@pytest.mark.parametrize("figure", [plot_fit(LINE, [8.0], 3.0), plot_loss(HISTORY)])
def test_a_png_is_a_picture_with_something_on_it(figure: Figure) -> None:
    with Image.open(io.BytesIO(png(figure))) as image:
        assert image.format == "PNG"
        assert image.width >= 600
        pixels = numpy.asarray(image.convert("L"))
    assert (pixels == 255).any()
    assert (pixels < 128).sum() > 500
