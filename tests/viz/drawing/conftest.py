"""A drawing to test."""

from __future__ import annotations

import pytest

from tinygrad_lin import Drawing, Value, draw


@pytest.fixture
def product() -> Drawing:
    w, x = Value(2.0, "w"), Value(3.0, "x")
    a = w * x
    a.label = "a"
    a.backward()
    return draw(a)
