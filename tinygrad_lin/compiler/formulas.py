"""The formulas of the table of derivatives as source text on arrays."""

from __future__ import annotations

import ast
import math
from copy import deepcopy

import numpy

from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.errors import DataError
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import TABLE

ARRAY_FUNCTIONS = {
    name for name in (*vars(math), "abs") if isinstance(getattr(numpy, name, None), numpy.ufunc)
}
"""The functions of math that NumPy has for arrays under the same names (since NumPy 2)."""


def on_arrays(formula: str, texts: dict[str, str]) -> str:
    """A formula on arrays, with texts for its names; ``xp`` is the arrays' namespace.

    What depends on numbers alone is computed now, and a condition on numbers is decided now.

    Raises:
        DataError: the formula uses a function that arrays do not have.

    >>> on_arrays("y * exp(x)", {"x": "a", "y": "b + c"})
    '(b + c) * xp.exp(a)'
    >>> on_arrays("y * pow(x, y - 1.0) if y else 0.0", {"x": "a", "y": "2.0"})
    '2.0 * a'
    """
    operands = {name: parse_expression(text) for name, text in texts.items()}
    tree = Substitution(operands).visit(parse_expression(formula))
    return ast.unparse(OnArrays().visit(tree))


def operand_texts(operation: Operation, texts: list[str], out: str) -> dict[str, str]:
    """The texts that stand for the names in an operation's formulas."""
    if not operation.variadic:
        return dict(zip(operation.operands, texts), out=out)
    groups = operation.grouped(texts)
    lists = [f"[{', '.join(group)}]" if isinstance(group, list) else group for group in groups]
    return dict(zip(operation.parameters, lists), out=out, n=str(len(groups[0])))


class Substitution(ast.NodeTransformer):
    """Replaces names by expressions, and functions of other operations by their formulas."""

    def __init__(self, expressions: dict[str, ast.expr]) -> None:
        self.expressions = expressions

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """The expression for a name, the number of a constant of math, or the name itself."""
        constant = None if node.id in self.expressions else vars(math).get(node.id)
        if isinstance(constant, float):
            return parse_expression(number_text(constant))
        return deepcopy(self.expressions.get(node.id, node))

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """The formula of an operation, unless it is a function of math."""
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        operation = TABLE.get(name) if name not in ("sum", "zip") else None
        operands = [self.visit(operand) for operand in node.args]
        if operation is None or operation.is_math_function:
            return ast.Call(node.func, operands, [])
        inner = Substitution(dict(zip(operation.operands, operands)))
        formula: ast.expr = inner.visit(parse_expression(operation.formula))
        return formula


class OnArrays(ast.NodeTransformer):
    """Replaces functions of numbers by functions of arrays."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        """The case that is known to hold, or both; some choices are a function of their own."""
        known = constant_value(node.test)
        if known is not None:
            chosen: ast.expr = self.visit(node.body if known else node.orelse)
            return chosen
        test, body, orelse = node.test, node.body, node.orelse
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.LtE):
            x, least = ast.unparse(test.left), ast.unparse(test.comparators[0])
            if (ast.unparse(body), ast.unparse(orelse)) == (least, x):
                return parse_expression(f"xp.maximum({x}, {least})")
            if (ast.unparse(body), ast.unparse(orelse)) == ("0.0", "1.0"):
                return parse_expression(f"xp.logical_not({x} <= {least})")
        if not isinstance(test, ast.Compare):
            test = ast.Compare(test, [ast.NotEq()], [ast.Constant(0.0)])
        return ast.Call(parse_expression("xp.where"), [*map(self.visit, (test, body, orelse))], [])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A function of the namespace; a square becomes a product."""
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name in ("sum", "zip"):  # A formula over sequences calls Python's own.
            self.generic_visit(node)
            return node
        if name not in ARRAY_FUNCTIONS:
            raise DataError(f"arrays have no function {name!r}")
        operands: list[ast.expr] = [self.visit(operand) for operand in node.args]
        if name == "pow":
            exponent = constant_value(operands[1])
            if exponent == 1.0:
                return operands[0]
            if exponent == 2.0 and isinstance(operands[0], ast.Name):
                return ast.BinOp(operands[0], ast.Mult(), operands[0])
        return ast.Call(parse_expression(f"xp.{name}"), operands, [])

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Constant arithmetic is computed, and a factor of 1 is left out."""
        node.left, node.right = self.visit(node.left), self.visit(node.right)
        known = constant_value(node)
        if known is not None:
            return parse_expression(repr(known))
        if isinstance(node.op, ast.Mult) and constant_value(node.left) == 1.0:
            return node.right
        return node


def constant_value(node: ast.expr) -> float | None:
    """The value of an expression that has only numbers in it, None for any other."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = constant_value(operand)
            return None if inner is None else -inner
        case ast.BinOp(left=left, op=op, right=right):
            x, y = constant_value(left), constant_value(right)
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


def may_signal(text: str) -> bool:
    """Whether a case that is not chosen may overflow or divide by zero."""
    return "xp.where" in text and any(
        isinstance(part, ast.Call) or (isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div))
        for node in ast.walk(parse_expression(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "xp.where"
        for case in node.args[1:]
        for part in ast.walk(case)
    )


def assignment(name: str, text: str) -> str:
    """A statement that computes; a case that is not chosen may overflow without an error."""
    if may_signal(text):
        return f"with ignoring():\n    {name} = {text}\ncertain({name})"
    return f"{name} = {text}"


def number_text(value: float) -> str:
    """A number as source text; infinities and NaN have names in the namespace."""
    if math.isnan(value):
        return "xp.nan"
    if value in (float("inf"), float("-inf")):
        return "xp.inf" if value > 0 else "(-xp.inf)"
    return repr(value) if value >= 0 and str(value)[0] != "-" else f"({value!r})"
