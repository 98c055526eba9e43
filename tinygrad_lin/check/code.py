"""A recorded graph written as Python code: a lambda that can be pasted and run."""

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

    from tinygrad_lin.ops import Operation

SYMBOLS = {special: operator for operator, special in OPERATORS.items()}
DEEPEST = 8  # brackets in brackets; a part that is deeper gets a name


def code(root: Value, leaves: Sequence[Value]) -> str:
    """The graph below a Value as a lambda of some leaves; all other leaves become numbers.

    Parts that are used more than once get a name. To run it takes ``from tinygrad_lin import *``.

    >>> x, y = Value(2.0, "x"), Value(3.0, "y")
    >>> a = x * y
    >>> code(a + a.tanh(), [x, y])
    'lambda x, y: [a := x * y, a + tanh(a)][-1]'
    """
    names = names_of(leaves)
    free = names_apart_from({*names, *TABLE})
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
        expression = application(node.operation, operands)
        depth = 1 + max((depths.get(operand, 0) for operand in node.inputs), default=0)
        if node is root or (uses[node] == 1 and depth < DEEPEST):
            written[node], depths[node] = expression, depth
        else:
            name = next(free)
            parts.append(f"{name} := {text(expression)}")
            written[node] = ast.Name(name)
    result = text(written[root])
    body = f"[{', '.join([*parts, result])}][-1]" if parts else result
    return f"lambda {', '.join(names)}: {body}"


def text(expression: ast.expr) -> str:
    """An expression as it is written."""
    return ast.unparse(ast.fix_missing_locations(expression))


def application(row: Operation, operands: list[ast.expr]) -> ast.expr:
    """An operation applied to operands: Python's operator where it has one, else a call."""
    if row.special and len(operands) == 2:
        return ast.BinOp(operands[0], SYMBOLS[row.special](), operands[1])  # type: ignore[arg-type]
    if row.special:
        return ast.UnaryOp(SYMBOLS[row.special](), operands[0])  # type: ignore[arg-type]
    arguments = [
        ast.List(argument) if isinstance(argument, list) else argument
        for argument in row.grouped(operands)
    ]
    return ast.Call(ast.Name(row.name), arguments, [])


def literal(number: float) -> ast.expr:
    """A number; a negative one is the minus of a positive one, for brackets to be put."""
    if str(number)[0] == "-":
        return ast.UnaryOp(ast.USub(), ast.Constant(-number))
    return ast.Constant(number)


def names_of(leaves: Sequence[Value]) -> list[str]:
    """A name for each leaf: its label where that can be one, else x0, x1 and so on.

    Python takes several letters for one and the same; a name has that one.
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


def names_apart_from(taken: set[str]) -> Iterator[str]:
    """a, b, ..., z, a1, b1, ... but for those that are taken."""
    for round in count():
        for letter in ascii_lowercase:
            name = f"{letter}{round or ''}"
            if name not in taken:
                yield name
