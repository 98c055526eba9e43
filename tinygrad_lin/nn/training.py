"""Training: forward, cost, backward, update, again and again."""

from __future__ import annotations

import math
import sys
import time
from array import array
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin.errors import DataError, DivergedError, DomainError, TinygradError
from tinygrad_lin.graph import first_nonfinite
from tinygrad_lin.nn.linear import features_of
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.nn.optim import SGD, learning_rate_limit
from tinygrad_lin.value import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from tinygrad_lin.nn.linear import Module
    from tinygrad_lin.nn.optim import Optimizer
    from tinygrad_lin.value import Value

    Loss: TypeAlias = Callable[[list[Value], list[float]], Value]

MOST_CURVED = 64
"""Up to so many parameters a report of divergence affords the Hessian, for the limit."""


class Snapshot(NamedTuple):
    """The cost and the parameters after so many steps."""

    step: int
    cost: float
    parameters: tuple[float, ...]


@dataclass
class History:
    """What happened in training.

    Attributes:
        costs: the cost before the first step and after each, so one more than steps.
        snapshots: cost and parameters before the first 100 steps, then of some 90 steps in every
            power of ten, and of the last.
        converged: whether the gradient fell to the tolerance (or no parameter moved any more).
        interrupted: whether Ctrl-C ended it.
        final: the graph of the last cost, gradients included.
    """

    costs: array[float] = field(default_factory=lambda: array("d"))
    snapshots: list[Snapshot] = field(default_factory=list)
    converged: bool = False
    interrupted: bool = False
    final: Value | None = None

    @property
    def steps(self) -> int:
        """How many updates were made."""
        return max(len(self.costs) - 1, 0)

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        if self.converged:
            return "converged"
        return "interrupted" if self.interrupted else "not converged"

    def add(self, cost: Value, parameters: list[float]) -> None:
        """Note where training has come to."""
        self.final = cost
        self.costs.append(cost.data)
        if len(self.snapshots) > 1 and not worth_keeping(self.snapshots[-1].step):
            self.snapshots.pop()  # it was there only as the last
        self.snapshots.append(Snapshot(self.steps, cost.data, tuple(parameters)))

    def __repr__(self) -> str:
        cost = f", cost {self.costs[-1]:.6g}" if self.costs else ""
        return f"<History: {self.steps} steps, {self.outcome}{cost}>"


def fit(
    model: Module,
    x: Sequence[Any],
    y: Sequence[float],
    *,
    loss: Loss = half_mse,
    optimizer: Optimizer | None = None,
    lr: float = 0.01,
    steps: int = 1000,
    tolerance: float = 1e-12,
    callbacks: Iterable[Callable[[int, Value, Module], object]] = (),
) -> History:
    """Train a model on points, all of them in every step.

    Shows a progress bar where standard error is a terminal. Ctrl-C ends the training and keeps
    what was learned.

    Args:
        model: its parameters are changed in place.
        x: the points' features, of shape (points,) or (points, inputs).
        y: the targets, of shape (points,).
        loss: takes the predictions and the targets, gives the cost.
        optimizer: SGD with the learning rate lr if not given.
        lr: the learning rate, above 0.
        steps: the largest number of updates.
        tolerance: stop when no component of the gradient is larger than this, or when a step moves
            no parameter; 0 makes all the steps.
        callbacks: each called as callback(step, cost, model) before every update and at the end,
            when gradients are fresh.

    Raises:
        DataError: x and y do not match or are not finite, or a setting makes no sense.
        DivergedError: the cost or a gradient is no longer finite; the model keeps the last
            parameters for which they were.

    >>> from tinygrad_lin import Linear
    >>> line = Linear()
    >>> fit(line, [2.0, 4.0], [19.0, 35.0], lr=0.18, steps=5000).converged
    True
    >>> [round(p.data, 9) for p in line.parameters()]
    [8.0, 3.0]
    """
    rows, targets = points(x, y)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise DataError(f"steps must be a whole number of at least 1, not {steps!r}")
    if not 0.0 <= tolerance < math.inf:
        raise DataError(f"the tolerance must be 0 or more and finite, not {tolerance}")
    parameters = model.parameters()
    optimizer = SGD(parameters, lr) if optimizer is None else optimizer
    callbacks = tuple(callbacks)
    history = History()
    kept = [p.data for p in parameters]  # the last for which cost and gradient are finite
    try:
        for step in progress(steps):
            try:
                cost = cost_of(model, rows, targets, loss)
                for parameter in parameters:
                    parameter.grad = 0.0
                cost.backward()
                fault, cause = what_is_not_finite(cost, parameters), None
            except DomainError as error:
                if step == 0:
                    raise
                fault, cause = str(error), error
            if fault:
                for parameter, data in zip(parameters, kept):
                    parameter.data = data
                again = partial(cost_of, model, rows, targets, loss)
                raise diverged(step, optimizer, fault, again) from cause
            kept = [p.data for p in parameters]
            history.add(cost, kept)
            for callback in callbacks:
                callback(step, cost, model)
            flat = tolerance > 0.0 and all(abs(p.grad) <= tolerance for p in parameters)
            if flat or step == steps:
                history.converged = flat
                break
            optimizer.step(cost)
            if tolerance > 0.0 and kept == [p.data for p in parameters]:
                history.converged = True
                break
    except KeyboardInterrupt:
        history.interrupted = True
    return history


def cost_of(model: Module, rows: list[list[float]], targets: list[float], loss: Loss) -> Value:
    """The cost of a model's predictions."""
    return loss([model(row) for row in rows], targets)


def worth_keeping(step: int) -> bool:
    """Whether a step is among the first 100, or one of 90 in its power of ten."""
    return step < 100 or step % 10 ** (len(str(step)) - 2) == 0


def points(x: Sequence[Any], y: Sequence[float]) -> tuple[list[list[float]], list[float]]:
    """The points as lists of floats, checked."""
    rows, targets = numbers("x", x), numbers("y", y)
    for place, row in enumerate(targets):
        if len(row) != 1:
            raise DataError(f"y[{place}] must be one number: {y[place]!r:.60}")
    for place, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise DataError(f"x[{place}] has {len(row)} features, x[0] has {len(rows[0])}")
    if len(rows) != len(targets):
        raise DataError(f"x has {len(rows)} points, y has {len(targets)}")
    if not rows:
        raise DataError("there are no points to learn from")
    return rows, [target for (target,) in targets]


def numbers(name: str, given: Sequence[Any]) -> list[list[float]]:
    """Each entry of a sequence as a list of finite floats."""
    if not hasattr(given, "__len__") or isinstance(given, str) or not getattr(given, "ndim", 1):
        raise DataError(f"{name} must be a sequence with one entry for each point")
    result = []
    for place, entry in enumerate(given):
        row = [entry] if isinstance(entry, str) else features_of(entry)
        try:
            result.append([number(value) for value in row])
        except TinygradError as error:
            raise DataError(f"{name}[{place}]: {error}") from None
        if not all(map(math.isfinite, result[-1])):
            raise DataError(f"{name}[{place}] is not finite: {entry!r:.60}")
    return result


def what_is_not_finite(cost: Value, parameters: list[Value]) -> str:
    """A sentence that names the first infinity or NaN, empty if there is none."""
    if math.isfinite(cost.data):
        for parameter in parameters:
            if not math.isfinite(parameter.grad):
                return f"the gradient of {parameter!r} is not finite"
        return ""
    return f"the first node that is not finite is {first_nonfinite(cost)!r}"


def diverged(
    step: int, optimizer: Optimizer, fault: str, cost: Callable[[], Value]
) -> DivergedError:
    """The error that says where training ran away, and what learning rate would not."""
    limit = None
    if type(optimizer) is SGD and len(optimizer.parameters) <= MOST_CURVED:
        try:
            limit = learning_rate_limit(cost(), optimizer.parameters)
        except (TinygradError, ArithmeticError, ValueError):
            limit = None
    if limit == math.inf:
        limit = None
    remedy = f"it converges below {limit:.5g}" if limit else "try a smaller one"
    message = (
        f"training diverged at step {step} with a learning rate of {optimizer.lr:g}; {remedy} "
        f"({fault})"
    )
    return DivergedError(message, step=step, learning_rate=optimizer.lr, limit=limit)


def progress(steps: int) -> Iterator[int]:
    """0, 1, ..., steps, with a bar on standard error where that is a terminal."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield from range(steps + 1)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=steps)
        shown = time.monotonic()
        for step in range(steps + 1):
            yield step
            if time.monotonic() - shown > 0.1:
                shown = time.monotonic()
                bar.update(task, completed=step)
