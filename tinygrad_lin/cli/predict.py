"""The command predict: what a model that fit has learned makes of a table."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tinygrad_lin._files import write_whole
from tinygrad_lin.cli import options
from tinygrad_lin.cli.group import main
from tinygrad_lin.cli.output import print_json, print_lines
from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.data import format_csv, read_table
from tinygrad_lin.nn.datasets import load
from tinygrad_lin.nn.predictor import Predictor


@main.command("predict")
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL.json")
@click.argument("data", metavar="NAME|FILE.csv|-", shell_complete=options.complete_data)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .csv file to write instead of standard output.",
)
@options.as_json
def predict_command(model: Path, data: str, out: Path | None, as_json: bool) -> None:
    """Predict with a model that fit has learned, as CSV.

    DATA is as for fit. From a file, the columns that the model was trained on are taken by name;
    there may be others. Where fit minimized a cross-entropy, a prediction is the probability of
    a 1.

    \b
    Examples:
      tinygrad-lin fit points.csv --x height --x age --y weight --standardize
      tinygrad-lin predict out/model.json points.csv
      tinygrad-lin predict out/model.json points.csv --out predictions.csv
      tinygrad-lin predict out/model.json points.csv --json
    """
    predictor = Predictor.read(model)
    names, rows = read_features(data, predictor)
    predictions = [predictor(row) for row in rows]
    if out is not None:
        write_whole(out, predictions_csv(names, rows, predictions).encode())
    if as_json:
        single = all(len(outputs) == 1 for outputs in predictions)
        listed = [outputs[0] for outputs in predictions] if single else predictions
        print_json({"predictions": listed, "files": [] if out is None else [str(out)]})
    elif out is not None:
        print_lines(f"wrote {out}")
    elif sys.stdout.isatty():
        print_lines(*predictions_csv(names, rows, predictions).splitlines())
    else:
        click.echo(predictions_csv(names, rows, predictions).encode(), nl=False)


def read_features(data: str, predictor: Predictor) -> tuple[tuple[str, ...], list[list[float]]]:
    """The names of the columns that the model takes, and the rows of their numbers."""
    if data in options.SET_NAMES:
        points = load(data)
        if predictor.features not in ((), points.features):
            raise DataError(
                f"the model takes the columns {', '.join(predictor.features)}; "
                f"{data!r} has {', '.join(points.features)}"
            )
        return points.features, points.x
    options.require_existing(data)
    table = read_table(data)
    names = predictor.features or tuple(table.header)
    if len(names) != predictor.inputs:
        raise DataError(
            f"the model does not name the {predictor.inputs} column(s) it takes; "
            f"{table.name} should have them alone, not {', '.join(names)}"
        )
    rows = table.columns(names)
    options.require_moderate(table.name, rows)
    return names, rows


def predictions_csv(
    names: tuple[str, ...], rows: list[list[float]], predictions: list[list[float]]
) -> str:
    """The columns that the model takes, and its predictions beside them, as CSV."""
    outputs = len(predictions[0]) if predictions else 1
    title = "prediction"
    while any(name.startswith(title) for name in names):  # No two columns may share a name.
        title += "_"
    titles = [f"{title}[{k}]" for k in range(outputs)] if outputs > 1 else [title]
    return format_csv([*names, *titles], ([*row, *given] for row, given in zip(rows, predictions)))
