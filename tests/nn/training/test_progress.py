"""The progress bar."""

from __future__ import annotations

import pytest

from tinygrad_lin import (
    Linear,
    fit,
)

X, Y = [2.0, 4.0], [19.0, 35.0]


def test_nothing_is_printed_where_there_is_no_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    fit(Linear(), X, Y, steps=10)
    assert capfd.readouterr() == ("", "")
