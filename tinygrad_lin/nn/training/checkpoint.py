"""Checkpoints: all it takes to go on with a training as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from tinygrad_lin._files import write_whole
from tinygrad_lin._leaves import set_leaves
from tinygrad_lin.errors import DataError, short_repr
from tinygrad_lin.nn.training.batches import MAX_ROWS_AT_ONCE
from tinygrad_lin.nn.training.history import Snapshot

if TYPE_CHECKING:
    import os

    from tinygrad_lin.nn.data import Floats
    from tinygrad_lin.nn.modules import Module
    from tinygrad_lin.nn.optimizers import Optimizer
    from tinygrad_lin.nn.training.fit import TrainingPlan
    from tinygrad_lin.nn.training.history import History

FORMAT = 1
"""The version of the JSON that checkpoints are written in."""


class Checkpoint(NamedTuple):
    """Where training stands before a step.

    Attributes:
        step: how many steps were made.
        parameters: the data of the model's parameters.
        state: what the optimizer remembers.
        calm: how many steps in a row have changed nothing, or had a gradient within the tolerance.
        best: the snapshot with the lowest cost on the validation points so far.
        validation: those costs so far.
        snapshots: those of the history so far.
    """

    step: int
    parameters: Floats
    state: tuple[Any, ...]
    calm: int = 0
    best: Snapshot | None = None
    validation: tuple[float, ...] = ()
    snapshots: tuple[Snapshot, ...] = ()

    def restore(self, model: Module, optimizer: Optimizer) -> None:
        """Give model and optimizer what they had."""
        optimizer.state = self.state
        set_leaves(model.parameters(), self.parameters.tolist())

    def with_history(self, history: History) -> Checkpoint:
        """The same with what came before its step, which will be made again."""
        epochs = -(-self.step // history.epoch)
        return self._replace(
            best=history.best,
            validation=tuple(history.validation[:epochs]),
            snapshots=tuple([each for each in history.snapshots if each.step < self.step]),
        )

    def write(self, path: str | os.PathLike[str], training: dict[str, Any]) -> None:
        """Write it to a JSON file, exactly, with the description of its training."""
        content = {"format": FORMAT, "training": training, **self._asdict()}
        text = json.dumps(content, default=numpy.ndarray.tolist)
        write_whole(path, f'{text[:-1]}, "digest": "{text_digest(text)}"}}'.encode())

    @classmethod
    def read(cls, path: str | os.PathLike[str], training: dict[str, Any]) -> Checkpoint:
        """The checkpoint in a file that :meth:`write` wrote for the same training."""
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            if content["format"] != FORMAT:
                raise DataError(f"{path} is a checkpoint of another version")
            if content.pop("digest") != text_digest(json.dumps(content)):
                raise DataError(f"{path} is damaged: it is not as it was written")
            require_same_training(path, content["training"], training)
            return cls(
                content["step"],
                numpy.array(content["parameters"], dtype=float),
                tuple(content["state"]),
                content["calm"],
                content["best"] and snapshot_from_json(content["best"]),
                tuple(content["validation"]),
                tuple([snapshot_from_json(entries) for entries in content["snapshots"]]),
            )
        except DataError:
            raise
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            raise DataError(f"{path} is not a checkpoint: {short_repr(error)}") from None


def is_checkpoint_due(step: int) -> bool:
    """Whether a checkpoint is written at a step: every 1,000, later every 10,000 steps."""
    return step > 0 and step % (1000 if step < 10_000 else 10_000) == 0


def snapshot_from_json(entries: Any) -> Snapshot:
    """A snapshot that has been through JSON."""
    step, cost, parameters = entries
    return Snapshot(step, cost, tuple(parameters))


def describe_training(plan: TrainingPlan, x: Floats, y: Floats) -> dict[str, Any]:
    """What tells one training from another; going on is possible where all of it agrees."""
    model, optimizer, loss = plan.model, plan.optimizer, plan.loss
    own = {k: v for k, v in vars(optimizer).items() if k not in ("parameters", "state")}
    settings = ("tolerance", "batch_size", "rng", "validation", "patience")
    return {
        "model": {"name": type(model).__name__, **model.settings()},
        "loss": getattr(loss, "__name__", type(loss).__name__),
        "optimizer": {"name": type(optimizer).__name__, **own},
        **{name: getattr(plan, name) for name in settings},
        "points": array_digest(x, y),
    }


def require_same_training(
    path: str | os.PathLike[str], theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    """Refuse the checkpoint of a training that is not described in the same way."""
    for setting, value in json.loads(json.dumps(mine)).items():
        if theirs[setting] != value and setting == "points":
            raise DataError(f"{path} is of a training on other points")
        if theirs[setting] != value:
            raise DataError(
                f"{path} is of a training with other settings: {setting} is "
                f"{theirs[setting]!r:.60} there and {value!r:.60} here"
            )


def text_digest(text: str) -> str:
    """What tells a text from any other, such as one that a person has changed."""
    return hashlib.sha256(text.encode()).hexdigest()


def array_digest(*arrays: Floats) -> str:
    """What tells arrays from any others."""
    result = hashlib.sha256()
    for array in arrays:
        result.update(str(array.shape).encode())
        for start in range(0, len(array), MAX_ROWS_AT_ONCE):
            result.update(array[start : start + MAX_ROWS_AT_ONCE].astype(float).tobytes())
    return result.hexdigest()
