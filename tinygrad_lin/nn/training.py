"""Training: forward, cost, backward, update, again and again."""

from __future__ import annotations

import math
import sys
import time
from array import array
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.errors import DataError, DivergedError, DomainError, TinygradError, shown
from tinygrad_lin.graph import first_nonfinite
from tinygrad_lin.nn.batches import Points, Stream, split
from tinygrad_lin.nn.checkpoint import Checkpoint, Snapshot, training_of
from tinygrad_lin.nn.linear import features_of
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.nn.optim import SGD, Optimizer, is_real, learning_rate_limit
from tinygrad_lin.nn.passes import Programmed, Recorded, cost_of
from tinygrad_lin.value import Value, number

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tinygrad_lin.nn.linear import Module
    from tinygrad_lin.nn.passes import Floats, Loss

MOST_RECORDED = 100_000
"""Rows of which the last cost is recorded, for its graph."""
BLOCK = 1 << 16
"""Rows that are looked at together."""
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
        final: the graph of the last cost, gradients included; None if that is of more than
            100,000 rows.
        recorded: why the graph was recorded anew in every step; empty if it was compiled.
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
    recorded: str = ""

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

    def add(self, cost: float, parameters: Floats) -> None:
        """Note where training has come to."""
        self.costs.append(cost)
        if worth_keeping(self.steps):
            self.snapshots.append(Snapshot(self.steps, cost, tuple(parameters.tolist())))

    def validate(self, cost: float, parameters: Floats) -> None:
        """Note the cost on the points kept aside, just after :meth:`add`."""
        self.validation.append(cost)
        if self.best is None or cost < self.best.cost:
            self.best = Snapshot(self.steps, cost, tuple(parameters.tolist()))

    def end(self, parameters: Floats) -> None:
        """Keep the last snapshot, too."""
        if self.costs and (not self.snapshots or self.snapshots[-1].step < self.steps):
            last = Snapshot(self.steps, self.costs[-1], tuple(parameters.tolist()))
            self.snapshots.append(last)

    def __repr__(self) -> str:
        cost = f", cost {self.costs[-1]:.6g}" if self.costs else ""
        return f"<History: {self.steps} steps, {self.outcome}{cost}>"


def fit(
    model: Module,
    x: Sequence[Any] | Iterable[tuple[Any, Any]],
    y: Sequence[float] | None = None,
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

    The cost of one point is compiled to a program that all points go through. Where that cannot
    be, the graph is recorded anew in every step, and the history says why: with callbacks, which
    are given the graph, with Newton or an optimizer of your own, which may want it, and where the
    cost is not the mean of the costs of single points.

    Shows a progress bar where standard error is a terminal. Ctrl-C ends the training and keeps
    what was learned.

    Args:
        model: its parameters are changed in place.
        x: the points' features, of shape (points,) or (points, inputs), such as an array that
            ``numpy.load(path, mmap_mode="r")`` leaves in its file. Or, without y, an iterable of
            batches (x, y), such as a generator that reads them: each is one step.
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
            Of an array in a file a batch is a stretch.
        rng: a seed for that order, and for which points are kept aside.
        validation: the part of the points to keep aside, from 0 up to 1. The model ends with the
            parameters that did best on them.
        patience: stop when they have done so for so many epochs.
        checkpoint: a file to write where training stands, now and then, when interrupted, and at
            the end.
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
    aside: tuple[Floats, Floats] | None = None
    source: Points | Stream
    settings: dict[str, Any] = {}
    if y is None:
        if validation or batch_size or checkpoint is not None:
            raise DataError(
                "batches that come one after the other have no batch size, no validation and no "
                "checkpoint: give x and y for these"
            )
        source = Stream(x, points)
    else:
        rows, targets = points(x, y)
        if checkpoint is not None:
            settings = training_of(
                model, optimizer, loss, (rows, targets),
                tolerance=tolerance, batch_size=batch_size, rng=rng, validation=validation,
                patience=patience,
            )  # fmt: skip
        if validation:
            learn, kept = split(len(rows), validation, rng)
            aside = rows[kept], targets[kept]
            rows, targets = rows[learn], targets[learn]
        source = Points(rows, targets, batch_size, rng)
    start = Checkpoint(0, numpy.array([p.data for p in parameters]), optimizer.state)
    if checkpoint is not None and resume:
        start = Checkpoint.read(checkpoint, settings)
        if start.step > steps:
            raise DataError(
                f"{checkpoint} is at step {start.step:,} already; give more steps than {steps:,}"
            )
        go_back_to(start, parameters, optimizer)
    training = Training(
        model, loss, optimizer, source, aside, steps, tolerance, patience, tuple(callbacks),
        checkpoint, settings,
    )  # fmt: skip
    try:
        work, why_not = training.quickest()
    except KeyboardInterrupt:
        return History(start=start.step, interrupted=True)
    history = training.run(work, start)
    can_repeat = isinstance(source, Points) and not history.interrupted
    if isinstance(work, Programmed) and not work.agrees and can_repeat:
        go_back_to(start, parameters, optimizer)
        history = training.run(Recorded(model, loss, optimizer), start)
        why_not = "what the model or the loss does depends on the numbers"
    history.recorded = why_not
    return history


@dataclass
class Training:
    """One training: a model, how it learns, and what from."""

    model: Module
    loss: Loss
    optimizer: Optimizer
    source: Points | Stream
    aside: tuple[Floats, Floats] | None
    steps: int
    tolerance: float
    patience: int
    callbacks: tuple[Callable[[int, Value, Module], object], ...]
    checkpoint: str | os.PathLike[str] | None
    settings: dict[str, Any]

    def quickest(self) -> tuple[Recorded | Programmed, str]:
        """A program, or the engine and why."""
        parameters = self.model.parameters()
        own_step = type(self.optimizer).step is not Optimizer.step
        if self.optimizer.wants_graph or own_step:
            why_not = f"{type(self.optimizer).__name__} may want the graph"
        elif not {*self.optimizer.parameters} <= {*parameters}:
            why_not = "the optimizer has parameters that the model has not"
        else:
            try:
                return Programmed(self.model, self.loss, self.optimizer, *self.source.at(0)), ""
            except Exception as error:  # of the user's loss, too: what is wrong will be so again
                why_not = str(error)
        return Recorded(self.model, self.loss, self.optimizer), why_not

    @numpy.errstate(over="ignore", invalid="ignore")  # what overflows is seen in every step
    def run(self, work: Recorded | Programmed, start: Checkpoint) -> History:
        """Go on from where training stands, to the end or until interrupted."""
        parameters = self.model.parameters()
        history = History(
            snapshots=list(start.snapshots), validation=list(start.validation),
            epoch=self.source.in_an_epoch, best=start.best, start=start.step,
        )  # fmt: skip
        here, p, calm = start, start.parameters, start.calm
        x, y = batch = self.source.at(start.step)
        # Where the sum of the squared slopes is above this, one of them is above the tolerance.
        small = 2.0 * len(p) * self.tolerance**2 if self.tolerance > 0.0 else -1.0
        try:
            for step in progress(start.step, self.steps):
                over = self.source.is_over(step)
                x, y = (x, y) if over else self.source.at(step)
                kept_aside = self.aside if step % history.epoch == 0 else None
                try:
                    cost, slopes = work.cost_and_slopes(p, x, y)
                    on_the_others = work.cost(p, *kept_aside) if kept_aside else 0.0
                    size = slopes.dot(slopes)
                    fine = math.isfinite(cost) and (
                        math.isfinite(size) or bool(numpy.isfinite(slopes).all())
                    )
                except DomainError:
                    fine = False
                if not fine:
                    raise self.diverged(step, here, p, (x, y))
                here, batch = Checkpoint(step, p, self.optimizer.state, calm), (x, y)
                history.add(cost, p)
                if kept_aside:
                    history.validate(on_the_others, p)
                if self.callbacks:
                    graph = work.shown(p, *batch)
                    for callback in self.callbacks:
                        callback(step, graph, self.model)
                    p = numpy.array([parameter.data for parameter in parameters])
                if self.checkpoint is not None and is_regular(step):
                    with_history(here, history).write(self.checkpoint, self.settings)
                flat = bool(size <= small and (abs(slopes) <= self.tolerance).all())
                history.converged = flat and calm + 1 >= history.epoch
                without_gain = step - history.best.step if history.best else 0
                history.stopped = without_gain >= self.patience * history.epoch
                if history.converged or history.stopped or step == self.steps or over:
                    break
                before, p = p, work.step(p, slopes)
                moved = p.tobytes() != before.tobytes()
                calm = 0 if self.tolerance == 0.0 or (moved and not flat) else calm + 1
                if calm >= history.epoch:
                    history.converged = True
                    break
        except KeyboardInterrupt:
            self.optimizer.state, p = here.state, here.parameters  # it was in the midst of a step
            history.interrupted = True
        history.end(here.parameters)
        if self.checkpoint is not None and history.costs:
            with_history(here, history).write(self.checkpoint, self.settings)
        if len(batch[0]) <= MOST_RECORDED and history.costs:
            with suppress(KeyboardInterrupt):
                history.final = work.shown(here.parameters, *batch)
        best = history.best.parameters if history.best else p
        for parameter, data in zip(parameters, numpy.asarray(best).tolist()):
            parameter.data = data
        return history

    def diverged(
        self, step: int, here: Checkpoint, p: Floats, batch: tuple[Floats, Floats]
    ) -> DivergedError:
        """The error that says what is no longer finite, where training ran away, and what to do.

        Raises:
            DomainError: it did not even begin.
        """
        recorded = Recorded(self.model, self.loss, self.optimizer)
        cause = None
        try:
            recorded.cost_and_slopes(p, *batch)
            assert recorded.graph is not None
            fault = what_is_not_finite(recorded.graph, recorded.parameters)
            if self.aside and not fault:
                recorded.cost(p, *self.aside)
        except DomainError as error:
            if step == 0:
                raise
            # With tracebacks, the error would hold all that was at work here, and itself.
            fault, cause = str(error), error.with_traceback(None)
            cause.__context__ = None
        go_back_to(here, recorded.parameters, self.optimizer)
        everything = (self.source.x, self.source.y) if isinstance(self.source, Points) else batch
        limit = self.limit(here.parameters, *everything)
        remedy = f"it converges below {limit:.5g}" if limit else "try a smaller one"
        rate = self.optimizer.lr
        result = DivergedError(
            f"training diverged at step {step} with a learning rate of {rate:g}; {remedy} "
            f"({fault})",
            step=step, learning_rate=rate, limit=limit,
        )  # fmt: skip
        result.__cause__ = cause
        return result

    def limit(self, p: Floats, x: Floats, y: Floats) -> float | None:
        """The learning rate that would not have diverged, where it can be told."""
        if type(self.optimizer) is not SGD or len(p) > MOST_CURVED or len(x) > MOST_RECORDED:
            return None
        try:
            cost = cost_of(self.model, x.tolist(), y.tolist(), self.loss)
            limit = learning_rate_limit(cost, self.optimizer.parameters)
        except (TinygradError, ArithmeticError, ValueError):
            return None
        return None if limit == math.inf else limit


def whole(name: str, count: int) -> None:
    """Refuse what is not a whole number of at least 1."""
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise DataError(f"{name} must be a whole number of at least 1, not {count!r}")


def go_back_to(here: Checkpoint, parameters: list[Value], optimizer: Optimizer) -> None:
    """Give parameters and optimizer what they had."""
    optimizer.state = here.state
    for parameter, data in zip(parameters, here.parameters.tolist()):
        parameter.data = data


def with_history(here: Checkpoint, history: History) -> Checkpoint:
    """A checkpoint that remembers what came before its step, which will be made again."""
    epochs = -(-here.step // history.epoch)
    return here._replace(
        best=history.best,
        validation=tuple(history.validation[:epochs]),
        snapshots=tuple([each for each in history.snapshots if each.step < here.step]),
    )


def is_regular(step: int) -> bool:
    """Whether a checkpoint is written at a step: every 1,000, later every 10,000 steps."""
    return step > 0 and step % (1000 if step < 10_000 else 10_000) == 0


def worth_keeping(step: int) -> bool:
    """Whether a step is among the first 100, or one of 90 in its power of ten."""
    return step < 100 or step % 10 ** (len(str(step)) - 2) == 0


def points(x: Any, y: Any) -> tuple[Floats, Floats]:
    """The points as arrays of shape (points, inputs) and (points,), checked.

    Arrays of floats stay where they are, be it in a file.
    """
    rows, targets = (
        given if is_array(given) else numpy.array(lists(name, given))
        for name, given in (("x", x), ("y", y))
    )
    if not len(rows) and not len(targets):
        raise DataError("there are no points to learn from")
    if targets.ndim == 2 and targets.shape[1] != 1:
        raise DataError(f"y[0] must be one number: {shown(y[0])}")
    if len(rows) != len(targets):
        raise DataError(f"x has {len(rows)} points, y has {len(targets)}")
    rows, targets = rows.reshape(len(rows), -1), targets.reshape(-1)
    for name, entries in (("x", rows), ("y", targets)):
        for begin in range(0, len(entries), BLOCK):
            finite = numpy.isfinite(entries[begin : begin + BLOCK])
            if not finite.all():
                place = begin + int(numpy.argmin(finite.reshape(len(finite), -1).all(1)))
                raise DataError(f"{name}[{place}] is not finite: {entries[place]}")
    return rows, targets


def is_array(given: Any) -> bool:
    """Whether that is an array of numbers with a point in each row."""
    return isinstance(given, numpy.ndarray) and given.dtype.kind in "fiu" and 0 < given.ndim <= 2


def lists(name: str, given: Sequence[Any]) -> list[list[float]]:
    """Each entry of a sequence as a list of floats, all as long as the first."""
    if not hasattr(given, "__len__") or isinstance(given, str) or not getattr(given, "ndim", 1):
        raise DataError(f"{name} must be a sequence with one entry for each point")
    result = []
    for place, entry in enumerate(given):
        row = [entry] if isinstance(entry, str) else features_of(entry)
        try:
            result.append([number(value) for value in row])
        except TinygradError as error:
            raise DataError(f"{name}[{place}]: {error}") from None
        if len(result[-1]) != len(result[0]):
            raise DataError(
                f"{name}[{place}] has {len(result[-1])} features, {name}[0] has {len(result[0])}"
                if name == "x"
                else f"y[{place}] must be one number: {shown(entry)}"
            )
    return result


def what_is_not_finite(cost: Value, parameters: list[Value]) -> str:
    """A sentence that names the first infinity or NaN, empty if there is none."""
    if math.isfinite(cost.data):
        for parameter in parameters:
            if not math.isfinite(parameter.grad):
                return f"the gradient of {parameter!r} is not finite"
        return ""
    return f"the first node that is not finite is {first_nonfinite(cost)!r}"


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
