"""Hypothesis finds the strategy of Values, whichever of the two packages is imported first."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from hypothesis import find
from hypothesis import strategies as st

from tinygrad_lin import Value
from tinygrad_lin._hypothesis import register_strategies, strategy_for_values


def entry_point() -> str:
    """The hook that is given to Hypothesis when the package is installed."""
    with (Path(__file__).parent.parent / "pyproject.toml").open("rb") as file:
        entry: str = tomllib.load(file)["project"]["entry-points"]["hypothesis"]["tinygrad_lin"]
    return entry


def test_the_entry_point_is_the_hook() -> None:
    assert EntryPoint("tinygrad_lin", entry_point(), "hypothesis").load() is register_strategies


def test_the_hook_makes_hypothesis_draw_values_by_their_type() -> None:
    register_strategies()
    assert find(st.from_type(Value), lambda value: value.data > 1.0).data == 2.0
    assert find(strategy_for_values(Value), lambda value: True).data == 0.0


@pytest.mark.parametrize("first", ["hypothesis", "tinygrad_lin", "tinygrad_lin.check"])
def test_either_package_can_be_imported_first(first: str, tmp_path: Path) -> None:
    """The folder makes Python believe that the package is installed as it is here."""
    metadata = tmp_path / "tinygrad_lin-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: tinygrad_lin\nVersion: 0.1.0\n"
    )
    (metadata / "entry_points.txt").write_text(f"[hypothesis]\ntinygrad_lin = {entry_point()}\n")
    code = f"""
import {first}
import hypothesis, tinygrad_lin.check
from hypothesis import strategies as st
print(hypothesis.find(st.from_type(tinygrad_lin.Value), lambda value: True).data)
print(tinygrad_lin.check.strategies.__name__)
"""
    path = os.pathsep.join([str(tmp_path), *sys.path])
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": path}, cwd=tmp_path,
    )  # fmt: skip
    assert result.stderr == ""
    assert result.stdout.split() == ["0.0", "tinygrad_lin.check.strategies"]
