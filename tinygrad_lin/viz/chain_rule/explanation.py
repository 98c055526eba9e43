"""The chain rule for one leaf in words: the paths to it, their factors, and that they add up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, islice
from typing import Any

from tinygrad_lin.derivatives import adjoints
from tinygrad_lin.errors import DataError, OperandError, short_repr
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value
from tinygrad_lin.viz.chain_rule.steps import require_value
from tinygrad_lin.viz.notation.text import Notation, Symbol, names_of, quote_unless_name

MAX_COUNTED = 10**15
"""There can be more paths than atoms; beyond this number there are just "more than" it."""
MAX_FACTORS = 12
"""A longer path is written with its middle left out."""
MAX_PATHS = 5
"""At most this many paths are written out; the others are only counted."""


def explain(value: Value, leaf: Value) -> str:
    """The chain rule for one leaf: the paths to it, their factors, and that they add up.

    Args:
        value: the root, for instance a cost.
        leaf: the Value to differentiate with respect to.

    Raises:
        OperandError: one of them is not a Value.

    >>> w = Value(3.0, "w")
    >>> square = w * w
    >>> square.label = "s"
    >>> print(explain(square, w))  # doctest: +ELLIPSIS
    2 paths lead from s to w. Along each the local derivatives are multiplied; ...
    <BLANKLINE>
    Path 1: s → w
      ∂s/∂w
      = w
      = 3
    ...
    Together: ∂s/∂w = 3 + 3 = 6
    """
    require_value(value, "explain")
    require_value(leaf, "explain")
    order = topological_order(value)
    notation = Notation(value, names_of(order))
    if leaf not in notation.names:
        name = quote_unless_name(leaf.label) if leaf.label else "it"
        return (
            f"{notation.names[value]} does not depend on {name}: "
            "no path leads there, the derivative is 0."
        )
    if leaf is value:
        return f"{notation.derivative(value, leaf)} = 1: a Value changes as fast as itself."
    return "\n\n".join(paragraphs(notation, leaf, count_paths(order, leaf)))


def paragraphs(notation: Notation, leaf: Value, counts: dict[Value, int]) -> Iterator[str]:
    """The paragraphs of an explanation: one for each path, and before and after them their sum."""
    root = notation.root
    count = counts[root]
    yield introduction(count, notation.names[root], notation.names[leaf])
    products = []
    for k, path in enumerate(islice(paths(root, leaf, counts), MAX_PATHS), 1):
        products.append(math.prod(node.partials[place] for node, place in path))
        yield describe_path(notation, k, path, leaf, products[-1])
    (gradient,) = adjoints(root, [leaf], lambda node: node.partials)
    assert isinstance(gradient, float)
    left_out = count - len(products)
    if left_out:
        products.append(gradient - sum(products))
        exact = format_count(count) == f"{count:,}"
        others = f"The other {left_out:,}" if exact else "All other"
        yield f"{others} paths are left out here; they add {Symbol.digits(products[-1])}."
    sum_in_digits = Symbol.sum([Symbol.number(product) for product in products]).text
    parts = [notation.derivative(root, leaf), sum_in_digits, Symbol.digits(gradient)]
    yield f"Together: {' = '.join(part for part, _ in groupby(parts))}"


def introduction(count: int, root: str, leaf: str) -> str:
    """The sentence with which an explanation begins."""
    if count == 1:
        return (
            f"One path leads from {root} to {leaf}. Along it the local derivatives are multiplied."
        )
    many = format_count(count)
    return (
        f"{many[0].upper()}{many[1:]} paths lead from {root} to {leaf}. "
        "Along each the local derivatives are multiplied; the products are added."
    )


def describe_path(
    notation: Notation, number: int, path: list[tuple[Value, int]], leaf: Value, product: float
) -> str:
    """One path: its nodes, its derivatives, their formulas, their numbers, and their product."""
    nodes = [*(node for node, _ in path), leaf]
    trail = " → ".join("…" if n is None else notation.names[n] for n in shorten(nodes))

    def product_of(factor: Callable[[Value, int], Symbol]) -> str:
        return notation.product(
            *(None if edge is None else factor(*edge) for edge in shorten(path))
        )

    products = [
        product_of(lambda node, k: Symbol(math.nan, notation.derivative(node, node.inputs[k]))),
        product_of(lambda node, k: notation.partials(node)[k]),
        product_of(lambda node, k: Symbol.number(node.partials[k])),
        Symbol.digits(product),
    ]
    lines = "\n  = ".join(text for text, _ in groupby(products))
    return f"Path {number}: {trail}\n  {lines}"


def products_of_paths(value: Value, leaf: Value) -> list[str]:
    """The derivative with respect to a leaf as products along its paths, a line for each.

    >>> w, x = Value(0.5, "w"), Value(2.0, "x")
    >>> a = w * x
    >>> a.label = "a"
    >>> products_of_paths(a, w)
    ['∂a/∂w = 2']
    """
    order = topological_order(value)
    notation = Notation(value, names_of(order))
    asked = notation.derivative(value, leaf)
    if value is leaf:
        return [f"{asked} = 1"]
    counts = count_paths(order, leaf)
    if counts[value] > MAX_PATHS:
        name = notation.names[leaf]
        return [f"{format_count(counts[value])} paths lead to {name}; "
                f"their products add up to {asked}"]  # fmt: skip
    lines = []
    total = 0.0
    for path in paths(value, leaf, counts):
        factors = [node.partials[place] for node, place in path]
        numbers = [None if f is None else Symbol.number(f) for f in shorten(factors)]
        lines.append(f"{notation.product(*numbers)} = {Symbol.digits(math.prod(factors))}")
        total += math.prod(factors)
    if len(lines) == 1:
        return [" = ".join(dict.fromkeys([asked, *lines[0].split(" = ")]))]
    return [*lines, f"{asked} = {Symbol.digits(total)}, their sum"]


def count_paths(order: Iterable[Value], leaf: Value) -> dict[Value, int]:
    """In how many ways each node depends on the leaf; nodes that do not are left out."""
    counts = {leaf: 1}
    for node in order:
        if node is not leaf:
            count = sum(counts.get(operand, 0) for operand in node.inputs)
            if count:
                counts[node] = min(count, MAX_COUNTED)
    return counts


def require_paths(order: Sequence[Value], leaf: Value) -> dict[Value, int]:
    """The nodes on the paths to a leaf; refuses what is no Value or has no path."""
    if not isinstance(leaf, Value):
        raise OperandError(
            f"a path leads to a Value, not to {type(leaf).__name__} {short_repr(leaf)}"
        )
    if leaf not in set(order):
        raise DataError(f"no path leads from {order[-1]!r} to {leaf!r}")
    return count_paths(order, leaf)


def format_count(count: int) -> str:
    """A number of paths in digits, as far as they are counted."""
    return f"{count:,}" if count < MAX_COUNTED else f"more than {MAX_COUNTED:,}"


def paths(root: Value, leaf: Value, counts: dict[Value, int]) -> Iterator[list[tuple[Value, int]]]:
    """The paths from the root to the leaf: nodes, and which input of each comes next.

    They never leave the nodes that depend on the leaf, which are those that have a count.
    """
    path: list[tuple[Value, int]] = [(root, -1)]
    while path:
        node, last = path.pop()
        for place in range(last + 1, len(node.inputs)):
            operand = node.inputs[place]
            if operand in counts:
                path.append((node, place))
                if operand is leaf:
                    yield list(path)
                else:
                    path.append((operand, -1))
                break


def shorten(entries: list[Any]) -> list[Any]:
    """A list, with None in place of its middle if it is long."""
    half = MAX_FACTORS // 2
    return entries if len(entries) <= MAX_FACTORS else [*entries[:half], None, *entries[-half:]]
