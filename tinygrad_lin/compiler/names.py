"""Names of variables: a label where it can be one, else that of the operation with a number."""

from __future__ import annotations

import builtins
import math
from collections import Counter
from keyword import iskeyword
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LONGEST = 30
OF_PROGRAMS = {
    "p", "n", "v", "d", "xp", "weight", "value", "gradient", "ignoring", "certain", "program",
    "every", "slope", "numbers",
}  # fmt: skip


class Names:
    """The names of one program.

    >>> names = Names()
    >>> [names.new("a", "mul"), names.new("", "mul"), names.new("a", "add"), names.new("if", "add")]
    ['a', 'mul1', 'a1', 'add1']
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken: set[str] = {*taken, *OF_PROGRAMS}
        self.numbers: Counter[str] = Counter()  # of the names after each stem

    def new(self, label: str, operation: str) -> str:
        """A name that nothing else has."""
        stem = label if is_name(label) else operation
        name = stem
        while name in self.taken or name == operation:
            self.numbers[stem] += 1
            name = f"{stem}{self.numbers[stem]}"
        self.taken.add(name)
        return name


def is_name(label: str) -> bool:
    """Whether a label can be a variable, and means nothing else to Python or to a program."""
    return (
        label.isidentifier()
        and label.isascii()
        and len(label) <= LONGEST
        and not label.startswith(("_", "d_", "numbers", "batch"))
        and not ("_weights" in label or "_slope" in label)
        and not (iskeyword(label) or hasattr(builtins, label) or hasattr(math, label))
    )
