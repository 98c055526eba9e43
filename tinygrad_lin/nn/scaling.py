"""Features shifted and scaled to mean 0 and standard deviation 1, and the way back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinygrad_lin.errors import DataError

if TYPE_CHECKING:
    from tinygrad_lin.nn.data import Data

MIN_DEVIATION = 1e-250
"""With a smaller standard deviation, weights in the units of the data might not be floats."""


@dataclass(frozen=True)
class Scaling:
    """The mean and the standard deviation of each feature."""

    means: list[float]
    deviations: list[float]

    @classmethod
    def of(cls, data: Data) -> Scaling:
        """The scaling of a data set's features.

        Raises:
            DataError: a feature is the same for all points, or nearly so.
        """
        means, deviations = [], []
        for feature, column in zip(data.features, zip(*data.x)):
            if min(column) == max(column):
                raise DataError(f"column {feature!r} is constant and cannot be standardized")
            size = max(map(abs, column))  # so that the squares neither overflow nor vanish
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
