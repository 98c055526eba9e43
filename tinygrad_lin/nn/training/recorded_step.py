"""A training step whose graph is recorded anew each time: the plain form of compiled_step.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin._leaves import set_leaves
from tinygrad_lin.errors import OperandError, short_repr
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from tinygrad_lin.nn.data import Floats
    from tinygrad_lin.nn.losses import Loss
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.nn.optimizers import Optimizer


class RecordedStep:
    """Records the cost of all points, goes back through its graph, and updates the parameters."""

    recorded: Value | None = None
    """The graph of the last backward pass."""

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.parameters: list[Value] = model.parameters()

    def value(self, p: Floats, x: Floats, y: Floats) -> float:
        """The forward pass: the cost of some points with the parameters p."""
        set_leaves(self.parameters, p.tolist())
        return record_cost(self.model, x.tolist(), y.tolist(), self.loss).data

    def value_and_grad(self, p: Floats, x: Floats, y: Floats) -> tuple[float, Floats]:
        """Both passes: the cost, and its gradient with respect to the parameters."""
        set_leaves(self.parameters, p.tolist())
        cost = record_cost(self.model, x.tolist(), y.tolist(), self.loss)
        for parameter in self.parameters:
            parameter.grad = 0.0
        cost.backward()
        self.recorded = cost
        return cost.data, numpy.array([parameter.grad for parameter in self.parameters])

    def graph(self, p: Floats, x: Floats, y: Floats) -> Value:
        """The graph of the cost, with its gradients: that of the last backward pass."""
        assert self.recorded is not None
        return self.recorded

    def update(self, p: Floats, gradient: Floats) -> Floats:
        """The parameters after the optimizer's step."""
        self.optimizer.step(self.recorded)
        return numpy.array([parameter.data for parameter in self.parameters])


def record_cost(model: Module, x: list[Any], y: list[Any], loss: Loss) -> Value:
    """The cost of a model's predictions for points."""
    cost = loss([model(row) for row in x], y)
    if not isinstance(cost, Value):
        raise OperandError(
            f"the loss must return a Value made from the predictions, not {short_repr(cost)}"
        )
    return cost
