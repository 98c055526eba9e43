"""Which points a step learns from, and which are kept aside: seeded, so that it can be repeated."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy

from tinygrad_lin.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


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
