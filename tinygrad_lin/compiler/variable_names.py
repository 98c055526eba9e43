"""Names of a program's variables: a label where it can be one, else the operation and a number."""

from __future__ import annotations

import builtins
import math
from collections import Counter
from collections.abc import Iterable
from keyword import iskeyword

MAX_LENGTH = 30
RESERVED = {  # Programs use these names for themselves.
    "p", "n", "v", "d", "xp", "weight", "value", "gradient", "ignoring", "certain", "program",
    "every", "slope", "numbers",
}  # fmt: skip


class VariableNames:
    """The names of one program's variables.

    >>> names = VariableNames()
    >>> [names.new("a", "mul"), names.new("", "mul"), names.new("a", "add"), names.new("if", "add")]
    ['a', 'mul1', 'a1', 'add1']
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken: set[str] = {*taken, *RESERVED}
        self.counts: Counter[str] = Counter()  # The latest number after each stem.

    def new(self, label: str, operation: str) -> str:
        """A name that nothing else has."""
        stem = label if is_name(label) else operation
        name = stem
        while name in self.taken or name == operation:
            self.counts[stem] += 1
            name = f"{stem}{self.counts[stem]}"
        self.taken.add(name)
        return name


def is_name(label: str) -> bool:
    """Whether a label can be a variable, and means nothing else to Python or to a program."""
    return (
        label.isidentifier()
        and label.isascii()
        and len(label) <= MAX_LENGTH
        and not label.startswith(("_", "d_", "numbers", "batch"))
        and not ("_weights" in label or "_slope" in label)
        and not (iskeyword(label) or hasattr(builtins, label) or hasattr(math, label))
    )
