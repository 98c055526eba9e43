"""The command fit: learn a line or a net from a table."""

from __future__ import annotations

import math
from contextlib import contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

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
from tinygrad_lin.cli.results import (
    RESULTS,
    Learned,
    cost_of,
    report,
    result_of,
    show,
    write_results,
)
from tinygrad_lin.errors import DataError, DivergedError
from tinygrad_lin.files import clear_drafts
from tinygrad_lin.nn.curvature import curvatures
from tinygrad_lin.nn.data import Data
from tinygrad_lin.nn.linear import Linear
from tinygrad_lin.nn.mlp import MLP, activations
from tinygrad_lin.nn.modules import Module
from tinygrad_lin.nn.optimizers import OPTIMIZERS, SGD
from tinygrad_lin.nn.predictor import Predictor
from tinygrad_lin.nn.standardization import Standardization
from tinygrad_lin.nn.training.batches import split
from tinygrad_lin.nn.training.fit import fit as train

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_lin.nn.losses import Loss

CHECKPOINT = "checkpoint.json"

LINE_LEARNING_RATE = 1e-3
STEPS_TO_EXACTNESS = 25.0  # times 1 / (lr · λmin) steps, for errors to shrink by e^-25 = 1e-11
OUT_OF_SCALE = 10.0  # the size of numbers that a net learns badly from
MOST_PARAMETERS = 1_000_000


def usual_rates() -> str:
    """The learning rates that do not depend on the data, for the help."""
    free = {name: kind for name, kind in OPTIMIZERS.items() if math.isinf(kind.descent_speed)}
    net = [
        f"{kind.usual_lr:g}" if kind is SGD else f"or, with {name}, {kind.usual_lr:g}"
        for name, kind in OPTIMIZERS.items()
        if name not in free
    ]
    return "; ".join(
        [*(f"{name}: {kind.usual_lr:g}" for name, kind in free.items()), f"a net: {' '.join(net)}"]
    )


@click.command()
@data_argument
@features_option
@target_option
@click.option("--hidden", metavar="N,N,...", help="Learn a net with hidden layers of these sizes.")
@click.option(
    "--activation",
    type=click.Choice(activations()),
    metavar="NAME",
    help="Of the hidden neurons: tanh, relu, sigmoid, softplus, sin ...  [tanh]",
)
@loss_option
@click.option(
    "--optimizer",
    type=click.Choice(list(OPTIMIZERS)),
    default="sgd",
    show_default=True,
    help="How the gradient becomes a step.",
)
@click.option(
    "--lr",
    type=float,
    help=f"Learning rate.  [{usual_rates()}; line: 0.001; else half of the limit]",
)
@click.option("--batch", type=int, metavar="N", help="Learn from so many points in each step.")
@click.option(
    "--steps",
    type=int,
    help="Most steps to take.  [a net or batches: 1,000; else 1,000,000]",
)
@click.option(
    "--tolerance",
    type=float,
    default=1e-12,
    show_default=True,
    help="Stop when no gradient is larger; 0 takes all the steps.",
)
@click.option(
    "--validation",
    type=float,
    default=0.0,
    metavar="PART",
    help="Keep this part of the points aside; the model that is best on them is the result.",
)
@click.option(
    "--patience",
    type=int,
    default=100,
    show_default=True,
    help="Stop after so many epochs without a gain on the points kept aside.",
)
@standardize_option
@click.option(
    "--seed",
    type=int,
    default=42,
    show_default=True,
    help="Of the random start, of the batches, and of the points kept aside.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="out",
    show_default=True,
    help="Folder for the results.",
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the folder.")
@click.option("--plot", is_flag=True, help="Show the plots when done.")
@as_json_option
def fit(
    data: str,
    features: tuple[str, ...],
    target: str | None,
    hidden: str | None,
    activation: str | None,
    loss: str | None,
    optimizer: str,
    lr: float | None,
    batch: int | None,
    steps: int | None,
    tolerance: float,
    validation: float,
    patience: int,
    standardize: bool,
    seed: int,
    out: Path,
    resume: bool,
    plot: bool,
    as_json: bool,
) -> None:
    """Learn a line or a net by gradient descent, and draw its graph.

    DATA is a set of the package (line, norris, longley, anscombe1 to anscombe4, moons, sine,
    stair), a CSV file whose first line names the columns, or - for standard input. Without
    arguments: the line y = 8x + 3 from its points (2, 19) and (4, 35).

    Ctrl-C ends the training and keeps what was learned. A training that is not finished leaves a
    checkpoint in the folder, from which --resume goes on as if nothing had happened; with more
    --steps if all of them were made.

    \b
    Examples:
      tinygrad-lin fit
      tinygrad-lin fit norris --standardize
      tinygrad-lin fit longley --optimizer newton
      tinygrad-lin fit sine --hidden 16,16 --optimizer adam --steps 300
      tinygrad-lin fit sine --hidden 16,16 --optimizer adam --steps 400 --resume
      tinygrad-lin fit moons --hidden 8 --activation relu --batch 20 --out moons
      tinygrad-lin fit points.csv --x height --x age --y weight --standardize
      tinygrad-lin fit points.csv --hidden 8 --standardize --validation 0.2
    """
    points = choose(data, features, target)
    must_be_writable(out, [*RESULTS, CHECKPOINT])
    if not 0 <= seed < 2**32:
        raise DataError(f"the seed must be a whole number from 0 to {2**32 - 1}, not {seed}")
    if optimizer == "newton" and batch is not None:
        raise DataError("--optimizer newton needs all points in every step: leave out --batch")
    loss = choose_loss(loss, data, points)
    model = model_for(points, hidden, activation, seed)
    net = isinstance(model, MLP)
    # The cost of a line curves the same everywhere, or nearly; that of a net tells nothing.
    units = Standardization.of(points, target=net and loss == "squares") if standardize else None
    scaled = units.apply(points) if units else points
    curvature = [] if net else curvatures_of(model, scaled, LOSSES[loss])
    limit = 2.0 / curvature[-1] if curvature and curvature[-1] > 0.0 else None
    if lr is None:
        lr = default_rate(optimizer, data, net, limit)
    if steps is None:
        steps = 1_000 if net or batch is not None else 1_000_000
    if net:
        advise_net(scaled, loss)
    elif batch is None:
        advise_line(optimizer, lr, curvature, steps, standardize)
    with folder_for_results(out):
        if resume and not (out / CHECKPOINT).exists():
            raise DataError(
                f"there is no {CHECKPOINT} in {out} to go on from; a training leaves one when "
                "interrupted, or when all its steps were not enough"
            )
        history = train(
            model, scaled.x, scaled.y,
            loss=LOSSES[loss], optimizer=OPTIMIZERS[optimizer](model.parameters(), lr=lr),
            steps=steps, tolerance=tolerance, batch_size=batch, rng=seed, validation=validation,
            patience=patience, checkpoint=out / CHECKPOINT, resume=resume,
        )  # fmt: skip
        if not history.costs:
            raise KeyboardInterrupt  # before the first step: nothing was learned
        if units:
            units.undo(model, history)
        seen = points
        if validation:
            places, _ = split(len(points.y), validation, seed)
            seen = replace(points, x=[points.x[k] for k in places], y=[points.y[k] for k in places])
        learned = Learned(
            points,
            seen,
            Predictor(model, points.features, points.target, loss == "cross-entropy"),
            LOSSES[loss],
            history,
        )
        cost = cost_of(learned)
        files = write_results(out, learned, cost)
        if history.converged or history.stopped:
            (out / CHECKPOINT).unlink(missing_ok=True)  # nothing is left to do
    result = {
        **result_of(learned, cost.data),
        "learning_rate": lr,
        "learning_rate_limit": limit,
        "files": [str(file) for file in files],
    }
    if as_json:
        print_json(result)
    else:
        say(*report(learned, result))
    if plot:
        show(files)


def model_for(points: Data, hidden: str | None, activation: str | None, seed: int) -> Module:
    """A line, or a net with hidden layers."""
    inputs = len(points.features)
    if hidden is None:
        if activation:
            raise DataError("--activation is that of hidden neurons; give --hidden too")
        return Linear(inputs, rng=seed)
    parts = [part.strip() for part in hidden.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise DataError(f"--hidden takes the sizes of layers, such as 16,16, not {hidden!r:.60}")
    sizes = [inputs, *map(int, parts), 1]
    count = sum((m + 1) * n for m, n in pairwise(sizes))
    if count > MOST_PARAMETERS:
        raise DataError(
            f"a net with {count:,} parameters is beyond an engine of single numbers; take "
            f"smaller layers, for {MOST_PARAMETERS:,} at most"
        )
    return MLP(sizes, activation or "tanh", rng=seed)


def curvatures_of(model: Module, points: Data, loss: Loss) -> list[float]:
    """The curvatures of the cost at the start, from the smallest to the largest."""
    return curvatures(loss([model(row) for row in points.x], points.y), model.parameters())


def default_rate(optimizer: str, data: str, net: bool, limit: float | None) -> float:
    """The learning rate where none is given."""
    kind = OPTIMIZERS[optimizer]
    if net or math.isinf(kind.descent_speed):
        return kind.usual_lr
    if data == "line" and optimizer == "sgd":
        return LINE_LEARNING_RATE
    if limit is None:
        raise DataError("the cost does not curve where it starts, so give a learning rate: --lr")
    return limit / 2.0


def advise_line(
    optimizer: str, lr: float, curvature: list[float], steps: int, standardize: bool
) -> None:
    """Say so if a line cannot converge in so many steps."""
    speed = OPTIMIZERS[optimizer].descent_speed
    if lr > 0 < steps and speed * lr * curvature[0] * steps < STEPS_TO_EXACTNESS:
        remedy = "--optimizer newton" if standardize else "--standardize or --optimizer newton"
        say(f"Note: {steps:,} steps will not be enough here; try {remedy}", err=True)


def advise_net(points: Data, loss: str) -> None:
    """Say so if numbers are of a size that a net learns badly from."""
    columns = [*points.x, points.y if loss == "squares" else []]
    if any(abs(number) > OUT_OF_SCALE for column in columns for number in column):
        say("Note: a net learns best from numbers of about 1; try --standardize", err=True)


@contextmanager
def folder_for_results(out: Path) -> Iterator[None]:
    """Make a folder; if nothing comes of it, it goes again, with the folders made around it."""
    new = [folder for folder in (out, *out.parents) if not folder.exists()]
    out.mkdir(parents=True, exist_ok=True)
    clear_drafts(out)
    try:
        yield
    except BaseException as error:
        if isinstance(error, DivergedError):
            (out / CHECKPOINT).unlink(missing_ok=True)  # it leads nowhere
        with suppress(OSError):  # whatever is in it is worth keeping
            for folder in new:
                folder.rmdir()
        raise


COMMANDS = (fit,)
