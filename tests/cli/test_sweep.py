"""sweep: learning rates tried out, as a table, as JSON, as a picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli.commands import refusal, run
from PIL import Image


def sweep_json(*arguments: str) -> dict[str, Any]:
    result = run("sweep", *arguments, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


# Of [[10, 3], [3, 1]], the Hessian of the line's cost: λmax = (11 + sqrt(117)) / 2.
LIMIT = 4.0 / (11.0 + 117.0**0.5)


def test_a_range_of_rates_goes_from_too_low_to_diverging_and_tries_the_limit() -> None:
    got = sweep_json("--rates", "1e-5..0.2")
    rates = [run["learning_rate"] for run in got["runs"]]
    assert rates == sorted(rates)
    assert (rates[0], rates[-1]) == (1e-5, 0.2)
    assert got["learning_rate_limit"] == pytest.approx(LIMIT, rel=1e-12)
    assert got["measured_limit"] == pytest.approx(LIMIT, rel=1e-4)
    verdicts = [run["verdict"] for run in got["runs"]]
    assert list(dict.fromkeys(verdicts)) == ["too low", "good", "at the limit", "diverging"]
    assert verdicts[rates.index(got["learning_rate_limit"])] == "at the limit"
    (path,) = got["files"]
    assert path == str(Path("out", "sweep.png"))
    with Image.open(path) as image:
        assert image.format == "PNG"


def test_the_table_says_the_same_as_the_json() -> None:
    lines = run("sweep", "--rates", "1e-5,0.1,0.3").stdout.splitlines()
    assert [line.split()[0] for line in lines[1:4]] == ["1e-05", "0.1", "0.3"]
    assert lines[1].endswith("too low")
    assert lines[2].endswith("good")
    assert lines[3].endswith("diverging")
    assert "limit computed  0.18335 (2 / λmax)" in lines
    assert lines[-1] == f"wrote {Path('out', 'sweep.png')}"


def test_a_run_that_diverged_has_no_cost() -> None:
    (away,) = sweep_json("--rates", "1e9", "--steps", "40")["runs"]
    assert (away["cost"], away["verdict"]) == (None, "diverging")


def test_without_rates_the_range_ends_just_above_the_limit() -> None:
    got = sweep_json("--steps", "50")
    assert got["runs"][-1]["learning_rate"] == pytest.approx(1.1 * LIMIT)
    assert {"at the limit", "diverging"} <= {run["verdict"] for run in got["runs"]}


def test_the_columns_and_units_of_a_sweep_can_be_chosen() -> None:
    Path("p.csv").write_text("t,a,b\n5,1000,1\n7,1001,2\n9,1002,5\n", encoding="utf-8")
    plain = sweep_json("p.csv", "--x", "a", "--y", "t", "--rates", "1e-9..1e-5", "--steps", "10")
    assert plain["learning_rate_limit"] == pytest.approx(2e-6, rel=0.01)  # 2 / (1001² + 1)
    scaled = sweep_json("p.csv", "--x", "a", "--y", "t", "--standardize", "--steps", "10")
    assert scaled["learning_rate_limit"] == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rates", "fast"], "--rates"),
        (["--rates", ""], "--rates"),
        (["--rates", "0.1,,0.2"], "--rates"),
        (["--rates", "0..1"], "--rates"),
        (["--rates", "-1"], "--rates"),
        (["--rates", "nan"], "--rates"),
        (["--rates", "1,inf"], "--rates"),
        (["--rates", "0.2..0.1"], "from low to high"),
        (["--rates", "1..1"], "from low to high"),
        (["--rates", "1..2..3"], "from low to high"),
        (["--steps", "3"], "at least 4 steps"),
        (["--loss", "cross-entropy"], "column 'y'"),
        (["nothing"], "'nothing'"),
        (["norris", "--x", "x"], "--x"),
        (["--out", "p.csv"], "p.csv"),
    ],
)
def test_bad_settings_are_one_line_and_nothing_written(arguments: list[str], said: str) -> None:
    Path("p.csv").write_text("x,y\n1,2\n", encoding="utf-8")
    assert said in refusal(run("sweep", *arguments))
    assert [p.name for p in Path.cwd().iterdir()] == ["p.csv"]
