"""What fit prints."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.commands import FILES, Learned, fit, fit_json, svg_texts


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
