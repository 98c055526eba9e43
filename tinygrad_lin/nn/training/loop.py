"""The training loop: forward, cost, backward, update, again and again, unless it diverges."""

from __future__ import annotations

import math
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy

from tinygrad_lin._leaves import set_leaves
from tinygrad_lin.errors import DivergedError, DomainError, TinygradError
from tinygrad_lin.graph import first_nonfinite
from tinygrad_lin.nn.optimizers import MAX_HESSIAN_PARAMETERS, SGD, learning_rate_limit
from tinygrad_lin.nn.training.batches import ArrayBatches
from tinygrad_lin.nn.training.checkpoint import Checkpoint, is_checkpoint_due
from tinygrad_lin.nn.training.history import History
from tinygrad_lin.nn.training.recorded_step import RecordedStep, record_cost

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_lin.nn.data import Floats
    from tinygrad_lin.nn.training.fit import TrainingPlan

MAX_RECORDED_POINTS = 100_000
"""The graph of a cost of more points is not recorded."""


class TrainingLoop:
    """One run of a plan, from a checkpoint to the end or until interrupted.

    Attributes:
        p: the parameters.
        batch: the points of the last step that was evaluated.
        last: where training stood at that step; all its numbers are finite.
        calm: how many steps in a row have changed nothing, or had a gradient within the tolerance.
        flat: whether no component of the gradient is above the tolerance.
    """

    def __init__(self, plan: TrainingPlan, training_step: RecordedStep, start: Checkpoint) -> None:
        self.plan = plan
        self.training_step = training_step
        self.p: Floats = start.parameters
        self.last: Checkpoint = start
        self.batch: tuple[Floats, Floats] = plan.source.first
        self.source_is_over: bool = False
        self.calm: int = start.calm
        self.flat: bool = False
        # Where the sum of the squares is above this, one of them is above the tolerance.
        tolerance = plan.tolerance
        self.flat_squares: float = 2.0 * len(self.p) * tolerance**2 if tolerance > 0.0 else -1.0
        self.history: History = History(
            snapshots=list(start.snapshots), validation=list(start.validation),
            epoch=plan.source.steps_per_epoch, best=start.best, start=start.step,
        )  # fmt: skip

    @numpy.errstate(over="ignore", invalid="ignore")  # Every step checks its own numbers.
    def run(self) -> History:
        """Train, and leave the model with what was learned."""
        plan = self.plan
        try:
            for step in progress(self.last.step, plan.steps):
                gradient = self.evaluate(step)
                if plan.callbacks:
                    self.call_back(step)
                if is_checkpoint_due(step):
                    self.write_checkpoint()
                if self.is_over(step):
                    break
                self.update(gradient)
                if self.history.converged:
                    break
        except KeyboardInterrupt:  # It may come in the middle of a step, which is undone.
            plan.optimizer.state, self.p = self.last.state, self.last.parameters
            self.history.interrupted = True
        self.finish()
        return self.history

    def evaluate(self, step: int) -> Floats:
        """The gradient at a step, once both training_step and validation are in the history."""
        plan, p = self.plan, self.p
        batch = plan.source.at(step)
        self.source_is_over = batch is None
        batch = batch or self.batch
        aside = plan.aside if step % self.history.epoch == 0 else None
        try:
            cost, gradient = self.training_step.value_and_grad(p, *batch)
            cost_aside = self.training_step.value(p, *aside) if aside else 0.0
            squares = gradient.dot(gradient)
            finite = math.isfinite(cost) and (
                math.isfinite(squares) or bool(numpy.isfinite(gradient).all())
            )
        except DomainError:
            finite = False
        if not finite:
            raise self.divergence_error(step, batch)
        self.last, self.batch = Checkpoint(step, p, plan.optimizer.state, self.calm), batch
        self.flat = bool(squares <= self.flat_squares and (abs(gradient) <= plan.tolerance).all())
        self.history.add(cost, p)
        if aside:
            self.history.validate(cost_aside, p)
        return gradient

    def call_back(self, step: int) -> None:
        """Show the graph to the callbacks, which may change the parameters."""
        graph = self.training_step.graph(self.p, *self.batch)
        for callback in self.plan.callbacks:
            callback(step, graph, self.plan.model)
        self.p = numpy.array([parameter.data for parameter in self.plan.model.parameters()])

    def is_over(self, step: int) -> bool:
        """Whether training ends before the update of this step."""
        history = self.history
        history.converged = self.flat and self.calm + 1 >= history.epoch
        without_gain = step - history.best.step if history.best else 0
        history.stopped = without_gain >= self.plan.patience * history.epoch
        ended = step == self.plan.steps or self.source_is_over
        return history.converged or history.stopped or ended

    def update(self, gradient: Floats) -> None:
        """Make the step; training has converged when an epoch of steps has moved nothing."""
        before, self.p = self.p, self.training_step.update(self.p, gradient)
        moved = self.p.tobytes() != before.tobytes()
        is_calm = self.plan.tolerance > 0.0 and (self.flat or not moved)
        self.calm = self.calm + 1 if is_calm else 0
        self.history.converged = self.calm >= self.history.epoch

    def write_checkpoint(self) -> None:
        """Write down where training stands, if there is a file for it."""
        if self.plan.checkpoint is not None:
            checkpoint = self.last.with_history(self.history)
            checkpoint.write(self.plan.checkpoint, self.plan.description)

    def finish(self) -> None:
        """Complete the history, and give the model its best parameters."""
        history, last = self.history, self.last
        if history.costs:
            history.end(last.parameters)
            self.write_checkpoint()
            if len(self.batch[0]) <= MAX_RECORDED_POINTS:
                with suppress(KeyboardInterrupt):
                    history.final = self.training_step.graph(last.parameters, *self.batch)
        best = history.best.parameters if history.best else self.p.tolist()
        set_leaves(self.plan.model.parameters(), best)

    def divergence_error(self, step: int, batch: tuple[Floats, Floats]) -> DivergedError:
        """The error that says what is not finite and what to do; the model goes back to ``last``.

        A DomainError at the first step is raised as it is: training did not even begin.
        """
        plan, cause = self.plan, None
        try:
            fault = describe_fault(plan, self.p, batch)
        except DomainError as error:
            if step == 0:
                raise
            # With tracebacks, the error would keep every local variable of the training alive.
            fault, cause = str(error), error.with_traceback(None)
            cause.__context__ = None
        self.last.restore(plan.model, plan.optimizer)
        source, rate = plan.source, plan.optimizer.lr
        points = (source.x, source.y) if isinstance(source, ArrayBatches) else batch
        limit = rate_limit(plan, *points)
        remedy = f"it converges below {limit:.5g}" if limit else "try a smaller one"
        result = DivergedError(
            f"training diverged at step {step} with a learning rate of {rate:g}; "
            f"{remedy} ({fault})",
            step=step, learning_rate=rate, limit=limit,
        )  # fmt: skip
        result.__cause__ = cause
        return result


def describe_fault(plan: TrainingPlan, p: Floats, batch: tuple[Floats, Floats]) -> str:
    """A sentence that names the first infinity or NaN, empty if the engine finds none."""
    training_step = RecordedStep(plan.model, plan.loss, plan.optimizer)
    cost, _ = training_step.value_and_grad(p, *batch)
    if not math.isfinite(cost):
        node = first_nonfinite(training_step.graph(p, *batch))
        return f"the first node that is not finite is {node!r}"
    for parameter in training_step.parameters:
        if not math.isfinite(parameter.grad):
            return f"the gradient of {parameter!r} is not finite"
    if plan.aside:
        training_step.value(p, *plan.aside)
    return ""


def rate_limit(plan: TrainingPlan, x: Floats, y: Floats) -> float | None:
    """The learning rate below which training converges, where that is known."""
    parameters = plan.model.parameters()
    too_many = len(parameters) > MAX_HESSIAN_PARAMETERS or len(x) > MAX_RECORDED_POINTS
    if type(plan.optimizer) is not SGD or too_many:
        return None
    try:
        cost = record_cost(plan.model, x.tolist(), y.tolist(), plan.loss)
        limit = learning_rate_limit(cost, plan.optimizer.parameters)
    except (TinygradError, ArithmeticError, ValueError):
        return None
    return None if limit == math.inf else limit


def progress(start: int, steps: int) -> Iterator[int]:
    """From the first step to the last, with a bar on standard error where that is a terminal."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield from range(start, steps + 1)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=steps)
        updated = time.monotonic()
        for step in range(start, steps + 1):
            yield step
            if time.monotonic() - updated > 0.1:
                updated = time.monotonic()
                bar.update(task, completed=step)
