"""GradBench's problems beside torch and JAX: python tests/benchmarks/gradbench.py [--rounds N].

The time of one gradient, on one core: by the scripts in examples/gradbench as they are (eager: the
graph is recorded, run backward and freed), by compile_graph, and by torch and JAX where they are
installed, on whole arrays as their users write it and with jax.jit. All must agree before
they are timed; each is asked in turn, so that all see the same noise, and a ratio is the median of
the ratios within a round: how many times as long the other took. "First" is the time until the
first gradient, with recording, compiling and tracing.

saddle and particle are one derivative through the inner descent, or through the path, from
GradBench's start: reverse mode within forward mode (fr), or within reverse mode (rr). Only JAX
compiles a loop whose length depends on numbers, and only in forward mode.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read when NumPy, torch and JAX are loaded
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

import argparse
import gc
import importlib
import importlib.util
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin import Value, compile_graph

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Gradient = Callable[[], Any]

sys.path.insert(0, str(Path(__file__).parent.parent.parent / "examples" / "gradbench"))
descent, det, gmm, llsq, lse, ode, particle, saddle = map(
    importlib.import_module,
    ("descent", "det", "gmm", "llsq", "lse", "ode", "particle", "saddle"),
)
PEERS = [name for name in ("torch", "jax") if importlib.util.find_spec(name)]
WAYS = ["eager", "compiled", *PEERS]
RNG = numpy.random.RandomState(31337)  # GradBench's own


# ---------------------------------------------------------------- one gradient in each of the ways
def eager(f: Callable[[list[Value]], Value], x: NDArray[Any]) -> Gradient:
    numbers = x.tolist()

    def run() -> list[float]:
        leaves = [Value(number) for number in numbers]
        f(leaves).backward()
        return [leaf.grad for leaf in leaves]

    return run


def compiled(f: Callable[[list[Value]], Value], x: NDArray[Any]) -> Gradient:
    leaves = [Value(number) for number in x]
    program = compile_graph(f(leaves), wrt=leaves)
    return lambda: program.value_and_grad(x)[1]


def with_torch(f: Callable[[Any, Any], Any], x: NDArray[Any]) -> Gradient:
    import torch

    torch.set_num_threads(1)

    def run() -> Any:
        leaf = torch.tensor(x, requires_grad=True)
        return torch.autograd.grad(f(torch, leaf), leaf)[0].numpy()

    return run


def with_jax(f: Callable[[Any, Any], Any], x: NDArray[Any], mode: str = "grad") -> Gradient:
    import jax

    jax.config.update("jax_enable_x64", True)
    gradient = jax.jit(getattr(jax, mode)(lambda leaf: f(jax.numpy, leaf)))
    return lambda: numpy.asarray(gradient(x))


def ways(
    ours: Callable[[list[Value]], Value],
    theirs: Callable[[Any, Any], Any],
    x: NDArray[Any],
    program: Callable[[], Gradient] | None = None,
) -> dict[str, Callable[[], Gradient]]:
    """What makes a gradient, by its name."""
    return {
        "eager": lambda: eager(ours, x),
        "compiled": program or (lambda: compiled(ours, x)),
        "torch": lambda: with_torch(theirs, x),
        "jax": lambda: with_jax(theirs, x),
    }


# ------------------------------------- the problems, and how one writes them in the array libraries
def least_squares(n: int, m: int) -> dict[str, Any]:
    powers, sign = llsq.points(n, m)

    def theirs(xp: Any, x: Any) -> Any:
        residuals = xp.asarray(powers) @ x - xp.asarray(sign)
        return (residuals * residuals).sum() / 2

    x = RNG.rand(m)

    def program() -> Gradient:
        gradient = llsq.compiled(n, m)
        return lambda: gradient(x)

    return ways(lambda leaves: llsq.cost(leaves, n), theirs, x, program)


def log_sum(xp: Any, x: Any) -> Any:
    largest = xp.amax(x, -1, keepdims=True)
    return xp.log(xp.exp(x - largest).sum(-1)) + largest[..., 0]


def determinant(n: int) -> dict[str, Any]:
    def by_minors(rows: list[list[Any]]) -> Any:
        if len(rows) == 1:
            return rows[0][0]
        first, *below = rows
        value = 0.0
        for j, entry in enumerate(first):
            term = entry * by_minors([row[:j] + row[j + 1 :] for row in below])
            value = value - term if j % 2 else value + term
        return value

    def ours(leaves: list[Value]) -> Any:
        return det.det([leaves[i * n : (i + 1) * n] for i in range(n)])

    def theirs(xp: Any, x: Any) -> Any:
        return by_minors([[x[i * n + j] for j in range(n)] for i in range(n)])

    return ways(ours, theirs, RNG.rand(n * n))


def differential_equation(n: int, steps: int) -> dict[str, Any]:
    def theirs(xp: Any, x: Any) -> Any:
        def slope(y: Any) -> Any:
            return x * xp.concatenate([one, y[:-1]])

        h, one, y = 2.0 / steps, xp.ones(1, dtype=xp.float64), xp.zeros(n, dtype=xp.float64)
        for _ in range(steps):
            k1 = slope(y)
            k2 = slope(y + h / 2 * k1)
            k3 = slope(y + h / 2 * k2)
            k4 = slope(y + h * k3)
            y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return y[-1]

    return ways(lambda leaves: ode.solution(leaves, steps)[-1], theirs, RNG.rand(n))


def mixture(d: int, k: int, n: int) -> dict[str, Any]:
    rng, lower = numpy.random.default_rng(31337), d * (d - 1) // 2
    points, alpha, mu = rng.normal(size=(n, d)), rng.normal(size=k), rng.uniform(size=(k, d))
    q, below = rng.normal(size=(k, d)), rng.normal(size=(k, lower))
    x = numpy.concatenate([alpha, mu.ravel(), q.ravel(), below.ravel()])
    diagonal = numpy.eye(d)[:, :, None] * numpy.eye(d)  # where each entry of q, and of l, stands
    beneath = numpy.zeros((lower, d, d))
    beneath[(numpy.arange(lower), *numpy.triu_indices(d, 1)[::-1])] = 1.0

    def split(flat: Any) -> list[Any]:
        rows = [flat[k + j * d : k + (j + 1) * d] for j in range(2 * k)]
        rest = flat[k + 2 * k * d :]
        return [flat[:k], rows[:k], rows[k:], [rest[j * lower : (j + 1) * lower] for j in range(k)]]

    def theirs(xp: Any, flat: Any) -> Any:
        alpha, *rows = split(flat)
        mu, q, below = map(xp.stack, rows)
        factors = xp.einsum("kl,lij->kij", xp.exp(q), xp.asarray(diagonal))
        factors = factors + xp.einsum("kl,lij->kij", below, xp.asarray(beneath))
        z = xp.einsum("kij,nkj->nki", factors, xp.asarray(points)[:, None] - mu)
        exponents = alpha + q.sum(1) - (z * z).sum(2) / 2
        return (log_sum(xp, exponents) - log_sum(xp, alpha)).sum() - (factors * factors).sum() / 2

    def program() -> Gradient:
        leaves, point = [Value(number) for number in x], [Value(0.0) for _ in range(d)]
        alpha, mu, q, below = split(leaves)
        parts = [gmm.component(*each) for each in zip(alpha, mu, q, below)]
        posterior = gmm.log_likelihood(point, alpha, parts) + gmm.log_prior(parts, q, 0, 1.0) / n
        made = compile_graph(posterior, batch=[point], wrt=leaves)
        return lambda: n * made.value_and_grad(x, points)[1]

    return ways(
        lambda leaves: gmm.log_posterior(points.tolist(), split(leaves)), theirs, x, program
    )


# ----------------------------------------------------------------------- derivatives in derivatives
def nested(cost: Any, x: list[float], outer: str, theirs: Any) -> dict[str, Any]:
    at, mode = numpy.array(x), getattr(descent, outer)

    def ours() -> list[float]:
        return [slope.data for slope in mode(lambda point: cost(point, descent.reverse), x)]

    if outer == "reverse":
        return {"eager": lambda: ours, "torch": lambda: with_torch(theirs, at)}
    return {"eager": lambda: ours, "jax": lambda: with_jax(theirs, at, "jacfwd")}


def highest(x: Any, gradient: Any) -> Any:
    return saddle.f(x, descent.argmax(lambda y: saddle.f(x, y), gradient, [1.0, 1.0]))


def highest_with_torch(torch: Any, x: Any) -> Any:
    def f(y: Any) -> Any:
        return (y * y).sum() - (x * x).sum()

    def slopes(y: Any) -> Any:
        return torch.autograd.grad(f(y), y, create_graph=True)[0]

    y = torch.ones(2, dtype=torch.float64, requires_grad=True)
    value, slope, rate, good = f(y), slopes(y), 1e-5, 0
    while slope.norm() > 1e-5:
        if good == 10:
            rate, good = 2 * rate, 0
        if (rate * slope).norm() <= 1e-5:
            break
        there = y - rate * slope
        if (lower := f(there)) < value:
            y, value, slope, good = there, lower, slopes(there), good + 1
        else:
            rate, good = rate / 2, 0
    return -f(y)


def highest_with_jax(xp: Any, x: Any) -> Any:
    import jax

    def f(y: Any) -> Any:
        return (y * y).sum() - (x * x).sum()

    def step(state: Any) -> Any:
        y, slope, rate, good, _ = state
        rate, good = xp.where(good == 10, 2 * rate, rate), xp.where(good == 10, 0, good)
        there = y - rate * slope
        over = xp.linalg.norm(rate * slope) <= 1e-5
        better = ~over & (f(there) < f(y))
        y = xp.where(better, there, y)
        rate = xp.where(better | over, rate, rate / 2)
        return y, jax.grad(f)(y), rate, xp.where(better, good + 1, 0), over

    def going(state: Any) -> Any:
        _, slope, _, _, over = state
        return ~over & (xp.linalg.norm(slope) > 1e-5)

    start = xp.ones(2)
    y, *_ = jax.lax.while_loop(going, step, (start, jax.grad(f)(start), 1e-5, 0, False))
    return -f(y)


def potential(xp: Any, x: Any, w: Any) -> Any:
    dx, dy, other = x[0] - 10, x[1], x[1] - 10 + w
    return 1 / xp.sqrt(dx * dx + other * other) + 1 / xp.sqrt(dx * dx + dy * dy)


def miss_with_torch(torch: Any, w: Any) -> Any:
    x = torch.tensor([0.0, 8.0], dtype=torch.float64, requires_grad=True)
    velocity = torch.tensor([0.75, 0.0], dtype=torch.float64)
    while True:
        (slope,) = torch.autograd.grad(potential(torch, x, w[0]), x, create_graph=True)
        there = x + 0.1 * velocity
        if there[1] <= 0:
            return (x[0] - x[1] / velocity[1] * velocity[0]) ** 2
        x, velocity = there, velocity - 0.1 * slope


def miss_with_jax(xp: Any, w: Any) -> Any:
    import jax

    def step(state: Any) -> Any:
        x, velocity = state
        slope = jax.grad(lambda x: potential(xp, x, w[0]))(x)
        return x + 0.1 * velocity, velocity - 0.1 * slope

    def going(state: Any) -> Any:
        x, velocity = state
        return x[1] + 0.1 * velocity[1] > 0

    x, velocity = jax.lax.while_loop(going, step, (xp.array([0.0, 8.0]), xp.array([0.75, 0.0])))
    return (x[0] - x[1] / velocity[1] * velocity[0]) ** 2


def problems() -> Iterator[tuple[str, dict[str, Callable[[], Gradient]]]]:
    yield "llsq, 16 points, 128 powers", least_squares(16, 128)
    yield "llsq, 1,024 points, 128 powers", least_squares(1024, 128)
    yield "lse, 2,500 terms", ways(lse.logsumexp, log_sum, RNG.rand(2500))
    for n in (5, 6):
        yield f"det, {n} × {n}", determinant(n)
    yield "ode, 20 variables, 20 steps", differential_equation(20, 20)
    yield "ode, 1,000 variables, 1 step", differential_equation(1000, 1)
    yield "gmm, 5 components, 1,000 points", mixture(2, 5, 1000)

    def miss(point: Any, gradient: Any) -> Any:
        return particle.miss(point[0], gradient)

    yield "saddle, fr", nested(highest, [1.0, 1.0], "forward", highest_with_jax)
    yield "saddle, rr", nested(highest, [1.0, 1.0], "reverse", highest_with_torch)
    yield "particle, fr", nested(miss, [0.0], "forward", miss_with_jax)
    yield "particle, rr", nested(miss, [0.0], "reverse", miss_with_torch)


# --------------------------------------------------------------------------------------- measuring
def seconds(run: Gradient, budget: float) -> float:
    """Of one run: the mean over as many as fit into the budget."""
    count, start = 0, time.perf_counter()
    while not count or time.perf_counter() - start < budget:
        run()
        count += 1
    return (time.perf_counter() - start) / count


def row(makers: dict[str, Callable[[], Gradient]], rounds: int) -> dict[str, str]:
    """The cells of one problem."""
    runs, first, answers = {}, {}, {}
    for way in [way for way in WAYS if way in makers]:
        start = time.perf_counter()
        runs[way] = makers[way]()
        answers[way] = runs[way]()
        first[way] = time.perf_counter() - start
    for way, answer in answers.items():
        numpy.testing.assert_allclose(answer, answers["eager"], 1e-8, 1e-12, err_msg=way)
    gc.collect()
    gc.freeze()  # or the collector walks all that torch and JAX hold, for a graph of ours
    times: dict[str, list[float]] = {way: [] for way in runs}
    for _ in range(rounds):
        for way, run in runs.items():
            times[way].append(seconds(run, 0.05))
    cells = {way: f"{statistics.median(times[way]) * 1e3:.3g}" for way in runs}
    for way in ("compiled", "jax"):
        if way in first:
            cells[f"{way}, first"] = f"{first[way] * 1e3:,.0f}"
    for peer in PEERS:
        for way in ("eager", "compiled"):
            if peer in runs and way in runs:
                ratios = [theirs / ours for theirs, ours in zip(times[peer], times[way])]
                cells[f"{peer} / {way}"] = f"{statistics.median(ratios):.2g}"
    return cells


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", default="", help="problems whose names start like this")
    options = parser.parse_args()
    versions = [f"{name} {importlib.import_module(name).__version__}" for name in ("numpy", *PEERS)]
    print(f"CPython {platform.python_version()}, {', '.join(versions)}; times in ms\n")
    columns = ["eager", "compiled", "compiled, first", *PEERS, *["jax, first"] * ("jax" in PEERS)]
    columns += [f"{peer} / {way}" for way in ("eager", "compiled") for peer in PEERS]
    print("| problem |", " | ".join(columns), "|")
    print("|---|" + "---|" * len(columns))
    for name, makers in problems():
        if name.startswith(options.only):
            cells = row(makers, options.rounds)
            print(f"| {name} |", " | ".join(cells.get(c, "") for c in columns), "|", flush=True)


if __name__ == "__main__":
    main()
