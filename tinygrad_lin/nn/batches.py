"""Which points a step learns from, and which are kept aside: seeded, so that it can be repeated."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.errors import DataError, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from numpy import float64
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[float64]


WITHOUT_Y = (
    "y must be a sequence with one entry for each point; or leave it out, with x an iterable of "
    "batches, which are pairs (x, y)"
)


def split(count: int, part: float, seed: int) -> tuple[list[int], list[int]]:
    """The places of the points to learn from, and of a part kept aside, at least one of each.

    >>> split(5, 0.4, seed=42)
    ([0, 2, 3], [1, 4])
    """
    if count < 2:
        raise DataError("one point cannot be split into some to learn from and some to validate by")
    aside = min(max(round(part * count), 1), count - 1)
    order = numpy.random.RandomState(seed).permutation(count).tolist()
    return sorted(order[aside:]), sorted(order[:aside])


class Batches:
    """All points, or mini-batches of them: each epoch goes once through all, in a new order.

    >>> batches = Batches(5, size=2, seed=42)
    >>> [batches.at(step) for step in range(4)]
    [[4, 0], [3, 1], [2], [0, 2]]
    """

    def __init__(self, count: int, size: int | None, seed: int) -> None:
        self.count = count
        self.size: int = count if size is None else size
        self.in_an_epoch: int = -(-count // self.size)
        self.order: Callable[[int], list[int]] = lru_cache(maxsize=1)(
            lambda epoch: numpy.random.RandomState([seed, epoch]).permutation(count).tolist()
        )

    def at(self, step: int) -> Sequence[int]:
        """The places of the points of a step: a function of the step alone."""
        if self.in_an_epoch == 1:
            return range(self.count)
        epoch, turn = divmod(step, self.in_an_epoch)
        order: list[int] = self.order(epoch)
        return order[turn * self.size : (turn + 1) * self.size]


class Points:
    """All the points there are, and those of a step.

    Of an array in a file they are a stretch: its rows are read as they lie.
    """

    def __init__(self, x: Floats, y: Floats, size: int | None, seed: int) -> None:
        self.x = x
        self.y = y
        self.batches: Batches = Batches(len(x), size, seed)
        self.in_an_epoch: int = self.batches.in_an_epoch
        self.stretches: Batches | None = None
        if isinstance(x, numpy.memmap) and self.in_an_epoch > 1:
            self.stretches = Batches(self.in_an_epoch, 1, seed)

    def at(self, step: int) -> tuple[Floats, Floats]:
        """The points of a step."""
        if self.in_an_epoch == 1:
            return self.x, self.y
        if self.stretches:
            size = self.batches.size
            (begin,) = [size * k for k in self.stretches.at(step)]
            return self.x[begin : begin + size], self.y[begin : begin + size]
        places = self.batches.at(step)
        return self.x[places], self.y[places]

    def is_over(self, step: int) -> bool:
        """There are points for every step."""
        return False


class Stream:
    """Batches that come one after the other, each for one step.

    Raises:
        DataError: that is no iterable of pairs (x, y), or it is empty.
    """

    in_an_epoch: int = 1

    def __init__(self, batches: Iterable[tuple[Any, Any]], checked: Callable[..., Any]) -> None:
        try:
            self.rest: Iterator[Any] = iter(batches)
        except TypeError:
            raise DataError(f"{WITHOUT_Y}, not {shown(batches)}") from None
        self.checked = checked
        self.step: int = -1
        self.now: Any = None
        self.ended: bool = False
        self.advance()
        if self.ended:
            raise DataError("there are no batches to learn from")

    def advance(self) -> None:
        """Take the next batch, if there is one."""
        try:
            batch = next(self.rest)
        except StopIteration:
            self.ended = True
            return
        if not isinstance(batch, tuple) or len(batch) != 2:
            raise DataError(f"{WITHOUT_Y}, and batch {self.step + 1} is {shown(batch)}")
        self.now = self.checked(*batch)
        self.step += 1

    def at(self, step: int) -> tuple[Floats, Floats]:
        """The batch of a step, which is the one of the last step or the next one."""
        if step > self.step and not self.ended:
            self.advance()
        now: tuple[Floats, Floats] = self.now
        return now

    def is_over(self, step: int) -> bool:
        """Whether there is no batch for a step."""
        self.at(step)
        return self.ended
