"""The data that commands read: sets, files and standard input; and the loss."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy
import pytest
from cli.commands import COMMAND, FILES, fit, fit_json, refusal

from tinygrad_lin import load


def test_a_dash_reads_standard_input(here: Path) -> None:
    got = fit_json("-", stdin=b"x,y\n2,19\n4,35\n")
    assert got["weights"] == pytest.approx([8.0], abs=1e-6)
    assert got["bias"] == pytest.approx(3.0, abs=1e-6)


def test_a_real_process_reads_standard_input(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "fit", "-", "--json", "--out", str(tmp_path / "a" / "b")],
        input=b"x;y\n2;19\n4;35\n",
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    assert json.loads(done.stdout)["weights"] == pytest.approx([8.0], abs=1e-6)
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == sorted(FILES)


@pytest.mark.parametrize(
    ("stdin", "named"),
    [
        (b"", "empty"),
        (b"x,y\n1,2\n", "at least two"),
        (b"x,y\n1,2\n3,nan\n", "line 3, column 'y'"),
        (b"x,y\n1,2\n3\n", "line 3"),
        (b"gr\xf6\xdfe,y\n1,2\n3,4\n", "UTF-8"),
        ("x,y\n1,2\n3,4\n".encode("utf-16"), "UTF-8"),
        (b"x,y\n1,2\n3,4\0\n", "zero byte"),
    ],
)
def test_bad_data_on_standard_input_is_one_line(here: Path, stdin: bytes, named: str) -> None:
    line = refusal(fit("-", stdin=stdin))
    assert line.startswith("Error: standard input")
    assert named in line
    assert not list(here.iterdir())


@pytest.mark.parametrize("name", ["温度", "a\tb", "größe", "$x$"])
def test_any_names_of_columns_do_and_nothing_is_said_on_stderr(tmp_path: Path, name: str) -> None:
    (tmp_path / "p.csv").write_text(f'"{name}";y\n1;1\n2;2\n3;4\n', encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "fit", "p.csv", "--standardize"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(FILES)


def test_the_loss_can_be_chosen() -> None:
    squares = fit_json("moons", "--loss", "squares", "--optimizer", "newton")
    data = load("moons")
    matrix = numpy.array([[*row, 1.0] for row in data.x])
    solved = numpy.linalg.lstsq(matrix, numpy.array(data.y), rcond=None)[0]
    assert [*squares["weights"], squares["bias"]] == pytest.approx(solved.tolist())
    assert "accuracy" not in squares
