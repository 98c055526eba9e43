"""Points: the package's own sets, CSV files with every fault, and scaling."""

from __future__ import annotations

import csv
import io
import math
import sys
from fractions import Fraction
from importlib.resources import files
from pathlib import Path

import numpy
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tinygrad_lin import Data, DataError, Linear, Newton, fit, load, read_csv, read_csv_batches
from tinygrad_lin.nn.data import SETS, Scaling, moons

SLOPE, INTERCEPT = "1.00211681802045", "-0.262323073774029"  # certified by NIST
NUMBERS = st.floats(-1e3, 1e3)


def of_column(numbers: list[float]) -> Data:
    return Data([[number] for number in numbers], [0.0] * len(numbers))


# The package's own sets


def test_the_line_is_the_article_s() -> None:
    data = load("line")
    assert data.x == [[2.0], [4.0]]
    assert data.y == [19.0, 35.0]
    assert data.truth == (8.0, 3.0)
    assert [8.0 * x + 3.0 for (x,) in data.x] == data.y


def test_norris_has_the_least_squares_line_that_nist_certifies() -> None:
    path = files("tinygrad_lin.nn") / "datasets" / "norris.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    x, y = ([Fraction(row[name]) for row in rows] for name in "xy")
    assert len(rows) == 36
    zero = Fraction(0)
    mean_x, mean_y = sum(x, zero) / 36, sum(y, zero) / 36
    shared = sum(((u - mean_x) * (v - mean_y) for u, v in zip(x, y)), zero)
    slope = shared / sum(((u - mean_x) * (u - mean_x) for u in x), zero)
    intercept = mean_y - slope * mean_x
    assert abs(slope - Fraction(SLOPE)) <= Fraction(5, 10**15)
    assert abs(intercept - Fraction(INTERCEPT)) <= Fraction(5, 10**16)
    data = load("norris")
    assert data.truth == (float(SLOPE), float(INTERCEPT))
    assert [row[0] for row in data.x] == [float(u) for u in x]
    assert data.y == [float(v) for v in y]
    assert "NIST" in data.source


def test_longley_has_the_least_squares_plane_that_nist_certifies() -> None:
    data = load("longley")
    assert len(data.y) == 16
    rows = [[Fraction(str(v)) for v in (*row, 1.0)] for row in data.x]
    # Gauss's elimination of the normal equations, in fractions: no rounding.
    table = [
        [
            *(sum((row[i] * row[j] for row in rows), Fraction(0)) for j in range(7)),
            sum((row[i] * Fraction(y) for row, y in zip(rows, data.y)), Fraction(0)),
        ]
        for i in range(7)
    ]
    for k in range(7):
        table[k] = [cell / table[k][k] for cell in table[k]]
        for i in range(7):
            if i != k:
                table[i] = [a - table[i][k] * b for a, b in zip(table[i], table[k])]
    assert [float(row[-1]) for row in table] == pytest.approx(list(data.truth), rel=1e-14)
    assert data.features[-1] == "year"
    assert [row[-1] for row in data.x] == list(range(1947, 1963))


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_anscombe_s_sets_have_the_same_line_mean_and_correlation(number: int) -> None:
    data = load(f"anscombe{number}")
    x, y = numpy.array(data.x)[:, 0], numpy.array(data.y)
    slope, intercept = numpy.polyfit(x, y, 1)
    # As the paper says of all four.
    assert (len(y), x.mean(), round(y.mean(), 2)) == (11, 9.0, 7.5)
    assert (round(slope, 2), round(intercept, 1)) == (0.5, 3.0)
    assert round(numpy.corrcoef(x, y)[0, 1] ** 2, 2) == 0.67
    assert numpy.sum((x - 9.0) ** 2) == 110.0


def test_moons_without_noise_are_half_circles() -> None:
    data = moons(points=50, noise=0.0)
    for (x1, x2), y in zip(data.x, data.y):
        if y == 0.0:
            assert math.hypot(x1, x2) == pytest.approx(1.0)
            assert x2 >= 0.0
        else:
            assert math.hypot(x1 - 1.0, x2 - 0.5) == pytest.approx(1.0)
            assert x2 <= 0.5
    assert data.y.count(0.0) == data.y.count(1.0) == 25
    assert len({tuple(row) for row in data.x}) == 50


def test_moons_with_noise_come_from_the_seed() -> None:
    still = numpy.array(moons(2000, noise=0.0).x)
    assert load("moons") == moons() == moons(200, 0.1, 42) != moons(rng=43)
    assert numpy.std(numpy.array(moons(2000, noise=0.3).x) - still) == pytest.approx(0.3, rel=0.05)


def test_the_curves_are_what_they_say() -> None:
    sine, steps = load("sine"), load("steps")
    assert len(sine.y) == len(steps.y) == 40
    assert (sine.x[0], sine.x[-1]) == ([-1.0], [1.0])
    assert sine.y == [math.sin(math.pi * x) for (x,) in sine.x]
    assert sorted(set(steps.y)) == [-1.0, -0.5, 0.0, 0.5, 1.0]
    assert all(y <= x < y + 0.5 for (x,), y in zip(steps.x, steps.y))


def test_what_else_they_are_called() -> None:
    assert load("anscombe") == load("anscombe1")
    assert load("stair") == load("steps")


def test_every_set_has_its_line_in_the_sources() -> None:
    sources = (files("tinygrad_lin.nn") / "datasets" / "SOURCES.md").read_text(encoding="utf-8")
    for name in SETS:
        assert f"| {name.rstrip('1234')}" in sources
        data = load(name)
        assert data.source
        assert len(data.x) == len(data.y)
        assert {len(row) for row in data.x} == {len(data.features)}


def test_newton_agrees_with_nist_on_longley_to_11_digits_and_rests() -> None:
    data, model = load("longley"), Linear(6)
    history = fit(model, data.x, data.y, optimizer=Newton(model.parameters()), steps=20)
    assert history.converged
    assert history.steps < 5
    learned = [p.data for p in model.parameters()]
    assert learned == pytest.approx(list(data.truth), rel=1e-11)


@pytest.mark.parametrize("name", ["", "iris", "Line", "line.csv", "../line"])
def test_an_unknown_set_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(DataError, match="line, norris"):
        load(name)


# CSV files that can be used


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
def test_the_same_points_written_in_many_ways(tmp_path: Path, content: bytes) -> None:
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


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"x,y\n1,2\n3,4\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert read_csv("-") == Data([[1.0], [3.0]], [2.0, 4.0])
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"x,y\n1,two\n3,4\n")))
    with pytest.raises(DataError, match="standard input, line 2, column 'y'"):
        read_csv("-")


# CSV files that cannot be used


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
def test_a_fault_is_named_with_its_place(tmp_path: Path, content: bytes, said: list[str]) -> None:
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
def test_a_choice_of_columns_that_cannot_be(
    tmp_path: Path, x: list[str], y: str | None, said: str
) -> None:
    path = tmp_path / "points.csv"
    path.write_text("a,b,y\n1,2,3\n4,5,6\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_csv(path, x=x, y=y)
    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_what_cannot_be_read_is_an_oserror_that_names_it(tmp_path: Path) -> None:
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


# Scaling


@pytest.mark.parametrize("size", [1.0, -1e6, 1e-200, 1e200])
def test_mean_and_deviation_by_hand_in_any_unit(size: float) -> None:
    scaling = Scaling.of(of_column([1.0 * size, 2.0 * size, 3.0 * size]))
    assert scaling.means == pytest.approx([2.0 * size], rel=1e-14, abs=0.0)
    assert scaling.deviations == pytest.approx([abs(size) * math.sqrt(2 / 3)], rel=1e-14, abs=0.0)


def test_numbers_at_the_end_of_the_scale_are_scaled_or_refused() -> None:
    try:
        scaling = Scaling.of(of_column([1.7e308, 1.7e308, -1.7e308]))
    except DataError:
        return
    assert all(map(math.isfinite, [*scaling.means, *scaling.deviations]))


@given(rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=10))
def test_scaled_features_have_mean_0_and_deviation_1(rows: list[tuple[float, float]]) -> None:
    columns = list(zip(*rows))
    assume(all(max(column) - min(column) > 1e-3 for column in columns))
    data = Data([list(row) for row in rows], [0.0] * len(rows), ("a", "b"))
    for column in zip(*Scaling.of(data).apply(data.x)):
        assert math.fsum(column) / len(rows) == pytest.approx(0.0, abs=1e-9)
        assert math.fsum(v * v for v in column) / len(rows) == pytest.approx(1.0, rel=1e-9)


@given(
    rows=st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=10),
    weights=st.tuples(NUMBERS, NUMBERS),
    bias=NUMBERS,
)
def test_undo_gives_the_same_line_in_the_units_of_the_data(
    rows: list[tuple[float, float]], weights: tuple[float, float], bias: float
) -> None:
    columns = list(zip(*rows))
    assume(all(max(column) - min(column) > 1e-3 for column in columns))
    data = Data([list(row) for row in rows], [0.0] * len(rows), ("a", "b"))
    scaling = Scaling.of(data)
    back, moved = scaling.undo(list(weights), bias)
    size = 1.0 + sum(abs(w) * 1e3 for w in back) + abs(moved)
    for row, scaled in zip(data.x, scaling.apply(data.x)):
        wanted = sum(w * v for w, v in zip(weights, scaled)) + bias
        got = sum(w * v for w, v in zip(back, row)) + moved
        assert got == pytest.approx(wanted, rel=1e-9, abs=1e-9 * size)


@given(number=st.floats(-1e9, 1e9), count=st.integers(2, 12))
@example(number=0.1, count=3)
def test_a_constant_feature_is_refused_by_name(number: float, count: int) -> None:
    data = Data([[float(k), number] for k in range(count)], [0.0] * count, ("a", "b"))
    with pytest.raises(DataError, match="column 'b' is constant"):
        Scaling.of(data)


# The same in batches


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
def test_what_is_wrong_in_batches_is_a_data_error_too(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "points.csv"
    path.write_bytes(content)
    for read in (read_csv, lambda path, **chosen: list(read_csv_batches(path, **chosen))):
        with pytest.raises(DataError, match=rf"points\.csv(,)? {said}"):
            read(path, x=["x"], y="y") if b"note" in content else read(path)


def test_a_name_of_two_lines_in_batches(tmp_path: Path) -> None:
    path = tmp_path / "points.csv"
    path.write_text('\n"two\nlines, each, long";y\n1;2\n', encoding="utf-8")
    ((x, y),) = read_csv_batches(path)
    assert (x.tolist(), y.tolist()) == ([[1.0]], [2.0])


@pytest.mark.parametrize("rows", [0, -1])
def test_a_batch_has_points(tmp_path: Path, rows: int) -> None:
    with pytest.raises(DataError, match="at least one point"):
        next(read_csv_batches(tmp_path / "points.csv", rows=rows))
