"""What fit learns: lines, nets and classes, by each optimizer; and how it ends."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from cli.commands import (
    FILES,
    B,
    Learned,
    W,
    fit,
    fit_json,
    half_mse,
    history_numbers,
    history_rows,
    refusal,
    without_notes,
)

from tinygrad_lin import MLP, Linear, load
from tinygrad_lin.nn.datasets import DATASETS
from tinygrad_lin.nn.predictor import Predictor
from tinygrad_lin.nn.training.batches import split_indices

SLOPE, INTERCEPT = 1.00211681802045, -0.262323073774029  # certified by NIST
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


# Lines


def test_fit_without_arguments_learns_8_and_3(line: Learned) -> None:
    assert (line.printed.returncode, line.printed.stderr) == (0, "")
    model = Linear()
    model.load(line.folder / "out" / "model.json")
    assert [p.data for p in model.parameters()] == pytest.approx([8.0, 3.0], abs=1e-6)


@pytest.mark.parametrize("more", [[], ["--lr", "0.1"], ["--lr", "0.1", "--seed", "7"]])
def test_norris_standardized_agrees_with_nist_to_9_digits(here: Path, more: list[str]) -> None:
    got = fit_json("norris", "--standardize", *more)
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


@pytest.mark.parametrize("more", [[], ["--standardize"]], ids=["as it is", "standardized"])
def test_newton_agrees_with_nist_on_longley_to_10_digits(more: list[str]) -> None:
    got = fit_json("longley", "--optimizer", "newton", *more)
    assert got["weights"] == pytest.approx(LONGLEY, rel=1e-10)
    assert got["bias"] == pytest.approx(LONGLEY_INTERCEPT, rel=1e-10)
    assert got["cost"] == pytest.approx(LONGLEY_DEVIATION**2 * LONGLEY_FREEDOM / 16 / 2, rel=1e-10)
    assert got["converged"] is True
    assert got["steps"] < 5


@pytest.mark.parametrize("optimizer", ["momentum", "adam", "newton"])
def test_each_optimizer_finds_the_line(optimizer: str) -> None:
    got = fit_json("--optimizer", optimizer)
    assert got["converged"] is True
    assert [*got["weights"], got["bias"]] == pytest.approx([8.0, 3.0], abs=1e-9)


def test_a_step_of_adam_is_the_learning_rate_by_hand() -> None:
    got = fit_json("--optimizer", "adam", "--lr", "0.25", "--steps", "1")
    assert got["weights"] == pytest.approx([W + 0.25])
    assert got["bias"] == pytest.approx(B + 0.25)


def test_a_batch_of_one_learns_from_one_of_the_points_by_hand() -> None:
    got = fit_json("--batch", "1", "--steps", "1", "--lr", "0.1")
    errors = {x: W * x + B - y for x, y in ((2.0, 19.0), (4.0, 35.0))}
    assert [got["weights"][0], got["bias"]] in [
        pytest.approx([W - 0.1 * error * x, B - 0.1 * error]) for x, error in errors.items()
    ]
    # The cost is that of both points, not of the last batch.
    a = [got["weights"][0] * x + got["bias"] for x in (2.0, 4.0)]
    assert got["cost"] == pytest.approx(half_mse(a, [19.0, 35.0]))


@pytest.mark.parametrize("name", [*DATASETS, "anscombe", "stair"])
@pytest.mark.parametrize("more", [[], ["--hidden", "3", "--standardize"]], ids=["line", "net"])
def test_every_data_set_can_be_learned(name: str, more: list[str]) -> None:
    got = fit_json(name, "--steps", "3", *more)
    assert got["steps"] == 3
    assert got["files"] == [str(Path("out", file)) for file in FILES]
    assert all(Path(file).stat().st_size for file in got["files"])
    costs = [float(row["cost"]) for row in history_rows("out/history.csv")]
    assert costs[-1] < costs[0]


def test_a_line_stays_the_article_s_however_it_is_called() -> None:
    plain = fit_json("--steps", "7", "--tolerance", "0")
    named = fit_json(
        "line", "--optimizer", "sgd", "--batch", "2", "--steps", "7", "--tolerance", "0"
    )
    assert named == plain
    model = Linear()
    model.load("out/model.json")
    assert [p.data for p in model.parameters()] == [*plain["weights"], plain["bias"]]


def test_tolerance_0_takes_all_the_steps(here: Path) -> None:
    assert fit_json("--lr", "0.18", "--steps", "4321", "--tolerance", "0")["steps"] == 4321
    got = fit_json("--lr", "0.18", "--steps", "4321")
    assert got["steps"] < 4321
    assert got["converged"] is True


# Nets and classes


def test_a_net_learns_a_sine_and_leaves_files_of_its_own() -> None:
    got = fit_json("sine", "--hidden", "16,16", "--optimizer", "adam", "--steps", "300")
    assert "weights" not in got
    assert got["parameters"] == 2 * 16 + 17 * 16 + 17
    assert got["learning_rate_limit"] is None
    assert got["cost"] < 1e-3
    net = MLP([1, 16, 16, 1])
    net.load("out/model.json")
    data = load("sine")
    assert half_mse([net(row).data for row in data.x], data.y) == pytest.approx(got["cost"])
    history = history_rows("out/history.csv")
    assert list(history[0]) == ["step", "cost"]
    start = MLP([1, 16, 16, 1], rng=42)
    assert float(history[0]["cost"]) == pytest.approx(
        half_mse([start(row).data for row in data.x], data.y)
    )
    assert "× 16" in Path("out/graph.svg").read_text(encoding="utf-8").replace("&#160;", " ")


def test_a_net_learned_in_scaled_units_speaks_those_of_the_data() -> None:
    text = "km,kg\n" + "".join(f"{1000 + k},{5000 + 3 * k * k}\n" for k in range(20))
    Path("p.csv").write_text(text, encoding="utf-8")
    more = ["--hidden", "6", "--standardize", "--optimizer", "adam", "--lr", "0.03"]
    got = fit_json("p.csv", *more)
    net = MLP([1, 6, 1])
    net.load("out/model.json")
    predictions = [net(1000.0 + k).data for k in range(20)]
    targets = [5000.0 + 3 * k * k for k in range(20)]
    assert predictions == pytest.approx(targets, abs=60.0)  # they reach from 5000 to 6083
    assert got["cost"] == pytest.approx(half_mse(predictions, targets), rel=1e-6)
    assert float(history_rows("out/history.csv")[-1]["cost"]) == pytest.approx(
        got["cost"], rel=1e-6
    )


def test_moons_are_told_apart_and_the_accuracy_is_reported() -> None:
    got = fit_json("moons", "--hidden", "8", "--optimizer", "adam", "--batch", "20")
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
    descent, newton = fit_json("moons"), fit_json("moons", "--optimizer", "newton")
    assert newton["steps"] < 10
    assert descent["weights"] == pytest.approx(newton["weights"], rel=1e-8)


# Points kept aside


def test_the_result_is_what_was_best_on_the_points_kept_aside() -> None:
    more = ["anscombe2", "--hidden", "8", "--standardize", "--lr", "0.05"]
    got = fit_json(*more, "--validation", "0.3", "--steps", "150")
    data, predictor = load("anscombe2"), Predictor.read("out/model.json")
    seen, aside = split_indices(11, 0.3, 42)
    for key, places in (("cost", seen), ("validation_cost", aside)):
        predictions = [predictor(data.x[k])[0] for k in places]
        assert got[key] == pytest.approx(half_mse(predictions, [data.y[k] for k in places]))
    table = history_rows("out/history.csv")
    costs = {int(row["step"]): float(row["validation"]) for row in table}
    assert min(costs.values()) == pytest.approx(got["validation_cost"])
    assert costs[got["best_step"]] == min(costs.values())


def test_training_stops_early_when_patience_runs_out() -> None:
    more = ["anscombe3", "--standardize", "--validation", "0.3", "--patience", "5"]
    got = fit_json(*more, "--tolerance", "0")
    assert got["steps"] == got["best_step"] + 5
    assert "stopped early" in fit(*more, "--tolerance", "0").stdout
    assert not Path("out/checkpoint.json").exists()


# Errors


def test_divergence_is_exit_code_1_and_writes_nothing(here: Path) -> None:
    line = refusal(fit("--lr", "0.2"), code=1)
    for words in ("diverged", "step", "0.2", "0.18335"):
        assert words in line
    assert not list(here.iterdir())
    refusal(fit("norris", "--lr", "1", "--json"), code=1)
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
    assert named in refusal(fit(*arguments))
    assert named in refusal(fit(*arguments, "--json"))
    assert sorted(here.rglob("*")) == before


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
    result = fit("p.csv", "--steps", "50", *more)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    if result.exit_code == 0:
        assert not without_notes(result.stderr)
        assert all(
            math.isfinite(n) for row in history_numbers(here / "out/history.csv") for n in row
        )
    else:
        assert result.exit_code in (1, 2)
        (line,) = without_notes(result.stderr)
        assert line.startswith("Error: ")
        assert [p.name for p in here.iterdir()] == ["p.csv"]
