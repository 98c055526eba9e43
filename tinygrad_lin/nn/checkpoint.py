"""Checkpoints: all it takes to go on with a training as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from tinygrad_lin.errors import DataError, shown
from tinygrad_lin.files import write_whole

if TYPE_CHECKING:
    import os

    from numpy import float64
    from numpy.typing import NDArray

    from tinygrad_lin.nn.linear import Module
    from tinygrad_lin.nn.optim import Optimizer

BLOCK = 1 << 16
"""Rows that are looked at together."""
FORMAT = 1
"""The version of the JSON that checkpoints are written in."""


class Snapshot(NamedTuple):
    """The cost and the parameters after so many steps."""

    step: int
    cost: float
    parameters: tuple[float, ...]


class Checkpoint(NamedTuple):
    """Where training stands before a step.

    Attributes:
        step: how many were made.
        parameters: the data of the model's parameters.
        state: what the optimizer remembers.
        calm: for how many steps on end nothing has happened.
        best: where the cost on the validation points was lowest so far.
        validation: those costs so far.
        snapshots: those of the history so far.
    """

    step: int
    parameters: NDArray[float64]
    state: tuple[Any, ...]
    calm: int = 0
    best: Snapshot | None = None
    validation: tuple[float, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()

    def write(self, path: str | os.PathLike[str], training: dict[str, Any]) -> None:
        """Write it to a JSON file, exactly, with what tells this training from others."""
        content = {"format": FORMAT, "training": training, **self._asdict()}
        text = json.dumps(content, default=numpy.ndarray.tolist)
        write_whole(path, f'{text[:-1]}, "digest": "{digest_of(text)}"}}'.encode())

    @classmethod
    def read(cls, path: str | os.PathLike[str], training: dict[str, Any]) -> Checkpoint:
        """The checkpoint in a file that :meth:`write` wrote for the same training.

        Raises:
            OSError: the file cannot be read.
            DataError: it is not such a file.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise DataError(f"{path} is a checkpoint of another version")
            if content.pop("digest") != digest_of(json.dumps(content)):
                raise DataError(f"{path} is damaged: it is not as it was written")
            theirs = content.pop("training")
            for setting, mine in json.loads(json.dumps(training)).items():
                if theirs[setting] != mine and setting == "points":
                    raise DataError(f"{path} is of a training on other points")
                if theirs[setting] != mine:
                    raise DataError(
                        f"{path} is of a training with other settings: {setting} is "
                        f"{theirs[setting]!r:.60} there and {mine!r:.60} here"
                    )
            best, snapshots = content.pop("best"), content.pop("snapshots")
            return cls(
                content["step"],
                numpy.array(content["parameters"], dtype=float),
                tuple(content["state"]),
                content["calm"],
                best and as_snapshot(best),
                tuple(content["validation"]),
                tuple([as_snapshot(snapshot) for snapshot in snapshots]),
            )
        except DataError:
            raise
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise DataError(f"{path} is not a checkpoint: {shown(error)}") from None


def digest_of(text: str) -> str:
    """What tells a text from any other, such as one that a person has changed."""
    return hashlib.sha256(text.encode()).hexdigest()


def as_snapshot(entries: Any) -> Snapshot:
    """A snapshot that has been through JSON."""
    step, cost, parameters = entries
    return Snapshot(step, cost, tuple(parameters))


def training_of(
    model: Module,
    optimizer: Optimizer,
    loss: object,
    points: tuple[NDArray[float64], NDArray[float64]],
    **settings: Any,
) -> dict[str, Any]:
    """What tells one training from another; going on is possible where all of it agrees."""
    own = {k: v for k, v in vars(optimizer).items() if k not in ("parameters", "state")}
    return {
        "model": {"name": type(model).__name__, **model.settings()},
        "loss": getattr(loss, "__name__", type(loss).__name__),
        "optimizer": {"name": type(optimizer).__name__, **own},
        **settings,
        "points": digest(*points),
    }


def digest(*arrays: NDArray[float64]) -> str:
    """A number that other arrays do not have."""
    result = hashlib.sha256()
    for array in arrays:
        result.update(str(array.shape).encode())
        for begin in range(0, len(array), BLOCK):
            result.update(array[begin : begin + BLOCK].astype(float).tobytes())
    return result.hexdigest()
