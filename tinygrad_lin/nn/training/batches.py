"""Which points a step learns from, and which are kept aside: seeded, so that it can be repeated."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.errors import DataError, short_repr
from tinygrad_lin.nn.training.points import as_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tinygrad_lin.nn.data import Floats

Y_IS_MISSING = (
    "y must be a sequence with one entry for each point; or leave it out, with x an iterable of "
    "batches, which are pairs (x, y)"
)


def split(count: int, part: float, seed: int) -> tuple[list[int], list[int]]:
    """The indices of the points to learn from, and of a part kept aside, at least one of each.

    >>> split(5, 0.4, seed=42)
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

    A batch of an array in a file is a stretch of it, so that its rows are read as they lie.
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
    """Batches that come one after the other, each for one step.

    Raises:
        DataError: that is not an iterable of pairs (x, y), or it is empty.
    """

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
