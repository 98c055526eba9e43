"""How many wrong gradients do checkers catch, and how often do they cry wolf?

Random programs from `tinygrad_lin.check.strategies.expressions`; into each of them one mistake of
each kind is planted, somewhere. Our checker is asked of the right gradient and of the wrong ones,
and so are torch's gradcheck and JAX's check_grads, where they are installed, on the same programs
with their own default tolerances: they are given the program as a function with a derivative of
its own.

    python tests/benchmarks/checkers.py --programs 100000
    python tests/benchmarks/checkers.py --programs 10000 --checkers numbers-only,torch,jax
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from itertools import count as count_up
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tinygrad_lin import GradientMismatch, Value, check_gradients, topological_order
from tinygrad_lin.check.strategies import Formula, expressions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Gradient = Callable[..., list[float]]

PLANTS = ("none", "scaled by 1.001", "sign flipped", "operands swapped", "accumulation missing")
RTOL, ATOL = 1e-6, 1e-9  # those of check_gradients


def programs(count: int, first_seed: int) -> Iterator[Formula]:
    """So many different programs, of 2 inputs and up to 15 operations."""
    seen: set[str] = set()
    for batch in count_up(first_seed):
        for f in batch_of_programs(batch):
            name = f"{f} {f.point}"
            if name not in seen:
                seen.add(name)
                yield f
            if len(seen) == count:
                return


def batch_of_programs(number: int) -> list[Formula]:
    """Some programs, the same ones for the same number."""
    found: list[Formula] = []

    @seed(number)
    @settings(max_examples=2000, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(expressions(leaves=2, max_nodes=15))
    def collect(f: Formula) -> None:
        found.append(f)

    collect()
    return found


def planted(f: Callable[..., Any], plant: str, node: int, edge: int) -> Gradient:
    """The gradient of f by the chain rule, with one mistake at a node's edge."""

    def gradient(*point: float) -> list[float]:
        leaves = [Value(x) for x in point]
        order = topological_order(f(*leaves))
        grads = dict.fromkeys((*order, *leaves), 0.0)
        grads[order[-1]] = 1.0
        for place, each in reversed(list(enumerate(order))):
            partials = list(each.partials)
            for k, (operand, local) in enumerate(zip(each.inputs, partials)):
                share = grads[each] * local
                if (place, k) == (node, edge):
                    if plant == "scaled by 1.001":
                        share *= 1.001
                    elif plant == "sign flipped":
                        share = -share
                    elif plant == "operands swapped":
                        share = grads[each] * partials[k - 1]
                    elif plant == "accumulation missing":
                        grads[operand] = 0.0  # what was there is lost
                grads[operand] += share
        return [grads[leaf] for leaf in leaves]

    return gradient


def places_for(plant: str, order: Sequence[Value]) -> list[tuple[int, int]]:
    """The edges of a graph where such a mistake can be made, as places of node and operand."""
    edges = [(n, k) for n, node in enumerate(order) for k in range(len(node.inputs))]
    if plant == "operands swapped":
        return [(n, k) for n, k in edges if len(order[n].inputs) > 1]
    if plant == "accumulation missing":
        uses = Counter(operand for node in order for operand in node.inputs)
        return [(n, k) for n, k in edges if uses[order[n].inputs[k]] > 1]
    return edges


def matters(right: list[float], wrong: list[float]) -> bool:
    """Whether a mistake changes the gradient by more than twice the tolerance."""
    return any(
        not abs(a - b) <= 2.0 * (ATOL + RTOL * max(abs(a), abs(b))) for a, b in zip(right, wrong)
    )


# ------------------------------------------------------------------------------------ the checkers
def by_tinygrad_lin(f: Any, gradient: Gradient) -> str:
    """The verdict of our own checker."""
    try:
        report = check_gradients(f, *f.point, gradient=gradient)
    except GradientMismatch:
        return "wrong"
    found = {entry.verdict for entry in report.rows}
    return next(each for each in ("unclear", "kink", "ok") if each in found)


def by_numbers_only(f: Formula, gradient: Gradient) -> str:
    """The same of a function that takes no Values, as one of NumPy: it shows no graph."""

    class Hidden:
        point = f.point

        def __call__(self, *xs: float) -> Any:
            return f(*map(float, xs))  # a Value refuses

    return by_tinygrad_lin(Hidden(), gradient)


def by_torch(f: Formula, gradient: Gradient) -> str:
    """The verdict of torch.autograd.gradcheck."""
    import torch

    class Program(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(ctx: Any, *xs: Any) -> Any:
            ctx.point = [x.item() for x in xs]
            return torch.tensor(float(f(*ctx.point)), dtype=torch.float64)

        @staticmethod
        def backward(ctx: Any, upstream: Any) -> Any:
            derivatives = gradient(*ctx.point)
            return tuple(upstream * torch.tensor(each, dtype=torch.float64) for each in derivatives)

    inputs = [torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in f.point]
    try:
        torch.autograd.gradcheck(Program.apply, inputs)
    except (RuntimeError, ValueError):  # a wrong gradient, or a step out of the domain
        return "wrong"
    return "ok"


def by_jax(f: Formula, gradient: Gradient) -> str:
    """The verdict of jax.test_util.check_grads."""
    import jax
    import numpy
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def program(*xs: Any) -> Any:
        return numpy.float64(f(*map(float, xs)))

    def forward(*xs: Any) -> Any:
        return program(*xs), [float(x) for x in xs]

    def backward(point: Any, upstream: Any) -> Any:
        return tuple(upstream * each for each in gradient(*map(float, point)))

    program.defvjp(forward, backward)
    try:
        check_grads(program, [numpy.float64(x) for x in f.point], order=1, modes=["rev"])
    except (AssertionError, ValueError):
        return "wrong"
    return "ok"


CHECKERS = {
    "tinygrad_lin": by_tinygrad_lin,
    "numbers-only": by_numbers_only,
    "torch": by_torch,
    "jax": by_jax,
}


def main() -> None:
    """Count, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--checkers", default="tinygrad_lin")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=5, help="how many misses and alarms to print")
    options = parser.parse_args()
    names = options.checkers.split(",")
    chance = random.Random(options.seed)
    verdicts: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in names}
    seconds = dict.fromkeys(names, 0.0)
    shown = 0
    for f in programs(options.programs, options.seed):
        order = topological_order(f(*map(Value, f.point)))
        right = planted(f, "none", -1, -1)
        # In a corner itself no derivative is the right one, so mistakes may go unnoticed there.
        at_a_kink = " (kink)" if by_tinygrad_lin(f, right) == "kink" else ""
        for plant in PLANTS:
            node, edge = -1, -1
            if plant != "none":
                places = places_for(plant, order)
                if not places:
                    continue
                node, edge = chance.choice(places)
            gradient = planted(f, plant, node, edge)
            # Mistakes below the tolerance are none.
            if plant != "none" and not matters(right(*f.point), gradient(*f.point)):
                continue
            for name in names:
                begin = time.perf_counter()
                verdict = CHECKERS[name](f, gradient)
                seconds[name] += time.perf_counter() - begin
                verdicts[name][plant + at_a_kink, verdict] += 1
                mistaken = (verdict == "wrong") == (plant == "none")
                if name == names[0] and mistaken and not at_a_kink and shown < options.show:
                    shown += 1
                    print(f"{plant}: {verdict}: {f} at {f.point}, node {node}, edge {edge}")
    for name in names:
        counts = verdicts[name]
        print(f"\n{name} ({seconds[name] / sum(counts.values()) * 1e3:.2f} ms a check)")
        for plant in (*PLANTS, *(f"{plant} (kink)" for plant in PLANTS)):
            total = sum(counts[key] for key in counts if key[0] == plant)
            caught = counts[plant, "wrong"]
            others = {verdict: n for (kind, verdict), n in counts.items() if kind == plant}
            what = "false alarms" if plant.startswith("none") else "caught"
            print(f"  {plant:28}{total:8,} programs {caught:8,} {what}   {others}")


if __name__ == "__main__":
    main()
