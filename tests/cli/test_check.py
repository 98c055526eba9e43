"""check: the report, in words and as JSON."""

from __future__ import annotations

import json

from cli.commands import run


def test_check_prints_the_report() -> None:
    result = run("check", "w * x", "w=2", "x=3")
    assert result.exit_code == 0
    rows = [line.split() for line in result.stdout.splitlines()[1:]]
    assert [(row[0], float(row[1]), row[2], float(row[3]), row[-1]) for row in rows] == [
        ("w", 2.0, "reverse", 3.0, "ok"),
        ("x", 3.0, "reverse", 2.0, "ok"),
        ("w", 2.0, "forward", 3.0, "ok"),
        ("x", 3.0, "forward", 2.0, "ok"),
    ]
    assert len(run("check", "w * x", "w=2", "x=3", "--order", "2").stdout.splitlines()) == 13


def test_check_of_a_wrong_gradient_ends_with_1() -> None:
    result = run("check", "(x * x) ** 0.5", "x=0")  # its gradient is NaN: 0 · inf
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: the gradient is wrong\nlabel ")
    assert result.stderr.count("wrong") == 3


def test_check_prints_its_report_as_json() -> None:
    got = json.loads(run("check", "w * x", "w=2", "x=3", "--json").stdout)
    assert got["ok"] is True
    assert {(row["label"], row["mode"], row["analytic"]) for row in got["rows"]} == {
        ("w", "reverse", 3.0),
        ("x", "reverse", 2.0),
        ("w", "forward", 3.0),
        ("x", "forward", 2.0),
    }


def test_check_as_json_of_a_wrong_gradient_ends_with_1() -> None:
    result = run("check", "(x * x) ** 0.5", "x=0", "--json")
    assert result.exit_code == 1
    got = json.loads(result.stdout)
    assert got["ok"] is False
    assert "wrong" in {row["verdict"] for row in got["rows"]}
    assert result.stderr == "Error: the gradient is wrong\n"
