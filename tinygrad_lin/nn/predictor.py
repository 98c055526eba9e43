"""A model with the names of its columns, so that it can predict from a table."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin.errors import DataError, DomainError
from tinygrad_lin.nn.models import MLP, Linear
from tinygrad_lin.nn.modules import Module, open_model
from tinygrad_lin.ops import FUNCTIONS

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence


class Predictor(NamedTuple):
    """A model that takes rows of a table, in the table's own units.

    Attributes:
        model: the function.
        features: the names of the columns it takes, in their order; empty if they are not known.
        target: the name of what it predicts.
        probability: whether the model gives logits, and a prediction is the probability of a 1.

    >>> line = Linear()
    >>> line.parameters()[0].data, line.parameters()[1].data = 8.0, 3.0
    >>> Predictor(line)([10.0])
    [83.0]
    """

    model: Module
    features: tuple[str, ...] = ()
    target: str = "y"
    probability: bool = False

    @property
    def inputs(self) -> int:
        """How many features the model takes."""
        settings = self.model.settings()
        count: int = settings["sizes"][0] if "sizes" in settings else settings["inputs"]
        return count

    def __call__(self, row: Sequence[float]) -> list[float]:
        """The predictions for one row, one for each output; a DataError if one is not finite."""
        try:
            outputs = self.model(row)
            predictions = [a.data for a in outputs] if isinstance(outputs, list) else [outputs.data]
            if self.probability:
                predictions = [FUNCTIONS["sigmoid"](logit) for logit in predictions]
        except DomainError as error:
            raise DataError(f"there is no prediction for {list(row)!s:.60}: {error}") from None
        if not all(map(math.isfinite, predictions)):
            raise DataError(f"the prediction for {list(row)!s:.60} is not finite")
        return predictions

    def to_json(self) -> str:
        """The text of a file that :meth:`read` reads, and the model's own ``load`` too."""
        return self.model.to_json(
            features=self.features, target=self.target, probability=self.probability
        )

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Predictor:
        """The predictor in a file that ``tinygrad-lin fit`` wrote, or a model's ``save``."""
        with open_model(path) as content:
            model = make_model(content, path)
            model.take_parameters(content, path)
            predictor = cls(
                model,
                tuple(content.get("features", ())),
                content.get("target", "y"),
                content.get("probability", False),
            )
            named = all(isinstance(name, str) for name in (*predictor.features, predictor.target))
            matching = len(predictor.features) in (0, predictor.inputs)
            if not (named and matching and isinstance(predictor.probability, bool)):
                raise DataError(f"{path} does not give the names of the model's columns")
        return predictor


def make_model(content: dict[str, Any], path: str | os.PathLike[str]) -> Module:
    """A model of the shape that a file gives, with a random start."""
    kind = content["model"]
    if kind not in ("Linear", "MLP"):
        raise DataError(f"{path} holds a {kind!r:.60}; known are Linear and MLP")
    sizes = content["sizes"] if kind == "MLP" else [content["inputs"], content["outputs"]]
    # This is checked before anything is allocated: a small file may claim to hold a giant model.
    if sum((inputs + 1) * outputs for inputs, outputs in pairwise(sizes)) != len(
        content["parameters"]
    ):
        raise DataError(f"{path} does not have as many parameters as a {kind} of {sizes!s:.60}")
    try:
        return MLP(sizes, content["activation"]) if kind == "MLP" else Linear(*sizes)
    except DataError as error:
        raise DataError(f"{path} is not a saved model: {error}") from None
