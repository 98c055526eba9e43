"""Points to learn from: the package's own sets, and CSV files."""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy

from tinygrad_lin.errors import DataError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence

    from numpy import float64
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Data:
    """Points (x, y) with the names of their columns.

    Attributes:
        x: one row of features for each point.
        y: the targets.
        features: the names of the columns of x.
        target: the name of y.
        truth: the weights and the bias that are known to be right, where they are.
        source: where the numbers are from.
    """

    x: list[list[float]]
    y: list[float]
    features: tuple[str, ...] = ("x",)
    target: str = "y"
    truth: tuple[float, ...] = field(default=(), compare=False)
    source: str = field(default="", compare=False)


def line() -> Data:
    """The two points of y = 8x + 3."""
    return Data([[2.0], [4.0]], [19.0, 35.0], truth=(8.0, 3.0), source="y = 8x + 3")


def norris() -> Data:
    """NIST's linear regression set on the calibration of ozone monitors, 36 points."""
    return Data(
        *columns_of("norris.csv", ["x"], "y"),
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
        *columns_of("longley.csv", features, "employed"),
        features,
        "employed",
        truth=certified,
        source="NIST Statistical Reference Datasets, linear regression, Longley",
    )


def anscombe(number: int) -> Data:
    """One of four sets with the same least-squares line that look nothing alike, 11 points."""
    return Data(
        *columns_of("anscombe.csv", ["x4" if number == 4 else "x"], f"y{number}"),
        source="F. J. Anscombe 1973, The American Statistician 27, 17-21",
    )


def columns_of(file: str, x: Sequence[str], y: str) -> tuple[list[list[float]], list[float]]:
    """Columns of one of the package's files."""
    data = read_csv(str(files("tinygrad_lin.nn") / "datasets" / file), x, y)
    return data.x, data.y


def moons(points: int = 200, noise: float = 0.1, rng: int = 42) -> Data:
    """Two half circles that reach into each other: y is 0 on the upper one and 1 on the lower.

    Args:
        points: how many in both.
        noise: the standard deviation of what is added to either coordinate.
        rng: a seed for NumPy's ``RandomState``.
    """
    import numpy

    added = numpy.random.RandomState(rng).normal(0.0, noise, (points, 2)).tolist()
    x, y = [], []
    for k, (right, up) in enumerate(added):
        angle = math.pi * (k // 2) / max((points - 1) // 2, 1)
        across, above = math.cos(angle), math.sin(angle)
        if k % 2:
            across, above = 1.0 - across, 0.5 - above
        x.append([across + right, above + up])
        y.append(float(k % 2))
    return Data(x, y, ("x1", "x2"), source="two half circles with noise")


def curve(f: Callable[[float], float], source: str) -> Data:
    """A function of one number at 40 points, evenly from -1 to 1."""
    x = [(2 * k - 39) / 39 for k in range(40)]
    return Data([[v] for v in x], [f(v) for v in x], source=source)


SMALLEST = 1e-250
"""The least standard deviation of a feature for weights in its units to be floats."""

SETS: dict[str, Callable[[], Data]] = {
    "line": line,
    "norris": norris,
    "longley": longley,
    **{f"anscombe{number}": partial(anscombe, number) for number in (1, 2, 3, 4)},
    "moons": moons,
    "sine": partial(curve, lambda x: math.sin(math.pi * x), "y = sin(πx)"),
    "steps": partial(curve, lambda x: math.floor(2.0 * x) / 2.0, "a stair, y = floor(2x) / 2"),
}


FORMULAS = tuple("=+-@＝＋－＠\ufeff")
"""What a cell begins with that spreadsheets compute; the last is no letter at a file's begin."""

ALSO_CALLED = {"anscombe": "anscombe1", "stair": "steps"}


def load(name: str) -> Data:
    """One of the package's data sets.

    line, norris, longley, anscombe1 to anscombe4, moons, sine, steps (or stair).

    Raises:
        DataError: there is no such set.

    >>> load("line").x, load("line").y
    ([[2.0], [4.0]], [19.0, 35.0])
    """
    name = ALSO_CALLED.get(name, name)
    if name not in SETS:
        raise DataError(f"there is no data set {name!r}; there are {', '.join(SETS)}")
    return SETS[name]()


class Table(NamedTuple):
    """A CSV file as text.

    Attributes:
        name: the file's, for messages.
        start: the line that names the columns, counted from 1.
        header: their names.
        rows: each other line's number and cells.
    """

    name: str
    start: int
    header: list[str]
    rows: list[tuple[int, list[str]]]

    def chosen(self, x: Sequence[str], y: str | None) -> tuple[tuple[str, ...], str]:
        """The names of the features and of the target."""
        target = y or ("y" if "y" in self.header else self.header[-1])
        features = tuple(x) or tuple(column for column in self.header if column != target)
        if target in features or len(set(features)) < len(features):
            raise DataError(
                f"{self.name}: a column may be used once: x = {', '.join(features)}, y = {target}"
            )
        if not features:
            raise DataError(
                f"{self.name}, line {self.start}: only the column {target!r}; x needs another"
            )
        return features, target

    def columns(self, names: Sequence[str]) -> list[list[float]]:
        """The numbers in some columns, row by row.

        Raises:
            DataError: there is no such column, or something else in it than finite numbers.
        """
        for column in names:
            if column not in self.header:
                raise DataError(
                    f"{self.name}, line {self.start}: no column {column!r}; "
                    f"there are {', '.join(self.header)}"
                )
        places = [self.header.index(column) for column in names]
        return [
            [cell_number(self.name, number, self.header[k], cells[k]) for k in places]
            for number, cells in self.rows
        ]


def read_csv(path: str | os.PathLike[str], x: Sequence[str] = (), y: str | None = None) -> Data:
    """Read points from a CSV file whose first line names the columns.

    Args:
        path: the file, or "-" for standard input. UTF-8; the separator is a comma, a semicolon or
            a tab, whichever the first line has most of.
        x: the names of the feature columns; all but the target if not given.
        y: the name of the target column; "y" if there is one, else the last column.

    Raises:
        OSError: the file cannot be read.
        DataError: it cannot be used; the message names file, line (counted from 1) and column.
    """
    table = read_table(path)
    features, target = table.chosen(x, y)
    points = table.columns([*features, target])
    if len(points) < 2:
        raise DataError(f"{table.name}: {len(points)} point(s); a line needs at least two")
    return Data(
        [p[:-1] for p in points], [p[-1] for p in points], features, target, source=table.name
    )


def read_csv_batches(
    path: str | os.PathLike[str],
    x: Sequence[str] = (),
    y: str | None = None,
    rows: int = 100_000,
) -> Iterator[tuple[NDArray[float64], NDArray[float64]]]:
    """The points of a CSV file that is larger than memory, as batches for ``fit``.

    Arguments and errors are those of :func:`read_csv`, but the file is no standard input, and an
    error is found when its line is read.

    Args:
        path: the file.
        x: the names of the feature columns; all but the target if not given.
        y: the name of the target column.
        rows: how many points a batch has.

    Returns:
        Arrays of shape (rows, features) and (rows,), one pair after the other.
    """
    if rows < 1:
        raise DataError(f"a batch has at least one point, not {rows!r}")
    name = str(path)
    with open(path, encoding=ENCODING, errors=ESCAPED, newline="") as file:
        lines = rows_of(name, file)
        header = list(islice(lines, 1))
        while True:
            chunk = list(islice(lines, rows))
            table = tabulate(name, header + chunk)
            features, target = table.chosen(x, y)
            points = numpy.array(table.columns([*features, target]))
            if not chunk:
                return
            yield points[:, :-1], points[:, -1]


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a CSV file as :func:`read_csv` does, but leave its cells as they are."""
    name = "standard input" if str(path) == "-" else str(path)
    if str(path) == "-" and sys.stdin is None:
        raise DataError("there is no standard input to read from")
    raw = sys.stdin.buffer.read() if str(path) == "-" else Path(path).read_bytes()
    text = io.StringIO(raw.decode(ENCODING, ESCAPED), newline="")
    return tabulate(name, rows_of(name, text))


ENCODING, ESCAPED = "utf-8-sig", "surrogateescape"
NO_TEXT = re.compile("[\0\udc80-\udcff]")
"""Zero bytes, and how bytes that are not UTF-8 are escaped."""


def rows_of(name: str, text: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row that is not blank, with the number of its last line."""
    lines = sound_lines(name, text)
    begin = list(first_row(lines))
    reader = csv.reader(chain(begin, lines), delimiter=separator_of("".join(begin)))
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: {error}") from None


def sound_lines(name: str, text: Iterable[str]) -> Iterator[str]:
    """The lines, as long as they are text."""
    for line_number, line in enumerate(text, start=1):
        if found := NO_TEXT.search(line):
            fault = "not UTF-8 text; save it as UTF-8" if found[0] > "\0" else "a zero byte"
            raise DataError(f"{name}, line {line_number}: {fault}")
        yield line


def first_row(lines: Iterator[str]) -> Iterator[str]:
    """The lines up to the first that is not blank; more where it ends within quotes."""
    size, quotes = 0, 0
    for line in lines:
        yield line
        size, quotes = size + len(line.strip()), quotes + line.count('"')
        if size and (quotes % 2 == 0 or size > csv.field_size_limit()):
            return


def csv_of(header: Sequence[str], rows: Iterable[Sequence[float | str]]) -> str:
    """A table of numbers as CSV that :func:`read_csv` reads, and that spreadsheets only show.

    To them a name that begins like a formula is one. An apostrophe before it makes it text, which
    :func:`tabulate` takes off again.

    >>> print(csv_of(["=1+1", "a;b", "w"], [[-1.0, 2.0, 3.0]]), end="")
    '=1+1,"a;b",w
    -1.0,2.0,3.0
    """
    names = [f"'{name}" if name.startswith(FORMULAS) else name for name in header]
    quoted = [
        '"' + name.replace('"', '""') + '"' if set(name) & set(',;\t\r\n"') else name
        for name in names
    ]
    return "\n".join([",".join(quoted), *(",".join(map(str, row)) for row in rows), ""])


def separator_of(text: str) -> str:
    """What the first line has most of, outside of quotes: commas, semicolons or tabs."""
    first_line = re.match(r'(?:[^"\r\n]++|"[^"]*+")*+', text.lstrip())
    unquoted = re.sub(r'"[^"]*"', "", first_line[0] if first_line else "")
    return max(",;\t", key=unquoted.count)


def tabulate(name: str, lines: Iterable[tuple[int, list[str]]]) -> Table:
    """A table of numbered lines of cells; the first holds the names."""
    rows = list(lines)
    if not rows:
        raise DataError(f"{name} is empty; its first line should name the columns")
    start, header = rows.pop(0)
    guarded = tuple([f"'{begin}" for begin in FORMULAS])
    header = [cell[1:] if cell.startswith(guarded) else cell for cell in header]
    if any(is_number(cell) for cell in header):
        raise DataError(f"{name}, line {start}: names of columns are wanted, not numbers: {header}")
    for column in header:
        if not column or header.count(column) > 1:
            raise DataError(f"{name}, line {start}: column {column!r} has no name of its own")
    for number, cells in rows:
        if len(cells) != len(header):
            raise DataError(f"{name}, line {number}: {len(cells)} cells under {len(header)} names")
    return Table(name, start, header, rows)


def is_number(text: str) -> bool:
    """Whether Python reads the text as a float."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def cell_number(name: str, line_number: int, column: str, text: str) -> float:
    """The finite number in a cell."""
    place = f"{name}, line {line_number}, column {column!r}"
    if not is_number(text) or "_" in text:
        raise DataError(
            f"{place}: {text[:40]!r} is not a number; mend it or choose other columns"
            if text
            else f"{place}: no number"
        )
    if not math.isfinite(float(text)):
        raise DataError(f"{place}: {text} is not a finite number")
    return float(text)


@dataclass(frozen=True)
class Scaling:
    """Features shifted to mean 0 and scaled to standard deviation 1, and the way back."""

    means: list[float]
    deviations: list[float]

    @classmethod
    def of(cls, data: Data) -> Scaling:
        """The scaling of a data set's features.

        Raises:
            DataError: a feature is the same for all points, or nearly so.
        """
        means, deviations = [], []
        for feature, column in zip(data.features, zip(*data.x)):
            if min(column) == max(column):
                raise DataError(f"column {feature!r} is constant and cannot be standardized")
            size = max(map(abs, column))  # for the squares neither to overflow nor to vanish
            mean = math.fsum(v / size for v in column) / len(column)
            variance = math.fsum((v / size - mean) ** 2 for v in column) / len(column)
            means.append(mean * size)
            deviations.append(math.sqrt(variance) * size)
            if deviations[-1] < SMALLEST:
                raise DataError(f"column {feature!r} is too small in its units; use smaller ones")
        return cls(means, deviations)

    def apply(self, rows: list[list[float]]) -> list[list[float]]:
        """The rows in scaled units."""
        return [
            [v / d - m / d for v, m, d in zip(row, self.means, self.deviations)] for row in rows
        ]

    def undo(self, weights: list[float], bias: float) -> tuple[list[float], float]:
        """Weights and bias of a line in scaled units, in the units of the data."""
        back = [w / d for w, d in zip(weights, self.deviations)]
        return back, bias - math.fsum(w * m for w, m in zip(back, self.means))
