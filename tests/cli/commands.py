"""Runs commands, and reads what they print and the files they write."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from tinygrad_lin.cli import main

COMMAND = [sys.executable, "-m", "tinygrad_lin"]
FILES = ["graph.svg", "fit.png", "loss.png", "model.json", "history.csv"]
W, B = 0.4967141530112327, -0.13826430117118466  # where the article's line starts


def run(
    *arguments: str, stdin: str | bytes | None = None, env: dict[str, str] | None = None
) -> Result:
    """Run a command in this process."""
    return CliRunner().invoke(main, arguments, input=stdin, env=env, prog_name="tinygrad-lin")


def fit(*arguments: str, stdin: bytes | None = None) -> Result:
    return run("fit", *arguments, stdin=stdin)


def fit_json(*arguments: str, stdin: bytes | None = None) -> dict[str, Any]:
    """The JSON object that fit prints, alone."""
    result = fit(*arguments, "--json", stdin=stdin)
    assert result.exit_code == 0, result.output
    assert not without_notes(result.stderr)
    parsed: dict[str, Any] = json.loads(result.stdout)
    return parsed


def refusal(result: Result, code: int = 2) -> str:
    """The one line of an error, after proof that it is one and that no results were printed."""
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code == code
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert line.isprintable()
    return line


def without_notes(stderr: str) -> list[str]:
    """The lines on standard error, but for advice."""
    return [line for line in stderr.splitlines() if not line.startswith("Note: ")]


def history_numbers(path: Path) -> list[list[float]]:
    """The numbers in a history.csv of a line, without the names of the columns."""
    with path.open(encoding="utf-8", newline="") as file:
        return [[float(cell) for cell in row] for row in list(csv.reader(file))[1:]]


def history_rows(path: str) -> list[dict[str, str]]:
    """The rows of a history.csv, cells by the names of their columns."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def svg_texts(path: Path) -> list[str]:
    root = ET.parse(path).getroot()
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    return [
        (text.text or "").replace("\xa0", " ").strip()
        for text in root.iter("{http://www.w3.org/2000/svg}text")
    ]


def half_mse(predictions: list[float], targets: list[float]) -> float:
    return sum((y - a) ** 2 for a, y in zip(predictions, targets)) / len(targets) / 2


@dataclass(frozen=True)
class Learned:
    """What one run of fit left behind."""

    folder: Path
    printed: subprocess.CompletedProcess[str]


class Terminal:
    """A process whose standard error is a terminal and whose standard output is a pipe."""

    def __init__(self, *arguments: str, cwd: Path) -> None:
        import pty

        self.screen, slave = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")}
        # A shell's background job, as we may be, ignores Ctrl-C and would hand that on.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color", "COLUMNS": "80"},
        )
        signal.signal(signal.SIGINT, before)
        os.close(slave)
        self.seen = b""

    def read(self, enough: Callable[[bytes], bool] = lambda _: False) -> None:
        """Read the screen until there is enough of it, or to the end."""
        while not enough(self.seen):
            try:
                more = os.read(self.screen, 4096)
            except OSError:  # on Linux, how a terminal ends
                return
            if not more:
                return
            self.seen += more

    def finish(self) -> bytes:
        """Read the screen to the end; gives what was printed."""
        self.read()
        assert self.process.stdout
        stdout = self.process.stdout.read()
        self.process.wait()
        return stdout
