"""Sums that were written out become single ones: ``total``, or ``dot`` where they add products.

So a neuron written as a loop of additions becomes the same matrix product as one written as a dot.
"""

from __future__ import annotations

from collections import Counter

from tinygrad_lin.compiler.trace import Node
from tinygrad_lin.ops import TABLE


def merge_sums(output: Node | float, order: list[Node]) -> Node | float:
    """The output with its sums merged; an addition that nothing else uses joins the next."""
    add = TABLE["add"]
    uses = Counter(operand for node in order for operand in node.nodes)
    inner = {
        operand
        for node in order
        if node.operation is add
        for operand in node.nodes
        if operand.operation is add and uses[operand] == 1 and operand is not output
    }
    merged: dict[Node, Node] = {}
    terms: dict[Node, list[Node | float]] = {}
    for node in order:
        operands = [merged.get(o, o) if isinstance(o, Node) else o for o in node.operands]
        if node.operation is not add:
            merged[node] = simplify(node, operands)
            continue
        parts: list[Node | float] = []
        for before, operand in zip(node.operands, operands):
            if isinstance(before, Node) and before in inner:
                inner_terms = terms.pop(before)
                parts = inner_terms if not parts else parts + inner_terms
            else:
                parts.append(operand)
        if node in inner:
            terms[node] = parts
        else:
            merged[node] = sum_of(parts, node.label) or Node(add, operands, node.label)
    return merged.get(output, output) if isinstance(output, Node) else output


def simplify(node: Node, operands: list[Node | float]) -> Node:
    """An operation on merged operands; a neuron of one input and a sum of one term are no sums."""
    if node.operation is TABLE["dot"] and len(operands) == 3:
        product = Node(TABLE["mul"], operands[:2])
        return Node(TABLE["add"], [product, operands[2]], node.label)
    if node.operation is TABLE["total"]:
        if len(operands) == 1 and isinstance(operands[0], Node):
            return operands[0]
        products = sum_of_products(operands, node.label)
        if products:
            return products
    return Node(node.operation, operands, node.label)


def sum_of(parts: list[Node | float], label: str) -> Node | None:
    """A sum of more than two terms as one operation, None if there are not so many."""
    if len(parts) > 2:
        parts = count_terms(parts)
    if len(parts) > 2:
        return sum_of_products(parts, label) or Node(TABLE["total"], parts, label)
    return None


def count_terms(parts: list[Node | float]) -> list[Node | float]:
    """The terms of a sum; a term that occurs several times is multiplied by its count."""
    counts = Counter(part for part in parts if isinstance(part, Node))
    numbers = [part for part in parts if not isinstance(part, Node)]
    once: list[Node | float] = [
        part if count == 1 else Node(TABLE["mul"], (part, float(count)))
        for part, count in counts.items()
    ]
    return once + numbers


def sum_of_products(parts: list[Node | float], label: str) -> Node | None:
    """The terms of a sum as a dot, if all are products but for one at most."""
    products = [part for part in parts if isinstance(part, Node) and is_product(part)]
    several = set(products)
    rest = [part for part in parts if part not in several] or [0.0]
    if len(rest) > 1 or len(products) < 2:
        return None
    pairs = [fixed_factor_first(product) for product in products]
    return Node(TABLE["dot"], [*(p[0] for p in pairs), *(p[1] for p in pairs), rest[0]], label)


def is_product(part: Node) -> bool:
    """Whether a term multiplies something fixed by something of the batch, or two parameters."""
    if part.operation is not TABLE["mul"]:
        return False
    if all(isinstance(o, Node) and o.operation is None and not o.batched for o in part.operands):
        return True
    return len({isinstance(o, Node) and o.batched for o in part.operands}) == 2


def fixed_factor_first(product: Node) -> tuple[Node | float, Node | float]:
    """The factors of a product; the one that is the same in every row comes first."""
    one, other = product.operands
    return (other, one) if isinstance(one, Node) and one.batched else (one, other)
