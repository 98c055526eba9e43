"""steps: both passes as JSON."""

from __future__ import annotations

import json

from cli.commands import run


def test_steps_as_json_are_those_of_both_passes() -> None:
    got = json.loads(run("steps", "w * x", "w=2", "x=0", "--json").stdout)["steps"]
    assert [(step["phase"], step["node"], step["op"], step["value"]) for step in got[:3]] == [
        ("forward", "w", None, 2.0),
        ("forward", "x", None, 0.0),
        ("forward", got[2]["node"], "mul", 0.0),
    ]
    assert got[0]["operand"] is got[0]["local"] is got[0]["place"] is None
    shares = {(step["operand"], step["place"]): step["contribution"] for step in got[3:]}
    assert shares == {("w", 0): 0.0, ("x", 1): 2.0}


def test_steps_are_written_in_one_way_at_a_time() -> None:
    result = run("steps", "x * x", "x=1", "--json", "--tex")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "choose one" in result.stderr
