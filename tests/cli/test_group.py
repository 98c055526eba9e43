"""The group of all commands: its help, its version, and how it ends."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import click
import pytest
from cli.commands import COMMAND, FILES, run

import tinygrad_lin
from tinygrad_lin.cli import main, options

posix = pytest.mark.skipif(os.name == "nt", reason="needs a POSIX system")
POINTS = "height,age,weight\n" + "".join(
    f"{160 + 3 * k},{20 + k * k % 30},{50 + 2.5 * k + k * k % 4}\n" for k in range(20)
)


# --help and --version


def examples(*command: str) -> list[str]:
    """The lines of the --help that are commands, each whole on its line."""
    text = run(*command, "--help").stdout
    return re.findall(r"^    (tinygrad-lin .*)$", text, re.MULTILINE)


@pytest.mark.parametrize("command", ["", *main.commands])
def test_every_example_in_the_help_runs(command: str, here: Path) -> None:
    (here / "points.csv").write_text(POINTS, encoding="utf-8")
    shown = examples(*([command] if command else []))
    assert shown
    for example in shown:
        program, *arguments = shlex.split(example)
        assert program == "tinygrad-lin"
        result = run(*arguments)
        assert result.exit_code == 0, (example, result.output)
        assert not [line for line in result.stderr.splitlines() if not line.startswith("Note: ")]


@pytest.mark.parametrize("command", list(main.commands))
def test_every_option_has_a_help_text(command: str) -> None:
    for parameter in main.commands[command].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["fit", "--help"], ["--version"]])
def test_help_and_version_are_on_standard_output(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    if arguments == ["--version"]:
        assert tinygrad_lin.__version__ in result.stdout
    else:
        assert "Usage:" in result.stdout
    if "fit" in arguments:
        for option in ("--x", "--y", "--lr", "--steps", "--tolerance", "--seed", "--out", "--json"):
            assert option in result.stdout


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").stdout == f"tinygrad-lin, version {tinygrad_lin.__version__}\n"


def test_the_program_alone_shows_its_help() -> None:
    assert run().stdout == run("--help").stdout
    assert run().exit_code == 0


def test_the_completion_scripts_named_in_the_help_exist() -> None:
    shells = re.findall(r"_TINYGRAD_LIN_COMPLETE=(\w+)_source", run("--help").stdout)
    assert shells == ["bash", "zsh", "fish"]
    for shell in ("zsh", "fish"):  # for bash, click asks the bash that is there for its version
        script = run(env={"_TINYGRAD_LIN_COMPLETE": f"{shell}_source"}).stdout
        assert "tinygrad-lin" in script


def test_every_command_has_a_file_of_its_own() -> None:
    for name, command in main.commands.items():
        assert command.callback
        assert command.callback.__module__ == f"tinygrad_lin.cli.{name}"


# How commands end


@pytest.mark.parametrize("arguments", [["dance"], ["--dance"], ["fit", "--dance"], ["check"]])
def test_unknown_commands_and_options_are_one_line(arguments: list[str]) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")


def test_a_real_process_ends_with_2_and_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "fit", "--lr", "-1"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


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
def test_errors_of_the_machine_and_interrupts_are_one_line(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def fail(*_: Any, **__: Any) -> NoReturn:
        raise error

    monkeypatch.setattr(options, "read_points", fail)
    result = run("fit")
    assert (result.exit_code, result.stderr) == (code, said)


def shell(redirection: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *COMMAND, *arguments],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@posix
def test_without_a_standard_error_fit_does_its_work(tmp_path: Path) -> None:
    done = shell("2>&-", "fit", "norris", "--standardize", cwd=tmp_path)
    assert done.returncode == 0
    assert "1.00211681802045" in done.stdout
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(FILES)


@posix
def test_without_a_standard_input_the_dash_is_a_clear_error(tmp_path: Path) -> None:
    done = shell("<&-", "fit", "-", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1


@posix
def test_a_reader_that_has_gone_causes_no_error_message(tmp_path: Path) -> None:
    done = shell("| :", "fit", "norris", "--standardize", cwd=tmp_path)
    assert done.stderr == ""
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == sorted(FILES)
