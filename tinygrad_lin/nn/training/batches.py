"""The points of each step, as arrays of finite numbers, and those that are kept aside.

Which they are follows from a seed, so that a training can be repeated.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin._operands import to_float
from tinygrad_lin.errors import DataError, TinygradError, short_repr
from tinygrad_lin.nn.modules import features_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tinygrad_lin.nn.data import Floats

MAX_ROWS_AT_ONCE = 1 << 16
"""An array in a file may be larger than memory, so it is read in blocks of this many rows."""
Y_IS_MISSING = (
    "y must be a sequence with one entry for each point; or leave it out, with x an iterable of "
    "batches, which are pairs (x, y)"
)


def as_arrays(x: Any, y: Any) -> tuple[Floats, Floats]:
    """The points as arrays of shape (points, inputs) and (points,), of finite numbers."""
    rows, targets = as_array("x", x), as_array("y", y)
    if not len(rows) and not len(targets):
        raise DataError("there are no points to learn from")
    if targets.ndim == 2 and targets.shape[1] != 1:
        raise DataError(f"y[0] must be one number: {short_repr(y[0])}")
    if len(rows) != len(targets):
        raise DataError(f"x has {len(rows)} points, y has {len(targets)}")
    rows, targets = rows.reshape(len(rows), -1), targets.reshape(-1)
    require_finite("x", rows)
    require_finite("y", targets)
    return rows, targets


def as_array(name: str, given: Any) -> Floats:
    """The entries of a sequence as rows; an array of numbers stays where it is, as in a file."""
    if isinstance(given, numpy.ndarray) and given.dtype.kind in "fiu" and 0 < given.ndim <= 2:
        return given
    if not hasattr(given, "__len__") or isinstance(given, str) or not getattr(given, "ndim", 1):
        raise DataError(f"{name} must be a sequence with one entry for each point")
    result: list[list[float]] = []
    for index, entry in enumerate(given):
        row = [entry] if isinstance(entry, str) else features_of(entry)
        try:
            result.append([to_float(value) for value in row])
        except TinygradError as error:
            raise DataError(f"{name}[{index}]: {error}") from None
        if len(result[-1]) != len(result[0]):
            raise DataError(
                f"{name}[{index}] has {len(result[-1])} features, {name}[0] has {len(result[0])}"
                if name == "x"
                else f"y[{index}] must be one number: {short_repr(entry)}"
            )
    return numpy.array(result)


def require_finite(name: str, entries: Floats) -> None:
    """Refuse an array with an infinity or a NaN in it."""
    for start in range(0, len(entries), MAX_ROWS_AT_ONCE):
        finite = numpy.isfinite(entries[start : start + MAX_ROWS_AT_ONCE])
        if not finite.all():
            index = start + int(numpy.argmin(finite.reshape(len(finite), -1).all(1)))
            raise DataError(f"{name}[{index}] is not finite: {entries[index]}")


def split_indices(count: int, part: float, seed: int) -> tuple[list[int], list[int]]:
    """The indices of the points to learn from, and of a part kept aside, at least one of each.

    >>> split_indices(5, 0.4, seed=42)
    ([0, 2, 3], [1, 4])
    """
    if count < 2:
        raise DataError("one point cannot be split into some to learn from and some to validate by")
    aside = min(max(round(part * count), 1), count - 1)
    order = numpy.random.RandomState(seed).permutation(count).tolist()
    return sorted(order[aside:]), sorted(order[:aside])


class BatchOrder:
    """All points, or mini-batches of them: each epoch goes once through all, in a new order.

    >>> order = BatchOrder(5, size=2, seed=42)
    >>> [order.at(step) for step in range(4)]
    [[4, 0], [3, 1], [2], [0, 2]]
    """

    def __init__(self, count: int, size: int | None, seed: int) -> None:
        self.count = count
        self.size: int = count if size is None else size
        self.steps_per_epoch: int = -(-count // self.size)
        self.shuffled: Callable[[int], list[int]] = lru_cache(maxsize=1)(
            lambda epoch: numpy.random.RandomState([seed, epoch]).permutation(count).tolist()
        )

    def at(self, step: int) -> Sequence[int]:
        """The indices of the points of a step: a function of the step alone."""
        if self.steps_per_epoch == 1:
            return range(self.count)
        epoch, turn = divmod(step, self.steps_per_epoch)
        return self.shuffled(epoch)[turn * self.size : (turn + 1) * self.size]


class ArrayBatches:
    """The points of each step, from arrays that hold all points.

    Batches from a file are runs of neighbouring rows, which are quick to read.
    """

    def __init__(self, x: Floats, y: Floats, size: int | None, seed: int) -> None:
        self.x = x
        self.y = y
        self.order: BatchOrder = BatchOrder(len(x), size, seed)
        self.steps_per_epoch: int = self.order.steps_per_epoch
        self.stretches: BatchOrder | None = None
        if isinstance(x, numpy.memmap) and self.steps_per_epoch > 1:
            self.stretches = BatchOrder(self.steps_per_epoch, 1, seed)
        self.first: tuple[Floats, Floats] = self.at(0)

    def at(self, step: int) -> tuple[Floats, Floats]:
        """The points of a step."""
        if self.steps_per_epoch == 1:
            return self.x, self.y
        if self.stretches:
            size = self.order.size
            (start,) = [size * k for k in self.stretches.at(step)]
            return self.x[start : start + size], self.y[start : start + size]
        indices = self.order.at(step)
        return self.x[indices], self.y[indices]


class StreamedBatches:
    """Batches that come one after the other, each for one step."""

    steps_per_epoch: int = 1

    def __init__(self, batches: Iterable[tuple[Any, Any]]) -> None:
        try:
            self.rest: Iterator[Any] = iter(batches)
        except TypeError:
            raise DataError(f"{Y_IS_MISSING}, not {short_repr(batches)}") from None
        self.step: int = -1
        first = self.at(0)
        if first is None:
            raise DataError("there are no batches to learn from")
        self.first: tuple[Floats, Floats] = first

    def at(self, step: int) -> tuple[Floats, Floats] | None:
        """The batch of a step, which is that of the last call or the next one; None at the end."""
        if step > self.step:
            self.step = step
            self.batch: tuple[Floats, Floats] | None = None
            for batch in islice(self.rest, 1):
                if not isinstance(batch, tuple) or len(batch) != 2:
                    raise DataError(f"{Y_IS_MISSING}, and batch {step} is {short_repr(batch)}")
                self.batch = as_arrays(*batch)
        return self.batch
