"""How executables run: block by block, in threads, and with errors."""

from __future__ import annotations

from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import numpy
import pytest
from compiler.reference import close, executable_of

from tinygrad_lin import (
    TABLE,
    DomainError,
    Value,
    add_operation,
    compile_graph,
    dot,
    sigmoid,
    tanh,
)
from tinygrad_lin.compiler import cache, executables, strategy
from tinygrad_lin.compiler.executables import (
    ColumnExecutable,
    Executable,
    InPlaceExecutable,
    compile_functions,
)
from tinygrad_lin.registry import remove_operation


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_a_deep_graph_over_a_batch_runs_on_columns(
    rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "EXECUTABLES", OrderedDict())
    monkeypatch.setattr(strategy, "MAX_INSTRUCTIONS", 100)
    monkeypatch.setattr(strategy, "MAX_COLUMN_NUMBERS", 5_000)
    w, x, y = Value(0.7, "w"), Value(0.5, "x"), [Value(0.1), Value(0.2)]
    root = w * x
    for k in range(150):
        root = tanh(root * y[k % 2] + sigmoid(w)) + 0.01
    program = compile_graph(root, batch=[x, y], wrt=[w])
    assert isinstance(executable_of(program), ColumnExecutable)
    assert program.describe().endswith("on columns, one after the other")
    rng = numpy.random.default_rng(0)
    xs, ys = rng.normal(size=rows), rng.normal(size=(rows, 2))
    value, gradient = program.value_and_grad([0.7], xs, ys)
    monkeypatch.setattr(strategy, "MAX_INSTRUCTIONS", 10_000)
    cache.EXECUTABLES.clear()
    other = compile_graph(root, batch=[x, y], wrt=[w])
    assert isinstance(executable_of(other), InPlaceExecutable)
    wanted, expected = other.value_and_grad([0.7], xs, ys)
    assert value == pytest.approx(wanted, rel=1e-12)
    assert gradient == pytest.approx(expected, rel=1e-11)
    jacobian = program.jacobian([0.7], xs, ys)
    assert jacobian.shape == (rows, 1, 1)
    assert jacobian == pytest.approx(other.jacobian([0.7], xs, ys), rel=1e-11)


def test_blocks_of_a_large_batch_add_up() -> None:
    x, y, w, b = (Value(1.0, name) for name in "xywb")
    program = compile_graph((w * x + b - y) ** 2 / 2, batch=(x, y), wrt=[w, b])
    xs = numpy.linspace(-1, 1, 50_001)
    ys = 8 * xs + 3
    value, gradient = program.value_and_grad([2.0, 1.0], xs, ys)
    errors = 2.0 * xs + 1.0 - ys
    assert close(value, (errors**2).mean() / 2)
    assert close(gradient, [(errors * xs).mean(), errors.mean()])


def test_many_threads_run_one_program_at_once() -> None:
    x, w = [Value(0.5), Value(0.25)], [Value(0.1 * k) for k in range(12)]
    hidden = [tanh(dot(w[3 * k : 3 * k + 2], x, w[3 * k + 2])) for k in range(3)]
    program = compile_graph(dot(w[9:], hidden) ** 2, batch=[x], wrt=w)
    rng = numpy.random.default_rng(0)
    given = [(rng.normal(size=12), rng.normal(size=(300, 2))) for _ in range(16)]
    wanted = [program.value_and_grad(*each) for each in given]

    def again(k: int) -> bool:
        runs = [program.value_and_grad(*given[k]) for _ in range(50)]
        return all(v == wanted[k][0] and (g == wanted[k][1]).all() for v, g in runs)

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(again, range(16)))


def test_a_case_that_is_chosen_and_makes_no_number_is_an_error() -> None:
    f = add_operation(
        "bent", "log(x) if x > 1.0 else sqrt(x)", ("1.0 / x if x > 1.0 else 0.5 / out",)
    )
    try:
        x, w = Value(2.0, "x"), Value(1.0, "w")
        program = compile_graph(f(x) * w, batch=[x], wrt=[w])
        assert program.value([2.0], [0.25, 1.0]) == 1.5
        with pytest.raises(DomainError, match=r"row 1 of the batch: bent\(x\) has no value"):
            program.value([2.0], [0.25, -1.0])
    finally:
        remove_operation(TABLE["bent"])


def test_an_executable_notices_what_may_be_wrong_unless_it_runs_quietly() -> None:
    executable = Executable(lambda p, weight: (numpy.log(p), None), "", (1, 1))
    with pytest.raises(FloatingPointError):
        executable(numpy.array([-1.0]), [], 1)
    value, _ = executable.run_quietly(numpy.array([-1.0]), [], 1)
    assert numpy.isnan(value).all()


def test_arrays_are_kept_for_a_few_sizes_of_batch_only() -> None:
    x, w = Value(0.5, "x"), Value(0.25, "w")
    program = compile_graph(tanh(w * x), batch=[x], wrt=[w])
    for rows in range(1, 3 * executables.MAX_SIZES):
        program.value_and_grad([0.25], [0.5] * rows)
    executable = executable_of(program)
    assert isinstance(executable, InPlaceExecutable)
    assert 0 < len(executable.ready) <= executables.MAX_SIZES


def test_the_last_function_calls_the_others_and_is_in_no_cycle() -> None:
    sources = ["def one():\n    return 1\n", "def program():\n    return one() + two\n"]
    function = compile_functions(sources, {"two": 2})
    assert function() == 3
    assert "program" not in function.__globals__
