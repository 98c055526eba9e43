"""Python's parser, one thread at a time: CPython 3.11 miscounts the depth of two at once."""

from __future__ import annotations

import ast
from _thread import allocate_lock

_parser_lock = allocate_lock()


def parse_expression(text: str) -> ast.expr:
    """The tree of a Python expression."""
    with _parser_lock:
        return ast.parse(text, mode="eval").body


def parse_statements(text: str) -> list[ast.stmt]:
    """The trees of Python's statements."""
    with _parser_lock:
        return ast.parse(text).body
