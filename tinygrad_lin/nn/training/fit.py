"""Training a model on points: `fit`.

>>> from tinygrad_lin import Linear, fit
>>> line = Linear()
>>> fit(line, [2.0, 4.0], [19.0, 35.0], lr=0.18, steps=5000).converged
True
>>> [round(p.data, 9) for p in line.parameters()]
[8.0, 3.0]

The cost of one point is compiled to a program that all points go through. Where that is not
possible, the graph is recorded anew in every step, and `History.recorded` says why: with Newton or
an optimizer of one's own, which may need the graph, and where the cost is not the mean of the costs
of single points.
"""

from __future__ import annotations

import math
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.nn.modules import require_positive_integer
from tinygrad_lin.nn.optimizers import SGD, Optimizer, is_real
from tinygrad_lin.nn.training.batches import ArrayBatches, StreamedBatches, as_arrays, split_indices
from tinygrad_lin.nn.training.checkpoint import Checkpoint, describe_training
from tinygrad_lin.nn.training.compiled_step import CompiledStep
from tinygrad_lin.nn.training.history import History
from tinygrad_lin.nn.training.loop import TrainingLoop
from tinygrad_lin.nn.training.recorded_step import RecordedStep

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from tinygrad_lin.nn.data import Floats
    from tinygrad_lin.nn.losses import Loss
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.value import Value

    Callback: TypeAlias = Callable[[int, Value, Module], object]


def fit(
    model: Module, x: Sequence[Any] | Iterable[tuple[Any, Any]], y: Sequence[float] | None = None,
    *, loss: Loss = half_mse, optimizer: Optimizer | None = None, lr: float = 0.01,
    steps: int = 1000, tolerance: float = 1e-12, callbacks: Iterable[Callback] = (),
    batch_size: int | None = None, rng: int = 42, validation: float = 0.0, patience: int = 100,
    checkpoint: str | os.PathLike[str] | None = None, resume: bool = False,
) -> History:  # fmt: skip
    """Train a model on points, all of them in every step unless in mini-batches.

    Shows a progress bar on a terminal. Ctrl-C ends the training and keeps what was learned.

    Args:
        model: its parameters are changed in place.
        x: features, (points,) or (points, inputs). Without y: an iterable of batches (x, y).
        y: the targets, of shape (points,).
        loss: takes the predictions and the targets, gives the cost.
        optimizer: SGD with the learning rate lr if not given.
        lr: the learning rate, above 0.
        steps: the largest number of updates.
        tolerance: stop if the gradient is no larger, or a step moves nothing; 0 makes all steps.
        callbacks: called as callback(step, cost, model) with fresh gradients before every update.
        batch_size: how many points a step learns from; epochs go through all in a new order.
        rng: a seed for that order, and for which points are kept aside.
        validation: the part of points kept aside; the model keeps what did best on them.
        patience: stop when the model has not done better on them for so many epochs.
        checkpoint: a file to write where training stands, now and then and at the end.
        resume: go on from that file, to the same result as without a break.

    Raises:
        OperandError: the loss does not return a Value.
        DataError: points or settings cannot be used, or the checkpoint is of another training.
        DivergedError: a number is no longer finite; the model keeps its last finite parameters.
        OSError: the checkpoint cannot be read or written.
    """
    return train(TrainingPlan(
        model, x, y, loss, SGD(model.parameters(), lr) if optimizer is None else optimizer, steps,
        tolerance, callbacks, batch_size, rng, validation, patience, checkpoint, resume,
    ))  # fmt: skip


@dataclass
class TrainingPlan:
    """The arguments of `fit`, validated, and what follows from them.

    Attributes:
        source: where the points of each step come from.
        aside: the points kept aside for validation.
        description: what tells this training from others, where there is a checkpoint.
    """

    model: Module
    x: InitVar[Any]
    y: InitVar[Any]
    loss: Loss
    optimizer: Optimizer
    steps: int
    tolerance: float
    callbacks: Iterable[Callback]
    batch_size: int | None
    rng: int
    validation: float
    patience: int
    checkpoint: str | os.PathLike[str] | None
    resume: bool
    source: ArrayBatches | StreamedBatches = field(init=False)
    aside: tuple[Floats, Floats] | None = field(init=False, default=None)
    description: dict[str, Any] = field(init=False, default_factory=dict)

    def __post_init__(self, x: Any, y: Any) -> None:
        self.validate_settings()
        self.callbacks = tuple(self.callbacks)
        if y is not None:
            self.take_points(*as_arrays(x, y))
        elif self.validation or self.batch_size or self.checkpoint is not None:
            raise DataError(
                "batches that come one after the other have no batch size, no validation and no "
                "checkpoint: give x and y for these"
            )
        else:
            self.source = StreamedBatches(x)

    def validate_settings(self) -> None:
        """Refuse settings that make no sense."""
        require_positive_integer("steps", self.steps)
        require_positive_integer("patience", self.patience)
        if self.batch_size is not None:
            require_positive_integer("the batch size", self.batch_size)
        rng, tolerance, part = self.rng, self.tolerance, self.validation
        if isinstance(rng, bool) or not isinstance(rng, int) or not 0 <= rng < 2**32:
            raise DataError(
                f"rng must be a seed, a whole number from 0 to {2**32 - 1}, not {rng!r}"
            )
        if not is_real(tolerance) or not 0.0 <= tolerance < math.inf:
            raise DataError(f"the tolerance must be 0 or more and finite, not {tolerance!r}")
        if not 0.0 <= part < 1.0:
            raise DataError(f"validation is a part of the points from 0 up to 1, not {part}")
        if self.resume and self.checkpoint is None:
            raise DataError("there is nothing to resume from: give a checkpoint")

    def take_points(self, x: Floats, y: Floats) -> None:
        """Divide the points into those to learn from and those kept aside."""
        if self.checkpoint is not None:
            self.description = describe_training(self, x, y)
        if self.validation:
            learn, aside = split_indices(len(x), self.validation, self.rng)
            self.aside = x[aside], y[aside]
            x, y = x[learn], y[learn]
        self.source = ArrayBatches(x, y, self.batch_size, self.rng)

    def starting_point(self) -> Checkpoint:
        """Where training begins: at the model's parameters, or at the checkpoint in a file."""
        if self.checkpoint is None or not self.resume:
            parameters = numpy.array([p.data for p in self.model.parameters()])
            return Checkpoint(0, parameters, self.optimizer.state)
        start = Checkpoint.read(self.checkpoint, self.description)
        if start.step > self.steps:
            raise DataError(
                f"{self.checkpoint} is at step {start.step:,} already; "
                f"give more steps than {self.steps:,}"
            )
        start.restore(self.model, self.optimizer)
        return start


def train(plan: TrainingPlan) -> History:
    """Run a plan, again with the engine if its program turns out to give something else."""
    start = plan.starting_point()
    try:
        training_step, why_recorded = fastest_step(plan)
    except KeyboardInterrupt:
        return History(start=start.step, interrupted=True)
    history = TrainingLoop(plan, training_step, start).run()
    can_repeat = isinstance(plan.source, ArrayBatches) and not history.interrupted
    if isinstance(training_step, CompiledStep) and not training_step.agrees and can_repeat:
        start.restore(plan.model, plan.optimizer)
        training_step = RecordedStep(plan.model, plan.loss, plan.optimizer)
        history = TrainingLoop(plan, training_step, start).run()
        why_recorded = "what the model or the loss does depends on the numbers"
    history.recorded = why_recorded
    return history


def fastest_step(plan: TrainingPlan) -> tuple[RecordedStep, str]:
    """A compiled step, or a recorded one and why."""
    model, loss, optimizer = plan.model, plan.loss, plan.optimizer
    overrides_step = type(optimizer).step is not Optimizer.step
    if optimizer.wants_graph or overrides_step:
        why_recorded = f"{type(optimizer).__name__} may want the graph"
    elif not {*optimizer.parameters} <= {*model.parameters()}:
        why_recorded = "the optimizer has parameters that the model does not have"
    else:
        try:
            return CompiledStep(model, loss, optimizer, *plan.source.first), ""
        except Exception as error:  # A user's model or loss may raise anything.
            why_recorded = str(error)
    return RecordedStep(model, loss, optimizer), why_recorded
