"""What Python and people ask of a Value beside arithmetic."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy
import pytest

from tinygrad_lin import OperandError, Value


def test_labels_are_text() -> None:
    with pytest.raises(OperandError, match="label is a str"):
        Value(1.0, 5)  # type: ignore[arg-type]
    with pytest.raises(OperandError, match="label is a str"):
        Value(1.0, numpy.array([]))  # type: ignore[arg-type]
    node = Value(1.0) + 1
    assert node.label == ""
    node.label = "sum"
    assert node.label == "sum"


def test_values_are_equal_by_identity_and_ordered_by_data() -> None:
    x, same, larger = Value(1.0), Value(1.0), Value(2.0)
    assert x != same
    assert len({x, same, x}) == 2
    assert {x: "x"}[x] == "x"
    assert x < larger
    assert larger <= Value(2.0)
    assert larger > 1.5 >= x
    assert not x < same
    assert sorted([larger, x]) == [x, larger]
    assert bool(x)
    assert not bool(Value(0.0))
    assert not Value(math.nan) < 1.0
    assert bool(numpy.equal(numpy.float64(1.0), cast("Any", x))) is False


def test_leaving_the_graph_silently_is_refused() -> None:
    x = Value(1.0, "x")
    for leave in (float, int, math.exp, lambda v: numpy.array([v], dtype=float)):
        with pytest.raises(TypeError, match=r"\.data") as caught:
            leave(x)
        assert "tinygrad_lin" in str(caught.value)
