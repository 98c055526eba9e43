"""What a training is made of: the arguments of `fit`, validated, and what follows from them."""

from __future__ import annotations

import math
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.modules import require_positive_integer
from tinygrad_lin.nn.optimizers import Optimizer, is_real
from tinygrad_lin.nn.training.batches import ArrayBatches, StreamedBatches, as_arrays, split
from tinygrad_lin.nn.training.checkpoint import Checkpoint, describe_training

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable
    from typing import TypeAlias

    from tinygrad_lin.nn.data import Floats
    from tinygrad_lin.nn.losses import Loss
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.value import Value

    Callback: TypeAlias = Callable[[int, Value, Module], object]


@dataclass
class TrainingPlan:
    """One training: a model, how it learns, and what from.

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
            self.description = describe_training(
                self.model, self.optimizer, self.loss, (x, y),
                tolerance=self.tolerance, batch_size=self.batch_size, rng=self.rng,
                validation=self.validation, patience=self.patience,
            )  # fmt: skip
        if self.validation:
            learn, aside = split(len(x), self.validation, self.rng)
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
