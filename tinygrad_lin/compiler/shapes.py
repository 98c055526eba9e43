"""Shapes and axes of arrays whose number of rows is known only when the program runs."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

Shape: TypeAlias = "tuple[int | str, ...]"
"""The length of each axis; "n" stands for the number of rows in the batch."""


class Axes(NamedTuple):
    """Which axes an expression has: the batch's, and one of lanes."""

    batched: bool
    wide: bool

    def __or__(self, other: Axes) -> Axes:
        return Axes(self.batched or other.batched, self.wide or other.wide)


NO_AXES = Axes(False, False)


def is_matrix(shape: Shape) -> bool:
    """Whether an array has two axes, the first of which is the batch."""
    return len(shape) == 2 and shape[0] == "n"


def broadcast(*shapes: Shape) -> Shape:
    """The shape that some shapes broadcast to.

    >>> broadcast(("n", 1), (3,))
    ('n', 3)
    """
    result: Shape = ()
    for shape in shapes:
        short, long = sorted((result, shape), key=len)
        short = (1,) * (len(long) - len(short)) + short
        result = tuple([b if a == 1 else a for a, b in zip(short, long)])
    return result


def shape_text(shape: Shape) -> str:
    """A shape in Python's notation."""
    return f"({', '.join(map(str, shape))},)"
