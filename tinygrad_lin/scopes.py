"""Scopes: names for parts of a graph, given while they are recorded.

A node keeps its scope in the slot of its label, so that a graph without scopes pays nothing.
"""

from __future__ import annotations

from _thread import allocate_lock
from contextvars import ContextVar

from tinygrad_lin.errors import DataError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tinygrad_lin.value import Value


class Label(str):
    """A label that also knows the scope in which its Value was recorded."""

    scope: tuple[str, ...]

    def __new__(cls, text: str, scope: tuple[str, ...]) -> Label:
        """A label in a scope."""
        label = super().__new__(cls, text)
        label.scope = scope
        return label

    def __getnewargs__(self) -> tuple[str, tuple[str, ...]]:  # type: ignore[override]
        return str(self), self.scope


innermost: ContextVar[Label | None] = ContextVar("innermost", default=None)
"""The empty label of the innermost scope that this thread or task has open."""

open_scopes: list[str] = []
"""The scopes open in the whole process: while there are none, recording does not look for one."""

generated_builtins: dict[str, object] = {"in_scope": False}
"""The builtins of the functions in `_fast/constructors.py`: this name is found quickest there."""

_lock = allocate_lock()
"""Held while the two change together."""

_labels: dict[tuple[tuple[str, ...], str], Label] = {}
"""Labels that models gave: all nodes of a layer share one."""

MAX_SHARED_LABELS = 1_000
"""When there are more, all are forgotten: a program may invent names for ever."""


class scope:
    """Name the part of the graph that is recorded inside; drawings put a box around it.

    Scopes nest. They belong to the thread or task that opened them.

    Args:
        name: what the part is called, such as "layer 1".

    Raises:
        DataError: the name is empty or not a string.

    >>> from tinygrad_lin import Value
    >>> x = Value(2.0, "x")
    >>> with scope("model"), scope("layer 1"):
    ...     hidden = (x * 3.0).tanh()
    >>> hidden.scope, x.scope
    (('model', 'layer 1'), ())
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise DataError(f"the name of a scope is a non-empty string, not {name!r}")
        self.name = name

    def __enter__(self) -> None:
        innermost.set(Label("", (*current_scope(), self.name)))
        with _lock:
            open_scopes.append(self.name)
            generated_builtins["in_scope"] = True

    def __exit__(self, *error: object) -> None:
        with _lock:
            open_scopes.pop()
            generated_builtins["in_scope"] = bool(open_scopes)
        outer = current_scope()[:-1]
        innermost.set(Label("", outer) if outer else None)


def current_scope() -> tuple[str, ...]:
    """The names of the scopes that are open here, outermost first."""
    label = innermost.get()
    return () if label is None else label.scope


def note_scope(value: Value) -> None:
    """Note on a new Value the scope that is open here, if one is."""
    label = innermost.get()
    if label is not None:
        value._label = label


def place_in_scope(value: Value, name: str, label: str = "") -> None:
    """Put one Value into a scope below the open ones; Values of one scope share their label."""
    path = (*current_scope(), name)
    found = _labels.get((path, label))
    if found is None:
        if len(_labels) >= MAX_SHARED_LABELS:
            _labels.clear()
        found = _labels[path, label] = Label(label, path)
    value._label = found
