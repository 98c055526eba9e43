"""Fast form of `Value.__init__` (value.py): a class whose nodes are made without it.

Python calls ``__init__`` for every object of a class that has one. A node needs no such call, since
an operation fills it in by itself, and every nanosecond counts there. So the metaclass takes the
method out of the class, and makes the leaves itself.
"""

from __future__ import annotations

from tinygrad_lin._operands import to_float
from tinygrad_lin.scopes import note_scope, open_scopes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Constructor(type):
    """The metaclass of Value."""

    _allocate: Any
    """Makes an object with nothing in it yet."""

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """The class, without its ``__init__``."""
        namespace["_initialize"] = namespace.pop("__init__", None)
        made = super().__new__(cls, name, bases, namespace)
        made._allocate = type.__call__.__get__(made)
        return made

    def __call__(cls, data: Any, label: str = "", *operands: object) -> Any:
        """A leaf."""
        leaf = cls._allocate()
        if operands:
            leaf._initialize(data, label, *operands)  # It refuses them.
        leaf._datum = data if type(data) is float else to_float(data)
        leaf.grad = 0.0
        leaf.operation = leaf._left = leaf._right = leaf.pending = None
        if open_scopes:
            note_scope(leaf)
        if type(label) is not str or label:
            leaf.label = label
        return leaf

    __call__.__qualname__ = "Value"  # which is what Python calls it where arguments are missing
