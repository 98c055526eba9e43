"""The arguments and options that several commands share, and how their texts are read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from tinygrad_lin.errors import DataError
from tinygrad_lin.expression import Expression
from tinygrad_lin.nn.data import Data, is_number, read_csv
from tinygrad_lin.nn.datasets import ALIASES, DATASETS, load
from tinygrad_lin.nn.losses import binary_cross_entropy, half_mse
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from tinygrad_lin.nn.losses import Loss

    Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

MAX_MAGNITUDE = 1e100  # The square of a product of two numbers must be a finite float.
SET_NAMES = [*DATASETS, *ALIASES]
CLASSIFICATION_SETS = {"moons"}
LOSSES: dict[str, Loss] = {"squares": half_mse, "cross-entropy": binary_cross_entropy}


def complete_data(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What the Tab key offers: files, and the data sets whose names begin like this."""
    names = [CompletionItem(name) for name in SET_NAMES if name.startswith(incomplete)]
    return [CompletionItem(incomplete, type="file"), *names]


data: Decorator = click.argument(
    "data", default="line", metavar="[NAME|FILE.csv|-]", shell_complete=complete_data
)
features: Decorator = click.option(
    "--x", "features", multiple=True, metavar="COL", help="A feature column; repeatable."
)
target: Decorator = click.option("--y", "target", metavar="COL", help="The target column.")
loss: Decorator = click.option(
    "--loss",
    type=click.Choice(list(LOSSES)),
    help="What to minimize.  [moons: cross-entropy; else squares]",
)
standardize: Decorator = click.option(
    "--standardize", is_flag=True, help="Scale the columns for training."
)
expression: Decorator = click.argument("expression", metavar="EXPR")
bindings: Decorator = click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
as_json: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)


def output_file(default: str, help: str) -> Decorator:
    """The option -o: the file to write."""
    kind = click.Path(path_type=Path, dir_okay=False)
    return click.option("-o", "--output", type=kind, default=default, help=help)


def output_folder(help: str) -> Decorator:
    """The option --out: the folder to write files into."""
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option("--out", type=kind, default="out", help=help)


def read_points(data: str, features: tuple[str, ...], target: str | None) -> Data:
    """The data set of the package with this name, or else the points in this file."""
    if data in SET_NAMES:
        if features or target:
            raise DataError(f"--x and --y choose columns of a file; {data!r} has its own")
        return load(data)
    require_existing(data)
    points = read_csv(data, x=features, y=target)
    require_moderate(points.source, [*points.x, points.y])
    return points


def choose_loss(name: str | None, data: str, points: Data) -> str:
    """The name of the loss, which must suit the targets; by default the one that suits the data."""
    name = name or ("cross-entropy" if data in CLASSIFICATION_SETS else "squares")
    if name == "cross-entropy":
        for y in points.y:
            if y not in (0.0, 1.0):
                raise DataError(
                    f"--loss cross-entropy is for classes, 0 and 1, but column {points.target!r} "
                    f"holds {y:g}"
                )
    return name


def require_existing(data: str) -> None:
    """Refuse what is neither a file nor standard input, and say what else could be given."""
    if data != "-" and not Path(data).exists():
        known = ", ".join(DATASETS)
        raise DataError(f"{data!r} is neither a data set of the package ({known}) nor a file")


def require_moderate(source: str, rows: Iterable[Iterable[float]]) -> None:
    """Refuse numbers so large that computing with them overflows."""
    if any(abs(number) > MAX_MAGNITUDE for row in rows for number in row):
        raise DataError(f"{source}: numbers above {MAX_MAGNITUDE:g} overflow; use larger units")


def read_expression(text: str, bindings: tuple[str, ...]) -> tuple[Expression, dict[str, Value]]:
    """The expression in a text, and a leaf for each of its variables."""
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
