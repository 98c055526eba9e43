"""The numbers of many leaves at once, for training loops: without the checks of `Value.data`."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_lin.value import Value


def set_leaves(leaves: Iterable[Value], data: Iterable[float]) -> None:
    """Give each leaf its number."""
    for leaf, new in zip(leaves, data):
        leaf._datum = float(new)


def subtract_from_leaves(leaves: Iterable[Value], changes: Iterable[float]) -> None:
    """Subtract from each leaf its change."""
    for leaf, change in zip(leaves, changes):
        leaf._datum -= change
