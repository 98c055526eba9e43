"""What to say when training diverges: what is no longer finite, and which rate would do."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tinygrad_lin.errors import DivergedError, DomainError, TinygradError
from tinygrad_lin.graph import first_nonfinite
from tinygrad_lin.nn.optimizers import SGD, learning_rate_limit
from tinygrad_lin.nn.training.batches import ArrayBatches
from tinygrad_lin.nn.training.recorded_step import RecordedStep, record_cost

if TYPE_CHECKING:
    from tinygrad_lin.nn.data import Floats
    from tinygrad_lin.nn.training.checkpoint import Checkpoint
    from tinygrad_lin.nn.training.fit import TrainingPlan

MAX_RECORDED_POINTS = 100_000
"""The graph of a cost of more points is not recorded."""
MAX_HESSIAN_PARAMETERS = 64
"""With more parameters, the Hessian would take too long for an error message."""


def divergence_error(
    plan: TrainingPlan, step: int, last: Checkpoint, p: Floats, batch: tuple[Floats, Floats]
) -> DivergedError:
    """The error that says what is not finite, and what to do; the model goes back to ``last``.

    Where training did not even begin, a DomainError is raised instead.
    """
    cause = None
    try:
        fault = find_fault(plan, p, batch)
    except DomainError as error:
        if step == 0:
            raise
        # With tracebacks, the error would keep every local variable of the training alive.
        fault, cause = str(error), error.with_traceback(None)
        cause.__context__ = None
    last.restore(plan.model, plan.optimizer)
    source = plan.source
    limit = rate_limit(plan, *(source.x, source.y) if isinstance(source, ArrayBatches) else batch)
    remedy = f"it converges below {limit:.5g}" if limit else "try a smaller one"
    rate = plan.optimizer.lr
    result = DivergedError(
        f"training diverged at step {step} with a learning rate of {rate:g}; {remedy} ({fault})",
        step=step, learning_rate=rate, limit=limit,
    )  # fmt: skip
    result.__cause__ = cause
    return result


def find_fault(plan: TrainingPlan, p: Floats, batch: tuple[Floats, Floats]) -> str:
    """A sentence that names the first infinity or NaN, empty if the engine finds none."""
    passes = RecordedStep(plan.model, plan.loss, plan.optimizer)
    cost, _ = passes.value_and_grad(p, *batch)
    if not math.isfinite(cost):
        return f"the first node that is not finite is {first_nonfinite(passes.graph(p, *batch))!r}"
    for parameter in passes.parameters:
        if not math.isfinite(parameter.grad):
            return f"the gradient of {parameter!r} is not finite"
    if plan.aside:
        passes.value(p, *plan.aside)
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
