"""The formulas of the table as source text on arrays."""

from __future__ import annotations

import ast
import math
from copy import deepcopy
from typing import Any

import numpy

from tinygrad_lin.errors import DataError
from tinygrad_lin.expression import expression_of
from tinygrad_lin.ops import TABLE

KNOWN = {
    name for name in (*vars(math), "abs") if isinstance(getattr(numpy, name, None), numpy.ufunc)
}
"""The functions of math that arrays have, too, by the same names since NumPy 2."""


def written(formula: str, given: dict[str, str]) -> str:
    """A formula on arrays, with texts for its names; ``xp`` is the arrays' namespace.

    Where an operand is a number, so is what it alone makes, and cases are chosen at once.

    Raises:
        DataError: the formula uses a function that arrays do not have.

    >>> written("y * exp(x)", {"x": "a", "y": "b + c"})
    '(b + c) * xp.exp(a)'
    >>> written("y * pow(x, y - 1.0) if y else 0.0", {"x": "a", "y": "2.0"})
    '2.0 * a'
    """
    operands = {name: parsed(text) for name, text in given.items()}
    tree = Substitution(operands).visit(parsed(formula))
    return ast.unparse(OnArrays().visit(tree))


def parsed(text: str) -> ast.expr:
    """An expression from its text."""
    return expression_of(text)


class Substitution(ast.NodeTransformer):
    """Puts expressions in the place of names, and formulas in that of other rows' functions."""

    def __init__(self, given: dict[str, ast.expr]) -> None:
        self.given = given

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The expression for a name, or the name."""
        return deepcopy(self.given.get(node.id, node))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """The formula of a row that is no function of math."""
        assert isinstance(node.func, ast.Name)
        row = TABLE.get(node.func.id) if node.func.id not in ("sum", "zip") else None
        operands = [self.visit(operand) for operand in node.args]
        if row is None or row.formula.startswith(f"{row.name}("):
            return ast.Call(node.func, operands, [])
        inner = Substitution(dict(zip(row.operands, operands))).visit(parsed(row.formula))
        result: ast.expr = inner
        return result


class OnArrays(ast.NodeTransformer):
    """Turns functions of numbers into those of arrays."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """A case that is known, or both; some choices have a function of their own."""
        known = constant(node.test)
        if known is not None:
            chosen: ast.expr = self.visit(node.body if known else node.orelse)
            return chosen
        test, body, orelse = node.test, node.body, node.orelse
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.LtE):
            x, least = ast.unparse(test.left), ast.unparse(test.comparators[0])
            if (ast.unparse(body), ast.unparse(orelse)) == (least, x):
                return parsed(f"xp.maximum({x}, {least})")
            if (ast.unparse(body), ast.unparse(orelse)) == ("0.0", "1.0"):
                return parsed(f"xp.logical_not({x} <= {least})")
        if not isinstance(test, ast.Compare):
            test = ast.Compare(test, [ast.NotEq()], [ast.Constant(0.0)])
        return ast.Call(parsed("xp.where"), [*map(self.visit, (test, body, orelse))], [])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A function of the namespace; powers that are products become such."""
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name in ("sum", "zip"):  # of a formula over sequences
            self.generic_visit(node)
            return node
        if name not in KNOWN:
            raise DataError(f"arrays have no function {name!r}")
        operands: list[ast.expr] = [self.visit(operand) for operand in node.args]
        if name == "pow":
            exponent = constant(operands[1])
            if exponent == 1.0:
                return operands[0]
            if exponent == 2.0 and isinstance(operands[0], ast.Name):
                return ast.BinOp(operands[0], ast.Mult(), operands[0])
        return ast.Call(parsed(f"xp.{name}"), operands, [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """What numbers alone make is computed; a factor of 1 is left out."""
        node.left, node.right = self.visit(node.left), self.visit(node.right)
        known = constant(node)
        if known is not None:
            return parsed(repr(known))
        if isinstance(node.op, ast.Mult) and constant(node.left) == 1.0:
            return node.right
        return node


def constant(node: ast.expr) -> float | None:
    """The number that an expression of numbers alone makes, if it is one."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = constant(operand)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right):
            x, y = constant(left), constant(right)
            if x is None or y is None:
                return None
            match op:
                case ast.Add():
                    return x + y
                case ast.Sub():
                    return x - y
                case ast.Mult():
                    return x * y
                case ast.Div() if y:
                    return x / y
    return None


def may_flag(text: str) -> bool:
    """Whether a case that is not chosen may overflow or divide by zero."""
    return "xp.where" in text and any(
        isinstance(part, ast.Call) or (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div))
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "xp.where"
        for case in node.args[1:]
        for part in ast.walk(case)
    )


def assigned(name: str, text: str) -> str:
    """A statement that computes; quietly where a case that is not chosen may overflow."""
    if may_flag(text):
        return f"with ignoring():\n    {name} = {text}\ncertain({name})"
    return f"{name} = {text}"


def number(value: float) -> str:
    """A number as it is written; infinities and NaN have names in the namespace."""
    if math.isnan(value):
        return "xp.nan"
    if value in (float("inf"), float("-inf")):
        return "xp.inf" if value > 0 else "(-xp.inf)"
    return repr(value) if value >= 0 and str(value)[0] != "-" else f"({value!r})"


def split(text: str) -> tuple[str, ...]:
    """The factors of a product whose first is a number, or the text as one factor."""
    tree: Any = parsed(text)
    product = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult)
    if product and isinstance(tree.left, ast.Constant) and simple(tree.right):
        return ast.unparse(tree.left), ast.unparse(tree.right)
    return (text,) if simple(tree) else (f"({text})",)


def simple(tree: Any) -> bool:
    """Whether an expression needs no brackets in a product."""
    return isinstance(tree, ast.Name | ast.Constant | ast.Subscript | ast.Call)


def walk(formula: str) -> list[Any]:
    """All nodes of a formula's tree."""
    return list(ast.walk(parsed(formula)))
