"""Training steps by compiled programs beside others: python programs.py [--rounds N]

The line on 1,000, 100,000 and 1,000,000 points, a net 2-16-16-1 on 100 points and one of
64-256-256-1 on 1,024, float64, with NumPy written by hand (plainly, and for the line with buffers
and BLAS), and with torch and JAX where they are installed. All are asked in turn, in one process on
one core, and checked against each other first; a ratio is the median of those within one round.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from functools import partial
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, Any

os.environ["OMP_NUM_THREADS"] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

import numpy

from tinygrad_lin import MLP, Value, compile_graph, half_mse

if TYPE_CHECKING:
    from collections.abc import Callable

    Step = Callable[[Any], tuple[Any, Any]]  # parameters to cost and gradient

RATE = 0.05


def line_here(x: Any, y: Any) -> Step:
    """The line by a program."""
    leaves = [Value(0.5, name) for name in "xywb"]
    cost = half_mse([leaves[2] * leaves[0] + leaves[3]], [leaves[1]])
    program = compile_graph(cost, batch=leaves[:2], wrt=leaves[2:])
    return lambda p: program.value_and_grad(p, x, y)


def line_plain(x: Any, y: Any) -> Step:
    """The line, one expression after the other."""

    def step(p: Any) -> tuple[Any, Any]:
        e = p[0] * x + p[1] - y
        return (e * e).mean() / 2, numpy.array([(e * x).mean(), e.mean()])

    return step


def line_tuned(x: Any, y: Any) -> Step:
    """The line in arrays made before, with BLAS."""
    e, ones, n = numpy.empty(len(x)), numpy.ones(len(x)), len(x)

    def step(p: Any) -> tuple[Any, Any]:
        numpy.multiply(x, p[0], out=e)
        numpy.add(e, p[1], out=e)
        numpy.subtract(e, y, out=e)
        return e.dot(e) / (2 * n), numpy.array([e.dot(x) / n, e.dot(ones) / n])

    return step


def net_here(sizes: list[int], x: Any, y: Any) -> Step:
    """A net by a program."""
    model = MLP(sizes)
    inputs, target = [Value(0.5) for _ in range(sizes[0])], Value(0.5)
    cost = half_mse([model(inputs)], [target])
    program = compile_graph(cost, batch=[inputs, target], wrt=model.parameters())
    return lambda p: program.value_and_grad(p, x, y)


def layers(sizes: list[int], p: Any) -> list[tuple[Any, Any]]:
    """The weights and biases in a vector of parameters."""
    found, begin = [], 0
    for m, n in pairwise(sizes):
        found.append((p[begin : begin + m * n].reshape(n, m), p[begin + m * n : begin + m * n + n]))
        begin += m * n + n
    return found


def net_plain(sizes: list[int], x: Any, y: Any) -> Step:
    """A net, forward and backward by hand."""

    def step(p: Any) -> tuple[Any, Any]:
        net = layers(sizes, p)
        hidden = [x]
        for w, b in net[:-1]:
            hidden.append(numpy.tanh(hidden[-1] @ w.T + b))
        w, b = net[-1]
        e = (hidden[-1] @ w.T + b)[:, 0] - y
        upstream = e[:, None] / len(x)
        slopes: list[Any] = []
        for (w, _), h in zip(reversed(net), reversed(hidden)):
            slopes = [(upstream.T @ h).ravel(), upstream.sum(0), *slopes]
            upstream = (upstream @ w) * (1.0 - h * h)
        return e @ e / (2 * len(x)), numpy.concatenate(slopes)

    return step


def cost_of_line(xp: Any, p: Any, x: Any, y: Any) -> Any:
    """For libraries that differentiate by themselves."""
    return ((p[0] * x + p[1] - y) ** 2).mean() / 2


def cost_of_net(xp: Any, p: Any, x: Any, y: Any, sizes: list[int]) -> Any:
    """For libraries that differentiate by themselves."""
    net = layers(sizes, p)
    h = x
    for w, b in net[:-1]:
        h = xp.tanh(h @ w.T + b)
    return (((h @ net[-1][0].T + net[-1][1])[:, 0] - y) ** 2).mean() / 2


def with_jax(cost: Callable[..., Any], x: Any, y: Any, *rest: Any) -> Step:
    """Under jit."""
    import jax

    jax.config.update("jax_enable_x64", True)
    x, y = jax.numpy.asarray(x), jax.numpy.asarray(y)
    both = jax.jit(jax.value_and_grad(lambda p: cost(jax.numpy, p, x, y, *rest)))

    def step(p: Any) -> tuple[Any, Any]:
        value, gradient = both(p)
        return value, gradient.block_until_ready()

    return step


def with_torch(cost: Callable[..., Any], x: Any, y: Any, *rest: Any) -> Step:
    """Eager."""
    import torch

    torch.set_num_threads(1)
    x, y = torch.from_numpy(x), torch.from_numpy(y)

    def step(p: Any) -> tuple[Any, Any]:
        leaf = torch.from_numpy(p).requires_grad_()
        value = cost(torch, leaf, x, y, *rest)
        value.backward()
        return value.item(), leaf.grad.numpy()

    return step


def problems() -> dict[str, tuple[Any, dict[str, Callable[[], Step]]]]:
    """For each problem the parameters to begin with, and who solves it."""
    rng = numpy.random.default_rng(0)
    found: dict[str, tuple[Any, dict[str, Callable[[], Step]]]] = {}
    for n in (1_000, 100_000, 1_000_000):
        x = rng.uniform(-1.0, 1.0, n)
        y = 8 * x + 3
        makers: dict[str, Callable[[], Step]] = {
            "this": partial(line_here, x, y),
            "NumPy, plain": partial(line_plain, x, y),
            "NumPy, tuned": partial(line_tuned, x, y),
            "JAX jit": partial(with_jax, cost_of_line, x, y),
            "torch eager": partial(with_torch, cost_of_line, x, y),
        }
        found[f"line, {n:,} points"] = numpy.zeros(2), makers
    for sizes, n in (([2, 16, 16, 1], 100), ([64, 256, 256, 1], 1_024)):
        x, y = rng.normal(size=(n, sizes[0])), rng.normal(size=n)
        count = sum((m + 1) * k for m, k in pairwise(sizes))
        makers = {
            "this": partial(net_here, sizes, x, y),
            "NumPy, plain": partial(net_plain, sizes, x, y),
            "JAX jit": partial(with_jax, cost_of_net, x, y, sizes),
            "torch eager": partial(with_torch, cost_of_net, x, y, sizes),
        }
        name = f"net {'-'.join(map(str, sizes))}, {n:,} points"
        found[name] = rng.normal(size=count) / numpy.sqrt(sizes[1]), makers
    return found


def main(rounds: int) -> None:
    """Print a table: the time of a step, and how many times ours the others take."""
    absent = {"JAX jit": find_spec("jax") is None, "torch eager": find_spec("torch") is None}
    names = ["this", "NumPy, plain", "NumPy, tuned", "JAX jit", "torch eager"]
    names = [name for name in names if not absent.get(name)]
    print(f"| | {' | '.join(names)} | first step here |")
    print("|---" * (len(names) + 2) + "|")
    for problem, (start, makers) in problems().items():
        begun = time.perf_counter()
        steps = {"this": makers["this"]()}
        steps["this"](start)
        first = time.perf_counter() - begun
        steps |= {name: makers[name]() for name in names[1:] if name in makers}
        wanted = steps["NumPy, plain"](start)
        for name, step in steps.items():
            value, gradient = step(start)
            assert numpy.isclose(float(value), wanted[0], rtol=1e-10), name
            assert numpy.allclose(numpy.asarray(gradient), wanted[1], rtol=1e-8, atol=1e-12), name
        times: dict[str, list[float]] = {name: [] for name in steps}
        count = max(1, int(0.02 / timed(steps["this"], start, 3)))
        for _ in range(rounds):
            for name, step in steps.items():
                times[name].append(timed(step, start, count))
        cells = []
        for name in names:
            if name not in times:
                cells.append("")
                continue
            ratio = statistics.median(t / u for t, u in zip(times[name], times["this"]))
            took = statistics.median(times[name])
            text = f"{took * 1e6:,.1f} µs" if took < 1e-3 else f"{took * 1e3:.2f} ms"
            cells.append(text + (f" ({ratio:.2f} ×)" if name != "this" else ""))
        print(f"| {problem} | {' | '.join(cells)} | {first * 1e3:.1f} ms |", flush=True)


def timed(step: Step, start: Any, count: int) -> float:
    """The seconds of a step of gradient descent."""
    p = start.copy()
    begun = time.perf_counter()
    for _ in range(count):
        _, gradient = step(p)
        p = p - RATE * numpy.asarray(gradient)
    return (time.perf_counter() - begun) / count


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    main(parser.parse_args().rounds)
