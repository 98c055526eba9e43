"""What all models have in common: parameters, and a file to save them in."""

from __future__ import annotations

import json
import math
from contextlib import contextmanager
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin._files import write_whole
from tinygrad_lin._leaves import set_leaves
from tinygrad_lin._operands import to_float
from tinygrad_lin.errors import DataError, short_repr
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence
    from typing import TypeAlias

    from tinygrad_lin._operands import Number

    Seed: TypeAlias = int | numpy.random.RandomState | numpy.random.Generator
    Input: TypeAlias = Value | Number | Sequence[Value | Number]

FORMAT = 1
"""The version of the JSON that models are saved in."""


class Module:
    """A function with parameters that can be learned."""

    def __call__(self, x: Input) -> Any:
        """The prediction for one point: a Value, or a list of them for several outputs.

        Raises:
            DataError: x does not have as many features as the model has inputs.
        """
        raise NotImplementedError

    def parameters(self) -> list[Value]:
        """The leaves that training changes, in a fixed order."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """The arguments that make a model of the same shape."""
        raise NotImplementedError

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0, as a fresh backward pass needs it."""
        for parameter in self.parameters():
            parameter.grad = 0.0

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
        with open_model(path) as content:
            self.take_parameters(content, path)

    def take_parameters(self, content: dict[str, Any], path: str | os.PathLike[str]) -> None:
        """Take the parameters from the content of a file."""
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
        data = [to_float(given[label]) for label in labels]
        if not all(map(math.isfinite, data)):
            raise DataError(f"{path} has parameters that are not finite")
        set_leaves(self.parameters(), data)


@contextmanager
def open_model(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The content of a model's file; whatever turns out to be wrong with it is a DataError."""
    try:
        yield json.loads(Path(path).read_text(encoding="utf-8"))
    except DataError:
        raise
    except KeyError as error:
        raise DataError(f"{path} is not a saved model: it has no {error}") from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is not a saved model: {error}") from None


def features_of(x: Any) -> list[Any]:
    """The features of one point as a list: those of a sequence, or the one number itself."""
    return list(x) if hasattr(x, "__len__") and getattr(x, "ndim", 1) != 0 else [x]


def random_numbers(rng: Seed) -> numpy.random.RandomState | numpy.random.Generator:
    """The source of random numbers that a seed stands for, or the one given."""
    if isinstance(rng, numpy.random.RandomState | numpy.random.Generator):
        return rng
    try:
        return numpy.random.RandomState(index(rng))
    except (TypeError, ValueError):
        raise DataError(
            f"rng must be a NumPy generator or a seed from 0 to 4294967295, not {short_repr(rng)}"
        ) from None


def is_positive_integer(count: object) -> bool:
    """Whether that is a whole number of at least 1, and no truth value."""
    return isinstance(count, int) and not isinstance(count, bool) and count >= 1


def require_positive_integer(name: str, count: object) -> None:
    """Refuse what is not a whole number of at least 1."""
    if not is_positive_integer(count):
        raise DataError(f"{name} must be a whole number of at least 1, not {count!r}")
