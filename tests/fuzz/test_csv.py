"""CSV files of every kind: read alike as a whole and in batches, or refused with the place."""

from __future__ import annotations

import csv
import io
import math
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_lin import Data, DataError, read_csv, read_csv_batches
from tinygrad_lin.nn.data import is_number

ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32-le", "latin-1", "cp1252", "shift_jis", "utf-7"]
ENCODINGS += ["cp037", "gb18030", "koi8-r"]  # cp037 is EBCDIC: not even commas are where they were
CELLS = st.sampled_from(
    [
        *"xy01", "x,y", "x;y", "name", "größe", "日本", "1.5", "-2e3", "nan", "-inf", "1e999", "",
        " ", "1_0", "0x1", "٣", "1,5", '"', '""', '"a', 'a"b', '"a\nb"', "'", "\\", "#", "=1+1",
        "\0", "\x1b", "\u2028", "\x85", "\x1c", "\ufeff", "9" * 200_000,
    ]
)  # fmt: skip
TEXTS = st.lists(
    CELLS | st.sampled_from([*",;\t", "\n", "\n", "\r", "\r\n"]) | st.text(max_size=3), max_size=40
).map("".join)
FILES = st.binary() | st.builds(
    lambda text, encoding, cut: text.encode(encoding, "ignore")[cut:],
    TEXTS, st.sampled_from(ENCODINGS), st.just(0) | st.integers(0, 3),
)  # fmt: skip
CHOICES = st.lists(st.sampled_from(["x", "y", "name", ""]), max_size=2)


class Read:
    """A file, as it is read whole and in batches: the points, or what is wrong with it."""

    def __init__(self, content: bytes, rows: int, x: Any = (), y: Any = None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.path = Path(folder) / "points.csv"
            self.path.write_bytes(content)
            self.whole: Data | DataError
            self.batches: list[tuple[Any, Any]] | DataError
            try:
                self.whole = read_csv(self.path, x, y)
            except DataError as error:
                self.whole = error
            try:
                self.batches = list(read_csv_batches(self.path, x, y, rows))
            except DataError as error:
                self.batches = error


@given(FILES, st.integers(1, 5), CHOICES, st.sampled_from([None, None, "y", "name"]))
def test_any_file_is_points_or_an_error_with_the_place(
    content: bytes, rows: int, x: list[str], y: str | None
) -> None:
    read = Read(content, rows, x, y)
    whole, batches = read.whole, read.batches
    if isinstance(whole, DataError):
        assert str(whole).startswith(str(read.path))
        too_few = "needs at least two" in str(whole)
        assert isinstance(batches, DataError) or too_few
    else:
        assert len(whole.x) == len(whole.y) >= 2
        assert {len(row) for row in whole.x} == {len(whole.features)}
        assert all(map(math.isfinite, [*whole.y, *(v for row in whole.x for v in row)]))
        assert len({*whole.features, whole.target}) == len(whole.features) + 1
        assert not isinstance(batches, DataError)
        assert [row for points, _ in batches for row in points.tolist()] == whole.x
        assert [v for _, targets in batches for v in targets.tolist()] == whole.y
    if isinstance(batches, DataError):
        assert str(batches).startswith(str(read.path))


def named(text: str) -> bool:
    return text == text.strip() != "" and not is_number(text)


NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")).filter(named)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.tuples(
        st.lists(NAMES, min_size=width, max_size=width, unique=True),
        st.lists(st.tuples(*[NUMBERS] * width), min_size=2, max_size=8),
    )
)
QUOTING = st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL])


def written(rows: list[Any], separator: str, end: str, quoting: Any) -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue()


@given(
    TABLES, st.tuples(st.sampled_from(",;\t"), st.sampled_from(["\n", "\r\n", "\r"]), QUOTING),
    st.sampled_from(["utf-8", "utf-8-sig"]), st.integers(1, 9),
)  # fmt: skip
def test_what_python_writes_is_read(table: Any, style: Any, encoding: str, rows: int) -> None:
    names, numbers = table
    separator, end, quoting = style
    others = {*",;\t\r\n"} - {separator}  # which Python does not quote if it need not
    assume(quoting != csv.QUOTE_MINIMAL or not others & {*"".join(names)})
    assume(not (encoding == "utf-8" and names[0].startswith("\ufeff")))  # it would be a mark
    text = written([names, *numbers], separator, end, quoting)
    read = Read(text.encode(encoding), rows)
    assert isinstance(read.whole, Data), read.whole
    target = "y" if "y" in names else names[-1]
    k = names.index(target)
    assert read.whole.features == (*names[:k], *names[k + 1 :])
    assert read.whole.target == target
    assert [repr(y) for y in read.whole.y] == [repr(row[k]) for row in numbers]
    assert read.whole.x == [[*row[:k], *row[k + 1 :]] for row in numbers]
    assert isinstance(read.batches, list), read.batches
    assert [len(targets) for _, targets in read.batches[:-1]] == [rows] * (len(read.batches) - 1)
    assert [row for x, _ in read.batches for row in x.tolist()] == read.whole.x
    assert [v for _, y in read.batches for v in y.tolist()] == read.whole.y


FAULTS = st.sampled_from(["", "two", "nan", "-inf", "1e999", "1_0", "0x1", "1.5.2", "1 2", "--1"])


@given(TABLES, FAULTS, st.data(), st.integers(1, 9), st.sampled_from(["\n", "\r\n", "\r"]))
def test_a_fault_is_found_where_it_is(
    table: Any, fault: str, data: st.DataObject, rows: int, end: str
) -> None:
    names, numbers = table
    names = [re.sub(r"[\r\n]", "_", name) for name in names]
    assume(len({*names}) == len(names))
    lines: list[list[Any]] = [names, *map(list, numbers)]
    row = data.draw(st.integers(1, len(lines) - 1))
    column = data.draw(st.integers(0, len(names) - 1))
    lines[row][column] = fault
    read = Read(written(lines, ",", end, csv.QUOTE_ALL).encode("utf-8-sig"), rows)
    place = f"{read.path}, line {row + 1}, column {names[column]!r}: "
    for error in (read.whole, read.batches):
        with pytest.raises(DataError, match=re.escape(place)):
            raise error if isinstance(error, DataError) else AssertionError(error)
