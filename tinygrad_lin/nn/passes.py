"""The two passes of a training step: recorded anew each time, or by a program made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin import Program, compile_graph
from tinygrad_lin.errors import OperandError, shown
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from numpy import float64
    from numpy.typing import NDArray

    from tinygrad_lin.nn.linear import Module
    from tinygrad_lin.nn.optim import Optimizer

    Loss: TypeAlias = Callable[[list[Value], list[float]], Value]
    Floats: TypeAlias = NDArray[float64]

CLOSE = 1e-9  # as a part of the size of the cost and its slopes: far above rounding
COMPARED = 100  # rows, where a program is compared with the engine


class Recorded:
    """Records the cost of all rows in every step, and goes back through its graph.

    Attributes:
        graph: the cost that was recorded last.
    """

    graph: Value | None = None

    def __init__(self, model: Module, loss: Loss, optimizer: Optimizer) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.parameters: list[Value] = model.parameters()

    def cost(self, p: Floats, x: Floats, y: Floats) -> float:
        """The forward pass: the cost of some rows with some parameters."""
        for parameter, number in zip(self.parameters, p.tolist()):
            parameter.data = number
        return cost_of(self.model, x.tolist(), y.tolist(), self.loss).data

    def cost_and_slopes(self, p: Floats, x: Floats, y: Floats) -> tuple[float, Floats]:
        """Both passes."""
        for parameter, number in zip(self.parameters, p.tolist()):
            parameter.data = number
        self.graph = cost_of(self.model, x.tolist(), y.tolist(), self.loss)
        for parameter in self.parameters:
            parameter.grad = 0.0
        self.graph.backward()
        return self.graph.data, numpy.array([parameter.grad for parameter in self.parameters])

    def shown(self, p: Floats, x: Floats, y: Floats) -> Value:
        """The graph of the cost, with its gradients: that of the last passes."""
        assert self.graph is not None
        return self.graph

    def step(self, p: Floats, slopes: Floats) -> Floats:
        """The parameters after a step."""
        self.optimizer.step(self.graph)
        return numpy.array([parameter.data for parameter in self.parameters])


class Programmed:
    """Runs a program, made of the graph of a single row, on all rows at once.

    That is the same where the cost of many rows is the mean of their costs, and where the
    operations do not depend on the numbers, which is looked at on some rows.

    Attributes:
        agrees: whether it has given what the engine gives, wherever both were asked.

    Raises:
        TinygradError: the loss, or the model, cannot be compiled.
        OperandError: the program gives something else than the engine.
    """

    agrees: bool = True

    def __init__(
        self, model: Module, loss: Loss, optimizer: Optimizer, x: Floats, y: Floats
    ) -> None:
        inputs = [Value(number, f"x{k}" if len(x[0]) > 1 else "x") for k, number in enumerate(x[0])]
        target = Value(y[0], "y")
        cost = cost_of(model, [inputs], [target], loss)
        self.column: bool = len(inputs) == 1
        batch = [inputs[0] if self.column else inputs, target]
        self.recorded: Recorded = Recorded(model, loss, optimizer)
        self.parameters: list[Value] = self.recorded.parameters
        self.optimizer = optimizer
        self.all_learn: bool = optimizer.parameters == self.parameters
        self.program: Program = compile_graph(cost, batch=batch, wrt=self.parameters)
        p = numpy.array([parameter.data for parameter in self.parameters])
        some = numpy.linspace(0, len(x) - 1, min(len(x), COMPARED)).astype(int)
        wanted, slopes = self.recorded.cost_and_slopes(p, x[some], y[some])
        found, gradient = self.cost_and_slopes(p, x[some], y[some])
        self.scale: float = float(numpy.abs(slopes).max(initial=abs(wanted)))
        if not numpy.isfinite(self.scale):
            raise OperandError("the cost is not finite at the start")
        errors = numpy.abs([found - wanted, *(gradient - slopes)])
        if not (errors <= CLOSE * self.scale).all():
            raise OperandError("the cost is not the mean of the costs of single points")

    def cost(self, p: Floats, x: Floats, y: Floats) -> float:
        """The forward pass: the cost of some rows with some parameters."""
        return float(self.program.value(p, x[:, 0] if self.column else x, y))

    def cost_and_slopes(self, p: Floats, x: Floats, y: Floats) -> tuple[float, Floats]:
        """Both passes."""
        cost, slopes = self.program.value_and_grad(p, x[:, 0] if self.column else x, y)
        return float(cost), slopes

    def shown(self, p: Floats, x: Floats, y: Floats) -> Value:
        """The graph of the cost, with its gradients: recorded only to be looked at.

        It bears the numbers of the program, which differ by rounding from those of the engine.
        """
        cost, slopes = self.cost_and_slopes(p, x, y)
        recorded, _ = self.recorded.cost_and_slopes(p, x, y)
        self.agrees = self.agrees and abs(recorded - cost) <= CLOSE * max(self.scale, abs(cost))
        graph = self.recorded.shown(p, x, y)
        graph._datum = cost
        for parameter, slope in zip(self.parameters, slopes.tolist()):
            parameter.grad = slope
        return graph

    def step(self, p: Floats, slopes: Floats) -> Floats:
        """The parameters after a step."""
        if self.all_learn:
            return p - self.optimizer.changes(slopes, None)
        places = [self.parameters.index(parameter) for parameter in self.optimizer.parameters]
        after = p.copy()
        after[places] -= self.optimizer.changes(slopes[places], None)
        return after


def cost_of(model: Module, rows: list[Any], targets: list[Any], loss: Loss) -> Value:
    """The cost of a model's predictions."""
    cost = loss([model(row) for row in rows], targets)
    if not isinstance(cost, Value):
        raise OperandError(
            f"the loss must return a Value made from the predictions, not {shown(cost)}"
        )
    return cost
