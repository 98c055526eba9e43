"""Training on standardized columns, and the way back to the units of the data.

A neuron is a line w · x + b. With features scaled to (x - mean) / deviation it is the same line
with other numbers. So the scaling of the features goes into the first layer and that of the target
into the last; the model keeps its shape, and whoever uses it need not know of any scaling.
"""

from __future__ import annotations

import math
from array import array
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin._leaves import set_leaves
from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.data import Data
from tinygrad_lin.nn.training.history import Snapshot

if TYPE_CHECKING:
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.nn.training.history import History

MIN_DEVIATION = 1e-250
"""With a smaller standard deviation, weights in the units of the data might not be floats."""


@dataclass(frozen=True)
class Scaling:
    """The mean and the standard deviation of each feature, which scaling turns into 0 and 1."""

    means: list[float]
    deviations: list[float]

    @classmethod
    def of(cls, data: Data) -> Scaling:
        """The scaling of a data set's features; a DataError if one is constant, or nearly so."""
        means, deviations = [], []
        for feature, column in zip(data.features, zip(*data.x)):
            if min(column) == max(column):
                raise DataError(f"column {feature!r} is constant and cannot be standardized")
            size = max(map(abs, column))  # Divided by it, squares neither overflow nor vanish.
            mean = math.fsum(v / size for v in column) / len(column)
            variance = math.fsum((v / size - mean) ** 2 for v in column) / len(column)
            means.append(mean * size)
            deviations.append(math.sqrt(variance) * size)
            if deviations[-1] < MIN_DEVIATION:
                raise DataError(f"column {feature!r} is too small in its units; use smaller ones")
        return cls(means, deviations)

    def apply(self, rows: list[list[float]]) -> list[list[float]]:
        """The rows in scaled units."""
        return [
            [v / d - m / d for v, m, d in zip(row, self.means, self.deviations)] for row in rows
        ]

    def undo(self, weights: list[float], bias: float) -> tuple[list[float], float]:
        """A line's weights and bias in the units of the data, given those in scaled units."""
        back = [w / d for w, d in zip(weights, self.deviations)]
        return back, bias - math.fsum(w * m for w, m in zip(back, self.means))


class Standardization(NamedTuple):
    """The scaling of features, and of the target where that is scaled too."""

    features: Scaling
    target: Scaling | None = None

    @classmethod
    def of(cls, data: Data, target: bool) -> Standardization:
        """The one after which all columns have mean 0 and standard deviation 1."""
        column = replace(data, x=[[y] for y in data.y], features=(data.target,))
        return cls(Scaling.of(data), Scaling.of(column) if target else None)

    def apply(self, data: Data) -> Data:
        """The points in scaled units."""
        y = [row[0] for row in self.target.apply([[y] for y in data.y])] if self.target else data.y
        return replace(data, x=self.features.apply(data.x), y=y)

    def undo(self, model: Module, history: History) -> None:
        """Take a line or net, and the history of its training, back to the units of the data.

        Where the target is scaled, too, the costs must be means of squares.
        """
        learned = [p.data for p in model.parameters()]
        size = self.target.deviations[0] ** 2 if self.target else 1.0

        def undo_snapshot(scaled: Snapshot) -> Snapshot:
            set_leaves(model.parameters(), scaled.parameters)
            self.fold_into(model)
            parameters = tuple([p.data for p in model.parameters()])
            return Snapshot(scaled.step, scaled.cost * size, parameters)

        history.snapshots = [undo_snapshot(snapshot) for snapshot in history.snapshots]
        history.best = history.best and undo_snapshot(history.best)
        history.validation = [cost * size for cost in history.validation]
        history.costs = array("d", [cost * size for cost in history.costs])
        undo_snapshot(Snapshot(0, 0.0, tuple(learned)))

    def fold_into(self, model: Any) -> None:
        """Work the scaling into the parameters of a net, or of a line, which is its own layer."""
        layers = getattr(model, "layers", [model])
        for weights, bias in zip(layers[0].w, layers[0].b):
            numbers, bias.data = self.features.undo([w.data for w in weights], bias.data)
            set_leaves(weights, numbers)
        if self.target:
            ((mean,), (deviation,)) = self.target.means, self.target.deviations
            for weights, bias in zip(layers[-1].w, layers[-1].b):
                for w in weights:
                    w.data *= deviation
                bias.data = bias.data * deviation + mean
