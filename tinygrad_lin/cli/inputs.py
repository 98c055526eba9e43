"""The data sets and files that commands read, and the loss that goes with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.data import Data, read_csv
from tinygrad_lin.nn.datasets import ALIASES, DATASETS, load
from tinygrad_lin.nn.losses import binary_cross_entropy, half_mse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_lin.nn.losses import Loss

MAX_MAGNITUDE = 1e100  # The square of a product of two numbers must be a finite float.
SET_NAMES = [*DATASETS, *ALIASES]
CLASSIFICATION_SETS = {"moons"}
LOSSES: dict[str, Loss] = {"squares": half_mse, "cross-entropy": binary_cross_entropy}


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
