"""Plots of a training: its costs, a sweep of learning rates, gradients by layer."""

from __future__ import annotations

import math

import numpy
import pytest
from matplotlib.figure import Figure
from viz.plots.lines import LINE, labelled, numbers

from tinygrad_lin import MLP, History, Linear, Sweep, Value, fit, scope, sweep
from tinygrad_lin.nn import learning_rate_sweep
from tinygrad_lin.nn.training.history import Snapshot
from tinygrad_lin.viz.plots import (
    VERDICTS,
    plot_gradients,
    plot_loss,
    plot_sweep,
    png,
)

COSTS = [Snapshot(0, 100.0, ()), Snapshot(1, 10.0, ()), Snapshot(10, 0.1, ())]


HISTORY = History(snapshots=COSTS)


ASIDE = History(snapshots=COSTS, validation=[50.0, 5.0, 2.0], epoch=5)


SWEEP = sweep(Linear(), LINE, [1e-5, 1e-4, 0.1, 0.1834, 0.2])


def two_layers() -> list[Value]:
    """Parameters in two scopes, with gradients from outside."""
    with scope("first"):
        first = [Value(0.0) for _ in range(4)]
    with scope("second"):
        second = [Value(0.0)]
    for parameter, slope in zip([*first, *second], (-1e-3, 1e-2, 1e-1, 0.0, -10.0)):
        parameter.grad = slope
    return [*first, *second]


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
    assert tuple(VERDICTS) == learning_rate_sweep.VERDICTS


def test_a_cost_that_ran_away_ends_its_curve() -> None:
    runs = [learning_rate_sweep.Run(2.0, [1.0, 10.0, math.inf], math.inf, "diverging")]
    figure = plot_sweep(Sweep(runs, None, 0.5))
    (line,) = figure.axes[0].lines
    assert numbers(line)[1][:2] == [1.0, 10.0]
    assert math.isnan(numbers(line)[1][2])
    assert figure.axes[0].get_title() == "limit: 0.5 computed"
    assert png(figure)


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
