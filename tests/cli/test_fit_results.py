"""The files that fit leaves behind, and what it prints."""

from __future__ import annotations

import errno
import json
import os
import sys
from pathlib import Path

import click
import numpy
import pytest
from cli.commands import FILES, B, Learned, W, fit, fit_json, history_numbers, refusal, svg_texts
from PIL import Image


def test_fit_writes_five_files(line: Learned) -> None:
    assert sorted(p.name for p in line.folder.iterdir()) == ["out"]
    assert sorted(p.name for p in (line.folder / "out").iterdir()) == sorted(FILES)


def test_graph_svg_is_the_cost_at_the_end(line: Learned) -> None:
    seen = svg_texts(line.folder / "out" / "graph.svg")
    for text in ("w", "b", "x", "a", "C", "MSE", "data 8", "data 3", "grad 1"):
        assert text in seen
    for number in ("2", "4", "19", "35"):  # the points, as data of a node or as a constant
        assert f"data {number}" in seen or number in seen


def test_graph_svg_has_the_gradients_of_the_end_by_hand(here: Path) -> None:
    got = fit_json("--steps", "3", "--tolerance", "0")
    w, b = got["weights"][0], got["bias"]
    errors = 2 * w + b - 19, 4 * w + b - 35
    seen = svg_texts(here / "out" / "graph.svg")
    assert f"grad {(errors[0] * 2 + errors[1] * 4) / 2:.4g}" in seen
    assert f"grad {(errors[0] + errors[1]) / 2:.4g}" in seen


def test_the_graph_of_a_long_file_is_folded(here: Path) -> None:
    (here / "p.csv").write_text(
        "x,y\n" + "".join(f"{k},{2 * k}\n" for k in range(100)), encoding="utf-8"
    )
    assert fit_json("p.csv", "--standardize")["weights"] == pytest.approx([2.0])
    assert "× 100" in svg_texts(here / "out" / "graph.svg")


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
    rows = history_numbers(path)
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


def test_earlier_results_stay_when_writing_fails(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit_json("--lr", "0.18")
    before = {p.name: p.read_bytes() for p in (here / "out").iterdir()}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        assert "No space left" in refusal(fit("--lr", "0.18", "--seed", "7"))
    assert {p.name: p.read_bytes() for p in (here / "out").iterdir()} == before


@pytest.mark.parametrize("name", ["plot_model", "history_csv"])
def test_nothing_is_written_when_one_of_the_results_cannot_be_made(
    here: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError("no Graphviz to draw with")

    monkeypatch.setattr(f"tinygrad_lin.cli.fit_results.{name}", fail)
    assert "no Graphviz" in refusal(fit("--lr", "0.18"))
    left = [str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()]
    assert left == ["out/checkpoint.json"]  # what was learned is not lost


@pytest.mark.skipif(sys.platform != "linux", reason="what a screen is on Linux")
def test_plots_are_shown_where_there_is_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []

    def launch(path: str) -> int:
        shown.append(path)
        return 0

    monkeypatch.setattr(click, "launch", launch)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    result = fit("--steps", "1", "--plot", "--json")
    assert json.loads(result.stdout)["steps"] == 1
    assert result.stderr.count("there is no screen") == 2
    assert not shown
    monkeypatch.setenv("DISPLAY", ":0")
    assert "screen" not in fit("--steps", "1", "--plot").stderr
    assert shown == [str(Path("out", name)) for name in ("fit.png", "loss.png")]
    with Image.open(shown[0]) as image:
        assert image.format == "PNG"


def test_the_report_shows_what_was_learned_beside_the_truth(line: Learned) -> None:
    rows = [each.split() for each in line.printed.stdout.splitlines()]
    (w,) = (row for row in rows if row[0] == "w")
    (b,) = (row for row in rows if row[0] == "b")
    assert float(w[1]) == pytest.approx(8.0, abs=1e-6)
    assert float(b[1]) == pytest.approx(3.0, abs=1e-6)
    assert (w[2], b[2]) == ("8", "3")
    for words in ("cost", "steps", "converged", "learning rate", "0.001", "0.18335", *FILES):
        assert words in line.printed.stdout


def test_norris_in_words_stands_beside_the_certified_values(here: Path) -> None:
    result = fit("norris", "--standardize")
    assert "1.00211681802045" in result.stdout
    assert "-0.262323073774029" in result.stdout
    assert "--standardize" not in result.output
    assert "e.g. data 0.2" in svg_texts(here / "out" / "graph.svg")  # the first x


def test_a_training_that_has_not_converged_says_so_with_a_hint(here: Path) -> None:
    result = fit("norris", "--steps", "5")
    assert result.exit_code == 0
    assert "not converged" in result.stdout
    assert "--standardize" in result.output
    assert fit_json("norris", "--steps", "5")["converged"] is False


def test_several_columns_give_several_weights_in_their_order(here: Path) -> None:
    rows = [(a, b, 2 * a - 3 * b + 5) for a in range(3) for b in range(4)]
    (here / "p.csv").write_text(
        "b,note,a,t\n" + "".join(f"{b},?,{a},{t}\n" for a, b, t in rows), encoding="utf-8"
    )
    got = fit_json("p.csv", "--x", "a", "--x", "b", "--y", "t", "--standardize")
    assert got["weights"] == pytest.approx([2.0, -3.0], abs=1e-9)
    assert got["bias"] == pytest.approx(5.0, abs=1e-9)
    got = fit_json("p.csv", "--x", "b", "--x", "a", "--y", "t")
    assert got["weights"] == pytest.approx([-3.0, 2.0], abs=1e-9)
    result = fit("p.csv", "--x", "a", "--x", "b", "--y", "t", "--standardize")
    assert "w (a)" in result.stdout
    assert "w (b)" in result.stdout
