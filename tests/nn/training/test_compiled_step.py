"""The compiled step gives what the recorded one gives."""

from __future__ import annotations

from typing import Any

import numpy
import pytest

from tinygrad_lin import (
    MLP,
    SGD,
    History,
    Linear,
    Module,
    binary_cross_entropy,
    fit,
    half_mse,
    hinge,
    load,
    mse,
)
from tinygrad_lin.nn.training.batches import as_arrays
from tinygrad_lin.nn.training.compiled_step import CompiledStep
from tinygrad_lin.nn.training.recorded_step import record_cost


def data(model: Module) -> list[float]:
    return [p.data for p in model.parameters()]


def the_same(x: Any, y: Any, **given: Any) -> tuple[History, History]:
    """Training by a program, and with the graph recorded in every step."""

    class Own(SGD):
        wants_graph = True

    make = given.pop("make", Linear)
    one, other = make(), make()
    lr = given.pop("lr", 0.01)
    programmed = fit(one, x, y, lr=lr, **given)
    recorded = fit(other, x, y, optimizer=Own(other.parameters(), lr), **given)
    assert programmed.recorded == ""
    assert recorded.recorded == "Own may want the graph"
    assert data(one) == pytest.approx(data(other), rel=1e-9, abs=1e-12)
    assert programmed.costs.tolist() == pytest.approx(recorded.costs.tolist(), rel=1e-9)
    return programmed, recorded


@pytest.mark.parametrize("given", [{}, {"batch_size": 3}, {"validation": 0.3}])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("norris", Linear),
        ("sine", lambda: MLP([1, 5, 4, 1])),
        ("moons", lambda: MLP([2, 5, 1], activation="relu")),
    ],
)
def test_a_program_trains_as_the_engine_does(name: str, make: Any, given: dict[str, Any]) -> None:
    points = load(name)
    lr = 1e-8 if name == "norris" else 0.05
    programmed, recorded = the_same(
        points.x, points.y, make=make, lr=lr, steps=30, tolerance=0.0, **given
    )
    assert programmed.validation == pytest.approx(recorded.validation, rel=1e-9)
    assert programmed.final is not None
    assert programmed.final.data == pytest.approx(programmed.costs[-1], rel=1e-12)


@pytest.mark.parametrize("loss", [half_mse, mse, hinge, binary_cross_entropy])
def test_every_loss_of_the_package_compiles(loss: Any) -> None:
    x, y = [0.5, -1.0, 2.0], [1.0, 0.0, 1.0]
    if loss is hinge:
        y = [1.0, -1.0, 1.0]
    the_same(x, y, loss=loss, steps=20, tolerance=0.0)


def test_a_graph_that_is_shown_has_the_program_s_numbers_and_no_other_is_changed() -> None:
    line, points = Linear(), load("norris")
    x, y = as_arrays(points.x, points.y)
    step = CompiledStep(line, half_mse, SGD(line.parameters(), 1e-8), x, y)
    p = numpy.array(data(line))
    cost, gradient = step.value_and_grad(p, x, y)
    shown = step.graph(p, x, y)
    assert (shown.data, shown.grad, shown.op, shown.label) == (cost, 1.0, "div", "C")
    assert [parameter.grad for parameter in line.parameters()] == gradient.tolist()
    recorded = step.recorded
    assert recorded is not None
    assert recorded.data == record_cost(line, x.tolist(), y.tolist(), half_mse).data
    assert shown.inputs == recorded.inputs
