"""Names for all nodes of a graph, no two the same."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from tinygrad_lin.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinygrad_lin.value import Value

MAX_LABEL_LENGTH = 40


def names_of(order: Sequence[Value]) -> dict[Value, str]:
    """A name of its own for every node: its label, numbered if several have it, or else v1, v2.

    >>> from tinygrad_lin import Value
    >>> a, b, c, d = Value(1.0, "a"), Value(1.0, "a"), Value(1.0), Value(1.0, "v1")
    >>> list(names_of([a, b, c, d]).values())
    ['a₁', 'a₂', 'v2', 'v1']
    """
    labels = [quoted(node.label) if node.label else "" for node in order]
    count = Counter(labels)
    taken = set(count)
    numbers: Counter[str] = Counter()

    def numbered(stem: str, digits: Callable[[int], str]) -> str:
        while True:
            numbers[stem] += 1
            name = stem + digits(numbers[stem])
            if name not in taken:
                taken.add(name)
                return name

    return {
        node: label
        if count[label] == 1 and label
        else numbered(label, subscript)
        if label
        else numbered("v", str)
        for node, label in zip(order, labels)
    }


def quoted(label: str) -> str:
    """A label as one short piece of text, in quotes if it does not look like a name."""
    text = cut(printable(label), MAX_LABEL_LENGTH)
    return text if re.fullmatch(r"[^\W\d][\w.,'′…]*(\[[\w,]+\])?", text) else f'"{text}"'


def cut(text: str, max_length: int) -> str:
    """Text whose end is replaced by an ellipsis where it is too long."""
    return text if len(text) <= max_length else f"{text[: max_length - 1]}…"


def subscript(number: int) -> str:
    """A number in small digits below the line."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
