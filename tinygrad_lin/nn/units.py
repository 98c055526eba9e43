"""Training in scaled units, and the way back: what was learned there speaks the data's own units.

A neuron is a line w · x + b. With features scaled to (x - mean) / deviation it is the same line
with other numbers, so that the scaling goes into the first layer, and that of the target into the
last: the model keeps its shape, and whoever uses it needs to know of no scaling.
"""

from __future__ import annotations

from array import array
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin.nn.checkpoint import Snapshot
from tinygrad_lin.nn.data import Data, Scaling

if TYPE_CHECKING:
    from tinygrad_lin.nn.linear import Module
    from tinygrad_lin.nn.training import History


class Units(NamedTuple):
    """The scaling of features, and of the target where that is scaled too.

    Attributes:
        features: mean and deviation of each.
        target: of the target, or None.
    """

    features: Scaling
    target: Scaling | None = None

    @classmethod
    def of(cls, data: Data, target: bool) -> Units:
        """The units in which all columns have mean 0 and standard deviation 1.

        Raises:
            DataError: a column is the same for all points, or nearly so.
        """
        column = replace(data, x=[[y] for y in data.y], features=(data.target,))
        return cls(Scaling.of(data), Scaling.of(column) if target else None)

    def apply(self, data: Data) -> Data:
        """The points in these units."""
        y = [row[0] for row in self.target.apply([[y] for y in data.y])] if self.target else data.y
        return replace(data, x=self.features.apply(data.x), y=y)

    def undo(self, model: Module, history: History) -> None:
        """Change a model and the history of its training to the units of the data.

        Args:
            model: a line or a net.
            history: its costs are means of squares if the target is scaled.
        """
        learned = [p.data for p in model.parameters()]
        size = self.target.deviations[0] ** 2 if self.target else 1.0

        def undone(there: Snapshot) -> Snapshot:
            for parameter, number in zip(model.parameters(), there.parameters):
                parameter.data = number
            self.fold(model)
            here = tuple([p.data for p in model.parameters()])
            return Snapshot(there.step, there.cost * size, here)

        history.snapshots = [undone(snapshot) for snapshot in history.snapshots]
        history.best = history.best and undone(history.best)
        history.validation = [cost * size for cost in history.validation]
        history.costs = array("d", [cost * size for cost in history.costs])
        undone(Snapshot(0, 0.0, tuple(learned)))

    def fold(self, model: Any) -> None:
        """Work the scaling into the parameters of a line, which is its only layer, or of a net."""
        layers = getattr(model, "layers", [model])
        for weights, bias in zip(layers[0].w, layers[0].b):
            numbers, bias.data = self.features.undo([w.data for w in weights], bias.data)
            for w, number in zip(weights, numbers):
                w.data = number
        if self.target:
            ((mean,), (deviation,)) = self.target.means, self.target.deviations
            for weights, bias in zip(layers[-1].w, layers[-1].b):
                for w in weights:
                    w.data *= deviation
                bias.data = bias.data * deviation + mean
