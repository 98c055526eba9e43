"""The package's names by every way that people import them, each in a Python of its own."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tinygrad_lin


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("import tinygrad_lin.nn as nn; print(nn.MLP.__name__, nn.Linear.__name__)", "MLP Linear"),
        ("from tinygrad_lin.nn import MLP; print(len(MLP([2, 3, 1]).parameters()))", "13"),
        ("import tinygrad_lin; print(tinygrad_lin.nn.MLP is tinygrad_lin.MLP)", "True"),
        ("from tinygrad_lin import nn, MLP; print(nn.MLP is MLP)", "True"),
        (
            "import tinygrad_lin; print(tinygrad_lin.check.strategies.graphs.__name__)",
            "graphs",
        ),
        ("from tinygrad_lin import check; print(check.strategies.__name__)",
         "tinygrad_lin.check.strategies"),
        ("import tinygrad_lin.check.strategies as s; print(s.__name__)",
         "tinygrad_lin.check.strategies"),
        ("import tinygrad_lin; print(tinygrad_lin.compiler.__name__, tinygrad_lin.viz.__name__)",
         "tinygrad_lin.compiler tinygrad_lin.viz"),
        ("import tinygrad_lin as t; print(t.tanh is t.tanh, t.tanh(0.0), t.dot([2.0], [3.0]))",
         "True 0.0 6.0"),
        ("from tinygrad_lin import *; print(exp(Value(0.0)).data, MLP.__name__)", "1.0 MLP"),
    ],
)  # fmt: skip
def test_what_is_imported_is_there_in_a_fresh_python(code: str, printed: str) -> None:
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False
    )
    assert (result.stdout.strip(), result.stderr) == (printed, "")


def test_a_name_that_is_not_there_is_said_to_be_missing() -> None:
    for name in ("missing", "add", "files", "_missing"):
        assert not hasattr(tinygrad_lin, name)
    with pytest.raises(ImportError, match="cannot import name 'missing'"):
        from tinygrad_lin import missing  # noqa: F401


def test_the_strategies_are_there_after_a_check_too() -> None:
    code = (
        "import tinygrad_lin as t; t.check_gradients(lambda x: x * x, 2.0); "
        "import sys; assert 'hypothesis' not in sys.modules; print(t.check.strategies.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "tinygrad_lin.check.strategies"
