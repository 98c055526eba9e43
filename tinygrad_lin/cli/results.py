"""What fit leaves behind: drawing, plots, model and history, and a report in words."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from tinygrad_lin.cli.group import say
from tinygrad_lin.files import write_whole
from tinygrad_lin.nn.csv_files import format_csv
from tinygrad_lin.nn.linear import Linear
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

    from tinygrad_lin.nn.data import Data
    from tinygrad_lin.nn.losses import Loss
    from tinygrad_lin.nn.predictor import Predictor
    from tinygrad_lin.nn.training.history import History

RESULTS = ("graph.svg", "fit.png", "loss.png", "model.json", "history.csv")


@dataclass(frozen=True)
class Learned:
    """A training that is over, in the units of the data.

    Attributes:
        points: all there are.
        seen: those learned from.
        predictor: the model with the names of its columns.
        loss: what was made small.
        history: how.
    """

    points: Data
    seen: Data
    predictor: Predictor
    loss: Loss
    history: History


def result_of(learned: Learned, cost: float) -> dict[str, Any]:
    """What was learned, as numbers."""
    model, history = learned.predictor.model, learned.history
    parameters = [p.data for p in model.parameters()]
    result: dict[str, Any] = {"parameters": len(parameters)}
    if isinstance(model, Linear):
        result = {"weights": parameters[:-1], "bias": parameters[-1]}
    result["cost"] = cost
    if history.best:
        result |= {"validation_cost": history.best.cost, "best_step": history.best.step}
    if learned.predictor.probability:
        hits = sum(
            (learned.predictor(row)[0] > 0.5) == (y > 0.5)
            for row, y in zip(learned.points.x, learned.points.y)
        )
        result["accuracy"] = hits / len(learned.points.y)
    return result | {"steps": history.steps, "converged": history.converged}


def cost_of(learned: Learned) -> Value:
    """The graph of the cost of the points learned from, gradients included."""
    model, names = learned.predictor.model, learned.points.features
    rows = [[Value(v, name) for v, name in zip(row, names)] for row in learned.seen.x]
    cost = learned.loss([model(row) for row in rows], learned.seen.y)
    for parameter in model.parameters():
        parameter.grad = 0.0
    cost.backward()
    return cost


def write_results(out: Path, learned: Learned, cost: Value) -> list[Path]:
    """Drawing, plots, model and history; nothing is written if one of them cannot be made."""
    from tinygrad_lin.viz.dot import draw
    from tinygrad_lin.viz.plots import plot_loss, png

    title = "C = cross-entropy" if learned.predictor.probability else "C = MSE / 2"
    contents = (
        draw(cost, title=title).pipe("svg"),
        png(plot_of(learned)),
        png(plot_loss(learned.history)),
        learned.predictor.to_json().encode(),
        history_csv(learned).encode(),
    )
    for name, content in zip(RESULTS, contents, strict=True):
        write_whole(out / name, content)
    return [out / name for name in RESULTS]


def plot_of(learned: Learned) -> Figure:
    """The points and what was learned of them, in the way that shows most."""
    from tinygrad_lin.viz.plots import plot_boundary, plot_curve, plot_fit, plot_predictions

    points, predictor = learned.points, learned.predictor
    if predictor.probability and len(points.features) == 2 == len(set(points.y)):
        return plot_boundary(predictor.model, points)
    if isinstance(predictor.model, Linear) and not predictor.probability:
        *weights, bias = (p.data for p in predictor.model.parameters())
        return plot_fit(points, weights, bias)
    if len(points.features) == 1 and not predictor.probability:
        return plot_curve(predictor.model, points)
    return plot_predictions(points, [predictor(row)[0] for row in points.x])


def history_csv(learned: Learned) -> str:
    """Steps and costs as CSV, with a line's parameters and the costs of points kept aside."""
    history, model = learned.history, learned.predictor.model
    labels = [p.label for p in model.parameters()] if isinstance(model, Linear) else []
    aside = ["validation"] if history.validation else []
    rows: list[list[float | str]] = []
    for step, cost, parameters in history.snapshots:
        epoch, turn = divmod(step, history.epoch)
        known = "" if turn or epoch >= len(history.validation) else history.validation[epoch]
        rows.append([step, cost, *([known] if aside else []), *parameters[: len(labels)]])
    return format_csv(["step", "cost", *aside, *labels], rows)


def report(learned: Learned, result: dict[str, Any]) -> list[str]:
    """What was learned, beside the truth where that is known, line by line."""
    lines = table_of_weights(learned, result) if "weights" in result else [f"{net_of(learned)}"]
    name = "cost (cross-entropy)" if learned.predictor.probability else "cost C = MSE/2"
    lines.append(f"{name:<20} {result['cost']:.6g}")
    if "validation_cost" in result:
        best = f"{result['validation_cost']:.6g} at step {result['best_step']:,}, its lowest"
        lines.append(f"cost of points aside {best}")
    if "accuracy" in result:
        lines.append(f"right                {result['accuracy']:.1%} of the points")
    lines.append(f"steps                {result['steps']:,} ({learned.history.outcome})")
    if not (learned.history.converged or learned.history.stopped):
        more = "" if learned.history.interrupted else " and more --steps"
        lines.append(f"to go on             --resume{more}")
    lines.append(f"learning rate        {result['learning_rate']:.6g}")
    if result["learning_rate_limit"]:
        limit = f"{result['learning_rate_limit']:.5g} (2 / λmax)"
        lines.append(f"learning-rate limit  {limit}")
    lines.append("wrote " + ", ".join(result["files"]))
    return lines


def net_of(learned: Learned) -> str:
    """A net in a line."""
    settings = learned.predictor.model.settings()
    sizes = "-".join(map(str, settings["sizes"]))
    count = len(learned.predictor.model.parameters())
    return f"net                  {sizes}, {settings['activation']}, {count:,} parameters"


def table_of_weights(learned: Learned, result: dict[str, Any]) -> list[str]:
    """A line's weights and bias, beside the truth where that is known."""
    points = learned.points
    numbers = [*result["weights"], result["bias"]]
    names = ["w"] if len(points.features) == 1 else [f"w ({name})" for name in points.features]
    columns = [["", *names, "b"], ["learned", *(f"{number:.15g}" for number in numbers)]]
    if points.truth:
        columns.append(["truth", *(f"{number:.15g}" for number in points.truth)])
    widths = [max(map(len, column)) for column in columns]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in zip(*columns)
    ]


def show(files: list[Path]) -> None:
    """Open the plots where there is a screen to show them on."""
    screen = sys.platform != "linux" or {"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ)
    for file in files:
        if file.suffix == ".png" and not (screen and click.launch(str(file)) == 0):
            say(f"Note: there is no screen to show {file} on", err=True)
