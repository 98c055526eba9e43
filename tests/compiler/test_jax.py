"""The same programs on JAX: under jit, over several devices, with the errors of the engine."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy
import pytest
from compiler.reference import executable_of

from tinygrad_lin import MLP, DomainError, Value, compile_graph, half_mse, log, sqrt

if TYPE_CHECKING:
    from collections.abc import Iterator

jax = pytest.importorskip("jax", reason="JAX is not installed")


@pytest.fixture(autouse=True)
def float64() -> Iterator[None]:
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def test_jax_gives_what_numpy_gives() -> None:
    model = MLP([3, 8, 8, 1])
    x, y = [Value(0.1), Value(0.2), Value(0.3)], Value(0.0)
    cost = half_mse([model(x)], [y])
    wrt = model.parameters()
    rng = numpy.random.default_rng(0)
    given = [p.data for p in wrt], rng.normal(size=(50, 3)), rng.normal(size=50)
    here = compile_graph(cost, batch=[x, y], wrt=wrt)
    there = compile_graph(cost, batch=[x, y], wrt=wrt, xp=jax.numpy)
    value, gradient = there.value_and_grad(*given)
    wanted, expected = here.value_and_grad(*given)
    assert isinstance(gradient, jax.Array)
    assert float(value) == pytest.approx(wanted, rel=1e-12)
    assert numpy.asarray(gradient) == pytest.approx(expected, rel=1e-10, abs=1e-14)
    assert numpy.asarray(there.jacobian(*given)) == pytest.approx(here.jacobian(*given), abs=1e-12)
    assert numpy.asarray(there.values(*given)) == pytest.approx(here.values(*given), rel=1e-12)


def test_a_row_outside_the_domain_is_the_same_error() -> None:
    w, x = Value(1.0, "w"), Value(1.0, "x")
    program = compile_graph(log(w * x), batch=[x], wrt=[w], xp=jax.numpy)
    with pytest.raises(DomainError, match="row 17 of the batch: log"):
        program.value_and_grad([1.0], [*range(1, 18), -1.0])


def test_an_infinite_gradient_is_that_of_the_engine() -> None:
    """The value is finite there, and only the gradient is what the engine says: infinite."""
    w, x = Value(1.0, "w"), Value(1.0, "x")
    program = compile_graph(sqrt(w * x), batch=[x], wrt=[w], xp=jax.numpy)
    value, gradient = program.value_and_grad([0.0], [1.0])
    assert (float(value), gradient.tolist()) == (0.0, [numpy.inf])


def test_programs_on_jax_run_under_jit() -> None:
    w = Value(1.0, "w")
    executable = executable_of(compile_graph(w + w, wrt=[w], xp=jax.numpy))
    assert hasattr(executable.program, "lower")  # Only what jax.jit returns has it.


def test_computing_in_float32_gives_a_warning() -> None:
    jax.config.update("jax_enable_x64", False)
    w = Value(1.0)
    with pytest.warns(UserWarning, match="jax_enable_x64"):
        compile_graph(w * w, wrt=[w], xp=jax.numpy)


SHARDED = """
import jax, numpy
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from tinygrad_lin import MLP, Value, compile_graph, half_mse
jax.config.update("jax_enable_x64", True)
assert len(jax.devices()) == 8
model = MLP([2, 16, 1])
x, y = [Value(0.1), Value(0.2)], Value(0.0)
cost = half_mse([model(x)], [y])
wrt = model.parameters()
rng = numpy.random.default_rng(0)
p, inputs, targets = [w.data for w in wrt], rng.normal(size=(64, 2)), rng.normal(size=64)
wanted, expected = compile_graph(cost, batch=[x, y], wrt=wrt).value_and_grad(p, inputs, targets)
mesh = Mesh(jax.devices(), ("rows",))
over_rows = NamedSharding(mesh, PartitionSpec("rows"))
inputs, targets = jax.device_put(inputs, over_rows), jax.device_put(targets, over_rows)
program = compile_graph(cost, batch=[x, y], wrt=wrt, xp=jax.numpy)
value, gradient = program.value_and_grad(p, inputs, targets)
assert len(gradient.sharding.device_set) == 8
assert abs(float(value) - wanted) < 1e-14
print(numpy.abs(numpy.asarray(gradient) - expected).max())
"""


def test_eight_devices_share_the_batch() -> None:
    flags = "--xla_force_host_platform_device_count=8"
    run = subprocess.run(
        [sys.executable, "-c", SHARDED],
        env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 1e-14
