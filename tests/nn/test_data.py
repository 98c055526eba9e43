"""CSV files: what can be read, whole and in batches, and every fault."""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path

import numpy
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tinygrad_lin import (
    Data,
    DataError,
    Linear,
    fit,
    read_csv,
    read_csv_batches,
)

# Files that can be used


@pytest.mark.parametrize(
    "content",
    [
        b"x,y\n1,2\n3,4\n",
        b"x,y\n1,2\n3,4",
        b"x;y\n1;2\n3;4\n",
        b"x\ty\n1\t2\n3\t4\n",
        b"\xef\xbb\xbfx,y\n1,2\n3,4\n",
        b'"x","y"\n"1","2"\n"3","4"\n',
        b"x,y\r\n1,2\r\n3,4\r\n",
        b"x,y\r1,2\r3,4\r",
        b"\n\nx,y\n\n1,2\n  \n,\n3,4\n\n",
        b" x , y \n 1 , 2 \n 3 , 4 \n",
        b"y,x\n2,1\n4,3\n",
        b"x,y\n1.0,2e0\n+3,0.4E1\n",
    ],
)
def test_the_same_points_may_be_written_in_many_ways(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    assert read_csv(path) == read_csv(str(path)) == Data([[1.0], [3.0]], [2.0, 4.0])
    assert read_csv(path).source == str(path)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("name", ["a,b,c", "a;b;c", "a\tb\tc", "two\nlines, each, long", '""""'])
def test_separators_within_quotes_do_not_count(tmp_path: Path, separator: str, name: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(f'"{name}"{separator}y\n1{separator}2\n3{separator}4\n', encoding="utf-8")
    wanted = Data([[1.0], [3.0]], [2.0, 4.0], (name.replace('""', '"'),))
    assert read_csv(path) == wanted


def test_columns_are_chosen_by_name_in_the_order_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("name,a,y,b\nAda,1,2,3\nBob,4,5,6\n", encoding="utf-8")
    assert read_csv(path, x=["b", "a"]) == Data([[3, 1], [6, 4]], [2, 5], ("b", "a"), "y")
    assert read_csv(path, x=["y"], y="b") == Data([[2], [5]], [3, 6], ("y",), "b")


def test_without_a_choice_y_or_else_the_last_column_is_the_target(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text("y,a,b\n1,2,3\n4,5,6\n", encoding="utf-8")
    assert read_csv(path) == Data([[2, 3], [5, 6]], [1, 4], ("a", "b"), "y")
    assert read_csv(path, y="a") == Data([[1, 3], [4, 6]], [2, 5], ("y", "b"), "a")
    path.write_text("c,a,b\n1,2,3\n4,5,6\n", encoding="utf-8")
    assert read_csv(path) == Data([[1, 2], [4, 5]], [3, 6], ("c", "a"), "b")


@pytest.mark.parametrize("note", ['"two\nlines"', "next\x85line", "page\x0cbreak", "a\u2028b"])
def test_text_in_a_column_that_is_not_used_does_no_harm(tmp_path: Path, note: str) -> None:
    path = tmp_path / "points.csv"
    path.write_text(f"x,note,y\n1,{note},2\n3,plain,4\n", encoding="utf-8")
    assert read_csv(path, x=["x"]) == Data([[1.0], [3.0]], [2.0, 4.0])


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text('x,y,note\n1,2,"two\nlines"\n3,bad,plain\n', encoding="utf-8")
    with pytest.raises(DataError, match="line 4, column 'y': 'bad'"):
        read_csv(path, x=["x"])


def test_a_dash_reads_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"x,y\n1,2\n3,4\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert read_csv("-") == Data([[1.0], [3.0]], [2.0, 4.0])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x,y\n1,two\n3,4\n")))
    with pytest.raises(DataError, match="standard input, line 2, column 'y'"):
        read_csv("-")


# Files that cannot be used


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ["empty"]),
        (b"\n \n\n", ["empty"]),
        (b"\xef\xbb\xbf", ["empty"]),
        (b"x,y\n", ["0 point", "at least two"]),
        (b"x,y\n1,2\n", ["1 point", "at least two"]),
        (b"1,2\n3,4\n5,6\n", ["line 1", "names of columns"]),
        (b"x,,y\n1,2,3\n4,5,6\n", ["line 1", "''"]),
        (b"x,x,y\n1,2,3\n4,5,6\n", ["line 1", "'x'"]),
        (b"\nx,y,y\n1,2,3\n4,5,6\n", ["line 2", "'y'"]),
        (b"y\n1\n2\n", ["line 1", "'y'"]),
        (b"x,y\n1,2\n3,four\n", ["line 3", "column 'y'", "'four'", "not a number"]),
        (b"x,y\n\n1,2\n\nbad,3\n", ["line 5", "column 'x'", "'bad'"]),
        (b"x,y\r1,2\rbad,3\r", ["line 3", "column 'x'", "'bad'"]),
        (b'"x\nlong",y\n1,2\nbad,3\n', ["line 4", "'bad'"]),
        (b'x,y,z\n1,2,"3\n"\n3,bad,4\n', ["line 4", "column 'y'", "'bad'"]),
        (b"x,y\n1,2\n3,\n", ["line 3", "column 'y'", "no number"]),
        (b"x,y\n1,2\n1_000,4\n", ["line 3", "column 'x'", "not a number"]),
        (b"x;y\n1,5;2\n3;4\n", ["line 2", "column 'x'", "'1,5'"]),
        (b"x,y\n1,0x10\n3,4\n", ["line 2", "column 'y'", "'0x10'"]),
        (b"x,y\nnan,2\n3,4\n", ["line 2", "column 'x'", "finite"]),
        (b"x,y\n1,NaN\n3,4\n", ["line 2", "column 'y'", "finite"]),
        (b"x,y\n1,2\n3,-inf\n", ["line 3", "column 'y'", "finite"]),
        (b"x,y\n1,2\nInfinity,4\n", ["line 3", "column 'x'", "finite"]),
        (b"x,y\n1,2\n3,1e999\n", ["line 3", "column 'y'", "finite"]),
        (b"x,y\n1,2\n3,4,5\n", ["line 3", "3 cells under 2 names"]),
        (b"x,y\n1,2\n3\n5,6\n", ["line 3", "1 cells under 2 names"]),
        (b'x,y\n1,"2\n3,4\n5,6\n', ["points.csv"]),
        (b"x,y\n1," + b"9" * 200_000 + b"\n3,4\n", ["points.csv"]),
        ("größe,y\n1,2\n3,4\n".encode("latin-1"), ["line 1", "UTF-8"]),
        (b"x,y\n1,2\n3,4\xb0\n", ["line 3", "UTF-8"]),
        ("x,y\n1,2\n3,4\n".encode("utf-16"), ["line 1", "UTF-8"]),
        ("x,y\n1,2\n3,4\n".encode("utf-16-le"), ["line 1", "zero byte"]),
        (b"x,y\n1,2\n3,4\0\n", ["line 3", "zero byte"]),
    ],
    ids=lambda given: repr(given[:40]) if isinstance(given, bytes) else "",
)
def test_a_fault_in_a_csv_file_is_named_with_its_place(
    tmp_path: Path, content: bytes, said: list[str]
) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_csv(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    for words in said:
        assert words in message
    assert len(message) < 300 + len(str(path))


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        (["height"], None, "line 1: no column 'height'; there are a, b, y"),
        (["a", "height"], "y", "line 1: no column 'height'"),
        ([], "weight", "line 1: no column 'weight'"),
        (["A"], "y", "line 1: no column 'A'"),
        (["y"], "y", "used once"),
        (["y"], None, "used once"),
        (["a", "a"], "y", "used once"),
    ],
)
def test_a_choice_of_columns_that_is_impossible_is_refused(
    tmp_path: Path, x: list[str], y: str | None, said: str
) -> None:
    path = tmp_path / "points.csv"
    path.write_text("a,b,y\n1,2,3\n4,5,6\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_csv(path, x=x, y=y)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_a_file_that_cannot_be_read_is_an_oserror_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing"):
        read_csv(tmp_path / "nothing.csv")
    with pytest.raises(OSError, match=tmp_path.name):
        read_csv(tmp_path)


@given(
    content=st.binary(max_size=60)
    | st.text('xy,;\t\n\r"12.-+e_naif \0\x85\ufeff', max_size=60).map(str.encode)
    | st.text('12,"\n ae', max_size=30).map(lambda text: f"x,y\n1,2\n3,4\n{text}".encode())
)
@example(content=b"x,y\n1,2\n3,4")
def test_any_bytes_give_finite_points_or_a_dataerror(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("data") / "points.csv"
    path.write_bytes(content)
    try:
        data = read_csv(path)
    except DataError as error:
        assert str(path) in str(error)  # noqa: PT017
    else:
        assert len(data.x) == len(data.y) >= 2
        assert all(len(row) == len(data.features) >= 1 for row in data.x)
        assert all(map(math.isfinite, [*data.y, *(v for row in data.x for v in row)]))


# Batches


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        ("größe,y\n1,2\n".encode("latin-1"), "line 1: not UTF-8"),
        (b"x,y\r1,2\r3,\xff\r", "line 3: not UTF-8"),
        (b"x,note,y\n1,a\0b,2\n", "line 2: a zero byte"),
        (b"x,x\n", "line 1: column 'x'"),
        (b"x,y\n1," + b"9" * 200_000 + b"\n", "line 2: field larger"),
    ],
)
def test_a_fault_in_a_file_read_in_batches_is_a_dataerror(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    for read in (read_csv, lambda path, **chosen: list(read_csv_batches(path, **chosen))):
        with pytest.raises(DataError, match=rf"points\.csv(,)? {said}"):
            read(path, x=["x"], y="y") if b"note" in content else read(path)


def test_a_name_may_have_two_lines_in_batches_too(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text('\n"two\nlines, each, long";y\n1;2\n', encoding="utf-8")
    ((x, y),) = read_csv_batches(path)
    assert (x.tolist(), y.tolist()) == ([[1.0]], [2.0])


@pytest.mark.parametrize("rows", [0, -1])
def test_a_batch_without_points_is_refused(tmp_path: Path, rows: int) -> None:
    with pytest.raises(DataError, match="at least one point"):
        next(read_csv_batches(tmp_path / "points.csv", rows=rows))


def test_a_csv_file_is_read_in_batches(tmp_path: Path) -> None:
    file = tmp_path / "points.csv"
    xs = numpy.linspace(-1.0, 1.0, 1001).tolist()
    file.write_text("\n\ufeffx;y\n".lstrip() + "".join(f"{x!r};{8 * x + 3!r}\n\n" for x in xs))
    batches = list(read_csv_batches(file, rows=100))
    assert [len(x) for x, _ in batches] == [100] * 10 + [1]
    assert numpy.concatenate([x[:, 0] for x, _ in batches]).tolist() == xs
    line = Linear()
    every = (batch for _ in range(30) for batch in read_csv_batches(file, rows=100))
    history = fit(line, every, lr=0.5, tolerance=0.0)
    assert history.steps == 330
    assert [p.data for p in line.parameters()] == pytest.approx([8.0, 3.0], abs=1e-6)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("x,y\n1,2\n3,4\n5,six\n", r"line 4, column 'y': 'six' is not a number"),
        ("x,y\n1,2\n3,4\n5\n", "line 4: 1 cells under 2 names"),
        ("x,y\n1,2\n3,4\n5,nan\n", "line 4, column 'y': nan is not a finite number"),
        ("y\n1\n", "only the column 'y'"),
    ],
)
def test_a_batch_that_cannot_be_read_names_its_line(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "points.csv"
    file.write_text(text)
    with pytest.raises(DataError, match=said):
        fit(Linear(), read_csv_batches(file, rows=2), lr=1e-6)
