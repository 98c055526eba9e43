"""What the Tab key completes, the data and expressions that commands read, and the loss."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy
import pytest
from cli.commands import COMMAND, FILES, fit, fit_json, refusal, run

from tinygrad_lin import load
from tinygrad_lin.nn.datasets import DATASETS


def completed(line: str) -> list[str]:
    """What bash is told at the end of a line: plain words, and whether files are wanted."""
    words = line.split(" ")
    done = run(
        env={
            "_TINYGRAD_LIN_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
    )
    return [each.removeprefix("plain,") for each in done.stdout.splitlines() if each]


def test_names_of_sets_options_and_files_are_completed() -> None:
    assert completed("tinygrad-lin s") == ["steps", "sweep"]
    assert completed("tinygrad-lin fit no") == ["file,no", "norris"]
    assert {*DATASETS, "file,"} <= set(completed("tinygrad-lin sweep "))
    assert completed("tinygrad-lin fit --optimizer a") == ["adam"]
    assert "softplus" in completed("tinygrad-lin fit --activation s")
    assert completed("tinygrad-lin fit --hid") == ["--hidden"]
    assert completed("tinygrad-lin predict mo") == ["file,mo"]
    assert completed("tinygrad-lin predict model.json moo") == ["file,moo", "moons"]


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


@pytest.mark.parametrize("command", ["draw", "steps", "play", "check"])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["x.y", "x=1"], "allowed\n  x.y\n  ^\n"),
        (["9**9**9 + x", "x=1"], "overflows"),
        (["(" * 4000 + "x"], "Error:"),
        (["log(x)", "x=0"], "x = 0.0 ('x')"),
        (["a + b", "a=1"], "'b' has no value; add b=NUMBER"),
        (["a + b", "a=1", "a=2", "b=1"], "'a' is given two values"),
        (["a + b", "a=1", "b=1", "c=1"], "there is no 'c'"),
        (["a + b", "a", "b=1"], "'a' is not of the form name=number"),
        (["a + b", "a=one", "b=1"], "'a=one' is not of the form"),
        (["1 + 2"], "there are no variables in '1 + 2', which is 3.0"),
        (["a\x1b[31m", "a=1"], "not an expression"),
    ],
)
def test_a_bad_expression_is_exit_code_2_and_nothing_written(
    command: str, arguments: list[str], said: str, here: Path
) -> None:
    result = run(command, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert said in result.stderr
    assert "\x1b" not in result.stderr
    assert not result.stdout
    assert not list(here.iterdir())
