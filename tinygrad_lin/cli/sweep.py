"""The command sweep: a line learned at several learning rates."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinygrad_lin._files import write_whole
from tinygrad_lin.cli import options
from tinygrad_lin.cli.group import main
from tinygrad_lin.cli.output import print_json, print_lines, require_writable
from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.data import Data, is_number
from tinygrad_lin.nn.learning_rate_sweep import Sweep, sweep
from tinygrad_lin.nn.models import Linear
from tinygrad_lin.nn.optimizers import learning_rate_limit
from tinygrad_lin.nn.standardization import Scaling

if TYPE_CHECKING:
    from tinygrad_lin.nn.losses import Loss

RATES_IN_RANGE = 12  # The limit is one more rate, where it lies in the range.
PICTURE = "sweep.png"


@main.command("sweep")
@options.data
@options.features
@options.target
@click.option(
    "--rates",
    metavar="A..B|A,B,...",
    help="A range of learning rates, or a list of them.  [a range up to just above the limit]",
)
@click.option("--steps", type=int, default=200, help="Steps to take at each rate.")
@options.loss
@options.standardize
@options.output_folder("Folder for the picture, sweep.png.")
@options.as_json
def sweep_command(
    data: str,
    features: tuple[str, ...],
    target: str | None,
    rates: str | None,
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
    points = options.read_points(data, features, target)
    require_writable(out, [PICTURE])
    loss_function = options.LOSSES[options.choose_loss(loss, data, points)]
    if standardize:
        points = replace(points, x=Scaling.of(points).apply(points.x))
    tried = run_sweep(points, rates, steps, loss_function)
    picture = write_picture(out, tried)
    if as_json:
        print_json(sweep_as_dict(tried, steps, picture))
    else:
        print_lines(*str(tried).split("\n"), f"wrote {picture}")


def run_sweep(points: Data, rates: str | None, steps: int, loss: Loss) -> Sweep:
    """Train a line at each of the learning rates."""
    model = Linear(len(points.features))
    cost = loss([model(row) for row in points.x], points.y)
    limit = learning_rate_limit(cost, model.parameters())
    return sweep(model, points, parse_rates(rates, limit), loss=loss, steps=steps)


def parse_rates(text: str | None, limit: float) -> list[float]:
    """The learning rates that a text means; a range includes the limit if that lies within it."""
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
    growth = (high / low) ** (1.0 / (RATES_IN_RANGE - 1))
    between = [low * growth**k for k in range(1, RATES_IN_RANGE - 1)]
    return [low, *between, *([limit] if low < limit < high else []), high]


def write_picture(out: Path, tried: Sweep) -> Path:
    """Plot the costs at each learning rate into the folder, which is made if need be."""
    from tinygrad_lin.viz.plots import plot_sweep, png

    picture = png(plot_sweep(tried))
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / PICTURE, picture)
    return out / PICTURE


def sweep_as_dict(tried: Sweep, steps: int, picture: Path) -> dict[str, Any]:
    """A sweep as one JSON object."""
    return {
        "runs": [
            {"learning_rate": run.rate, "cost": run.costs[-1], "verdict": run.verdict}
            for run in tried.runs
        ],
        "steps": steps,
        "learning_rate_limit": tried.computed,
        "measured_limit": tried.measured,
        "files": [str(picture)],
    }
