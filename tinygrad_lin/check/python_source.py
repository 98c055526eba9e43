"""A recorded graph printed as Python source: a lambda that can be pasted and run."""

from __future__ import annotations

import ast
from collections import Counter
from itertools import count
from keyword import iskeyword
from string import ascii_lowercase
from typing import TYPE_CHECKING
from unicodedata import normalize

from tinygrad_lin.expression import OPERATORS
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import TABLE
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tinygrad_lin.operation import Operation

AST_OPERATORS = {special: operator for operator, special in OPERATORS.items()}
MAX_DEPTH = 8
"""An expression that is nested deeper than this is split into parts with names."""


def python_source(root: Value, leaves: Sequence[Value]) -> str:
    """The graph below a Value as a lambda of some leaves; all other leaves become numbers.

    Parts that are used more than once get a name. It runs after ``from tinygrad_lin import *``.

    >>> x, y = Value(2.0, "x"), Value(3.0, "y")
    >>> a = x * y
    >>> python_source(a + a.tanh(), [x, y])
    'lambda x, y: [a := x * y, a + tanh(a)][-1]'
    """
    names = leaf_names(leaves)
    free_names = unused_names({*names, *TABLE})
    order = topological_order(root)
    uses = Counter(operand for node in order for operand in node.inputs)
    written: dict[Value, ast.expr] = dict(zip(leaves, map(ast.Name, names)))
    depths: dict[Value, int] = {}
    parts: list[str] = []
    for node in order:
        if node in written:
            continue
        if node.operation is None:
            written[node] = literal(node.data)
            continue
        operands = [
            written[operand] if isinstance(operand, Value) else literal(operand)
            for operand in node.operands
        ]
        expression = apply_operation(node.operation, operands)
        depth = 1 + max((depths.get(operand, 0) for operand in node.inputs), default=0)
        if node is root or (uses[node] == 1 and depth < MAX_DEPTH):
            written[node], depths[node] = expression, depth
        else:
            name = next(free_names)
            parts.append(f"{name} := {ast.unparse(expression)}")
            written[node] = ast.Name(name)
    result = ast.unparse(written[root])
    body = f"[{', '.join([*parts, result])}][-1]" if parts else result
    return f"lambda {', '.join(names)}: {body}"


def apply_operation(operation: Operation, operands: list[ast.expr]) -> ast.expr:
    """An operation applied to operands: by Python's operator where it has one, else by a call."""
    if operation.special and len(operands) == 2:
        return ast.BinOp(operands[0], AST_OPERATORS[operation.special](), operands[1])  # type: ignore[arg-type]
    if operation.special:
        return ast.UnaryOp(AST_OPERATORS[operation.special](), operands[0])  # type: ignore[arg-type]
    arguments = [
        ast.List(argument) if isinstance(argument, list) else argument
        for argument in operation.grouped(operands)
    ]
    return ast.Call(ast.Name(operation.name), arguments, [])


def literal(number: float) -> ast.expr:
    """A number; a negative one becomes the minus of a positive one, so that it gets brackets."""
    if str(number)[0] == "-":
        return ast.UnaryOp(ast.USub(), ast.Constant(-number))
    return ast.Constant(number)


def leaf_names(leaves: Sequence[Value]) -> list[str]:
    """A name for each leaf: its label where that can be a name, else x0, x1 and so on.

    Python reads some letters as others (ａ as a), so labels with such letters are no names.
    """
    labels = [leaf.label for leaf in leaves]
    return [
        label
        if label.isidentifier()
        and normalize("NFKC", label) == label
        and label != "__debug__"
        and not iskeyword(label)
        and not (label[0] == "x" and label[1:].isdecimal())
        and label not in TABLE
        and labels.count(label) == 1
        else f"x{k}"
        for k, label in enumerate(labels)
    ]


def unused_names(used: set[str]) -> Iterator[str]:
    """a, b, ..., z, a1, b1, ... without those that are used."""
    names = (f"{letter}{round or ''}" for round in count() for letter in ascii_lowercase)
    return (name for name in names if name not in used)
