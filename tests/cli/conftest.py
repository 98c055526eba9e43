"""A folder to stand in, the article's line learned once, and a terminal to run commands in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cli.commands import COMMAND, Learned, Terminal


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """`python -m tinygrad_lin fit` without arguments: some 270,000 steps, made once."""
    folder = tmp_path_factory.mktemp("line")
    done = subprocess.run(
        [*COMMAND, "fit"], cwd=folder, capture_output=True, encoding="utf-8", check=False
    )
    return Learned(folder, done)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    made: list[Terminal] = []

    def make(*arguments: str) -> Terminal:
        made.append(Terminal(*arguments, cwd=tmp_path))
        return made[-1]

    yield make
    for each in made:
        each.process.kill()
        each.process.wait()
        assert each.process.stdout
        each.process.stdout.close()
        os.close(each.screen)
