"""Fused layers: one product for a layer, of its inputs beside ones and its weights beside biases.

So no bias is added to every row, and the gradient of a single neuron is one product, too::

    x @ w.T + b                       beside_ones(x) @ beside(w.T, b)
    x @ p[4:8] + p[8]                 beside_ones(x) @ p[4:9]

    gradient[8] = d.sum()
    gradient[4:8] = d @ x             gradient[4:9] = d @ beside_ones(x)
"""

from __future__ import annotations

import ast

from tinygrad_lin._parsing import parse_statements
from tinygrad_lin.compiler.shapes import Shape, is_matrix


def fuse_layers(trees: list[ast.stmt], shapes: dict[str, Shape]) -> tuple[list[ast.stmt], set[str]]:
    """The statements with one product for each layer, and the arrays to lay beside ones.

    Args:
        trees: the statements.
        shapes: the shapes of the arrays, by their names.
    """
    layers = LayerFusion(shapes)
    trees = [layers.visit(tree) for tree in trees]
    if not layers.inputs:
        return trees, layers.inputs
    by_text = {ast.unparse(tree): tree for tree in trees}
    for tree in list(trees):
        match tree:
            case ast.Assign(
                [ast.Subscript(array, ast.Slice(_, ast.Constant(int(k))) as lanes)], value
            ):
                product = find_product(value, layers.inputs)
                if product is None:
                    continue
                text, d = ast.unparse(product), ast.unparse(product.left)
                of_bias = ast.unparse(value).replace(text, f"{d}.sum()")
                bias = by_text.get(normalize_statement(f"{ast.unparse(array)}[{k}] = {of_bias}"))
                if bias:
                    trees.remove(tree)
                    trees[trees.index(bias)] = tree
                    lanes.upper = ast.Constant(k + 1)
                    product.right = beside_ones(product.right)
    return trees, layers.inputs


class LayerFusion(ast.NodeTransformer):
    """Fuses layers, and collects the names of their inputs."""

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
    """Weights with the bias that is added, None if they cannot be one array."""
    match weights, bias:
        case ast.Attribute(attr="T"), _:
            return ast.Call(ast.Name("beside"), [weights, bias], [])
        case (
            ast.Subscript(ast.Name(p), ast.Slice(first, ast.Constant(int(k)))),
            ast.Subscript(ast.Name(q), ast.Constant(last)),
        ) if (p, k) == (q, last):
            return ast.Subscript(ast.Name(p), ast.Slice(first, ast.Constant(k + 1)))
    return None


def find_product(tree: ast.expr, inputs: set[str]) -> ast.BinOp | None:
    """The first product with the inputs of a layer, None if there is none."""
    for node in ast.walk(tree):
        match node:
            case ast.BinOp(ast.Name(), ast.MatMult(), ast.Name(x)) if x in inputs:
                return node
    return None


def normalize_statement(text: str) -> str:
    """A statement as ``ast.unparse`` writes it."""
    return ast.unparse(parse_statements(text)[0])
