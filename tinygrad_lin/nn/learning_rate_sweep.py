"""Learning rates tried out: which are too low, good, at the limit, and which diverge."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from tinygrad_lin._leaves import set_leaves
from tinygrad_lin.errors import DataError, DivergedError
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.nn.optimizers import learning_rate_limit
from tinygrad_lin.nn.training.fit import fit
from tinygrad_lin.nn.training.recorded_step import record_cost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tinygrad_lin.nn.data import Data
    from tinygrad_lin.nn.losses import Loss
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.value import Value

VERDICTS = ("too low", "good", "at the limit", "diverging")
TOO_LOW, GOOD, AT_THE_LIMIT, DIVERGING = VERDICTS
LIMIT_MARGIN = 0.01
"""A learning rate counts as at the limit if it is off by no more than this part of the limit."""
MAX_COST_LEFT = 0.01
"""A good learning rate leaves no more than this part of the cost that training can remove."""
LIMIT_PRECISION = 1e-5
"""How precisely the limit is measured, relative to it."""


@dataclass(frozen=True)
class Run:
    """Training at one learning rate.

    Attributes:
        rate: the learning rate.
        costs: the cost before the first step and after each; the last is infinite if it diverged.
        growth: the factor by which steps grow from one to the next, at the end.
        verdict: too low, good, at the limit, or diverging.
    """

    rate: float
    costs: list[float]
    growth: float
    verdict: str = ""


@dataclass(frozen=True)
class Sweep:
    """The same training at several learning rates.

    Attributes:
        runs: one for each rate, from the smallest to the largest, with its costs and verdict.
        measured: the rate at which steps begin to grow, searched between the runs to 5 digits;
            None where all of them shrink, or all grow.
        computed: 2 / λmax at the start, which is the limit where the cost is quadratic.
    """

    runs: list[Run]
    measured: float | None
    computed: float

    def __str__(self) -> str:
        lines = [f"{run.rate:<12.4g} {run.costs[-1]:<12.4g} {run.verdict}" for run in self.runs]
        measured = f"{self.measured:.5g}" if self.measured else "not among these rates"
        return "\n".join(
            [
                f"{'rate':<12} {'last cost':<12} verdict",
                *lines,
                f"limit measured  {measured}",
                f"limit computed  {self.computed:.5g} (2 / λmax)",
            ]
        )


def sweep(
    model: Module, data: Data, rates: Iterable[float], *, loss: Loss = half_mse, steps: int = 200
) -> Sweep:
    """Train a model by gradient descent at several learning rates, always from the same start.

    A rate is *diverging* where steps grow from one to the next, *at the limit* where they neither
    grow nor shrink by much, so that the cost jumps from side to side, *too low* where more than a
    hundredth of the cost that can be learned is left at the end, and else *good*.

    Args:
        model: left as it was.
        data: the points.
        rates: the learning rates, each above 0.
        loss: takes the predictions and the targets, gives the cost.
        steps: how many to take at each rate.

    Raises:
        DataError: there are no rates, or one is no learning rate.

    >>> from tinygrad_lin import Linear, load
    >>> tried = sweep(Linear(), load("line"), [1e-5, 0.1, 0.1834, 0.2])
    >>> [run.verdict for run in tried.runs]
    ['too low', 'good', 'at the limit', 'diverging']
    >>> round(tried.measured, 5), round(tried.computed, 5)
    (0.18335, 0.18335)
    """
    rates = sorted(rates)
    if not rates:
        raise DataError("a sweep needs at least one learning rate")
    if not isinstance(steps, int) or steps < 4:
        raise DataError(f"a sweep needs at least 4 steps to see them grow or shrink, not {steps!r}")
    runs, measured, computed = try_rates(model, data, rates, loss, steps)
    lowest = min(min(each.costs) for each in runs)
    judged = [replace(each, verdict=judge(each, lowest, measured)) for each in runs]
    return Sweep(judged, measured, computed)


def try_rates(
    model: Module, data: Data, rates: list[float], loss: Loss, steps: int
) -> tuple[list[Run], float | None, float]:
    """The runs at some rates, and the limit as measured between them and as computed."""
    parameters = model.parameters()
    start = [p.data for p in parameters]

    def run(rate: float) -> Run:
        set_leaves(parameters, start)
        return descend(model, data, rate, loss, steps)

    try:
        computed = learning_rate_limit(record_cost(model, data.x, data.y, loss), parameters)
        runs = [run(rate) for rate in rates]
        return runs, measure_limit(run, runs), computed
    finally:
        set_leaves(parameters, start)


def measure_limit(run: Callable[[float], Run], runs: list[Run]) -> float | None:
    """The rate at which steps begin to grow, by bisection between two of the runs.

    These are the first whose steps grow and the one before it, whose steps shrink.
    """
    growing = next((k for k, each in enumerate(runs) if each.growth > 1.0), 0)
    if growing == 0:
        return None
    below, above = runs[growing - 1].rate, runs[growing].rate
    while above / below > 1.0 + LIMIT_PRECISION:
        middle = math.sqrt(below * above)
        below, above = (below, middle) if run(middle).growth > 1.0 else (middle, above)
    return above


def descend(model: Module, data: Data, rate: float, loss: Loss, steps: int) -> Run:
    """Training at one rate, and the factor by which its steps grow at the end.

    The factor is that of the changes of the gradient from step to step, which are dominated by the
    steepest direction: along the others the gradient hardly changes.
    """
    costs: list[float] = []
    gradients: list[list[float]] = []

    def watch(step: int, cost: Value, model: Module) -> None:
        costs.append(cost.data)
        gradients.append([p.grad for p in model.parameters()])

    try:
        history = fit(
            model, data.x, data.y, loss=loss, lr=rate, steps=steps, tolerance=0.0, callbacks=[watch]
        )
    except DivergedError:
        return Run(rate, [*costs, math.inf], math.inf)
    if history.interrupted:
        raise KeyboardInterrupt
    changes = [math.dist(before, after) for before, after in pairwise(gradients)]
    middle, last = changes[len(changes) // 2], changes[-1]
    passed = len(changes) - 1 - len(changes) // 2
    return Run(rate, costs, (last / middle) ** (1 / passed) if middle else 0.0)


def judge(run: Run, lowest: float, limit: float | None) -> str:
    """The verdict on a run."""
    if limit and abs(run.rate / limit - 1.0) <= LIMIT_MARGIN:
        return AT_THE_LIMIT
    if run.growth > 1.0:
        return DIVERGING
    left = run.costs[-1] - lowest
    return TOO_LOW if left > MAX_COST_LEFT * (run.costs[0] - lowest) else GOOD
