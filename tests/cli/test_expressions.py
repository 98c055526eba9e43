"""The expressions that draw, steps, play and check refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli.commands import run


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
