"""The files that fit leaves behind: drawing, plots, model and history."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click

from tinygrad_lin._files import write_whole
from tinygrad_lin.cli.inputs import LOSSES
from tinygrad_lin.cli.output import print_lines
from tinygrad_lin.nn.data import format_csv
from tinygrad_lin.nn.models import Linear
from tinygrad_lin.nn.predictor import Predictor
from tinygrad_lin.nn.training.batches import split
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from tinygrad_lin.cli.fit_plan import Plan
    from tinygrad_lin.nn.data import Data
    from tinygrad_lin.nn.training.history import History

CHECKPOINT = "checkpoint.json"
RESULT_FILES = ("graph.svg", "fit.png", "loss.png", "model.json", "history.csv")


class TrainingResult(NamedTuple):
    """A training that is over, in the units of the data.

    Attributes:
        plan: what it was, with its model, which has been trained.
        history: its steps and costs.
        predictor: the model with the names of its columns.
        cost: the graph of the cost of the points learned from, with gradients.
    """

    plan: Plan
    history: History
    predictor: Predictor
    cost: Value


def training_result(plan: Plan, history: History) -> TrainingResult:
    """Put together what a training has come to."""
    points, probability = plan.points, plan.loss == "cross-entropy"
    predictor = Predictor(plan.model, points.features, points.target, probability)
    return TrainingResult(plan, history, predictor, cost_graph(plan))


def cost_graph(plan: Plan) -> Value:
    """The graph of the cost of the points learned from, with labels and gradients."""
    points = points_learned_from(plan)
    rows = [[Value(v, name) for v, name in zip(row, points.features)] for row in points.x]
    cost = LOSSES[plan.loss]([plan.model(row) for row in rows], points.y)
    for parameter in plan.model.parameters():
        parameter.grad = 0.0
    cost.backward()
    return cost


def points_learned_from(plan: Plan) -> Data:
    """All points but those kept aside for validation."""
    points, settings = plan.points, plan.settings
    if not settings.validation:
        return points
    places, _ = split(len(points.y), settings.validation, settings.seed)
    return replace(points, x=[points.x[k] for k in places], y=[points.y[k] for k in places])


def write_results(result: TrainingResult) -> list[Path]:
    """Write all the files; nothing is written if one of them cannot be made."""
    from tinygrad_lin.viz.drawing.draw import draw
    from tinygrad_lin.viz.plots import plot_loss, png

    title = "C = cross-entropy" if result.predictor.probability else "C = MSE / 2"
    contents = (
        draw(result.cost, title=title).pipe("svg"),
        png(plot_model(result)),
        png(plot_loss(result.history)),
        result.predictor.to_json().encode(),
        history_csv(result).encode(),
    )
    files = [result.plan.settings.out / name for name in RESULT_FILES]
    for file, content in zip(files, contents, strict=True):
        write_whole(file, content)
    return files


def plot_model(result: TrainingResult) -> Figure:
    """The points and what was learned of them, in the way that shows most."""
    from tinygrad_lin.viz.plots import plot_boundary, plot_curve, plot_fit, plot_predictions

    points, predictor = result.plan.points, result.predictor
    if predictor.probability and len(points.features) == 2 == len(set(points.y)):
        return plot_boundary(predictor.model, points)
    if isinstance(predictor.model, Linear) and not predictor.probability:
        *weights, bias = (p.data for p in predictor.model.parameters())
        return plot_fit(points, weights, bias)
    if len(points.features) == 1 and not predictor.probability:
        return plot_curve(predictor.model, points)
    return plot_predictions(points, [predictor(row)[0] for row in points.x])


def history_csv(result: TrainingResult) -> str:
    """Steps and costs as CSV, with a line's parameters and the costs of points kept aside."""
    history, model = result.history, result.plan.model
    labels = [p.label for p in model.parameters()] if isinstance(model, Linear) else []
    aside = ["validation"] if history.validation else []
    rows: list[list[float | str]] = []
    for step, cost, parameters in history.snapshots:
        epoch, remainder = divmod(step, history.epoch)
        is_known = not remainder and epoch < len(history.validation)
        validation = [history.validation[epoch] if is_known else ""] if aside else []
        rows.append([step, cost, *validation, *parameters[: len(labels)]])
    return format_csv(["step", "cost", *aside, *labels], rows)


def show_plots(files: list[Path]) -> None:
    """Open the plots where there is a screen to show them on."""
    screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    for file in files:
        if file.suffix == ".png" and not (screen and click.launch(str(file)) == 0):
            print_lines(f"Note: there is no screen to show {file} on", err=True)
