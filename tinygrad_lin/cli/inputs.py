"""What the commands take: data sets and files, numbers, and the options they share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.csv_files import read_csv
from tinygrad_lin.nn.data import Data
from tinygrad_lin.nn.datasets import ALIASES, DATASETS, load
from tinygrad_lin.nn.losses import binary_cross_entropy, half_mse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from tinygrad_lin.nn.losses import Loss

    Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

LARGEST = 1e100  # of the numbers in a file, for squares of their products to be floats
NAMES = [*DATASETS, *ALIASES]
CLASSES = {"moons"}  # sets whose target is a class
LOSSES: dict[str, Loss] = {"squares": half_mse, "cross-entropy": binary_cross_entropy}


def sets_and_files(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """For the Tab key: files, and the data sets whose names begin so."""
    names = [CompletionItem(name) for name in NAMES if name.startswith(incomplete)]
    return [CompletionItem(incomplete, type="file"), *names]


data_argument: Decorator = click.argument(
    "data", default="line", metavar="[NAME|FILE.csv|-]", shell_complete=sets_and_files
)
as_json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)
features_option: Decorator = click.option(
    "--x", "features", multiple=True, metavar="COL", help="A feature column; repeatable."
)
target_option: Decorator = click.option("--y", "target", metavar="COL", help="The target column.")
standardize_option: Decorator = click.option(
    "--standardize", is_flag=True, help="Scale the columns for training."
)
loss_option: Decorator = click.option(
    "--loss",
    type=click.Choice(list(LOSSES)),
    help="What to make small.  [moons: cross-entropy; else squares]",
)


def choose(data: str, features: tuple[str, ...], target: str | None) -> Data:
    """The data set of the package with that name, or else the file."""
    if data in NAMES:
        if features or target:
            raise DataError(f"--x and --y choose columns of a file; {data!r} has its own")
        return load(data)
    must_exist(data)
    points = read_csv(data, x=features, y=target)
    must_be_moderate(points.source, [*points.x, points.y])
    return points


def choose_loss(name: str | None, data: str, points: Data) -> str:
    """The name of what to make small, which goes with the targets."""
    name = name or ("cross-entropy" if data in CLASSES else "squares")
    if name == "cross-entropy":
        for y in points.y:
            if y not in (0.0, 1.0):
                raise DataError(
                    f"--loss cross-entropy is for classes, 0 and 1, but column {points.target!r} "
                    f"holds {y:g}"
                )
    return name


def must_exist(data: str) -> None:
    """Refuse what is no file, with what else there would be."""
    if data != "-" and not Path(data).exists():
        known = ", ".join(DATASETS)
        raise DataError(f"{data!r} is neither a data set of the package ({known}) nor a file")


def must_be_moderate(source: str, rows: Iterable[Iterable[float]]) -> None:
    """Refuse numbers that overflow."""
    if any(abs(number) > LARGEST for row in rows for number in row):
        raise DataError(f"{source}: numbers above {LARGEST:g} overflow; use larger units")


def must_be_writable(folder: Path, names: Iterable[str]) -> None:
    """Notice before the work that its results could not be written."""
    existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not existing.is_dir():
        raise NotADirectoryError(0, "not a folder", str(existing))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(0, "cannot be written to", str(existing))
    for name in names:
        if (folder / name).is_dir():
            raise IsADirectoryError(0, "is a folder", str(folder / name))
