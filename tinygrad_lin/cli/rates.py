"""The command sweep: try learning rates out."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import click

from tinygrad_lin.cli.group import print_json, say
from tinygrad_lin.cli.inputs import (
    LOSSES,
    as_json_option,
    choose,
    choose_loss,
    data_argument,
    features_option,
    loss_option,
    must_be_writable,
    standardize_option,
    target_option,
)
from tinygrad_lin.errors import DataError
from tinygrad_lin.files import write_whole
from tinygrad_lin.nn.csv_files import is_number
from tinygrad_lin.nn.curvature import learning_rate_limit
from tinygrad_lin.nn.learning_rate_sweep import sweep
from tinygrad_lin.nn.linear import Linear
from tinygrad_lin.nn.scaling import Scaling

MANY = 12  # rates in a range, not counting the limit
PICTURE = "sweep.png"


@click.command("sweep")
@data_argument
@features_option
@target_option
@click.option(
    "--rates",
    "text",
    metavar="A..B|A,B,...",
    help="A range of learning rates, or some of them.  [a range up to just above the limit]",
)
@click.option(
    "--steps", type=int, default=200, show_default=True, help="How many to take at each rate."
)
@loss_option
@standardize_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="out",
    show_default=True,
    help="Folder for the picture, sweep.png.",
)
@as_json_option
def try_rates(
    data: str,
    features: tuple[str, ...],
    target: str | None,
    text: str | None,
    steps: int,
    loss: str | None,
    standardize: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Learn a line at several learning rates.

    DATA is as for fit. A rate is too low, good, at the limit, or diverging. The limit is measured,
    as the rate where steps begin to grow, and computed, as 2 / λmax of the Hessian; in a range it
    is one of the rates that are tried.

    \b
    Examples:
      tinygrad-lin sweep --rates 1e-5..0.2
      tinygrad-lin sweep norris --standardize
      tinygrad-lin sweep points.csv --y weight --rates 0.01,0.1,1 --standardize --json
    """
    points = choose(data, features, target)
    must_be_writable(out, [PICTURE])
    small = LOSSES[choose_loss(loss, data, points)]
    if standardize:
        points = replace(points, x=Scaling.of(points).apply(points.x))
    model = Linear(len(points.features))
    cost = small([model(row) for row in points.x], points.y)
    limit = learning_rate_limit(cost, model.parameters())
    tried = sweep(model, points, rates_of(text, limit), loss=small, steps=steps)
    from tinygrad_lin.viz.plots import plot_sweep, png

    picture = png(plot_sweep(tried))
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / PICTURE, picture)
    if not as_json:
        say(*str(tried).split("\n"), f"wrote {out / PICTURE}")
        return
    print_json(
        {
            "runs": [
                {"learning_rate": run.rate, "cost": run.costs[-1], "verdict": run.verdict}
                for run in tried.runs
            ],
            "steps": steps,
            "learning_rate_limit": tried.computed,
            "measured_limit": tried.measured,
            "files": [str(out / PICTURE)],
        }
    )


def rates_of(text: str | None, limit: float) -> list[float]:
    """The learning rates that a text means; the limit is among them if it is within their range."""
    if text is None:
        if not math.isfinite(limit):
            raise DataError("the cost does not curve where it starts, so give --rates")
        text = f"{limit / 1e4}..{limit * 1.1}"
    parts = text.split("..") if ".." in text else text.split(",")
    if not all(is_number(part) and 0.0 < float(part) < math.inf for part in parts):
        raise DataError(
            f"--rates takes numbers above 0, as 1e-5..0.2 or 0.01,0.1, not {text!r:.60}"
        )
    rates = [float(part) for part in parts]
    if ".." not in text:
        return rates
    if len(rates) != 2 or rates[0] >= rates[1]:
        raise DataError(f"--rates takes a range from low to high, as 1e-5..0.2, not {text!r:.60}")
    low, high = rates
    growth = (high / low) ** (1.0 / (MANY - 1))
    between = [low * growth**k for k in range(1, MANY - 1)]
    return [low, *between, *([limit] if low < limit < high else []), high]


COMMANDS = (try_rates,)
