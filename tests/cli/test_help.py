"""--help and its examples, completion, --json, and how every command ends."""

from __future__ import annotations

import json
import re
import shlex
import sys
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import click
import pytest
from click.testing import CliRunner, Result

import tinygrad_lin
from tinygrad_lin.cli import main, training
from tinygrad_lin.nn.datasets import DATASETS

POINTS = "height,age,weight\n" + "".join(
    f"{160 + 3 * k},{20 + k * k % 30},{50 + 2.5 * k + k * k % 4}\n" for k in range(20)
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "points.csv").write_text(POINTS, encoding="utf-8")
    return tmp_path


def run(*arguments: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(main, list(arguments), prog_name="tinygrad-lin", env=env)


def examples(*command: str) -> list[str]:
    """The lines of the --help that are commands, each whole on its line."""
    text = run(*command, "--help").stdout
    return re.findall(r"^    (tinygrad-lin .*)$", text, re.MULTILINE)


@pytest.mark.parametrize("command", ["", *main.commands])
def test_every_example_in_the_help_runs(command: str) -> None:
    shown = examples(*([command] if command else []))
    assert shown
    for example in shown:
        program, *arguments = shlex.split(example)
        assert program == "tinygrad-lin"
        result = run(*arguments)
        assert result.exit_code == 0, (example, result.output)
        assert not [line for line in result.stderr.splitlines() if not line.startswith("Note: ")]


@pytest.mark.parametrize("command", list(main.commands))
def test_every_option_has_its_help(command: str) -> None:
    for parameter in main.commands[command].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


def test_alone_it_shows_its_help() -> None:
    assert run().stdout == run("--help").stdout
    assert run().exit_code == 0


@pytest.mark.parametrize("arguments", [["dance"], ["--dance"], ["fit", "--dance"], ["check"]])
def test_what_it_does_not_know_is_one_line(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")


# The Tab key


def completed(line: str) -> list[str]:
    """What bash is told at the end of a line: plain words, and whether files are wanted."""
    words = line.split(" ")
    done = run(
        env={
            "_TINYGRAD_LIN_COMPLETE": "bash_complete",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
    )
    return [each.removeprefix("plain,") for each in done.stdout.splitlines() if each]


def test_the_scripts_named_in_the_help_exist() -> None:
    shells = re.findall(r"_TINYGRAD_LIN_COMPLETE=(\w+)_source", run("--help").stdout)
    assert shells == ["bash", "zsh", "fish"]
    for shell in ("zsh", "fish"):  # for bash, click asks the bash that is there for its version
        script = run(env={"_TINYGRAD_LIN_COMPLETE": f"{shell}_source"}).stdout
        assert "tinygrad-lin" in script


def test_names_of_sets_options_and_files_are_completed() -> None:
    assert completed("tinygrad-lin s") == ["steps", "sweep"]
    assert completed("tinygrad-lin fit no") == ["file,no", "norris"]
    assert {*DATASETS, "file,"} <= set(completed("tinygrad-lin sweep "))
    assert completed("tinygrad-lin fit --optimizer a") == ["adam"]
    assert "softplus" in completed("tinygrad-lin fit --activation s")
    assert completed("tinygrad-lin fit --hid") == ["--hidden"]
    assert completed("tinygrad-lin predict mo") == ["file,mo"]
    assert completed("tinygrad-lin predict model.json moo") == ["file,moo", "moons"]


# --json


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


def test_json_has_null_where_there_is_no_number() -> None:
    result = run("steps", "x ** 0.5", "x=0", "--json")
    *_, last = json.loads(result.stdout)["steps"]
    assert (last["operand"], last["local"]) == ("x", None)  # it is infinite there


def test_check_as_json() -> None:
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


def test_one_way_to_write_the_steps_at_a_time() -> None:
    result = run("steps", "x * x", "x=1", "--json", "--tex")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "choose one" in result.stderr


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout == f"tinygrad-lin, version {tinygrad_lin.__version__}\n"


def test_ctrl_c_while_libraries_load_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Loading(ModuleType):
        def __getattr__(self, name: str) -> NoReturn:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "tinygrad_lin.cli", Loading("tinygrad_lin.cli"))
    with pytest.raises(SystemExit) as ended:
        import_module("tinygrad_lin.__main__").main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "Error: interrupted\n"


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (MemoryError(), 2, "Error: there is not enough memory\n"),
        (KeyboardInterrupt(), 130, "Error: interrupted\n"),
        (
            OSError(28, "No space left on device", "file"),
            2,
            "Error: file: No space left on device\n",
        ),
    ],
)
def test_what_the_machine_has_not_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    monkeypatch.setattr(training, "choose", fail)
    result = CliRunner().invoke(main, ["fit"])
    assert (result.exit_code, result.stderr) == (code, said)
