"""Own operations on a page, and what JavaScript cannot compute."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from viz.webpage.pages import Opened, same

from tinygrad_lin import (
    TABLE,
    ExpressionError,
    Value,
    add_operation,
    page,
)
from tinygrad_lin.registry import remove_operation


def test_an_operation_of_the_users_own_is_computed(opened: Callable[..., Opened]) -> None:
    bend = add_operation(
        "arch", "cosh(x) if x > 0 else 1.0 + x * x", ("sinh(x) if x > 0 else 2.0 * x",)
    )
    try:
        x = Value(2.0, "x")
        root = bend(x)
        tab = opened(root)
        root.backward()
        (up, down) = tab.evaluate([[2.0, None], [-3.0, None]])
        assert same(up["data"][1], math.cosh(2.0))
        assert same(up["grads"][0], x.grad)
        assert (down["data"][1], down["grads"][0]) == (10.0, -6.0)
        tab.tab.fill("#field0", "-3")
        assert "v1 = arch(x) = 1 + x · x" in tab.text("#steps")
    finally:
        remove_operation(TABLE["arch"])


def test_what_a_page_cannot_compute_stays_as_it_was_written(
    opened: Callable[..., Opened], tmp_path: Path
) -> None:
    bell = add_operation("bell", "erf(x)", ("1.1283791670955126 * exp(-x * x)",))
    odd = add_operation("odd", "float(int(x))", ("0.0",))
    try:
        tab = opened(bell(Value(1.0, "x")))
        assert "cannot be played: a page cannot compute erf" in tab.text("#fault")
        assert not tab.tab.is_visible("#play")
        assert tab.cell(1, 2) == math.erf(1.0)
        with pytest.raises(ExpressionError, match="odd use float"):
            page(odd(Value(1.0)), tmp_path / "odd.html")
    finally:
        remove_operation(TABLE["bell"])
        remove_operation(TABLE["odd"])
