"""What fit starts from, and what it chooses, advises and refuses before it starts."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy
import pytest
from cli.commands import fit, fit_json, history_numbers, history_rows, refusal

from tinygrad_lin import MLP, load


def test_the_learning_rate_is_half_the_limit_unless_given(here: Path) -> None:
    (here / "p.csv").write_text("x,y\n2,19\n4,35\n", encoding="utf-8")
    got = fit_json("p.csv", "--steps", "1")
    assert got["learning_rate_limit"] == pytest.approx(0.18335, abs=5e-6)
    assert got["learning_rate"] == got["learning_rate_limit"] / 2
    assert fit_json("p.csv", "--steps", "1", "--lr", "0.01")["learning_rate"] == 0.01
    assert fit_json("line", "--steps", "1")["learning_rate"] == 0.001


def test_the_seed_gives_the_numbers_of_numpy(here: Path) -> None:
    for seed in (0, 7, 42, 2**32 - 1):
        fit_json("--steps", "1", "--seed", str(seed))
        start = numpy.random.RandomState(seed).standard_normal(2)
        assert history_numbers(here / "out" / "history.csv")[0][2:] == list(start)


def test_hidden_sizes_activation_and_seed_are_those_of_the_net() -> None:
    got = fit_json(
        "moons", "--hidden", "3, 2", "--activation", "relu", "--steps", "1", "--seed", "7"
    )
    content = json.loads(Path("out/model.json").read_text(encoding="utf-8"))
    assert (content["sizes"], content["activation"]) == ([2, 3, 2, 1], "relu")
    assert got["parameters"] == 3 * 3 + 4 * 2 + 3
    data, start = load("moons"), MLP([2, 3, 2, 1], "relu", rng=7)
    logits = [start(row).data for row in data.x]
    surprise = [math.log1p(math.exp(-z if y else z)) for z, y in zip(logits, data.y)]
    first = float(history_rows("out/history.csv")[0]["cost"])
    assert first == pytest.approx(sum(surprise) / len(surprise))


def test_numbers_that_a_net_learns_badly_from_are_noticed() -> None:
    assert "--standardize" in fit("norris", "--hidden", "2", "--steps", "1", "--lr", "1e-9").stderr
    assert not fit("norris", "--hidden", "2", "--steps", "1", "--standardize").stderr
    assert not fit("sine", "--hidden", "2", "--steps", "1").stderr


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
def test_bad_settings_are_one_line_and_nothing_written(more: list[str], said: str) -> None:
    Path("text.csv").write_text("name,x,y\na,1,2\nb,2,3\n", encoding="utf-8")
    Path("constant.csv").write_text("x,y\n1,5\n2,5\n", encoding="utf-8")
    assert said in refusal(fit(*more))
    assert sorted(p.name for p in Path.cwd().iterdir()) == ["constant.csv", "text.csv"]
