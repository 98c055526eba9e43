"""The cost that is computed by hand."""

from __future__ import annotations

import pytest

from tinygrad_lin import Value


@pytest.fixture
def cost() -> tuple[Value, dict[str, Value]]:
    leaves = {
        name: Value(data, name) for name, data in {"w": 0.5, "x": 2.0, "b": -0.1, "y": 19.0}.items()
    }
    a = leaves["w"] * leaves["x"] + leaves["b"]
    a.label = "a"
    result = (a - leaves["y"]) ** 2 / 2
    result.label = "C"
    return result, leaves
