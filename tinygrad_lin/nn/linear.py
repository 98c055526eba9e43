"""The line, and what all models have in common."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.errors import DataError, shown
from tinygrad_lin.files import write_whole
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.scopes import place, scope
from tinygrad_lin.value import Value, number

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from tinygrad_lin.value import Number

    Seed: TypeAlias = int | numpy.random.RandomState | numpy.random.Generator
    Input: TypeAlias = Value | Number | Sequence[Value | Number]

FORMAT = 1
"""The version of the JSON that models are saved in."""


def features_of(x: Any) -> list[Any]:
    """The features of one point as a list: those of a sequence, or the one number itself."""
    return list(x) if hasattr(x, "__len__") and getattr(x, "ndim", 1) != 0 else [x]


def generator(rng: Seed) -> numpy.random.RandomState | numpy.random.Generator:
    """The source of random numbers that a seed stands for, or the one given."""
    if isinstance(rng, numpy.random.RandomState | numpy.random.Generator):
        return rng
    try:
        return numpy.random.RandomState(index(rng))
    except (TypeError, ValueError):
        raise DataError(
            f"rng must be a NumPy generator or a seed from 0 to 4294967295, not {shown(rng)}"
        ) from None


class Module:
    """A function with parameters that can be learned."""

    def __call__(self, x: Input) -> Any:
        """The prediction for one point: a Value, or a list of them for several outputs."""
        raise NotImplementedError

    def parameters(self) -> list[Value]:
        """The leaves that training changes, in a fixed order."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """The arguments that make a model of the same shape."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the parameters to a JSON file, exactly.

        Raises:
            OSError: the file cannot be written.
            DataError: a parameter is not finite.
        """
        write_whole(path, self.to_json().encode())

    def to_json(self, **about: Any) -> str:
        """What :meth:`save` writes, and what else is to be known about the model."""
        parameters = {p.label: p.data for p in self.parameters()}
        for label, data in parameters.items():
            if not math.isfinite(data):
                raise DataError(f"parameter {label!r} is {data}; a model is saved with finite ones")
        content = {
            "format": FORMAT,
            "model": type(self).__name__,
            **self.settings(),
            **about,
            "parameters": parameters,
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"

    def load(self, path: str | os.PathLike[str]) -> None:
        """Take the parameters from a file that :meth:`save` wrote for a model of this shape.

        Raises:
            OSError: the file cannot be read.
            DataError: it is not such a file; no parameter is changed then.
        """
        with saved_model(path) as content:
            self.take(content, path)

    def take(self, content: dict[str, Any], path: str | os.PathLike[str]) -> None:
        """Take the parameters from what a file holds."""
        mine = {"format": FORMAT, "model": type(self).__name__, **self.settings()}
        theirs = {key: content.get(key) for key in mine}
        given = content["parameters"]
        if theirs != mine:
            raise DataError(f"{path} holds {theirs}, this model is {mine}")
        labels = [p.label for p in self.parameters()]
        if sorted(given) != sorted(labels):
            raise DataError(
                f"{path} has the parameters {sorted(given)!s:.200}, not {sorted(labels)!s:.200}"
            )
        data = [number(given[label]) for label in labels]
        if not all(map(math.isfinite, data)):
            raise DataError(f"{path} has parameters that are not finite")
        for parameter, new in zip(self.parameters(), data):
            parameter.data = new


@contextmanager
def saved_model(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """What a file of a model holds; whatever is wrong with that becomes a DataError."""
    try:
        yield json.loads(Path(path).read_text(encoding="utf-8"))
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{path} is not a saved model: it has no {error}") from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is not a saved model: {error}") from None


class Linear(Module):
    """a = wx + b, with a random start.

    Args:
        inputs: how many features x has.
        outputs: how many predictions it makes.
        rng: a seed, or a NumPy generator. Weights and biases are drawn from the standard normal
            distribution, weights first; a seed goes to NumPy's ``RandomState``, so that 42 gives
            the well-known 0.4967 and -0.1383.

    >>> line = Linear()
    >>> line.parameters()[0].data, line.parameters()[1].data
    (0.4967141530112327, -0.13826430117118466)
    >>> line(2.0).data
    0.8551640048512807
    """

    def __init__(self, inputs: int = 1, outputs: int = 1, rng: Seed = 42) -> None:
        for name, count in (("inputs", inputs), ("outputs", outputs)):
            if isinstance(count, bool) or not isinstance(count, int) or count < 1:
                raise DataError(f"{name} must be a whole number of at least 1, not {count!r}")
        rng = generator(rng)
        self.inputs = inputs
        self.outputs = outputs

        def parameter(name: str, *place: int) -> Value:
            shown = [str(k) for k, size in zip(place, (outputs, inputs)) if size > 1]
            label = f"{name}[{','.join(shown)}]" if shown else name
            return Value(rng.standard_normal(), label)

        with scope("linear"):
            self.w: list[list[Value]] = [
                [parameter("w", row, column) for column in range(inputs)] for row in range(outputs)
            ]
            self.b: list[Value] = [parameter("b", row) for row in range(outputs)]

    def __call__(self, x: Input) -> Any:
        """The prediction for one point: a Value, or a list of them for several outputs.

        Raises:
            DataError: x has not as many features as the model has inputs.
        """
        features = features_of(x)
        if len(features) != self.inputs:
            raise DataError(f"the model takes {self.inputs} inputs, not {len(features)}")
        if self.inputs == 1:
            products = [row[0] * features[0] for row in self.w]
            for product in products:
                place(product, "linear")
            a = [product + b for product, b in zip(products, self.b)]
        else:
            a = [FUNCTIONS["dot"](row, features, b) for row, b in zip(self.w, self.b)]
        for prediction in a:
            place(prediction, "linear", "a")
        return a[0] if self.outputs == 1 else a

    def parameters(self) -> list[Value]:
        """The weights, row by row, then the biases."""
        return [*(w for row in self.w for w in row), *self.b]

    def settings(self) -> dict[str, Any]:
        """The arguments that make a model of the same shape."""
        return {"inputs": self.inputs, "outputs": self.outputs}

    def __repr__(self) -> str:
        parameters = ", ".join(f"{p.label}={p.data:.6g}" for p in self.parameters()[:6])
        more = ", ..." if len(self.parameters()) > 6 else ""
        return f"Linear(inputs={self.inputs}, outputs={self.outputs}: {parameters}{more})"
