"""The package's own data sets: published ones from CSV files, and made ones."""

from __future__ import annotations

import math
from functools import partial
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy

from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.data import Data, read_csv

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def load(name: str) -> Data:
    """One of the package's data sets.

    line, norris, longley, anscombe1 to anscombe4, moons, sine, steps (or stair).

    Raises:
        DataError: there is no such set.

    >>> load("line").x, load("line").y
    ([[2.0], [4.0]], [19.0, 35.0])
    """
    name = ALIASES.get(name, name)
    if name not in DATASETS:
        raise DataError(f"there is no data set {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name]()


def line() -> Data:
    """The two points of y = 8x + 3."""
    return Data([[2.0], [4.0]], [19.0, 35.0], truth=(8.0, 3.0), source="y = 8x + 3")


def norris() -> Data:
    """NIST's linear regression set on the calibration of ozone monitors, 36 points."""
    return Data(
        *read_columns("norris.csv", ["x"], "y"),
        truth=(1.00211681802045, -0.262323073774029),
        source="NIST Statistical Reference Datasets, linear regression, Norris",
    )


def longley() -> Data:
    """NIST's set on employment from 1947 to 1962, whose six features rise together."""
    features = ("deflator", "gnp", "unemployed", "armed_forces", "population", "year")
    certified = (
        *(15.0618722713733, -0.0358191792925910, -2.02022980381683),
        *(-1.03322686717359, -0.0511041056535807, 1829.15146461355),
        -3482258.63459582,
    )
    return Data(
        *read_columns("longley.csv", features, "employed"),
        features,
        "employed",
        truth=certified,
        source="NIST Statistical Reference Datasets, linear regression, Longley",
    )


def anscombe(number: int) -> Data:
    """One of four sets with the same least-squares line that look nothing alike, 11 points."""
    return Data(
        *read_columns("anscombe.csv", ["x4" if number == 4 else "x"], f"y{number}"),
        source="F. J. Anscombe 1973, The American Statistician 27, 17-21",
    )


def read_columns(file: str, x: Sequence[str], y: str) -> tuple[list[list[float]], list[float]]:
    """Columns of one of the package's files."""
    data = read_csv(str(files("tinygrad_lin.nn") / "dataset_files" / file), x, y)
    return data.x, data.y


def moons(points: int = 200, noise: float = 0.1, rng: int = 42) -> Data:
    """Two half circles that reach into each other: y is 0 on the upper one and 1 on the lower.

    Args:
        points: how many there are on both together.
        noise: the standard deviation of what is added to either coordinate.
        rng: a seed for NumPy's ``RandomState``.
    """
    shifts = numpy.random.RandomState(rng).normal(0.0, noise, (points, 2)).tolist()
    x, y = [], []
    for k, (right, up) in enumerate(shifts):
        angle = math.pi * (k // 2) / max((points - 1) // 2, 1)
        x1, x2 = math.cos(angle), math.sin(angle)
        if k % 2:
            x1, x2 = 1.0 - x1, 0.5 - x2
        x.append([x1 + right, x2 + up])
        y.append(float(k % 2))
    return Data(x, y, ("x1", "x2"), source="two half circles with noise")


def curve(f: Callable[[float], float], source: str) -> Data:
    """A function of one number at 40 points, evenly from -1 to 1."""
    x = [(2 * k - 39) / 39 for k in range(40)]
    return Data([[v] for v in x], [f(v) for v in x], source=source)


DATASETS: dict[str, Callable[[], Data]] = {
    "line": line,
    "norris": norris,
    "longley": longley,
    **{f"anscombe{number}": partial(anscombe, number) for number in (1, 2, 3, 4)},
    "moons": moons,
    "sine": partial(curve, lambda x: math.sin(math.pi * x), "y = sin(πx)"),
    "steps": partial(curve, lambda x: math.floor(2.0 * x) / 2.0, "a stair, y = floor(2x) / 2"),
}
ALIASES = {"anscombe": "anscombe1", "stair": "steps"}
