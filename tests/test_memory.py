"""Nothing is left for the garbage collector, whatever was done with a graph."""

from __future__ import annotations

import copy
import gc
import pickle
import sysconfig
import tracemalloc
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tinygrad_lin import (
    MLP,
    Adam,
    DivergedError,
    DomainError,
    ExpressionError,
    Linear,
    TinygradError,
    Value,
    binary_cross_entropy,
    check_gradients,
    compile_graph,
    dot,
    draw,
    explain,
    fit,
    gradients,
    half_mse,
    hessian,
    jvp,
    load,
    log,
    no_gc,
    page,
    scope,
    steps,
    sweep,
    tanh,
    total,
)
from tinygrad_lin.cli import main
from tinygrad_lin.expression import Expression

if TYPE_CHECKING:
    from collections.abc import Callable

X, Y = [2.0, 4.0], [19.0, 35.0]
FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


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


def compiles_what_is_deep_or_wide() -> None:
    w = Value(0.5, "w")
    deep: Any = w
    for _ in range(300):
        deep = tanh(deep * 0.5)
    compile_graph(deep, wrt=[w]).value_and_grad([0.2])
    wide = total([tanh(w * (k / 700)) * w for k in range(700)])
    compile_graph(wide, wrt=[w]).value_and_grad([0.2])
    compile_graph(wide, batch=[w]).values([], [0.2, 0.3])


def copies() -> None:
    again = copy.deepcopy(pickle.loads(pickle.dumps(cost())))
    jvp(again[0], [again[1]], [1.0])


def names_parts() -> None:
    with scope("outer"), scope("inner"), no_gc():
        draw(cost()[0], path=None).source


def reads() -> None:
    Expression("tanh(w * x) ** 2")({"w": Value(1.0), "x": 2.0})
    with suppress(ExpressionError):
        Expression("w *")


def learns_classes() -> None:
    model = MLP([1, 3, 1], rng=1)
    fit(
        model, X, [0.0, 1.0], loss=binary_cross_entropy, optimizer=Adam(model.parameters()), steps=5
    )


def fails() -> None:
    with suppress(DomainError):
        log(Value(-1.0, "w") * 2.0)


def diverges() -> None:
    with suppress(DivergedError):
        fit(Linear(), X, Y, lr=10.0, steps=3000)


@pytest.mark.parametrize(
    "feature",
    [
        draws,
        explains,
        checks,
        compiles,
        compiles_what_is_deep_or_wide,
        differentiates_twice,
        copies,
        names_parts,
        reads,
        trains,
        learns_classes,
        sweeps,
        fails,
        diverges,
    ],
)
def test_no_reference_cycles(feature: Callable[[], None]) -> None:
    garbage = garbage_of(feature)
    assert not [thing for thing in garbage if isinstance(thing, Value)]
    if not FREE_THREADED:  # which leaves all functions to the collector
        assert not {f"{type(thing).__module__}.{type(thing).__name__}" for thing in garbage}


def garbage_of(feature: Callable[[], None]) -> list[Any]:
    """What only the collector would have freed, once all that is made once is made."""
    feature()
    feature()
    gc.collect()
    gc.disable()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        feature()
        gc.collect()
        return list(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()


def test_no_reference_cycles_in_a_page(tmp_path: Path) -> None:
    test_no_reference_cycles(lambda: page(cost()[0], tmp_path / "page.html"))


def test_no_reference_cycles_in_commands(tmp_path: Path) -> None:
    """But for those that plot: matplotlib's own cycles hold all frames that called it."""
    data = tmp_path / "line.csv"
    data.write_text("x\n2\n4\n")
    calls = [
        ["draw", "tanh(w*x)", "w=0.5", "x=2", "-o", str(tmp_path / "graph.svg")],
        ["steps", "tanh(w*x)", "w=0.5", "x=2"],
        ["check", "tanh(w*x)", "w=0.5", "x=2"],
        ["play", "w*x", "w=0.5", "x=2", "-o", str(tmp_path / "page.html")],
        ["predict", str(tmp_path / "model.json"), str(data)],
    ]
    Linear().save(tmp_path / "model.json")

    def commands() -> None:
        for call in calls:
            main(call, standalone_mode=False)

    test_no_reference_cycles(commands)


def logs_of_a_negative_number() -> None:
    log(Value(-1.0, "w") * 2.0)


def divides_by_zero() -> None:
    w = Value(0.0, "w")
    total([1.0 / (w * 2.0), w])


def has_no_derivative() -> None:
    w = Value(0.0, "w")
    (w * 2.0) ** Value(-1.0)


def leaves_the_domain_of_a_sum() -> None:
    w = Value(1.0, "w")
    dot([w, w * 2.0], [w, "3"])  # type: ignore[list-item]


def is_no_number() -> None:
    Value(Value(1.0) * 2.0)  # type: ignore[arg-type]


def has_other_data_now() -> None:
    x = Value(2.0)
    square = x * x
    x.data = 5.0
    gradients(square, [x])


def is_wrong() -> None:
    check_gradients(lambda x: x * x, Value(3.0, "x"), gradient=lambda x: 3 * x)


def runs_away() -> None:
    fit(Linear(), X, Y, lr=10.0, steps=3000)


def runs_away_recorded() -> None:
    fit(Linear(), X, Y, lr=10.0, steps=3000, callbacks=[lambda *_: None])


def runs_out_of_a_domain() -> None:
    def loss(predictions: Any, targets: Any) -> Any:
        return half_mse(predictions, targets) + log(20.0 - predictions[0])

    fit(Linear(), X, Y, lr=0.5, steps=3000, loss=loss)


def a_program_leaves_the_domain() -> None:
    w = Value(1.0, "w")
    compile_graph(log(w * 2.0), wrt=[w]).value([-1.0])


def a_row_leaves_the_domain() -> None:
    w, x = Value(1.0, "w"), Value(1.0, "x")
    compile_graph(log(w * x), batch=[x], wrt=[w]).value([-1.0], [1.0, 2.0])


@pytest.mark.parametrize(
    "failure",
    [
        logs_of_a_negative_number,
        divides_by_zero,
        has_no_derivative,
        leaves_the_domain_of_a_sum,
        is_no_number,
        has_other_data_now,
        is_wrong,
        runs_away,
        runs_away_recorded,
        runs_out_of_a_domain,
        a_program_leaves_the_domain,
        a_row_leaves_the_domain,
    ],
)
def test_an_error_without_its_traceback_keeps_no_graph(failure: Callable[[], None]) -> None:
    """With it, every function on the way keeps what it worked with, as always in Python."""
    before = sum(isinstance(thing, Value) for thing in gc.get_objects())
    with pytest.raises(TinygradError) as caught:
        failure()
    kept = caught.value.with_traceback(None)
    del caught
    assert sum(isinstance(thing, Value) for thing in gc.get_objects()) == before
    assert str(kept)


@pytest.mark.parametrize("recorded", [True, False])
def test_training_does_not_grow(recorded: bool) -> None:
    line = Linear()
    more: dict[str, Any] = {"callbacks": [lambda *_: None]} if recorded else {}
    fit(line, X, Y, lr=1e-9, steps=1_000, **more)
    gc.collect()
    resident = resident_bytes()
    fit(line, X, Y, lr=1e-9, steps=10_000, tolerance=0.0, **more)
    gc.collect()
    assert resident_bytes() - resident < 1_000_000


@pytest.mark.parametrize("recorded", [True, False])
def test_training_leaves_nothing_behind(recorded: bool) -> None:
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


def resident_bytes() -> int:
    """What this process has in memory; 0 where Linux does not tell."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * 4096 if status.exists() else 0
