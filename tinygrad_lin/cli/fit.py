"""The command fit: learn a line or a net from a table."""

from __future__ import annotations

from typing import Any

import click

from tinygrad_lin.cli import options
from tinygrad_lin.cli.fit_plan import FitSettings, Plan, plan_training, usual_learning_rates
from tinygrad_lin.cli.fit_results import (
    CHECKPOINT,
    RESULT_FILES,
    TrainingResult,
    cost_graph,
    report_lines,
    result_as_dict,
    show_plots,
    write_results,
)
from tinygrad_lin.cli.group import main
from tinygrad_lin.cli.output import create_folder, print_json, print_lines, require_writable
from tinygrad_lin.errors import DataError, DivergedError
from tinygrad_lin.nn.models import activations
from tinygrad_lin.nn.optimizers import OPTIMIZERS
from tinygrad_lin.nn.predictor import Predictor
from tinygrad_lin.nn.training.fit import fit


@main.command("fit")
@options.data
@options.features
@options.target
@click.option("--hidden", metavar="N,N,...", help="Learn a net with hidden layers of these sizes.")
@click.option(
    "--activation",
    type=click.Choice(activations()),
    metavar="NAME",
    help="Activation of the hidden neurons: tanh, relu, sigmoid, softplus, sin ...  [tanh]",
)
@options.loss
@click.option(
    "--optimizer",
    type=click.Choice(list(OPTIMIZERS)),
    default="sgd",
    help="How the gradient becomes a step.",
)
@click.option(
    "--lr",
    type=float,
    help=f"Learning rate.  [{usual_learning_rates()}; line: 0.001; else half of the limit]",
)
@click.option("--batch", type=int, metavar="N", help="Learn from this many points in each step.")
@click.option(
    "--steps", type=int, help="The most steps to take.  [a net or batches: 1,000; else 1,000,000]"
)
@click.option(
    "--tolerance",
    type=float,
    default=1e-12,
    help="Stop when no gradient is larger; 0 takes all the steps.",
)
@click.option(
    "--validation",
    type=float,
    default=0.0,
    show_default=False,
    metavar="PART",
    help="Keep this part of the points aside; the model that is best on them is the result.",
)
@click.option(
    "--patience",
    type=int,
    default=100,
    help="Stop after this many epochs without a gain on the points kept aside.",
)
@options.standardize
@click.option(
    "--seed",
    type=int,
    default=42,
    help="Seed of the random start, the batches, and the points kept aside.",
)
@options.output_folder("Folder for the results.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in the folder.")
@click.option("--plot", is_flag=True, help="Show the plots when done.")
@options.as_json
def fit_command(plot: bool, as_json: bool, **given: Any) -> None:
    """Learn a line or a net by gradient descent, and draw its graph.

    DATA is a data set of the package (line, norris, longley, anscombe1 to anscombe4, moons, sine,
    stair), a CSV file whose first line names the columns, or - for standard input. Without
    arguments: the line y = 8x + 3 from its points (2, 19) and (4, 35).

    Ctrl-C ends the training and keeps what was learned. A training that is not finished leaves a
    checkpoint in the folder, from which --resume goes on as if nothing had happened; with more
    --steps if all of them were taken.

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
    settings = FitSettings(**given)
    points = options.read_points(settings.data, settings.features, settings.target)
    require_writable(settings.out, [*RESULT_FILES, CHECKPOINT])
    plan = plan_training(settings, points)
    if plan.advice:
        print_lines(f"Note: {plan.advice}", err=True)
    with create_folder(settings.out):
        result = train(plan)
        files = write_results(result)
        if result.history.converged or result.history.stopped:
            (settings.out / CHECKPOINT).unlink(missing_ok=True)  # Nothing is left to go on with.
    numbers = result_as_dict(result, files)
    if as_json:
        print_json(numbers)
    else:
        print_lines(*report_lines(result, numbers))
    if plot:
        show_plots(files)


def train(plan: Plan) -> TrainingResult:
    """Train the model of a plan, or go on with its training."""
    settings, model = plan.settings, plan.model
    checkpoint = settings.out / CHECKPOINT
    if settings.resume and not checkpoint.exists():
        raise DataError(
            f"there is no {CHECKPOINT} in {settings.out} to go on from; a training leaves one when "
            "interrupted, or when all its steps were not enough"
        )
    optimizer = OPTIMIZERS[settings.optimizer](model.parameters(), lr=plan.learning_rate)
    try:
        history = fit(
            model, plan.scaled.x, plan.scaled.y, loss=options.LOSSES[plan.loss],
            optimizer=optimizer, steps=plan.steps, tolerance=settings.tolerance,
            batch_size=settings.batch, rng=settings.seed, validation=settings.validation,
            patience=settings.patience, checkpoint=checkpoint, resume=settings.resume,
        )  # fmt: skip
    except DivergedError:
        checkpoint.unlink(missing_ok=True)  # Going on from it would diverge, too.
        raise
    if not history.costs:
        raise KeyboardInterrupt  # It came before the first step, so that nothing was learned.
    if plan.units:
        plan.units.undo(model, history)
    points, probability = plan.points, plan.loss == "cross-entropy"
    predictor = Predictor(model, points.features, points.target, probability)
    return TrainingResult(plan, history, predictor, cost_graph(plan))
