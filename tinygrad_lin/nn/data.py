"""Points to learn from: `Data`, and the CSV files that points are read from."""

from __future__ import annotations

import csv
import io
import math
import re
import sys
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy

from tinygrad_lin.errors import DataError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from numpy import float64
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[float64]


ENCODING, BAD_BYTES = "utf-8-sig", "surrogateescape"
NOT_TEXT = re.compile("[\0\udc80-\udcff]")
"""Zero bytes, and what bytes that are not UTF-8 are decoded to."""

FORMULA_SIGNS = tuple("=+-@＝＋－＠\ufeff")
"""A spreadsheet may run a cell that begins with one as a formula. The last is a byte order mark."""


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


class CsvTable(NamedTuple):
    """A CSV file as text, with its name for messages.

    Attributes:
        start: the number of the line that names the columns, counted from 1.
        header: their names.
        rows: the number and the cells of each other line.
    """

    name: str
    start: int
    header: list[str]
    rows: list[tuple[int, list[str]]]

    def choose_columns(self, x: Sequence[str], y: str | None) -> tuple[tuple[str, ...], str]:
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
        """The numbers in some columns, row by row."""
        for column in names:
            if column not in self.header:
                raise DataError(
                    f"{self.name}, line {self.start}: no column {column!r}; "
                    f"there are {', '.join(self.header)}"
                )
        indices = [self.header.index(column) for column in names]
        return [
            [parse_number(self.name, number, self.header[k], cells[k]) for k in indices]
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
    features, target = table.choose_columns(x, y)
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
) -> Iterator[tuple[Floats, Floats]]:
    """The points of a CSV file that is larger than memory, as batches for ``fit``.

    Arguments and errors are those of :func:`read_csv`, but the file cannot be standard input, and
    an error is raised when its line is read.

    Returns:
        Arrays of shape (rows, features) and (rows,), one pair after the other.
    """
    if rows < 1:
        raise DataError(f"a batch has at least one point, not {rows!r}")
    name = str(path)
    with open(path, encoding=ENCODING, errors=BAD_BYTES, newline="") as file:
        lines = numbered_rows(name, file)
        header = list(islice(lines, 1))
        while True:
            chunk = list(islice(lines, rows))
            table = make_table(name, header + chunk)
            features, target = table.choose_columns(x, y)
            points = numpy.array(table.columns([*features, target]))
            if not chunk:
                return
            yield points[:, :-1], points[:, -1]


def read_table(path: str | os.PathLike[str]) -> CsvTable:
    """Read a CSV file as :func:`read_csv` does, but leave its cells as they are."""
    name = "standard input" if str(path) == "-" else str(path)
    if str(path) == "-" and sys.stdin is None:
        raise DataError("there is no standard input to read from")
    raw = sys.stdin.buffer.read() if str(path) == "-" else Path(path).read_bytes()
    text = io.StringIO(raw.decode(ENCODING, BAD_BYTES), newline="")
    return make_table(name, numbered_rows(name, text))


def make_table(name: str, lines: Iterable[tuple[int, list[str]]]) -> CsvTable:
    """A table of numbered lines of cells; the first holds the names."""
    rows = list(lines)
    if not rows:
        raise DataError(f"{name} is empty; its first line should name the columns")
    start, header = rows.pop(0)
    quoted_formulas = tuple([f"'{sign}" for sign in FORMULA_SIGNS])
    header = [cell[1:] if cell.startswith(quoted_formulas) else cell for cell in header]
    if any(is_number(cell) for cell in header):
        raise DataError(f"{name}, line {start}: names of columns are wanted, not numbers: {header}")
    for column in header:
        if not column or header.count(column) > 1:
            raise DataError(f"{name}, line {start}: column {column!r} has no name of its own")
    for number, cells in rows:
        if len(cells) != len(header):
            raise DataError(f"{name}, line {number}: {len(cells)} cells under {len(header)} names")
    return CsvTable(name, start, header, rows)


def numbered_rows(name: str, text: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row that is not blank, with the number of its last line."""
    lines = require_text(name, text)
    header = list(header_lines(lines))
    reader = csv.reader(chain(header, lines), delimiter=separator_of("".join(header)))
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise DataError(f"{name}, line {reader.line_num}: {error}") from None


def require_text(name: str, text: Iterable[str]) -> Iterator[str]:
    """The lines, as long as they are text."""
    for line_number, line in enumerate(text, start=1):
        if found := NOT_TEXT.search(line):
            fault = "not UTF-8 text; save it as UTF-8" if found[0] > "\0" else "a zero byte"
            raise DataError(f"{name}, line {line_number}: {fault}")
        yield line


def header_lines(lines: Iterator[str]) -> Iterator[str]:
    """The lines up to the first that is not blank; more where that one ends within quotes."""
    size, quotes = 0, 0
    for line in lines:
        yield line
        size, quotes = size + len(line.strip()), quotes + line.count('"')
        if size and (quotes % 2 == 0 or size > csv.field_size_limit()):
            return


def separator_of(text: str) -> str:
    """The most frequent of comma, semicolon and tab in the first line, outside of quotes."""
    first_line = re.match(r'(?:[^"\r\n]++|"[^"]*+")*+', text.lstrip())
    unquoted = re.sub(r'"[^"]*"', "", first_line[0] if first_line else "")
    return max(",;\t", key=unquoted.count)


def is_number(text: str) -> bool:
    """Whether Python reads the text as a float."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def parse_number(name: str, line_number: int, column: str, text: str) -> float:
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


def format_csv(header: Sequence[str], rows: Iterable[Sequence[float | str]]) -> str:
    """A table of numbers as CSV that :func:`read_csv` reads, and that spreadsheets only show.

    A spreadsheet would compute a name that begins like a formula. An apostrophe in front makes it
    text; :func:`make_table` takes it off again.

    >>> print(format_csv(["=1+1", "a;b", "w"], [[-1.0, 2.0, 3.0]]), end="")
    '=1+1,"a;b",w
    -1.0,2.0,3.0
    """
    names = [f"'{name}" if name.startswith(FORMULA_SIGNS) else name for name in header]
    quoted = [
        '"' + name.replace('"', '""') + '"' if set(name) & set(',;\t\r\n"') else name
        for name in names
    ]
    return "\n".join([",".join(quoted), *(",".join(map(str, row)) for row in rows), ""])
