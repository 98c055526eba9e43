"""The command line: what it writes and prints, and how it ends."""

from __future__ import annotations

import csv
import errno
import json
import math
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import tinygrad_lin
from tinygrad_lin import Linear
from tinygrad_lin.cli import main
from tinygrad_lin.nn.training import loop

W, B = 0.4967141530112327, -0.13826430117118466  # the article's start
SLOPE, INTERCEPT = 1.00211681802045, -0.262323073774029  # certified by NIST
FILES = ["graph.svg", "fit.png", "loss.png", "model.json", "history.csv"]
KEYS = {
    "weights",
    "bias",
    "cost",
    "steps",
    "converged",
    "learning_rate",
    "learning_rate_limit",
    "files",
}
COMMAND = [sys.executable, "-m", "tinygrad_lin"]
QUICK = ["--lr", "0.18"]  # near the limit of the line
posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")


@dataclass(frozen=True)
class Learned:
    """What one run of the command left behind."""

    folder: Path
    printed: subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """`python -m tinygrad_lin fit` without arguments: some 270,000 steps, made once."""
    folder = tmp_path_factory.mktemp("line")
    done = subprocess.run(
        [*COMMAND, "fit"], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    return Learned(folder, done)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["fit", *arguments], input=stdin)


def answer(*arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    """The JSON object that a run prints, alone."""
    result = run(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    assert not said(result.stderr)
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


def said(stderr: str) -> list[str]:
    """The lines on standard error, but for advice."""
    return [line for line in stderr.splitlines() if not line.startswith("Note: ")]


def history(path: Path) -> list[list[float]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]


def texts(path: Path) -> list[str]:
    root = ET.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [
        (text.text or "").replace("\xa0", " ").strip()
        for text in root.iter("{http://www.w3.org/2000/svg}text")
    ]


def refused(result: Result, code: int = 2) -> str:
    """The one line of an error, after proof that it is one and that no results were printed."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    *usage, line = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert not usage or usage[0].startswith("Usage: ")
    assert line.isprintable()
    return line


# The article's line


def test_without_arguments_it_learns_8_and_3(line: Learned) -> None:
    assert (line.printed.returncode, line.printed.stderr) == (0, "")
    model = Linear()
    model.load(line.folder / "out" / "model.json")
    assert [p.data for p in model.parameters()] == pytest.approx([8.0, 3.0], abs=1e-6)


def test_it_prints_what_it_learned_beside_the_truth(line: Learned) -> None:
    rows = [each.split() for each in line.printed.stdout.splitlines()]
    (w,) = (row for row in rows if row[0] == "w")
    (b,) = (row for row in rows if row[0] == "b")
    assert float(w[1]) == pytest.approx(8.0, abs=1e-6)
    assert float(b[1]) == pytest.approx(3.0, abs=1e-6)
    assert (w[2], b[2]) == ("8", "3")
    for words in ("cost", "steps", "converged", "learning rate", "0.001", "0.18335", *FILES):
        assert words in line.printed.stdout


def test_it_writes_five_files(line: Learned) -> None:
    assert sorted(p.name for p in line.folder.iterdir()) == ["out"]
    assert sorted(p.name for p in (line.folder / "out").iterdir()) == sorted(FILES)


def test_graph_svg_is_the_cost_at_the_end(line: Learned) -> None:
    seen = texts(line.folder / "out" / "graph.svg")
    for text in ("w", "b", "x", "a", "C", "MSE", "data 8", "data 3", "grad 1"):
        assert text in seen
    for number in ("2", "4", "19", "35"):  # the points, as data of a node or as a constant
        assert f"data {number}" in seen or number in seen


def test_graph_svg_has_the_gradients_of_the_end_by_hand(here: Path) -> None:
    got = answer("--steps", "3", "--tolerance", "0")
    w, b = got["weights"][0], got["bias"]
    errors = 2 * w + b - 19, 4 * w + b - 35
    seen = texts(here / "out" / "graph.svg")
    assert f"grad {(errors[0] * 2 + errors[1] * 4) / 2:.4g}" in seen
    assert f"grad {(errors[0] + errors[1]) / 2:.4g}" in seen


@pytest.mark.parametrize("name", ["fit.png", "loss.png"])
def test_the_plots_are_pictures_with_something_on_them(line: Learned, name: str) -> None:
    with Image.open(line.folder / "out" / name) as image:
        assert image.format == "PNG"
        pixels = numpy.asarray(image.convert("L"))
    assert (pixels == 255).any()
    assert (pixels < 128).sum() > 500


def test_history_csv_leads_from_the_article_s_start_to_the_answer(line: Learned) -> None:
    path = line.folder / "out" / "history.csv"
    assert path.read_text(encoding="utf-8").startswith("step,cost,w,b\n")
    rows = history(path)
    cost = ((2 * W + B - 19) ** 2 + (4 * W + B - 35) ** 2) / 4
    assert rows[0] == [0.0, pytest.approx(cost), W, B]
    errors = 2 * W + B - 19, 4 * W + B - 35
    w, b = (errors[0] * 2 + errors[1] * 4) / 2, (errors[0] + errors[1]) / 2
    assert rows[1][2:] == pytest.approx([W - 0.001 * w, B - 0.001 * b], rel=1e-14)
    assert rows[-1][2:] == pytest.approx([8.0, 3.0], abs=1e-6)
    steps = [int(row[0]) for row in rows]
    assert steps == sorted(set(steps))
    assert len(steps) < 1000
    costs = [row[1] for row in rows]
    assert costs == sorted(costs, reverse=True)


# NIST's Norris


@pytest.mark.parametrize("more", [[], ["--lr", "0.1"], ["--lr", "0.1", "--seed", "7"]])
def test_norris_standardized_agrees_with_nist_to_9_digits(here: Path, more: list[str]) -> None:
    got = answer("norris", "--standardize", *more)
    assert set(got) == KEYS
    (weight,) = got["weights"]
    assert f"{weight:.8e}" == f"{SLOPE:.8e}"
    assert f"{got['bias']:.8e}" == f"{INTERCEPT:.8e}"
    assert got["converged"] is True
    assert got["steps"] >= 1
    # Standardized, the Hessian is the identity.
    assert got["learning_rate_limit"] == pytest.approx(2.0, rel=1e-9)
    assert got["learning_rate"] == (0.1 if more else pytest.approx(1.0, rel=1e-9))
    # NIST certifies a residual standard deviation of 0.884796396144373 with 34 degrees of freedom.
    assert got["cost"] == pytest.approx(0.884796396144373**2 * 34 / 36 / 2, rel=1e-12)
    assert [Path(file).name for file in got["files"]] == FILES
    assert all((here / file).is_file() for file in got["files"])
    model = Linear()
    model.load(here / "out" / "model.json")
    assert [p.data for p in model.parameters()] == [weight, got["bias"]]


def test_norris_in_words_stands_beside_the_certified_values(here: Path) -> None:
    result = run("norris", "--standardize")
    assert "1.00211681802045" in result.stdout
    assert "-0.262323073774029" in result.stdout
    assert "--standardize" not in result.output
    assert "e.g. data 0.2" in texts(here / "out" / "graph.svg")  # the first x


def test_what_has_not_converged_says_so_with_a_hint(here: Path) -> None:
    result = run("norris", "--steps", "5")
    assert result.exit_code == 0
    assert "not converged" in result.stdout
    assert "--standardize" in result.output
    assert answer("norris", "--steps", "5")["converged"] is False


# Files, columns, options


def test_several_columns_give_several_weights_in_their_order(here: Path) -> None:
    rows = [(a, b, 2 * a - 3 * b + 5) for a in range(3) for b in range(4)]
    (here / "p.csv").write_text(
        "b,note,a,t\n" + "".join(f"{b},?,{a},{t}\n" for a, b, t in rows), encoding="utf-8"
    )
    got = answer("p.csv", "--x", "a", "--x", "b", "--y", "t", "--standardize")
    assert got["weights"] == pytest.approx([2.0, -3.0], abs=1e-9)
    assert got["bias"] == pytest.approx(5.0, abs=1e-9)
    got = answer("p.csv", "--x", "b", "--x", "a", "--y", "t")
    assert got["weights"] == pytest.approx([-3.0, 2.0], abs=1e-9)
    result = run("p.csv", "--x", "a", "--x", "b", "--y", "t", "--standardize")
    assert "w (a)" in result.stdout
    assert "w (b)" in result.stdout


def test_a_dash_reads_standard_input(here: Path) -> None:
    got = answer("-", stdin=b"x,y\n2,19\n4,35\n")
    assert got["weights"] == pytest.approx([8.0], abs=1e-6)
    assert got["bias"] == pytest.approx(3.0, abs=1e-6)


def test_standard_input_of_a_real_process(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "fit", "-", "--json", "--out", str(tmp_path / "a" / "b")],
        input=b"x;y\n2;19\n4;35\n",
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    assert json.loads(done.stdout)["weights"] == pytest.approx([8.0], abs=1e-6)
    assert sorted(p.name for p in (tmp_path / "a" / "b").iterdir()) == sorted(FILES)


def test_the_learning_rate_is_half_the_limit_unless_given(here: Path) -> None:
    (here / "p.csv").write_text("x,y\n2,19\n4,35\n", encoding="utf-8")
    got = answer("p.csv", "--steps", "1")
    assert got["learning_rate_limit"] == pytest.approx(0.18335, abs=5e-6)
    assert got["learning_rate"] == got["learning_rate_limit"] / 2
    assert answer("p.csv", "--steps", "1", "--lr", "0.01")["learning_rate"] == 0.01
    assert answer("line", "--steps", "1")["learning_rate"] == 0.001


def test_the_seed_is_numpy_s(here: Path) -> None:
    for seed in (0, 7, 42, 2**32 - 1):
        answer("--steps", "1", "--seed", str(seed))
        start = numpy.random.RandomState(seed).standard_normal(2)
        assert history(here / "out" / "history.csv")[0][2:] == list(start)


def test_tolerance_0_takes_all_the_steps(here: Path) -> None:
    assert answer("--lr", "0.18", "--steps", "4321", "--tolerance", "0")["steps"] == 4321
    got = answer("--lr", "0.18", "--steps", "4321")
    assert got["steps"] < 4321
    assert got["converged"] is True


def test_out_may_be_deep_or_there_already(here: Path) -> None:
    for _ in range(2):
        got = answer(*QUICK, "--out", "a/b")
        assert got["files"] == [str(Path("a", "b", name)) for name in FILES]
    assert sorted(p.name for p in (here / "a" / "b").iterdir()) == sorted(FILES)


def test_the_graph_of_a_long_file_is_folded(here: Path) -> None:
    (here / "p.csv").write_text(
        "x,y\n" + "".join(f"{k},{2 * k}\n" for k in range(100)), encoding="utf-8"
    )
    assert answer("p.csv", "--standardize")["weights"] == pytest.approx([2.0])
    assert "× 100" in texts(here / "out" / "graph.svg")


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["fit", "--help"], ["--version"]])
def test_help_and_version(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    if arguments == ["--version"]:
        assert tinygrad_lin.__version__ in result.stdout
    else:
        assert "Usage:" in result.stdout
    if "fit" in arguments:
        for option in ("--x", "--y", "--lr", "--steps", "--tolerance", "--seed", "--out", "--json"):
            assert option in result.stdout


# Errors


def test_divergence_is_exit_code_1_and_writes_nothing(here: Path) -> None:
    line = refused(run("--lr", "0.2"), code=1)
    for words in ("diverged", "step", "0.2", "0.18335"):
        assert words in line
    assert not list(here.iterdir())
    refused(run("norris", "--lr", "1", "--json"), code=1)
    assert not list(here.iterdir())


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nothing"], "line, norris"),
        (["nothing.csv"], "'nothing.csv'"),
        (["--lr", "-1"], "learning rate"),
        (["--lr", "0"], "learning rate"),
        (["--lr", "nan"], "learning rate"),
        (["--lr", "inf"], "learning rate"),
        (["--lr", "fast"], "fast"),
        (["--steps", "0"], "steps"),
        (["--steps", "-3"], "steps"),
        (["--steps", "1.5"], "1.5"),
        (["--tolerance", "-1"], "tolerance"),
        (["--tolerance", "nan"], "tolerance"),
        (["--seed", "-1"], "seed"),
        (["--seed", str(2**32)], "seed"),
        (["--x", "x"], "--x"),
        (["norris", "--y", "y"], "--y"),
        (["p.csv", "--x", "height"], "p.csv, line 1: no column 'height'; there are x, y"),
        (["p.csv", "--y", "height"], "p.csv, line 1: no column 'height'"),
        (["p.csv", "--x", "y", "--y", "y"], "p.csv: a column may be used once"),
        (["bad.csv"], "bad.csv, line 3, column 'x': 'three' is not a number"),
        (["constant.csv", "--standardize"], "'x' is constant"),
        (["folder"], "folder"),
        (["--out", "p.csv"], "p.csv"),
        (["--out", "p.csv/out"], "p.csv"),
        (["--out", "p.csv/deep/out"], "p.csv"),
        (["line", "norris"], "norris"),
        (["--color"], "--color"),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, list) else "",
)
def test_bad_input_is_exit_code_2_one_line_and_nothing_written(
    here: Path, arguments: list[str], named: str
) -> None:
    (here / "p.csv").write_text("x,y\n1,2\n3,4\n", encoding="utf-8")
    (here / "bad.csv").write_text("x,y\n1,2\nthree,4\n", encoding="utf-8")
    (here / "constant.csv").write_text("x,y\n1,2\n1,4\n", encoding="utf-8")
    (here / "folder").mkdir()
    before = sorted(here.rglob("*"))
    assert named in refused(run(*arguments))
    assert named in refused(run(*arguments, "--json"))
    assert sorted(here.rglob("*")) == before


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
def test_bad_input_on_standard_input(here: Path, stdin: bytes, named: str) -> None:
    line = refused(run("-", stdin=stdin))
    assert line.startswith("Error: standard input")
    assert named in line
    assert not list(here.iterdir())


def test_a_real_process_ends_with_2_and_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "fit", "--lr", "-1"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_may_not_be_written_is_noticed_before_training(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert str(here) in refused(run(*QUICK, "--out", "new/out"))
    assert not list(here.iterdir())


def test_what_was_there_stays_when_writing_fails(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(*QUICK)
    before = {p.name: p.read_bytes() for p in (here / "out").iterdir()}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert "No space left" in refused(run(*QUICK, "--seed", "7"))
    assert {p.name: p.read_bytes() for p in (here / "out").iterdir()} == before


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_result_is_named_and_nothing_written(
    here: Path, name: str
) -> None:
    (here / "out" / name).mkdir(parents=True)
    assert str(Path("out", name)) in refused(run(*QUICK))
    assert [p.name for p in (here / "out").iterdir()] == [name]


@pytest.mark.parametrize("name", ["plot_of", "history_csv"])
def test_nothing_is_written_when_one_of_the_results_cannot_be_made(
    here: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no Graphviz to draw with")

    monkeypatch.setattr(f"tinygrad_lin.cli.results.{name}", fail)
    assert "no Graphviz" in refused(run(*QUICK))
    left = [str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()]
    assert left == ["out/checkpoint.json"]  # what was learned is not lost


@pytest.mark.parametrize("more", [[], ["--standardize"]], ids=["as it is", "standardized"])
@pytest.mark.parametrize(
    "numbers",
    [
        "1e200,1\n2e200,2\n3e200,4\n",
        "1.7e308,1\n-1.7e308,2\n1e308,4\n",
        "1,1e200\n2,2e200\n3,4e200\n",
        "1e154,1\n-1e154,2\n1e153,3\n",
        "1e-200,1\n2e-200,2\n3e-200,4\n",
        "1e-320,1e-320\n2e-320,5e-324\n0,0\n",
    ],
    ids=lambda text: text.partition("\n")[0],
)
def test_numbers_out_of_all_proportion_are_no_traceback(
    here: Path, numbers: str, more: list[str]
) -> None:
    (here / "p.csv").write_text(f"x,y\n{numbers}", encoding="utf-8")
    result = run("p.csv", "--steps", "50", *more)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    if result.exit_code == 0:
        assert not said(result.stderr)
        assert all(math.isfinite(n) for row in history(here / "out/history.csv") for n in row)
    else:
        assert result.exit_code in (1, 2)
        (line,) = said(result.stderr)
        assert line.startswith("Error: ")
        assert [p.name for p in here.iterdir()] == ["p.csv"]


# The terminal


CODES = "\x1b[31mred\x1b[0m\x07\x9b2J\u202e"


@pytest.mark.parametrize(
    "content",
    [
        f"x,y\n1,2\n{CODES},4\n",
        f"x,{CODES}\n1,2\n3,four\n",
        f"{CODES},{CODES},y\n1,2,3\n4,5,6\n",
        f"x,y\n1,2\n3,4,{CODES}\n",
    ],
)
def test_escape_codes_in_cells_do_not_reach_the_terminal(here: Path, content: str) -> None:
    (here / "p.csv").write_text(content, encoding="utf-8")
    refused(run("p.csv"))  # where the line is proven printable
    refused(run("p.csv", "--x", "height"))


def test_a_line_break_in_a_name_does_not_break_the_line_of_an_error(here: Path) -> None:
    (here / "p.csv").write_text('"a\nb",y\n1,2\n3,4\n', encoding="utf-8")
    refused(run("p.csv", "--x", "height"))


def test_escape_codes_in_names_of_columns_do_not_reach_the_terminal(here: Path) -> None:
    (here / "p.csv").write_text(f"{CODES},b,y\n1,5,1\n2,3,2\n3,4,4\n5,5,5\n", encoding="utf-8")
    result = run("p.csv", "--standardize")
    for stream in (result.stdout, result.stderr):
        assert all(line.isprintable() for line in stream.splitlines())
    if result.exit_code == 0:
        assert all(text.isprintable() for text in texts(here / "out" / "graph.svg"))


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


class Terminal:
    """A process whose standard error is a terminal and whose standard output is a pipe."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        import pty

        self.screen, slave = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")}
        # A shell's background job, as we may be, ignores Ctrl-C and would hand that on.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color", "COLUMNS": "80"},
        )
        signal.signal(signal.SIGINT, before)
        os.close(slave)
        self.seen = b""

    def read(self, enough: Callable[[bytes], bool] = lambda _: False) -> None:
        """Read the screen until there is enough of it, or to the end."""
        while not enough(self.seen):
            try:
                more = os.read(self.screen, 4096)
            except OSError:  # on Linux, how a terminal ends
                return
            if not more:
                return
            self.seen += more

    def finish(self) -> bytes:
        """Read the screen to the end; gives what was printed."""
        self.read()
        assert self.process.stdout
        stdout = self.process.stdout.read()
        self.process.wait()
        return stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    made: list[Terminal] = []

    def make(*arguments: str) -> Terminal:
        made.append(Terminal(*arguments, cwd=tmp_path))
        return made[-1]

    yield make
    for each in made:
        each.process.kill()
        each.process.wait()
        assert each.process.stdout
        each.process.stdout.close()
        os.close(each.screen)


@posix
def test_on_a_terminal_there_is_a_progress_bar(terminal: Callable[..., Terminal]) -> None:
    running = terminal("fit", "--steps", "30000", "--json")
    stdout = running.finish()
    assert running.process.returncode == 0
    assert b"training" in running.seen
    assert b"%" in running.seen
    assert "━".encode() in running.seen
    assert json.loads(stdout)["steps"] == 30_000  # and the results are apart from it


def test_in_a_pipe_there_is_none(line: Learned) -> None:
    assert line.printed.stderr == ""
    assert "training" not in line.printed.stdout
    assert "━" not in line.printed.stdout


@posix
def test_ctrl_c_on_a_terminal_keeps_what_was_learned(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    running = terminal("fit", "--steps", "3000000", "--tolerance", "0")
    running.read(lambda seen: seen.count(b"training") >= 3)
    running.process.send_signal(signal.SIGINT)
    stdout = running.finish()
    assert running.process.returncode == 0
    assert b"interrupted" in stdout
    assert b"Traceback" not in running.seen
    model = Linear()
    model.load(tmp_path / "out" / "model.json")
    assert [p.data for p in model.parameters()] != [W, B]


def test_ctrl_c_after_some_steps(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: int) -> Iterator[int]:
        yield from range(4)
        raise KeyboardInterrupt

    monkeypatch.setattr(loop, "progress", pressed)
    assert "interrupted" in run().stdout
    got = answer()
    assert got["steps"] == 3
    assert got["converged"] is False
    # The files hold what was learned when the cost was last known.
    assert history(here / "out" / "history.csv")[-1][0] == 3.0


def test_ctrl_c_before_the_first_step_is_no_traceback(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(*_: int) -> Iterator[int]:
        raise KeyboardInterrupt
        yield 0

    monkeypatch.setattr(loop, "progress", pressed)
    assert refused(run(), code=130) == "Error: interrupted"
    assert not list(here.iterdir())


def shell(redirection: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@posix
def test_without_a_standard_error_it_does_its_work(tmp_path: Path) -> None:
    done = shell("2>&-", "fit", "norris", "--standardize", cwd=tmp_path)
    assert done.returncode == 0
    assert "1.00211681802045" in done.stdout
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(FILES)


@posix
def test_without_a_standard_input_the_dash_is_a_clear_error(tmp_path: Path) -> None:
    done = shell("<&-", "fit", "-", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


@posix
def test_a_reader_that_has_gone_is_no_error_message(tmp_path: Path) -> None:
    done = shell("| :", "fit", "norris", "--standardize", cwd=tmp_path)
    assert done.stderr == ""
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(FILES)


def test_where_only_ascii_can_be_printed(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "fit", "norris", "--standardize"],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"1.0021168" in done.stdout
