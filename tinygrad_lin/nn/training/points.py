"""The points that training is given, as arrays of finite numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin._operands import to_float
from tinygrad_lin.errors import DataError, TinygradError, short_repr
from tinygrad_lin.nn.modules import features_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_lin.nn.data import Floats

ROWS_AT_ONCE = 1 << 16
"""An array that lies in a file is looked at in blocks of so many rows."""


def as_arrays(x: Any, y: Any) -> tuple[Floats, Floats]:
    """The points as arrays of shape (points, inputs) and (points,).

    Arrays of numbers stay where they are, in a file if need be.

    Raises:
        DataError: they are not points, do not match, or are not finite.
    """
    rows, targets = (
        given if is_array_of_numbers(given) else numpy.array(as_lists(name, given))
        for name, given in (("x", x), ("y", y))
    )
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


def is_array_of_numbers(given: Any) -> bool:
    """Whether that is an array of numbers with a point in each row."""
    return isinstance(given, numpy.ndarray) and given.dtype.kind in "fiu" and 0 < given.ndim <= 2


def as_lists(name: str, given: Sequence[Any]) -> list[list[float]]:
    """Each entry of a sequence as a list of floats, all of the same length."""
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
    return result


def require_finite(name: str, entries: Floats) -> None:
    """Refuse an array with an infinity or a NaN in it."""
    for start in range(0, len(entries), ROWS_AT_ONCE):
        finite = numpy.isfinite(entries[start : start + ROWS_AT_ONCE])
        if not finite.all():
            index = start + int(numpy.argmin(finite.reshape(len(finite), -1).all(1)))
            raise DataError(f"{name}[{index}] is not finite: {entries[index]}")
