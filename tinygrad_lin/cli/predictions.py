"""The command predict: use a model that was learned."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tinygrad_lin.cli.group import print_json, say
from tinygrad_lin.cli.inputs import (
    NAMES,
    as_json_option,
    must_be_moderate,
    must_exist,
    sets_and_files,
)
from tinygrad_lin.errors import DataError
from tinygrad_lin.files import write_whole
from tinygrad_lin.nn.csv_files import format_csv, read_table
from tinygrad_lin.nn.datasets import load
from tinygrad_lin.nn.predictor import Predictor


@click.command()
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL.json")
@click.argument("data", metavar="NAME|FILE.csv|-", shell_complete=sets_and_files)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A .csv file to write instead of standard output.",
)
@as_json_option
def predict(model: Path, data: str, out: Path | None, as_json: bool) -> None:
    """Predict with a model that fit has learned, as CSV.

    DATA is as for fit. Of a file, the columns that the model was learned from are taken by their
    names; there may be others. Where fit made a cross-entropy small, a prediction is the
    probability of a 1.

    \b
    Examples:
      tinygrad-lin fit points.csv --x height --x age --y weight --standardize
      tinygrad-lin predict out/model.json points.csv
      tinygrad-lin predict out/model.json points.csv --out predictions.csv
      tinygrad-lin predict out/model.json points.csv --json
    """
    predictor = Predictor.read(model)
    names, rows = table_for(predictor, data)
    predictions = [predictor(row) for row in rows]
    files = [] if out is None else [str(out)]
    if out is not None or not as_json:
        text = as_csv(names, rows, predictions)
        if out is None:
            if sys.stdout.isatty():
                say(*text.splitlines())
            else:
                click.echo(text.encode(), nl=False)
            return
        write_whole(out, text.encode())
    if as_json:
        single = all(len(each) == 1 for each in predictions)
        shown = [each[0] for each in predictions] if single else predictions
        print_json({"predictions": shown, "files": files})
    else:
        say(f"wrote {out}")


def table_for(predictor: Predictor, data: str) -> tuple[tuple[str, ...], list[list[float]]]:
    """The names of the columns that the model takes, and what they hold."""
    if data in NAMES:
        points = load(data)
        if predictor.features not in ((), points.features):
            raise DataError(
                f"the model takes the columns {', '.join(predictor.features)}; "
                f"{data!r} has {', '.join(points.features)}"
            )
        return points.features, points.x
    must_exist(data)
    table = read_table(data)
    names = predictor.features or tuple(table.header)
    if len(names) != predictor.inputs:
        raise DataError(
            f"the model does not name the {predictor.inputs} column(s) it takes; "
            f"{table.name} should have them alone, not {', '.join(names)}"
        )
    rows = table.columns(names)
    must_be_moderate(table.name, rows)
    return names, rows


def as_csv(names: tuple[str, ...], rows: list[list[float]], predictions: list[list[float]]) -> str:
    """The columns that the model takes, and beside them what it makes of them."""
    outputs = len(predictions[0]) if predictions else 1
    title = "prediction"
    while any(name.startswith(title) for name in names):  # no two columns of one name
        title += "_"
    titles = [f"{title}[{k}]" for k in range(outputs)] if outputs > 1 else [title]
    return format_csv([*names, *titles], ([*row, *given] for row, given in zip(rows, predictions)))


COMMANDS = (predict,)
