"""Training: forward, cost, backward, update, again and again."""

from __future__ import annotations

import math
import sys
import time
from array import array
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_lin.errors import DataError, DivergedError, DomainError, OperandError, TinygradError
from tinygrad_lin.graph import first_nonfinite
from tinygrad_lin.nn.batches import Batches, split
from tinygrad_lin.nn.checkpoint import Checkpoint, Snapshot, training_of
from tinygrad_lin.nn.linear import features_of
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.nn.optim import SGD, is_real, learning_rate_limit
from tinygrad_lin.value import Value, number

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from tinygrad_lin.nn.linear import Module
    from tinygrad_lin.nn.optim import Optimizer

    Loss: TypeAlias = Callable[[list[Value], list[float]], Value]

MOST_CURVED = 64
"""Up to so many parameters a report of divergence affords the Hessian, for the limit."""


@dataclass
class History:
    """What happened in training.

    Attributes:
        costs: the cost before the first step and after each, so one more than steps; with
            mini-batches that of each step's batch.
        snapshots: cost and parameters before the first 100 steps, then of some 90 steps in every
            power of ten, and of the last.
        validation: the cost on the points kept aside, before every epoch.
        epoch: how many steps that is; 1 without mini-batches.
        best: where that was lowest.
        converged: whether the gradient fell to the tolerance (or no parameter moved any more).
        stopped: whether the cost on the points kept aside had ceased to fall.
        interrupted: whether Ctrl-C ended it.
        start: with how many steps it went on from a checkpoint; ``costs`` begin there.
        final: the graph of the last cost, gradients included.
    """

    costs: array[float] = field(default_factory=lambda: array("d"))
    snapshots: list[Snapshot] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    epoch: int = 1
    best: Snapshot | None = None
    converged: bool = False
    stopped: bool = False
    interrupted: bool = False
    start: int = 0
    final: Value | None = None

    @property
    def steps(self) -> int:
        """How many updates were made."""
        return self.start + max(len(self.costs) - 1, 0)

    @property
    def outcome(self) -> str:
        """How it ended, in words."""
        if self.converged:
            return "converged"
        if self.stopped:
            return "stopped early"
        return "interrupted" if self.interrupted else "not converged"

    def add(self, cost: Value, parameters: Sequence[float]) -> None:
        """Note where training has come to."""
        self.final = cost
        self.costs.append(cost.data)
        if len(self.snapshots) > 1 and not worth_keeping(self.snapshots[-1].step):
            self.snapshots.pop()  # it was there only as the last
        self.snapshots.append(Snapshot(self.steps, cost.data, tuple(parameters)))

    def validate(self, cost: float, parameters: Sequence[float]) -> None:
        """Note the cost on the points kept aside, just after :meth:`add`."""
        self.validation.append(cost)
        if self.best is None or cost < self.best.cost:
            self.best = Snapshot(self.steps, cost, tuple(parameters))

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
    batch_size: int | None = None,
    rng: int = 42,
    validation: float = 0.0,
    patience: int = 100,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> History:
    """Train a model on points, all of them in every step unless in mini-batches.

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
            no parameter (with mini-batches: throughout an epoch); 0 makes all the steps.
        callbacks: each called as callback(step, cost, model) before every update and at the end,
            when gradients are fresh.
        batch_size: how many points a step learns from; every epoch goes through all in a new order.
        rng: a seed for that order, and for which points are kept aside.
        validation: the part of the points to keep aside, from 0 up to 1. The model ends with the
            parameters that did best on them.
        patience: stop when they have done so for so many epochs.
        checkpoint: a file to write where training stands, now and then, when interrupted, and at
            the end unless there is nothing left to do.
        resume: go on from that file, to the same result as without a break.

    Raises:
        OperandError: the loss does not return a Value.
        DataError: x and y do not match or are not finite, a setting makes no sense, or the
            checkpoint is of another training.
        DivergedError: the cost or a gradient is no longer finite; the model keeps the last
            parameters for which they were.
        OSError: the checkpoint cannot be read or written.

    >>> from tinygrad_lin import Linear
    >>> line = Linear()
    >>> fit(line, [2.0, 4.0], [19.0, 35.0], lr=0.18, steps=5000).converged
    True
    >>> [round(p.data, 9) for p in line.parameters()]
    [8.0, 3.0]
    """
    rows, targets = points(x, y)
    whole("steps", steps)
    whole("patience", patience)
    if batch_size is not None:
        whole("the batch size", batch_size)
    if isinstance(rng, bool) or not isinstance(rng, int) or not 0 <= rng < 2**32:
        raise DataError(f"rng must be a seed, a whole number from 0 to {2**32 - 1}, not {rng!r}")
    if not is_real(tolerance) or not 0.0 <= tolerance < math.inf:
        raise DataError(f"the tolerance must be 0 or more and finite, not {tolerance!r}")
    if not 0.0 <= validation < 1.0:
        raise DataError(f"validation is a part of the points from 0 up to 1, not {validation}")
    if resume and checkpoint is None:
        raise DataError("there is nothing to resume from: give a checkpoint")
    parameters = model.parameters()
    optimizer = SGD(parameters, lr) if optimizer is None else optimizer
    callbacks = tuple(callbacks)
    training = training_of(
        model, optimizer, loss, (rows, targets),
        tolerance=tolerance, batch_size=batch_size, rng=rng, validation=validation,
        patience=patience,
    )  # fmt: skip
    here = Checkpoint(0, tuple([p.data for p in parameters]), optimizer.state)
    if checkpoint is not None and resume:
        here = Checkpoint.read(checkpoint, training)
        if here.step > steps:
            raise DataError(
                f"{checkpoint} is at step {here.step:,} already; give more steps than {steps:,}"
            )
        go_back_to(here, parameters, optimizer)
    aside: tuple[list[list[float]], list[float]] = [], []
    if validation:
        learn, kept = split(len(rows), validation, rng)
        aside = [rows[k] for k in kept], [targets[k] for k in kept]
        rows, targets = [rows[k] for k in learn], [targets[k] for k in learn]
    batches = Batches(len(rows), batch_size, rng)
    history = History(
        snapshots=list(here.snapshots), validation=list(here.validation),
        epoch=batches.in_an_epoch, best=here.best, start=here.step,
    )  # fmt: skip
    calm = here.calm
    try:
        for step in progress(here.step, steps):
            judged = validation > 0.0 and step % batches.in_an_epoch == 0
            batch = batches.at(step)
            try:
                cost = cost_of(model, [rows[k] for k in batch], [targets[k] for k in batch], loss)
                for parameter in parameters:
                    parameter.grad = 0.0
                cost.backward()
                on_the_others = cost_of(model, *aside, loss).data if judged else None
                fault, cause = what_is_not_finite(cost, parameters), None
            except DomainError as error:
                if step == 0:
                    raise
                fault, cause = str(error), error
            if fault:
                go_back_to(here, parameters, optimizer)
                again = partial(cost_of, model, rows, targets, loss)
                raise diverged(step, optimizer, fault, again) from cause
            here = Checkpoint(step, tuple([p.data for p in parameters]), optimizer.state, calm)
            history.add(cost, here.parameters)
            if on_the_others is not None:
                history.validate(on_the_others, here.parameters)
            for callback in callbacks:
                callback(step, cost, model)
            if checkpoint is not None and is_regular(step):
                with_history(here, history, batches).write(checkpoint, training)
            flat = tolerance > 0.0 and all(abs(p.grad) <= tolerance for p in parameters)
            history.converged = flat and calm + 1 >= batches.in_an_epoch
            without_gain = history.best and step - history.best.step
            history.stopped = (without_gain or 0) >= patience * batches.in_an_epoch
            if history.converged or history.stopped or step == steps:
                break
            optimizer.step(cost)
            moved = any(p.data != before for p, before in zip(parameters, here.parameters))
            calm = 0 if tolerance == 0.0 or (moved and not flat) else calm + 1
            if calm >= batches.in_an_epoch:
                history.converged = True
                break
    except KeyboardInterrupt:
        go_back_to(here, parameters, optimizer)  # it may have been in the midst of a step
        history.interrupted = True
    if checkpoint is not None and history.costs:
        if history.converged or history.stopped:
            Path(checkpoint).unlink(missing_ok=True)
        else:
            with_history(here, history, batches).write(checkpoint, training)
    if history.best:
        go_back_to(here._replace(parameters=history.best.parameters), parameters, optimizer)
    return history


def whole(name: str, count: int) -> None:
    """Refuse what is not a whole number of at least 1."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise DataError(f"{name} must be a whole number of at least 1, not {count!r}")


def go_back_to(here: Checkpoint, parameters: list[Value], optimizer: Optimizer) -> None:
    """Give parameters and optimizer what they had."""
    optimizer.state = here.state
    for parameter, data in zip(parameters, here.parameters):
        parameter.data = data


def with_history(here: Checkpoint, history: History, batches: Batches) -> Checkpoint:
    """A checkpoint that remembers what came before its step, which will be made again."""
    epochs = -(-here.step // batches.in_an_epoch)
    return here._replace(
        best=history.best,
        validation=tuple(history.validation[:epochs]),
        snapshots=tuple([each for each in history.snapshots if each.step < here.step]),
    )


def is_regular(step: int) -> bool:
    """Whether a checkpoint is written at a step: every 1,000, later every 10,000 steps."""
    return step > 0 and step % (1000 if step < 10_000 else 10_000) == 0


def cost_of(model: Module, rows: list[list[float]], targets: list[float], loss: Loss) -> Value:
    """The cost of a model's predictions."""
    cost = loss([model(row) for row in rows], targets)
    if not isinstance(cost, Value):
        raise OperandError(
            f"the loss must return a Value made from the predictions, not {cost!r:.60}"
        )
    return cost


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


def progress(start: int, steps: int) -> Iterator[int]:
    """From the first step to the last, with a bar on standard error where that is a terminal."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield from range(start, steps + 1)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=steps)
        shown = time.monotonic()
        for step in range(start, steps + 1):
            yield step
            if time.monotonic() - shown > 0.1:
                shown = time.monotonic()
                bar.update(task, completed=step)
