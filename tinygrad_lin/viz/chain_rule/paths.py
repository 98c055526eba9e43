"""The paths of a graph from its root to a leaf. Along each, the local derivatives are multiplied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_lin.errors import DataError, OperandError, shown
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MAX_COUNTED = 10**15
"""There can be more paths than atoms; beyond this number there are just "more than" it."""
MAX_FACTORS = 12
"""A longer path is written with its middle left out."""


def count_paths(order: Iterable[Value], leaf: Value) -> dict[Value, int]:
    """In how many ways each node depends on the leaf; nodes that do not are left out."""
    counts = {leaf: 1}
    for node in order:
        if node is not leaf:
            count = sum(counts.get(operand, 0) for operand in node.inputs)
            if count:
                counts[node] = min(count, MAX_COUNTED)
    return counts


def require_paths(order: Sequence[Value], leaf: Value) -> dict[Value, int]:
    """The nodes on the paths to a leaf; an error if it is no Value or no path leads there."""
    if not isinstance(leaf, Value):
        raise OperandError(f"a path leads to a Value, not to {type(leaf).__name__} {shown(leaf)}")
    if leaf not in set(order):
        raise DataError(f"no path leads from {order[-1]!r} to {leaf!r}")
    return count_paths(order, leaf)


def written_count(count: int) -> str:
    """A number of paths in digits, as far as they are counted."""
    return f"{count:,}" if count < MAX_COUNTED else f"more than {MAX_COUNTED:,}"


def paths(root: Value, leaf: Value, counts: dict[Value, int]) -> Iterator[list[tuple[Value, int]]]:
    """The paths from the root to the leaf: nodes, and which input of each comes next.

    They never leave the nodes that depend on the leaf, which are those that have a count.
    """
    path: list[tuple[Value, int]] = [(root, -1)]
    while path:
        node, place = path.pop()
        inputs = node.inputs
        place += 1
        while place < len(inputs) and inputs[place] not in counts:
            place += 1
        if place == len(inputs):
            continue
        path.append((node, place))
        if inputs[place] is leaf:
            yield list(path)
        else:
            path.append((inputs[place], -1))


def shorten(entries: list[Any]) -> list[Any]:
    """A list, with None in place of its middle if it is long."""
    half = MAX_FACTORS // 2
    if len(entries) <= MAX_FACTORS:
        return [*entries]
    return [*entries[:half], None, *entries[-half:]]
