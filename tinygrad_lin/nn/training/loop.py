"""The training loop: forward, cost, backward, update, again and again."""

from __future__ import annotations

import math
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy

from tinygrad_lin._leaves import set_leaves
from tinygrad_lin.errors import DomainError
from tinygrad_lin.nn.training.checkpoint import Checkpoint, is_checkpoint_due
from tinygrad_lin.nn.training.divergence import MAX_RECORDED_POINTS, divergence_error
from tinygrad_lin.nn.training.history import History

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tinygrad_lin.nn.data import Floats
    from tinygrad_lin.nn.training.fit import TrainingPlan
    from tinygrad_lin.nn.training.recorded_step import RecordedStep


class TrainingLoop:
    """One run of a plan, from a checkpoint to the end or until interrupted.

    Attributes:
        p: the parameters.
        batch: the points of the last step that was evaluated.
        last: where training stood at that step; all its numbers are finite.
        calm: for how many steps on end nothing has happened.
        flat: whether no component of the gradient is above the tolerance.
    """

    def __init__(self, plan: TrainingPlan, passes: RecordedStep, start: Checkpoint) -> None:
        self.plan = plan
        self.passes = passes
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

    @numpy.errstate(over="ignore", invalid="ignore")  # every step looks for what overflows
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
        except KeyboardInterrupt:  # perhaps in the middle of a step, which is undone
            plan.optimizer.state, self.p = self.last.state, self.last.parameters
            self.history.interrupted = True
        self.finish()
        return self.history

    def evaluate(self, step: int) -> Floats:
        """The gradient at a step, once both passes and validation are in the history."""
        plan, p = self.plan, self.p
        batch = plan.source.at(step)
        self.source_is_over = batch is None
        batch = batch or self.batch
        aside = plan.aside if step % self.history.epoch == 0 else None
        try:
            cost, gradient = self.passes.value_and_grad(p, *batch)
            cost_aside = self.passes.value(p, *aside) if aside else 0.0
            squares = gradient.dot(gradient)
            finite = math.isfinite(cost) and (
                math.isfinite(squares) or bool(numpy.isfinite(gradient).all())
            )
        except DomainError:
            finite = False
        if not finite:
            raise divergence_error(plan, step, self.last, p, batch)
        self.last, self.batch = Checkpoint(step, p, plan.optimizer.state, self.calm), batch
        self.flat = bool(squares <= self.flat_squares and (abs(gradient) <= plan.tolerance).all())
        self.history.add(cost, p)
        if aside:
            self.history.validate(cost_aside, p)
        return gradient

    def call_back(self, step: int) -> None:
        """Show the graph to the callbacks, which may change the parameters."""
        graph = self.passes.graph(self.p, *self.batch)
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
        before, self.p = self.p, self.passes.update(self.p, gradient)
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
                    history.final = self.passes.graph(last.parameters, *self.batch)
        best = history.best.parameters if history.best else self.p.tolist()
        set_leaves(self.plan.model.parameters(), best)


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
