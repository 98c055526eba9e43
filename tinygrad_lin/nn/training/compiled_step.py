"""A training step that runs a compiled program: the fast form of recorded_step.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy

from tinygrad_lin._pickling import rebuild, take_apart
from tinygrad_lin.compiler.program import Program, compile_graph
from tinygrad_lin.errors import OperandError
from tinygrad_lin.nn.training.recorded_step import RecordedStep, record_cost
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from tinygrad_lin.nn.data import Floats
    from tinygrad_lin.nn.losses import Loss
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.nn.optimizers import Optimizer

TOLERANCE = 1e-9
"""Relative to the largest number: far above rounding, and far below a wrong program."""
MAX_COMPARED = 100
"""Comparing more points than this would take longer and reveal little more."""


class CompiledStep(RecordedStep):
    """Runs a program, compiled from the graph of a single point, on all points at once.

    That gives the same where the cost of many points is the mean of their costs, and where the
    operations do not depend on the numbers. Both are checked on some of the points; a TinygradError
    says what is amiss.

    Attributes:
        agrees: whether it has given what the engine gives, wherever both were asked.
    """

    agrees: bool = True

    def __init__(
        self, model: Module, loss: Loss, optimizer: Optimizer, x: Floats, y: Floats
    ) -> None:
        super().__init__(model, loss, optimizer)
        self.trains_all: bool = optimizer.parameters == self.parameters
        inputs = [Value(number, f"x{k}" if len(x[0]) > 1 else "x") for k, number in enumerate(x[0])]
        target = Value(y[0], "y")
        self.has_one_input: bool = len(inputs) == 1
        self.program: Program = compile_graph(
            record_cost(model, [inputs], [target], loss),
            batch=[inputs[0] if self.has_one_input else inputs, target],
            wrt=self.parameters,
        )
        self.require_same_results(x, y)

    def require_same_results(self, x: Floats, y: Floats) -> None:
        """Refuse a program that gives other results than the engine."""
        sample = numpy.linspace(0, len(x) - 1, min(len(x), MAX_COMPARED)).astype(int)
        p = numpy.array([parameter.data for parameter in self.parameters])
        expected, gradient = super().value_and_grad(p, x[sample], y[sample])
        found, found_gradient = self.value_and_grad(p, x[sample], y[sample])
        self.scale: float = float(numpy.abs(gradient).max(initial=abs(expected)))
        if not numpy.isfinite(self.scale):
            raise OperandError("the cost is not finite at the start")
        errors = numpy.abs([found - expected, *(found_gradient - gradient)])
        if not (errors <= TOLERANCE * self.scale).all():
            raise OperandError("the cost is not the mean of the costs of single points")

    def value(self, p: Floats, x: Floats, y: Floats) -> float:
        """The forward pass: the cost of some points with the parameters p."""
        return float(self.program.value(p, x[:, 0] if self.has_one_input else x, y))

    def value_and_grad(self, p: Floats, x: Floats, y: Floats) -> tuple[float, Floats]:
        """Both passes: the cost, and its gradient with respect to the parameters."""
        batch = x[:, 0] if self.has_one_input else x
        cost, gradient = self.program.value_and_grad(p, batch, y)
        return float(cost), gradient

    def graph(self, p: Floats, x: Floats, y: Floats) -> Value:
        """The graph of the cost, with its gradients: recorded only to be looked at.

        The cost and the gradients of the parameters are those of the program, which differ by
        rounding from those of the engine, so that a history and its graphs show the same numbers.
        """
        cost, gradient = self.value_and_grad(p, x, y)
        recorded_cost, _ = super().value_and_grad(p, x, y)
        close = abs(recorded_cost - cost) <= TOLERANCE * max(self.scale, abs(cost))
        self.agrees = self.agrees and close
        for parameter, grad in zip(self.parameters, gradient.tolist()):
            parameter.grad = grad
        recorded = super().graph(p, x, y)
        if recorded.data == cost:
            return recorded
        return rebuild(take_apart(recorded, lambda operand: operand)._replace(data=cost))

    def update(self, p: Floats, gradient: Floats) -> Floats:
        """The parameters after the optimizer's step."""
        if self.trains_all:
            return p - self.optimizer.changes(gradient, None)
        indices = [self.parameters.index(parameter) for parameter in self.optimizer.parameters]
        after = p.copy()
        after[indices] -= self.optimizer.changes(gradient[indices], None)
        return after
