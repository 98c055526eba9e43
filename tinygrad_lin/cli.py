"""The command line: tinygrad-lin.

Exit codes: 0 done, 1 what was asked about does not hold (training diverged), 2 bad input.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinygrad_lin import __version__
from tinygrad_lin.errors import (
    DataError,
    DivergedError,
    ExpressionError,
    GradientMismatch,
    TinygradError,
)
from tinygrad_lin.expression import Expression
from tinygrad_lin.files import write_whole
from tinygrad_lin.nn.data import SETS, Data, Scaling, is_number, load, read_csv
from tinygrad_lin.nn.linear import Linear
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.nn.optim import curvatures
from tinygrad_lin.nn.training import fit as train
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_lin.nn.training import History
    from tinygrad_lin.viz.dot import Drawing

RESULTS = ("graph.svg", "fit.png", "loss.png", "model.json", "history.csv")
LINE_LEARNING_RATE = 1e-3
LARGEST = 1e100  # of the numbers in a file, for squares of their products to be floats
STEPS_TO_EXACTNESS = 25.0  # times 1 / (lr · λmin) steps, for errors to shrink by e^-25 = 1e-11
MOST_STEPS_IN_RICH = 1000  # more take long to lay out


DRAWN = ExpressionError, GradientMismatch  # errors that show something, on lines of its own


class Commands(click.Group):
    """A group of commands whose errors are one line each."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error becomes one line and an exit code."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            fail(error.format_message(), 2)
        except (DivergedError, GradientMismatch) as error:
            fail(error, 1)
        except TinygradError as error:
            fail(error, 2)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or error}", 2)


def fail(message: object, code: int) -> None:
    """End with a message on standard error, without control characters for the terminal."""
    text = f"Error: {message}"
    for line in text.split("\n") if isinstance(message, DRAWN) else [text]:
        click.echo("".join(c if c.isprintable() else " " for c in line), err=True)
    raise SystemExit(code)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tinygrad-lin")
def main() -> None:
    """A scalar autodiff engine to understand, draw and test backpropagation."""


@main.command()
@click.argument("data", default="line", metavar="[line|norris|FILE.csv|-]")
@click.option("--x", "features", multiple=True, metavar="COL", help="A feature column; repeatable.")
@click.option("--y", "target", metavar="COL", help="The target column.")
@click.option("--lr", type=float, help="Learning rate.  [line: 0.001; else half of the limit]")
@click.option("--steps", type=int, default=1_000_000, show_default=True, help="Most steps to take.")
@click.option(
    "--tolerance",
    type=float,
    default=1e-12,
    show_default=True,
    help="Stop when no gradient is larger; 0 takes all the steps.",
)
@click.option("--standardize", is_flag=True, help="Scale the features for training.")
@click.option("--seed", type=int, default=42, show_default=True, help="Of the random start.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default="out",
    show_default=True,
    help="Folder for the results.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def fit(
    data: str,
    features: tuple[str, ...],
    target: str | None,
    lr: float | None,
    steps: int,
    tolerance: float,
    standardize: bool,
    seed: int,
    out: Path,
    as_json: bool,
) -> None:
    r"""Learn a line by gradient descent, and draw its graph.

    DATA is a set of the package, a CSV file whose first line names the columns, or - for standard
    input. Without arguments: the line y = 8x + 3 from its points (2, 19) and (4, 35).

    \b
    Examples:
      tinygrad-lin fit
      tinygrad-lin fit norris --standardize
      tinygrad-lin fit points.csv --x height --x age --y weight --standardize
    """
    points = choose(data, features, target)
    must_be_writable(out)
    if not 0 <= seed < 2**32:
        raise DataError(f"the seed must be a whole number from 0 to {2**32 - 1}, not {seed}")
    scaling = Scaling.of(points) if standardize else None
    rows = scaling.apply(points.x) if scaling else points.x
    model = Linear(inputs=len(points.features), rng=seed)
    cost = half_mse([model(row) for row in rows], points.y)
    curvature = curvatures(cost, model.parameters())
    limit = 2.0 / curvature[-1]
    if lr is None:
        lr = LINE_LEARNING_RATE if data == "line" else limit / 2.0
    if not standardize and lr > 0 < steps and lr * curvature[0] * steps < STEPS_TO_EXACTNESS:
        click.echo(f"Note: {steps:,} steps will not be enough here; try --standardize", err=True)
    history = train(model, rows, points.y, lr=lr, steps=steps, tolerance=tolerance)
    if not history.costs:
        raise DataError("interrupted before the first step; nothing was learned")
    if scaling:
        in_units_of_the_data(scaling, model, history)
    files = write_results(out, points, model, history)
    *weights, bias = (parameter.data for parameter in model.parameters())
    result = {
        "weights": weights,
        "bias": bias,
        "cost": history.costs[-1],
        "steps": history.steps,
        "converged": history.converged,
        "learning_rate": lr,
        "learning_rate_limit": limit,
        "files": [str(file) for file in files],
    }
    if as_json:
        click.echo(json.dumps(result, indent=2, allow_nan=False))
    else:
        click.echo(report(points, result, history.outcome))


@main.command("draw")
@click.argument("expression", metavar="EXPR")
@click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="graph.svg",
    show_default=True,
    help="An .svg, .png, .pdf or .dot file.",
)
@click.option("--theme", default="light", show_default=True, help="light, dark, print or auto.")
@click.option("--direction", default="LR", show_default=True, help="LR, RL, TB or BT.")
@click.option("--title", help="A line of text above the drawing.")
@click.option("--legend", is_flag=True, help="Explain the drawing in a corner.")
@click.option("--path", "end", metavar="NAME", help="Mark the paths to a variable.")
def draw_expression(
    expression: str,
    bindings: tuple[str, ...],
    output: Path,
    theme: str,
    direction: str,
    title: str | None,
    legend: bool,
    end: str | None,
) -> None:
    r"""Draw the graph of an expression with its gradients.

    \b
    Examples:
      tinygrad-lin draw "((w*x+b)-y)**2/2" w=0.5 x=2 b=-0.1 y=19 -o cost.svg
      tinygrad-lin draw "tanh(w*x)" w=0.5 x=2 --theme dark --path w -o neuron.png
    """
    from tinygrad_lin.viz.dot import draw

    formula, leaves = bound(expression, bindings)
    if end is not None and end not in leaves:
        raise DataError(f"there is no {end!r} in {expression!r}")
    root: Value = formula(leaves)
    root.backward()
    path = leaves[end] if end is not None else None
    drawing = draw(root, theme=theme, direction=direction, title=title, legend=legend, path=path)
    drawing.write(output)
    click.echo(f"wrote {output}")


@main.command("steps")
@click.argument("expression", metavar="EXPR")
@click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
@click.option("--markdown", "form", flag_value="markdown", help="Write tables of Markdown.")
@click.option("--tex", "form", flag_value="tex", help="Write displays for TeX.")
def print_steps(expression: str, bindings: tuple[str, ...], form: str | None) -> None:
    r"""Show every step of the forward and of the backward pass.

    \b
    Example:
      tinygrad-lin steps "((w*x+b)-y)**2/2" w=0.5 x=2 b=-0.1 y=19
    """
    from tinygrad_lin.viz.trace import steps

    formula, leaves = bound(expression, bindings)
    listed = steps(formula(leaves))
    if form is None and sys.stdout.isatty() and len(listed) <= MOST_STEPS_IN_RICH:
        from rich.console import Console

        Console().print(listed)
        return
    lines = {None: listed.lines, "markdown": listed.markdown_lines, "tex": listed.tex_lines}
    for line in lines[form]():
        click.echo(line)


@main.command()
@click.argument("expression", metavar="EXPR|line")
@click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="page.html",
    show_default=True,
    help="An .html file.",
)
def play(expression: str, bindings: tuple[str, ...], output: Path) -> None:
    r"""Write a page that replays an expression forward and backward.

    Its leaves can be changed there. "line" alone is the line y = 8x + 3 on the points (2, 19) and
    (4, 35), with its training.

    \b
    Examples:
      tinygrad-lin play line -o line.html
      tinygrad-lin play "((w*x+b)-y)**2/2" w=0.5 x=2 b=-0.1 y=19 -o page.html
    """
    from tinygrad_lin.viz.player import page

    if expression == "line" and not bindings:
        points, model = load("line"), Linear()
        cost = half_mse([model(row) for row in points.x], points.y)
        page(cost, output, title="The line y = 8x + 3", model=model, data=(points.x, points.y))
    else:
        formula, leaves = bound(expression, bindings)
        page(formula(leaves), output, title=expression)
    click.echo(f"wrote {output}")


@main.command()
@click.argument("expression", metavar="EXPR")
@click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
@click.option("--order", type=click.IntRange(1, 2), default=1, show_default=True)
def check(expression: str, bindings: tuple[str, ...], order: int) -> None:
    r"""Check the gradient of an expression by finite differences.

    The exit code is 1 if it is wrong.

    \b
    Example:
      tinygrad-lin check "tanh(w*x+b)" w=0.5 x=2 b=-0.1
    """
    from tinygrad_lin.check.gradients import check_gradients

    formula, leaves = bound(expression, bindings)

    def f(*values: Value | float) -> Value | float:
        result: Value | float = formula(dict(zip(leaves, values)))
        return result

    click.echo(check_gradients(f, *leaves.values(), order=order))


def bound(text: str, bindings: tuple[str, ...]) -> tuple[Expression, dict[str, Value]]:
    """An expression, and leaves for all its variables."""
    expression = Expression(text)
    if not expression.names:
        raise DataError(f"there are no variables in {text!r}, which is {expression({})}")
    leaves: dict[str, Value] = {}
    for binding in bindings:
        name, separator, number = (part.strip() for part in binding.partition("="))
        if not separator or not is_number(number):
            raise DataError(f"{binding!r} is not of the form name=number")
        if name in leaves:
            raise DataError(f"{name!r} is given two values")
        if name not in expression.names:
            raise DataError(f"there is no {name!r} in {text!r}")
        leaves[name] = Value(float(number), name)
    for name in expression.names:
        if name not in leaves:
            raise DataError(f"{name!r} has no value; add {name}=NUMBER")
    return expression, leaves


def choose(data: str, features: tuple[str, ...], target: str | None) -> Data:
    """The data set of the package with that name, or else the file."""
    if data in SETS:
        if features or target:
            raise DataError(f"--x and --y choose columns of a file; {data!r} has its own")
        return load(data)
    if data != "-" and not Path(data).exists():
        known = ", ".join(SETS)
        raise DataError(f"{data!r} is neither a data set of the package ({known}) nor a file")
    points = read_csv(data, x=features, y=target)
    if any(abs(number) > LARGEST for row in (*points.x, points.y) for number in row):
        raise DataError(f"{points.source}: numbers above {LARGEST:g} overflow; use larger units")
    return points


def must_be_writable(out: Path) -> None:
    """Notice before the training that the results could not be written."""
    existing = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise NotADirectoryError(0, "not a folder", str(existing))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(0, "cannot be written to", str(existing))
    for name in RESULTS:
        if (out / name).is_dir():
            raise IsADirectoryError(0, "is a folder", str(out / name))


def write_results(out: Path, points: Data, model: Linear, history: History) -> list[Path]:
    """Drawing, plots, model and history; nothing is written if one of them cannot be made."""
    from tinygrad_lin.viz.plots import plot_fit, plot_loss, png

    *weights, bias = (p.data for p in model.parameters())
    contents = (
        draw_cost(points, model).pipe("svg"),
        png(plot_fit(points, weights, bias)),
        png(plot_loss(history)),
        model.to_json().encode(),
        history_csv(history, model).encode(),
    )
    out.mkdir(parents=True, exist_ok=True)
    for name, content in zip(RESULTS, contents, strict=True):
        write_whole(out / name, content)
    return [out / name for name in RESULTS]


def draw_cost(points: Data, model: Linear) -> Drawing:
    """The graph of the cost at the model's parameters."""
    from tinygrad_lin.viz.dot import draw

    rows = [[Value(v, name) for v, name in zip(row, points.features)] for row in points.x]
    cost = half_mse([model(row) for row in rows], points.y)
    for parameter in model.parameters():
        parameter.grad = 0.0
    cost.backward()
    return draw(cost, title="C = MSE / 2")


def in_units_of_the_data(scaling: Scaling, model: Linear, history: History) -> None:
    """Undo the scaling in all parameters, now and on the way."""

    def undone(parameters: Sequence[float]) -> tuple[float, ...]:
        *weights, bias = parameters
        weights, bias = scaling.undo(weights, bias)
        return (*weights, bias)

    learned = undone([parameter.data for parameter in model.parameters()])
    for parameter, number in zip(model.parameters(), learned):
        parameter.data = number
    history.snapshots = [
        snapshot._replace(parameters=undone(snapshot.parameters)) for snapshot in history.snapshots
    ]


def history_csv(history: History, model: Linear) -> str:
    """Steps, costs and parameters as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["step", "cost", *(p.label for p in model.parameters())])
    for step, cost, parameters in history.snapshots:
        writer.writerow([step, cost, *parameters])
    return text.getvalue()


def report(points: Data, result: dict[str, Any], outcome: str) -> str:
    """What was learned, beside the truth where that is known."""
    learned = [*result["weights"], result["bias"]]
    names = ["w"] if len(points.features) == 1 else [f"w ({name})" for name in points.features]
    columns = [["", *names, "b"], ["learned", *(f"{number:.15g}" for number in learned)]]
    if points.truth:
        columns.append(["truth", *(f"{number:.15g}" for number in points.truth)])
    widths = [max(map(len, column)) for column in columns]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
        for row in zip(*columns)
    ]
    lines += [
        f"cost C = MSE/2       {result['cost']:.6g}",
        f"steps                {result['steps']:,} ({outcome})",
        f"learning rate        {result['learning_rate']:.6g}",
        f"learning-rate limit  {result['learning_rate_limit']:.5g} (2 / λmax)",
        "wrote " + ", ".join(result["files"]),
    ]
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines)
