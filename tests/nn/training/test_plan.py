"""Settings of a training that make no sense."""

from __future__ import annotations

import math
from typing import Any

import pytest

from tinygrad_lin import (
    DataError,
    Linear,
    Module,
    fit,
)

X, Y = [2.0, 4.0], [19.0, 35.0]

W, B = 0.4967141530112327, -0.13826430117118466

NAN, INF = math.nan, math.inf


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"lr": -0.1}, "learning rate"),
        ({"lr": 0.0}, "learning rate"),
        ({"lr": NAN}, "learning rate"),
        ({"lr": INF}, "learning rate"),
        ({"lr": "a"}, "learning rate"),
        ({"tolerance": "a"}, "tolerance"),
        ({"steps": 0}, "steps"),
        ({"steps": -5}, "steps"),
        ({"steps": True}, "steps"),
        ({"steps": 1.5}, "steps"),
        ({"steps": "10"}, "steps"),
        ({"tolerance": -1e-9}, "tolerance"),
        ({"tolerance": NAN}, "tolerance"),
        ({"tolerance": INF}, "tolerance"),
    ],
)
def test_settings_that_make_no_sense_are_refused(setting: dict[str, Any], said: str) -> None:
    line = Linear()
    with pytest.raises(DataError, match=said):
        fit(line, X, Y, **setting)
    assert data(line) == [W, B]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"batch_size": 0}, "batch size"),
        ({"batch_size": 2.5}, "batch size"),
        ({"batch_size": True}, "batch size"),
        ({"validation": 1.0}, "validation"),
        ({"validation": -0.1}, "validation"),
        ({"validation": math.nan}, "validation"),
        ({"patience": 0}, "patience"),
        ({"rng": -1}, "seed"),
        ({"rng": 1.5}, "seed"),
        ({"resume": True}, "nothing to resume"),
    ],
)
def test_settings_of_batches_and_validation_that_make_no_sense_are_refused(
    settings: Any, said: str
) -> None:
    line = Linear()
    before = data(line)
    with pytest.raises(DataError, match=said):
        fit(line, X, Y, **settings)
    assert data(line) == before


@pytest.mark.parametrize("setting", [{"validation": 0.5}, {"batch_size": 2}, {"checkpoint": "c"}])
def test_batches_one_after_the_other_have_no_validation_size_or_checkpoint(
    setting: dict[str, Any],
) -> None:
    with pytest.raises(DataError, match="give x and y"):
        fit(Linear(), [(X, Y)], **setting)
