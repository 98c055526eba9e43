"""Points to learn from, with the names of their columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TypeAlias

    from numpy import float64
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[float64]


@dataclass(frozen=True)
class Data:
    """Points (x, y) with the names of their columns.

    Attributes:
        x: one row of features for each point.
        y: the targets.
        features: the names of the columns of x.
        target: the name of y.
        truth: the weights and the bias that are known to be right, where they are.
        source: where the numbers are from.
    """

    x: list[list[float]]
    y: list[float]
    features: tuple[str, ...] = ("x",)
    target: str = "y"
    truth: tuple[float, ...] = field(default=(), compare=False)
    source: str = field(default="", compare=False)
