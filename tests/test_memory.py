"""Nothing is left for the garbage collector, whatever was done with a graph."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tinygrad_lin import (
    DivergedError,
    DomainError,
    Linear,
    Value,
    check_gradients,
    compile_graph,
    draw,
    explain,
    fit,
    hessian,
    load,
    log,
    page,
    steps,
    sweep,
    tanh,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

X, Y = [2.0, 4.0], [19.0, 35.0]


def cost() -> tuple[Value, Value, Value, Value]:
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-0.1, "b")
    result = (19 - (w * x + b)) ** 2 / 2
    result.backward()
    return result, w, x, b


def draws() -> None:
    draw(cost()[0]).pipe("svg")


def explains() -> None:
    result, w, *_ = cost()
    str(steps(result))
    str(explain(result, w))


def checks() -> None:
    check_gradients(lambda a, b: tanh(a * b), 0.3, 0.4, order=2)


def compiles() -> None:
    result, w, x, b = cost()
    compile_graph(result, batch=[x], wrt=[w, b]).value_and_grad([1.0, 2.0], [3.0])
    compile_graph(result, wrt=[w, x, b]).value_and_grad([1.0, 2.0, 3.0])


def differentiates_twice() -> None:
    result, w, _, b = cost()
    hessian(result, [w, b])


def trains() -> None:
    fit(Linear(), X, Y, steps=20, callbacks=[lambda *_: None])


def sweeps() -> None:
    sweep(Linear(), load("line"), [0.1, 0.2], steps=10)


def fails() -> None:
    with suppress(DomainError):
        log(Value(-1.0, "w") * 2.0)


def diverges() -> None:
    with suppress(DivergedError):
        fit(Linear(), X, Y, lr=10.0, steps=3000)


@pytest.mark.parametrize(
    "feature",
    [draws, explains, checks, compiles, differentiates_twice, trains, sweeps, fails, diverges],
)
def test_no_reference_cycles(feature: Callable[[], None]) -> None:
    feature()
    feature()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        feature()
        gc.collect()
        kinds = sorted({f"{type(thing).__module__}.{type(thing).__name__}" for thing in gc.garbage})
        found = [thing for thing in gc.garbage if isinstance(thing, Value)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not found
    assert not kinds


def test_no_reference_cycles_in_a_page(tmp_path: Path) -> None:
    test_no_reference_cycles(lambda: page(cost()[0], tmp_path / "page.html"))


@pytest.mark.parametrize("recorded", [True, False])
def test_training_does_not_grow(recorded: bool) -> None:
    line = Linear()
    more: dict[str, Any] = {"callbacks": [lambda *_: None]} if recorded else {}
    fit(line, X, Y, lr=1e-9, steps=100, **more)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    fit(line, X, Y, lr=1e-9, steps=2_000, tolerance=0.0, **more)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 20_000
