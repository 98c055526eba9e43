"""Dead code elimination: statements that neither the value nor the gradient needs are dropped."""

from __future__ import annotations

import ast

from tinygrad_lin._parsing import parse_statements


def remove_dead_code(lines: list[str]) -> list[str]:
    """The statements that the value and the gradient depend on.

    >>> remove_dead_code(["a = p[0]", "b = a * a", "value = a"])
    ['a = p[0]', 'value = a']
    """
    kept: list[str] = []
    wanted = {"value", "gradient"}
    for line in reversed(lines):
        nodes = [node for tree in parse_statements(line) for node in ast.walk(tree)]
        names = {node.id: node.ctx for node in nodes if isinstance(node, ast.Name)}
        made = {name for name, context in names.items() if isinstance(context, ast.Store)}
        if wanted & (made or set(names)):
            wanted |= set(names)
            kept.append(line)
    return kept[::-1]
