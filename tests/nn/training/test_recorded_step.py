"""The recorded step: the plain form, against gradients by hand."""

from __future__ import annotations

from typing import Any

import pytest

from tinygrad_lin import (
    Linear,
    OperandError,
    Value,
    fit,
)

X, Y = [2.0, 4.0], [19.0, 35.0]


@pytest.mark.parametrize("cost", [3.0, None, [Value(1.0)]])
def test_a_loss_that_gives_no_value_is_refused(cost: Any) -> None:
    with pytest.raises(OperandError, match="loss must return a Value"):
        fit(Linear(), X, Y, loss=lambda *_: cost)
