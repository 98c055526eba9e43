"""What is printed, text that no terminal obeys and JSON without infinities, and the folder."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from cli.commands import COMMAND, FILES, fit, fit_json, refusal, run, svg_texts

QUICK = ["--lr", "0.18"]  # near the limit of the line
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
    refusal(fit("p.csv"))  # where the line is proven printable
    refusal(fit("p.csv", "--x", "height"))


def test_a_line_break_in_a_name_does_not_break_the_line_of_an_error(here: Path) -> None:
    (here / "p.csv").write_text('"a\nb",y\n1,2\n3,4\n', encoding="utf-8")
    refusal(fit("p.csv", "--x", "height"))


def test_escape_codes_in_names_of_columns_do_not_reach_the_terminal(here: Path) -> None:
    (here / "p.csv").write_text(f"{CODES},b,y\n1,5,1\n2,3,2\n3,4,4\n5,5,5\n", encoding="utf-8")
    result = fit("p.csv", "--standardize")
    for stream in (result.stdout, result.stderr):
        assert all(line.isprintable() for line in stream.splitlines())
    if result.exit_code == 0:
        assert all(text.isprintable() for text in svg_texts(here / "out" / "graph.svg"))


def test_a_terminal_of_ascii_alone_is_enough(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "fit", "norris", "--standardize"],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"1.0021168" in done.stdout


def test_json_has_null_where_there_is_no_number() -> None:
    result = run("steps", "x ** 0.5", "x=0", "--json")
    *_, last = json.loads(result.stdout)["steps"]
    assert (last["operand"], last["local"]) == ("x", None)  # it is infinite there


def test_the_folder_may_be_deep_or_there_already(here: Path) -> None:
    for _ in range(2):
        got = fit_json(*QUICK, "--out", "a/b")
        assert got["files"] == [str(Path("a", "b", name)) for name in FILES]
    assert sorted(p.name for p in (here / "a" / "b").iterdir()) == sorted(FILES)


def test_a_folder_that_may_not_be_written_is_noticed_before_training(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    assert str(here) in refusal(fit(*QUICK, "--out", "new/out"))
    assert not list(here.iterdir())


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_the_place_of_a_result_is_named_and_nothing_written(
    here: Path, name: str
) -> None:
    (here / "out" / name).mkdir(parents=True)
    assert str(Path("out", name)) in refusal(fit(*QUICK))
    assert [p.name for p in (here / "out").iterdir()] == [name]
