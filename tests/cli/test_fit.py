"""fit beyond the line: optimizers, nets, classes, points kept aside, going on."""

from __future__ import annotations

import csv
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from tinygrad_lin import MLP, Linear, load
from tinygrad_lin.cli import main
from tinygrad_lin.nn.datasets import DATASETS
from tinygrad_lin.nn.predictor import Predictor
from tinygrad_lin.nn.training import loop
from tinygrad_lin.nn.training.batches import split

FILES = ["graph.svg", "fit.png", "loss.png", "model.json", "history.csv"]
W, B = 0.4967141530112327, -0.13826430117118466
NET = ["sine", "--hidden", "4", "--optimizer", "adam"]

# Certified by NIST, Statistical Reference Datasets, linear regression, Longley
LONGLEY = [
    15.0618722713733,
    -0.358191792925910e-01,
    -2.02022980381683,
    -1.03322686717359,
    -0.511041056535807e-01,
    1829.15146461355,
]
LONGLEY_INTERCEPT = -3482258.63459582
LONGLEY_DEVIATION, LONGLEY_FREEDOM = 304.854073561965, 9


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["fit", *arguments])


def answer(*arguments: str) -> dict[str, Any]:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


def refused(*arguments: str) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, SystemExit), result.exception
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = (text for text in result.stderr.splitlines() if not text.startswith("Note: "))
    assert line.startswith("Error: ")
    return line


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def files(folder: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def half_mse(predictions: list[float], targets: list[float]) -> float:
    return sum((y - a) ** 2 for a, y in zip(predictions, targets)) / len(targets) / 2


# Optimizers


@pytest.mark.parametrize("more", [[], ["--standardize"]], ids=["as it is", "standardized"])
def test_newton_agrees_with_nist_on_longley_to_10_digits(more: list[str]) -> None:
    got = answer("longley", "--optimizer", "newton", *more)
    assert got["weights"] == pytest.approx(LONGLEY, rel=1e-10)
    assert got["bias"] == pytest.approx(LONGLEY_INTERCEPT, rel=1e-10)
    assert got["cost"] == pytest.approx(LONGLEY_DEVIATION**2 * LONGLEY_FREEDOM / 16 / 2, rel=1e-10)
    assert got["converged"] is True
    assert got["steps"] < 5


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "newton"])
def test_each_optimizer_finds_the_line(optimizer: str) -> None:
    got = answer("--optimizer", optimizer)
    assert got["converged"] is True
    assert [*got["weights"], got["bias"]] == pytest.approx([8.0, 3.0], abs=1e-9)


def test_a_step_of_adam_is_the_learning_rate_by_hand() -> None:
    got = answer("--optimizer", "adam", "--lr", "0.25", "--steps", "1")
    assert got["weights"] == pytest.approx([W + 0.25])
    assert got["bias"] == pytest.approx(B + 0.25)


def test_a_batch_of_one_learns_from_one_of_the_points_by_hand() -> None:
    got = answer("--batch", "1", "--steps", "1", "--lr", "0.1")
    errors = {x: W * x + B - y for x, y in ((2.0, 19.0), (4.0, 35.0))}
    assert [got["weights"][0], got["bias"]] in [
        pytest.approx([W - 0.1 * error * x, B - 0.1 * error]) for x, error in errors.items()
    ]
    # The cost is that of both points, not of the last batch.
    a = [got["weights"][0] * x + got["bias"] for x in (2.0, 4.0)]
    assert got["cost"] == pytest.approx(half_mse(a, [19.0, 35.0]))


@pytest.mark.parametrize("name", [*DATASETS, "anscombe", "stair"])
@pytest.mark.parametrize("more", [[], ["--hidden", "3", "--standardize"]], ids=["line", "net"])
def test_every_set_can_be_learned(name: str, more: list[str]) -> None:
    got = answer(name, "--steps", "3", *more)
    assert got["steps"] == 3
    assert got["files"] == [str(Path("out", file)) for file in FILES]
    assert all(Path(file).stat().st_size for file in got["files"])
    costs = [float(row["cost"]) for row in rows("out/history.csv")]
    assert costs[-1] < costs[0]


# Nets


def test_a_net_learns_a_sine_and_leaves_files_of_its_own() -> None:
    got = answer("sine", "--hidden", "16,16", "--optimizer", "adam", "--steps", "300")
    assert "weights" not in got
    assert got["parameters"] == 2 * 16 + 17 * 16 + 17
    assert got["learning_rate_limit"] is None
    assert got["cost"] < 1e-3
    net = MLP([1, 16, 16, 1])
    net.load("out/model.json")
    data = load("sine")
    assert half_mse([net(row).data for row in data.x], data.y) == pytest.approx(got["cost"])
    history = rows("out/history.csv")
    assert list(history[0]) == ["step", "cost"]
    start = MLP([1, 16, 16, 1], rng=42)
    assert float(history[0]["cost"]) == pytest.approx(
        half_mse([start(row).data for row in data.x], data.y)
    )
    assert "× 16" in Path("out/graph.svg").read_text(encoding="utf-8").replace("&#160;", " ")


def test_hidden_sizes_activation_and_seed_are_those_of_the_net() -> None:
    got = answer("moons", "--hidden", "3, 2", "--activation", "relu", "--steps", "1", "--seed", "7")
    content = json.loads(Path("out/model.json").read_text(encoding="utf-8"))
    assert (content["sizes"], content["activation"]) == ([2, 3, 2, 1], "relu")
    assert got["parameters"] == 3 * 3 + 4 * 2 + 3
    data, start = load("moons"), MLP([2, 3, 2, 1], "relu", rng=7)
    logits = [start(row).data for row in data.x]
    surprise = [math.log1p(math.exp(-z if y else z)) for z, y in zip(logits, data.y)]
    first = float(rows("out/history.csv")[0]["cost"])
    assert first == pytest.approx(sum(surprise) / len(surprise))


def test_a_net_learned_in_scaled_units_speaks_those_of_the_data() -> None:
    text = "km,kg\n" + "".join(f"{1000 + k},{5000 + 3 * k * k}\n" for k in range(20))
    Path("p.csv").write_text(text, encoding="utf-8")
    more = ["--hidden", "6", "--standardize", "--optimizer", "adam", "--lr", "0.03"]
    got = answer("p.csv", *more)
    net = MLP([1, 6, 1])
    net.load("out/model.json")
    predictions = [net(1000.0 + k).data for k in range(20)]
    targets = [5000.0 + 3 * k * k for k in range(20)]
    assert predictions == pytest.approx(targets, abs=60.0)  # they reach from 5000 to 6083
    assert got["cost"] == pytest.approx(half_mse(predictions, targets), rel=1e-6)
    assert float(rows("out/history.csv")[-1]["cost"]) == pytest.approx(got["cost"], rel=1e-6)


def test_numbers_that_a_net_learns_badly_from_are_noticed() -> None:
    assert "--standardize" in run("norris", "--hidden", "2", "--steps", "1", "--lr", "1e-9").stderr
    assert not run("norris", "--hidden", "2", "--steps", "1", "--standardize").stderr
    assert not run("sine", "--hidden", "2", "--steps", "1").stderr


# Classes


def test_moons_are_told_apart_and_the_share_of_right_answers_is_counted() -> None:
    got = answer("moons", "--hidden", "8", "--optimizer", "adam", "--batch", "20")
    assert got["accuracy"] > 0.97
    data, predictor = load("moons"), Predictor.read("out/model.json")
    assert predictor.probability
    chances = [predictor(row)[0] for row in data.x]
    assert all(0.0 < p < 1.0 for p in chances)
    right = [round(p) == y for p, y in zip(chances, data.y)]
    assert got["accuracy"] == sum(right) / len(right)
    surprise = [-math.log(p if y else 1.0 - p) for p, y in zip(chances, data.y)]
    assert got["cost"] == pytest.approx(sum(surprise) / len(surprise))


def test_a_line_through_classes_gives_the_same_with_newton_as_with_descent() -> None:
    descent, newton = answer("moons"), answer("moons", "--optimizer", "newton")
    assert newton["steps"] < 10
    assert descent["weights"] == pytest.approx(newton["weights"], rel=1e-8)


def test_the_loss_can_be_chosen() -> None:
    squares = answer("moons", "--loss", "squares", "--optimizer", "newton")
    data = load("moons")
    matrix = numpy.array([[*row, 1.0] for row in data.x])
    solved = numpy.linalg.lstsq(matrix, numpy.array(data.y), rcond=None)[0]
    assert [*squares["weights"], squares["bias"]] == pytest.approx(solved.tolist())
    assert "accuracy" not in squares


# Points kept aside


def test_the_result_is_what_was_best_on_the_points_kept_aside() -> None:
    more = ["anscombe2", "--hidden", "8", "--standardize", "--lr", "0.05"]
    got = answer(*more, "--validation", "0.3", "--steps", "150")
    data, predictor = load("anscombe2"), Predictor.read("out/model.json")
    seen, aside = split(11, 0.3, 42)
    for key, places in (("cost", seen), ("validation_cost", aside)):
        predictions = [predictor(data.x[k])[0] for k in places]
        assert got[key] == pytest.approx(half_mse(predictions, [data.y[k] for k in places]))
    table = rows("out/history.csv")
    costs = {int(row["step"]): float(row["validation"]) for row in table}
    assert min(costs.values()) == pytest.approx(got["validation_cost"])
    assert costs[got["best_step"]] == min(costs.values())


def test_it_stops_early_after_so_much_patience() -> None:
    more = ["anscombe3", "--standardize", "--validation", "0.3", "--patience", "5"]
    got = answer(*more, "--tolerance", "0")
    assert got["steps"] == got["best_step"] + 5
    assert "stopped early" in run(*more, "--tolerance", "0").stdout
    assert not Path("out/checkpoint.json").exists()


# Going on


@pytest.mark.parametrize(
    "more",
    [
        NET,
        [*NET, "--batch", "7", "--validation", "0.2", "--standardize"],
        ["norris", "--optimizer", "momentum", "--tolerance", "0"],
        ["line", "--optimizer", "newton", "--lr", "0.1"],
    ],
    ids=" ".join,
)
def test_going_on_with_more_steps_is_the_same_as_all_at_once(more: list[str]) -> None:
    first = run(*more, "--steps", "20")
    assert "--resume" in first.stdout
    answer(*more, "--steps", "45", "--resume")
    answer(*more, "--steps", "45", "--out", "at once")
    assert files("out") == files("at once")


def test_ctrl_c_and_resume_is_the_same_as_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(start: int, steps: int) -> Iterator[int]:
        yield from range(start, 13)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(loop, "progress", pressed)
        said = run(*NET, "--steps", "30").stdout
    assert "12 (interrupted)" in said
    assert "--resume" in said
    answer(*NET, "--steps", "30", "--resume")
    answer(*NET, "--steps", "30", "--out", "at once")
    assert files("out") == files("at once")


@pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_process_that_is_stopped_can_be_gone_on_with(number: signal.Signals) -> None:
    endless = ["--tolerance", "0", "--steps", "100000000"]
    command = [sys.executable, "-m", "tinygrad_lin", "fit", *endless]
    # A shell's background job, as we may be, ignores Ctrl-C and would hand that on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    signal.signal(signal.SIGINT, before)
    deadline = time.monotonic() + 60.0
    while not Path("out/checkpoint.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(number)
    _, stderr = process.communicate()
    assert process.returncode == (0 if number == signal.SIGINT else -signal.SIGKILL)
    assert b"Traceback" not in stderr
    step = json.loads(Path("out/checkpoint.json").read_text(encoding="utf-8"))["step"]
    assert step >= 1000
    more = ["--tolerance", "0", "--steps", str(step + 100)]
    answer(*more, "--resume")
    answer(*more, "--out", "at once")
    assert files("out") == files("at once")


def test_what_is_finished_leaves_nothing_to_go_on_with() -> None:
    answer("--optimizer", "newton")
    assert sorted(files("out")) == sorted(FILES)
    assert "no checkpoint.json in out" in refused("--optimizer", "newton", "--resume")


def test_without_a_checkpoint_nothing_is_made() -> None:
    assert "no checkpoint.json in deep/out" in refused("--resume", "--out", "deep/out")
    assert not list(Path.cwd().iterdir())


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ([*NET, "--lr", "0.5"], "optimizer"),
        ([*NET, "--batch", "3"], "batch_size"),
        ([*NET, "--activation", "relu"], "model"),
        ([*NET, "--seed", "7"], "rng"),
        (["stair", *NET[1:]], "other points"),
        (["line"], "model"),
        ([*NET, "--steps", "4"], "more steps than 4"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(more: list[str], said: str) -> None:
    answer(*NET, "--steps", "5")
    before = files("out")
    assert said in refused(*more, "--resume")
    assert files("out") == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"{}", b"\xff", b'{"format": 1}'])
def test_a_broken_checkpoint_is_refused(content: bytes) -> None:
    Path("out").mkdir()
    Path("out/checkpoint.json").write_bytes(content)
    assert "out/checkpoint.json is not a checkpoint" in refused("--resume")


def test_divergence_leaves_no_checkpoint_to_go_on_with() -> None:
    result = run("--lr", "0.184")  # so slowly that one has been written on the way
    assert result.exit_code == 1
    assert int(result.stderr.partition("at step ")[2].split()[0]) > 1000
    assert not list(Path.cwd().iterdir())


# Plots on a screen


@pytest.mark.skipif(sys.platform != "linux", reason="what a screen is on Linux")
def test_plots_are_shown_where_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def launch(path: str) -> int:
        shown.append(path)
        return 0

    monkeypatch.setattr(click, "launch", launch)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    result = run("--steps", "1", "--plot", "--json")
    assert json.loads(result.stdout)["steps"] == 1
    assert result.stderr.count("there is no screen") == 2
    assert not shown
    monkeypatch.setenv("DISPLAY", ":0")
    assert "screen" not in run("--steps", "1", "--plot").stderr
    assert shown == [str(Path("out", name)) for name in ("fit.png", "loss.png")]
    with Image.open(shown[0]) as image:
        assert image.format == "PNG"


# Nonsense


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--batch", "-3"], "batch size"),
        (["--batch", "0"], "batch size"),
        (["--batch", "few"], "--batch"),
        (["--hidden", ""], "--hidden"),
        (["--hidden", "4,,4"], "--hidden"),
        (["--hidden", "0"], "--hidden"),
        (["--hidden", "-4"], "--hidden"),
        (["--hidden", "1e3"], "--hidden"),
        (["--hidden", "wide"], "--hidden"),
        (["--hidden", "100000,100000"], "10,000,400,001 parameters"),
        (["--activation", "tanh"], "give --hidden too"),
        (["--hidden", "3", "--activation", "cube"], "'tanh'"),
        (["--hidden", "3", "--activation", "add"], "'tanh'"),
        (["--optimizer", "adamw"], "'adam'"),
        (["--optimizer", "newton", "--batch", "1"], "--batch"),
        (["sine", "--optimizer", "newton", "--hidden", "3"], "curves upwards"),
        (["--validation", "1"], "validation"),
        (["--validation", "-0.1"], "validation"),
        (["--patience", "0"], "patience"),
        (["--loss", "cross-entropy"], "column 'y' holds 19"),
        (["--loss", "hinge"], "'squares'"),
        (["sine", "--hidden", "2", "--activation", "log"], "log"),
        (["text.csv"], "text.csv, line 2, column 'name': 'a' is not a number"),
        (["text.csv", "--hidden", "2"], "choose other columns"),
        (["constant.csv", "--hidden", "2", "--standardize"], "'y' is constant"),
    ],
)
def test_nonsense_is_one_line_and_nothing_written(more: list[str], said: str) -> None:
    Path("text.csv").write_text("name,x,y\na,1,2\nb,2,3\n", encoding="utf-8")
    Path("constant.csv").write_text("x,y\n1,5\n2,5\n", encoding="utf-8")
    assert said in refused(*more)
    assert sorted(p.name for p in Path.cwd().iterdir()) == ["constant.csv", "text.csv"]


def test_a_line_stays_the_article_s_however_it_is_called() -> None:
    plain = answer("--steps", "7", "--tolerance", "0")
    named = answer("line", "--optimizer", "sgd", "--batch", "2", "--steps", "7", "--tolerance", "0")
    assert named == plain
    model = Linear()
    model.load("out/model.json")
    assert [p.data for p in model.parameters()] == [*plain["weights"], plain["bias"]]
