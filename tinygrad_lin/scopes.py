"""Scopes: names for parts of a graph, given while they are recorded."""

from __future__ import annotations

from contextvars import ContextVar
from functools import lru_cache

from tinygrad_lin.errors import DataError
from tinygrad_lin.value import MAKERS, MAKING, Label, Value, blank

_innermost: ContextVar[Label | None] = ContextVar("innermost", default=None)
_open = [0]  # scopes in the whole process; while there are none, recording does not look for one


class scope:
    """Name the part of the graph that is recorded inside; drawings put a box around it.

    Scopes nest. They belong to the thread or task that opened them.

    Args:
        name: what the part is called, such as "layer 1".

    Raises:
        DataError: the name is empty, or no text.

    >>> x = Value(2.0, "x")
    >>> with scope("model"), scope("layer 1"):
    ...     hidden = (x * 3.0).tanh()
    >>> hidden.scope, x.scope
    (('model', 'layer 1'), ())
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str) or not name:
            raise DataError(f"a scope is named by a text, not by {name!r}")
        self.name = name

    def __enter__(self) -> None:
        outer = _innermost.get()
        _innermost.set(labelled(outer.scope if outer is not None else (), self.name, ""))
        change_open_scopes(+1)

    def __exit__(self, *error: object) -> None:
        inner = _innermost.get()
        assert inner is not None
        outer = inner.scope[:-1]
        _innermost.set(labelled(outer[:-1], outer[-1], "") if outer else None)
        change_open_scopes(-1)


def place(node: Value, name: str, label: str = "") -> None:
    """Put one node into a scope, as cheaply as a training loop asks for."""
    outer = _innermost.get()
    node._label = labelled(outer.scope if outer is not None else (), name, label)


@lru_cache
def labelled(outer: tuple[str, ...], name: str, label: str) -> Label:
    """A label in a scope; nodes without one of their own share an empty one."""
    return Label(label, (*outer, name))


def change_open_scopes(by: int) -> None:
    """Count the open scopes: from the first to the last, nodes look for theirs."""
    with MAKING:
        _open[0] += by
        if _open[0] == max(by, 0):
            maker = blank_in_scope if _open[0] else blank
            for namespace in MAKERS:
                namespace["blank"] = maker


def blank_in_scope() -> Value:
    """A Value with nothing in it yet but its scope, all in one scope sharing one empty label."""
    node: Value = blank()
    label = _innermost.get()
    if label is not None:
        node._label = label
    return node
