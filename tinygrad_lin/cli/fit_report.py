"""What fit prints: what was learned, as numbers and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_lin.nn.models import Linear

if TYPE_CHECKING:
    from pathlib import Path

    from tinygrad_lin.cli.fit_results import TrainingResult


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
