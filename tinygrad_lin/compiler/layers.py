"""A layer as one product: its inputs beside ones, its weights beside its biases.

So no bias is added to every row, and the last neuron's gradient comes of one product, too::

    x @ w.T + b                       beside_ones(x) @ beside(w.T, b)
    x @ p[4:8] + p[8]                 beside_ones(x) @ p[4:9]

    gradient[8] = d.sum()
    gradient[4:8] = d @ x             gradient[4:9] = d @ beside_ones(x)
"""

from __future__ import annotations

import ast
from typing import TypeAlias

from tinygrad_lin.expression import statements_of

Shape: TypeAlias = "tuple[int | str, ...]"
"""The length of each axis; "n" is that of the batch."""


def is_matrix(shape: Shape) -> bool:
    """Whether an array has a row for each row of the batch."""
    return len(shape) == 2 and shape[0] == "n"


def joined(trees: list[ast.stmt], shapes: dict[str, Shape]) -> tuple[list[ast.stmt], set[str]]:
    """The statements with their layers as one product, and the arrays to lay beside ones.

    Args:
        trees: the statements.
        shapes: of the arrays, by their names.
    """
    layers = Layers(shapes)
    trees = [layers.visit(tree) for tree in trees]
    if not layers.inputs:
        return trees, layers.inputs
    by_text = {ast.unparse(tree): tree for tree in trees}
    for tree in list(trees):
        match tree:
            case ast.Assign(
                [ast.Subscript(array, ast.Slice(_, ast.Constant(int(k))) as lanes)], value
            ):
                product = product_in(value, layers.inputs)
                if product is None:
                    continue
                text, d = ast.unparse(product), ast.unparse(product.left)
                alone = ast.unparse(value).replace(text, f"{d}.sum()")
                bias = by_text.get(normal(f"{ast.unparse(array)}[{k}] = {alone}"))
                if bias:
                    trees.remove(tree)
                    trees[trees.index(bias)] = tree
                    lanes.upper = ast.Constant(k + 1)
                    product.right = beside_ones(product.right)
    return trees, layers.inputs


class Layers(ast.NodeTransformer):
    """Finds layers, and gathers the names of their inputs."""

    def __init__(self, shapes: dict[str, Shape]) -> None:
        self.shapes = shapes
        self.inputs: set[str] = set()

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """One product for a product and a sum."""
        match node:
            case ast.BinOp(ast.BinOp(ast.Name(x), ast.MatMult(), weights), ast.Add(), bias) if (
                is_matrix(self.shapes.get(x, ())) and self.is_bias(bias)
            ):
                both = beside(weights, bias)
                if both:
                    self.inputs.add(x)
                    return ast.BinOp(beside_ones(ast.Name(x)), ast.MatMult(), both)
        self.generic_visit(node)
        return node

    def is_bias(self, node: ast.expr) -> bool:
        """Whether a summand is the same in every row."""
        names = [part.id for part in ast.walk(node) if isinstance(part, ast.Name)]
        return all("n" not in self.shapes.get(name, ()) for name in names)


def beside_ones(inputs: ast.expr) -> ast.expr:
    """A matrix with a column of ones after its last."""
    return ast.Call(ast.Name("beside_ones"), [inputs], [])


def beside(weights: ast.expr, bias: ast.expr) -> ast.expr | None:
    """Weights with what is added, if these can be in one array."""
    match weights, bias:
        case ast.Attribute(attr="T"), _:
            return ast.Call(ast.Name("beside"), [weights, bias], [])
        case (
            ast.Subscript(ast.Name(p), ast.Slice(first, ast.Constant(int(k)))),
            ast.Subscript(ast.Name(q), ast.Constant(last)),
        ) if (p, k) == (q, last):
            return ast.Subscript(ast.Name(p), ast.Slice(first, ast.Constant(k + 1)))
    return None


def product_in(tree: ast.expr, inputs: set[str]) -> ast.BinOp | None:
    """The product with the inputs of a layer, if there is one."""
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(ast.Name(), ast.MatMult(), ast.Name(x)) if x in inputs:
                return node
    return None


def normal(text: str) -> str:
    """A text as it is written from its tree."""
    return ast.unparse(statements_of(text)[0])
