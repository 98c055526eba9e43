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

from typing import TYPE_CHECKING, Any

from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.nn.optimizers import SGD, Optimizer
from tinygrad_lin.nn.training.batches import ArrayBatches
from tinygrad_lin.nn.training.compiled_step import CompiledStep
from tinygrad_lin.nn.training.history import History
from tinygrad_lin.nn.training.loop import TrainingLoop
from tinygrad_lin.nn.training.plan import TrainingPlan
from tinygrad_lin.nn.training.recorded_step import RecordedStep

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from tinygrad_lin.nn.losses import Loss
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.nn.training.plan import Callback


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
        validation: the part of points kept aside; the model ends as it did best on them.
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


def train(plan: TrainingPlan) -> History:
    """Run a plan, again with the engine if its program turns out to give something else."""
    start = plan.starting_point()
    try:
        passes, why_recorded = fastest_step(plan)
    except KeyboardInterrupt:
        return History(start=start.step, interrupted=True)
    history = TrainingLoop(plan, passes, start).run()
    can_repeat = isinstance(plan.source, ArrayBatches) and not history.interrupted
    if isinstance(passes, CompiledStep) and not passes.agrees and can_repeat:
        start.restore(plan.model, plan.optimizer)
        passes = RecordedStep(plan.model, plan.loss, plan.optimizer)
        history = TrainingLoop(plan, passes, start).run()
        why_recorded = "what the model or the loss does depends on the numbers"
    history.recorded = why_recorded
    return history


def fastest_step(plan: TrainingPlan) -> tuple[RecordedStep | CompiledStep, str]:
    """A compiled step, or a recorded one and why."""
    model, loss, optimizer = plan.model, plan.loss, plan.optimizer
    steps_itself = type(optimizer).step is not Optimizer.step
    if optimizer.wants_graph or steps_itself:
        why_recorded = f"{type(optimizer).__name__} may want the graph"
    elif not {*optimizer.parameters} <= {*model.parameters()}:
        why_recorded = "the optimizer has parameters that the model has not"
    else:
        try:
            return CompiledStep(model, loss, optimizer, *plan.source.first), ""
        except Exception as error:  # a user's model or loss may raise anything, and will again
            why_recorded = str(error)
    return RecordedStep(model, loss, optimizer), why_recorded
