"""Source text of products, sums and functions."""

from __future__ import annotations

import ast
from typing import NamedTuple

from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.compiler.formulas import number_text
from tinygrad_lin.compiler.shapes import NO_AXES, Axes

MAX_TERMS_IN_A_LINE = 20  # Python cannot read an expression of a thousand terms.


SIMPLE = (ast.Name, ast.Constant, ast.Subscript, ast.Call)  # These need no brackets in a product.


class Product(NamedTuple):
    """A number times scalars times an array (the text is empty if there is none)."""

    number: float = 1.0
    scalars: tuple[str, ...] = ()
    text: str = ""
    axes: Axes = NO_AXES

    def __str__(self) -> str:
        factors = [*self.scalars, *([self.text] if self.text else [])]
        if self.number == -1.0 and factors:
            return "-" + " * ".join(factors)
        number_first = [] if self.number == 1.0 and factors else [number_text(self.number)]
        return " * ".join(number_first + factors)


def sum_lines(name: str, terms: list[str]) -> list[str]:
    """Statements that add up some terms."""
    size = MAX_TERMS_IN_A_LINE
    lines = [f"{name} = {' + '.join(terms[:size])}"]
    for k in range(size, len(terms), size):
        lines.append(f"{name} = {' + '.join([name, *terms[k : k + size]])}")
    return lines


def without_brackets(text: str) -> str:
    """An expression without brackets around all of it."""
    return ast.unparse(parse_expression(text)) if text.startswith("(") else text


def split_factors(text: str) -> tuple[str, ...]:
    """The two factors of a number times something simple, or the text as one factor."""
    match parse_expression(text):
        case ast.BinOp(ast.Constant() as number, ast.Mult(), right) if isinstance(right, SIMPLE):
            return ast.unparse(number), ast.unparse(right)
    return (as_factor(text),)


def as_factor(text: str) -> str:
    """An expression as it stands in a product, in brackets if it needs them."""
    return text if isinstance(parse_expression(text), SIMPLE) else f"({text})"


def function_text(call: str, lines: list[str]) -> str:
    """The source of a function with that signature."""
    body = "\n".join(lines).replace("\n", "\n    ")
    return f"def {call}:\n    {body}\n"
