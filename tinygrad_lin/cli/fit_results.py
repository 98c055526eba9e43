"""What fit leaves behind: drawing, plots, model and history as files, and a report of them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tinygrad_lin._files import write_whole
from tinygrad_lin.cli.options import LOSSES
from tinygrad_lin.cli.output import print_lines
from tinygrad_lin.nn.data import format_csv
from tinygrad_lin.nn.models import Linear
from tinygrad_lin.nn.training.batches import split_indices
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from tinygrad_lin.cli.fit_plan import Plan
    from tinygrad_lin.nn.predictor import Predictor
    from tinygrad_lin.nn.training.history import History

CHECKPOINT = "checkpoint.json"
RESULT_FILES = ("graph.svg", "fit.png", "loss.png", "model.json", "history.csv")


class TrainingResult(NamedTuple):
    """A training that is over, in the units of the data."""

    plan: Plan  # Its model has been trained.
    history: History
    predictor: Predictor
    cost: Value  # The graph of the cost of the points learned from, with gradients.


def cost_graph(plan: Plan) -> Value:
    """The graph of the cost of the points learned from, with labels and gradients."""
    points, settings = plan.points, plan.settings
    indices: Sequence[int] = range(len(points.y))
    if settings.validation:
        indices, _ = split_indices(len(points.y), settings.validation, settings.seed)
    rows = [[Value(v, name) for v, name in zip(points.x[k], points.features)] for k in indices]
    cost = LOSSES[plan.loss]([plan.model(row) for row in rows], [points.y[k] for k in indices])
    for parameter in plan.model.parameters():
        parameter.grad = 0.0
    cost.backward()
    return cost


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


def result_as_dict(result: TrainingResult, files: list[Path]) -> dict[str, Any]:
    """What was learned, as one JSON object."""
    plan, history = result.plan, result.history
    parameters = [p.data for p in plan.model.parameters()]
    numbers: dict[str, Any] = {"parameters": len(parameters)}
    if isinstance(plan.model, Linear):
        numbers = {"weights": parameters[:-1], "bias": parameters[-1]}
    numbers["cost"] = result.cost.data
    if history.best:
        numbers |= {"validation_cost": history.best.cost, "best_step": history.best.step}
    if result.predictor.probability:
        hits = sum(
            (result.predictor(row)[0] > 0.5) == (y > 0.5)
            for row, y in zip(plan.points.x, plan.points.y)
        )
        numbers["accuracy"] = hits / len(plan.points.y)
    return numbers | {
        "steps": history.steps,
        "converged": history.converged,
        "learning_rate": plan.learning_rate,
        "learning_rate_limit": plan.limit,
        "files": [str(file) for file in files],
    }


def report_lines(result: TrainingResult, numbers: dict[str, Any]) -> list[str]:
    """What was learned, in words, beside the truth where that is known."""
    history = result.history
    lines = table_of_weights(result, numbers) if "weights" in numbers else [describe_net(result)]
    name = "cost (cross-entropy)" if result.predictor.probability else "cost C = MSE/2"
    lines.append(f"{name:<20} {numbers['cost']:.6g}")
    if "validation_cost" in numbers:
        best = f"{numbers['validation_cost']:.6g} at step {numbers['best_step']:,}, its lowest"
        lines.append(f"cost of points aside {best}")
    if "accuracy" in numbers:
        lines.append(f"right                {numbers['accuracy']:.1%} of the points")
    lines.append(f"steps                {numbers['steps']:,} ({history.outcome})")
    if not (history.converged or history.stopped):
        more = "" if history.interrupted else " and more --steps"
        lines.append(f"to go on             --resume{more}")
    lines.append(f"learning rate        {numbers['learning_rate']:.6g}")
    if numbers["learning_rate_limit"]:
        limit = f"{numbers['learning_rate_limit']:.5g} (2 / λmax)"
        lines.append(f"learning-rate limit  {limit}")
    lines.append("wrote " + ", ".join(numbers["files"]))
    return lines


def table_of_weights(result: TrainingResult, numbers: dict[str, Any]) -> list[str]:
    """A line's weights and bias, beside the truth where that is known."""
    points = result.plan.points
    learned = [*numbers["weights"], numbers["bias"]]
    names = ["w"] if len(points.features) == 1 else [f"w ({name})" for name in points.features]
    columns = [["", *names, "b"], ["learned", *(f"{number:.15g}" for number in learned)]]
    if points.truth:
        columns.append(["truth", *(f"{number:.15g}" for number in points.truth)])
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths)).rstrip()
        for cells in zip(*columns)
    ]


def describe_net(result: TrainingResult) -> str:
    """A net in a line."""
    settings = result.plan.model.settings()
    sizes = "-".join(map(str, settings["sizes"]))
    count = len(result.plan.model.parameters())
    return f"net                  {sizes}, {settings['activation']}, {count:,} parameters"


def show_plots(files: list[Path]) -> None:
    """Open the plots where there is a screen to show them on."""
    screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    for file in files:
        if file.suffix == ".png" and not (screen and click.launch(str(file)) == 0):
            print_lines(f"Note: there is no screen to show {file} on", err=True)
