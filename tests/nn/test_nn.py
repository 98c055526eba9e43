"""The folder as users of PyTorch import it."""

from __future__ import annotations

import subprocess
import sys

import pytest

import tinygrad_lin
from tinygrad_lin import nn


@pytest.mark.parametrize(
    "name", [name for name, module in tinygrad_lin._LATE.items() if module == "nn"]
)
def test_every_name_that_the_package_has_of_nn_is_public_there(name: str) -> None:
    assert name in nn.__all__
    assert getattr(nn, name) is getattr(tinygrad_lin, name)


@pytest.mark.parametrize(
    "code",
    [
        "import tinygrad_lin.nn as nn; nn.MLP([2, 3, 1])([1.0, 2.0]).backward()",
        "from tinygrad_lin.nn import MLP, SGD, Adam, Linear, Module, fit, mse",
        "from tinygrad_lin.nn import *; Linear, fit, Newton, Optimizer, sweep",
        "from tinygrad_lin.nn.training.fit import fit",
        "from tinygrad_lin.nn.standardization import Standardization",
    ],
)
def test_nn_can_be_imported_first_and_in_any_way(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)
