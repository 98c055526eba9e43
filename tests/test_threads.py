"""Many threads and tasks at once: the same answers as one after the other, bit for bit."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy
import pytest

from tinygrad_lin import (
    MLP,
    TABLE,
    ExpressionError,
    Linear,
    Value,
    add_operation,
    check_gradients,
    compile_graph,
    draw,
    explain,
    fit,
    gradients,
    half_mse,
    hessian,
    jvp,
    no_gc,
    scope,
    steps,
    tanh,
    topological_order,
)
from tinygrad_lin._files import write_whole
from tinygrad_lin.expression import Expression
from tinygrad_lin.registry import remove_operation
from tinygrad_lin.scopes import open_scopes

THREADS = 16


@pytest.fixture(autouse=True)
def frequent_switches() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """What so many threads that begin together find."""
    start = threading.Barrier(THREADS)

    def begin(k: int) -> Any:
        start.wait()
        return work(k)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(begin, range(THREADS)))


def recorded(k: int) -> tuple[Value, list[Value]]:
    """A cost of its own for every k, of a few structures."""
    with scope(f"thread {k}"):
        w, b = Value(0.1 * k - 0.7, "w"), Value(0.3, "b")
        hidden = tanh(w * 2.0 + b)
        for _ in range(k % 5):
            hidden = hidden * w + b
        return (hidden - 1.0) ** 2 / 2, [w, b]


def recording(k: int) -> Any:
    cost, leaves = recorded(k)
    cost.backward()
    slopes = gradients(cost, leaves)
    along = jvp(cost, leaves, [1.0, -1.0])
    scopes = {node.scope for node in topological_order(cost)}
    found = [x.grad for x in leaves], [x.data for x in slopes], along.data, scopes
    return *found, hessian(cost, leaves).tobytes()


def compiling(k: int) -> Any:
    cost, leaves = recorded(k)
    program = compile_graph(cost, wrt=leaves)
    value, slopes = program.value_and_grad([0.2, 0.1])
    return value, slopes.tobytes(), program.source


def drawing(k: int) -> Any:
    cost, leaves = recorded(k)
    return draw(cost, path=leaves[0]).pipe("svg"), str(steps(cost)), explain(cost, leaves[0])


def checking(k: int) -> Any:
    return str(check_gradients(lambda w, b: tanh(w * k + b) ** 2, 0.3, -0.2, order=2))


def training(k: int) -> Any:
    model = MLP([1, 4, 1], rng=k) if k % 2 else Linear(rng=k)
    with no_gc():
        history = fit(model, [2.0, 4.0, 5.0], [19.0, 35.0, 43.0], lr=0.01, steps=30, tolerance=0.0)
    return history.costs, [p.data for p in model.parameters()]


def copying(k: int) -> Any:
    cost, leaves = SHARED
    again, (w, b) = pickle.loads(pickle.dumps((cost, leaves)))
    again.backward()
    return len(topological_order(again)), w.grad, b.grad


def running(k: int) -> Any:
    value, slopes = PROGRAM.value_and_grad(numpy.full(13, 0.1 * k), X[: 5 + k], Y[: 5 + k])
    return float(value), slopes.tobytes()


SHARED = recorded(3)
X, Y = numpy.linspace(-1.0, 1.0, 64), numpy.linspace(-1.0, 1.0, 64) ** 2
MODEL, POINT = MLP([1, 4, 1]), (Value(0.0, "x"), Value(0.0, "y"))
COST = half_mse([MODEL(POINT[0])], [POINT[1]])
PROGRAM = compile_graph(COST, batch=POINT, wrt=MODEL.parameters())


@pytest.mark.parametrize(
    "work", [recording, compiling, drawing, checking, training, copying, running]
)
def test_threads_find_what_one_finds(work: Callable[[int], Any]) -> None:
    assert at_once(work) == [work(k) for k in range(THREADS)]
    assert gc.isenabled()
    assert not open_scopes


def test_all_kinds_of_work_at_once() -> None:
    kinds = [recording, compiling, drawing, checking, training, copying, running]

    def work(k: int) -> Any:
        return kinds[k % len(kinds)](k)

    assert at_once(work) == [work(k) for k in range(THREADS)]


def test_rows_are_added_while_others_read_the_table() -> None:
    def work(k: int) -> Any:
        name = f"times_{k}"
        with scope(f"thread {k}"):
            function = add_operation(name, f"x * {k + 1}.0", (f"{k + 1}.0",))
            x = Value(2.0, "x")
            y = function(x) + Expression("x * x + tanh(x)")({"x": x})
        y.backward()
        program = compile_graph(y, wrt=[x])
        return y.scope, y.inputs[0].scope, x.grad, program.value([2.0]), str(steps(y))

    def again(k: int) -> Any:
        remove_operation(TABLE[f"times_{k}"])
        return work(k)

    try:
        assert at_once(work) == [again(k) for k in range(THREADS)]
        assert not open_scopes
    finally:
        for k in range(THREADS):
            remove_operation(TABLE[f"times_{k}"])


def test_of_rows_with_one_name_one_is_added() -> None:
    def work(k: int) -> float:
        try:
            return float(add_operation("mine", f"x * {k}.0", (f"{k}.0",))(1.0))
        except ExpressionError:
            return -1.0

    try:
        found = at_once(work)
        assert sorted(found)[-2] == -1.0
        assert Value(1.0).mine().data == max(found)  # type: ignore[attr-defined]
    finally:
        remove_operation(TABLE["mine"])


def test_the_table_can_be_read_while_a_row_is_added() -> None:
    for read in (TABLE.values, TABLE.items, TABLE.__iter__):
        for place, _ in enumerate(read()):
            if place == 0:
                add_operation("thrice", "x * 3.0", ("3.0",))
                remove_operation(TABLE["thrice"])
                add_operation("thrice", "x * 3.0", ("3.0",))
        remove_operation(TABLE["thrice"])


def test_the_collector_is_off_until_the_last_has_left() -> None:
    first, second = no_gc(), no_gc()
    first.__enter__()
    second.__enter__()
    first.__exit__()
    assert not gc.isenabled()
    second.__exit__()
    assert gc.isenabled()

    def work(k: int) -> bool:
        seen = False
        for _ in range(200):
            with first:
                seen |= gc.isenabled()
        return seen

    assert not any(at_once(work))
    assert gc.isenabled()


def test_one_scope_may_be_open_in_many_threads_and_tasks() -> None:
    shared = scope("shared")

    def work(k: int) -> set[tuple[str, ...]]:
        found = set()
        for _ in range(50):
            with shared, scope(f"{k}"), shared:
                found.add((Value(1.0) * 2.0).scope)
            found.add((Value(1.0) * 2.0).scope)
        return found

    assert at_once(work) == [{("shared", f"{k}", "shared"), ()} for k in range(THREADS)]

    async def task(k: int) -> set[tuple[str, ...]]:
        found = set()
        for _ in range(5):
            with shared:
                await asyncio.sleep(0)
                with scope(f"{k}"):
                    await asyncio.sleep(0)
                    found.add((Value(1.0) * 2.0).scope)
                    found.add((await asyncio.to_thread(Value(1.0).tanh)).scope)
        return found

    async def tasks() -> list[set[tuple[str, ...]]]:
        return await asyncio.gather(*[task(k) for k in range(THREADS)])

    assert asyncio.run(tasks()) == [{("shared", f"{k}")} for k in range(THREADS)]
    assert not open_scopes


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_files_written_at_once_leave_the_umask(tmp_path: Path) -> None:
    def work(k: int) -> None:
        for _ in range(20):
            write_whole(tmp_path / f"{k}", b"content")

    before = os.umask(0o077)
    try:
        at_once(work)
        assert os.umask(0o077) == 0o077
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
        assert len(list(tmp_path.iterdir())) == THREADS
    finally:
        os.umask(before)


IMPORTING = """
import sys, threading
sys.setswitchinterval(1e-6)
import tinygrad_lin
names = sorted(tinygrad_lin._LATE)
errors = []
def enter(k):
    for name in names[k:] + names[:k]:
        try:
            getattr(tinygrad_lin, name)
        except BaseException as error:
            errors.append(f"{name}: {error!r}")
threads = [threading.Thread(target=enter, args=(2 * k,)) for k in range(16)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(errors)
"""

PROCESSES = """
import math, multiprocessing, sys
from concurrent.futures import ProcessPoolExecutor
import tinygrad_lin
from tinygrad_lin import *
from tinygrad_lin.expression import Expression

x, w = Value(2.0, "x"), Value(0.5, "w")
cost = (w * x - 1.0) ** 2
program = compile_graph(cost, batch=[x], wrt=[w])
line = Linear()
if __name__ == "__main__":
    for method in ("fork", "spawn"):
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            print(method, flush=True)
            value, slopes = pool.submit(program.value_and_grad, [3.0], [1.0, 2.0]).result()
            print(float(value), slopes.tolist())
            slope, = pool.submit(gradients, cost, [w]).result()
            print(slope.data)
            print(pool.submit(line, 2.0).result().data == line(2.0).data)
            history = pool.submit(fit, line, [2.0, 4.0], [19.0, 35.0], steps=9).result()
            print(history.costs[-1] < history.costs[0])
            print(pool.submit(Expression("w * x"), {"w": 2.0, "x": 4.0}).result())
            print(pool.submit(check_gradients, tinygrad_lin.sin, 0.5).result().ok)
            for function, given, named in (
                (check_gradients, (sin, 0.5), {"gradient": math.sin}),
                (fit, (line, [2.0, 4.0], [19.0, 35.0]), {"lr": 10.0, "steps": 3000}),
                (log, (-1.0,), {}),
            ):
                try:
                    pool.submit(function, *given, **named).result()
                except TinygradError as error:
                    print(type(error).__name__, sorted(vars(error)))
"""
FOUND = """14.5 [12.0]
0.0
True
True
8.0
True
GradientMismatch ['report']
DivergedError ['learning_rate', 'limit', 'step']
DomainError []
"""


def run(script: str, tmp_path: Path) -> str:
    """What a script prints, whose warnings are errors."""
    path = tmp_path / "script.py"
    path.write_text(script)
    call = [sys.executable, str(path)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_rooms_are_entered_at_once(tmp_path: Path) -> None:
    assert run(IMPORTING, tmp_path) == "[]\n"


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot fork")
def test_forked_and_spawned_processes(tmp_path: Path) -> None:
    assert run(PROCESSES, tmp_path) == f"fork\n{FOUND}spawn\n{FOUND}"
