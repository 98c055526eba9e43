"""The formulas of the table as JavaScript, for whatever kind of number reads them.

A formula becomes a function of (k, a, out, n, i): k applies an operation by its name, a is the list
of operands, out the result; where operands come as lists, n is how long these are, and i counts.
"""

from __future__ import annotations

import ast
import builtins
import json
import math
from typing import TYPE_CHECKING

from tinygrad_lin.errors import ExpressionError
from tinygrad_lin.expression import expression_of
from tinygrad_lin.ops import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tinygrad_lin.ops import Operation

SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.Pow: "pow",
    ast.USub: "-",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "===",
    ast.And: "&&",
    ast.Or: "||",
}


def rows_as_javascript(rows: Iterable[Operation]) -> str:
    """An object with the functions of some rows, and of all that their formulas use.

    Raises:
        ExpressionError: a formula uses Python that has no counterpart.

    >>> print(rows_as_javascript([TABLE["div"]]))
    {
    "div": {operands: ["x", "y"], form: "__truediv__", own: true, defined: "abs(y) > 0",
      value: (k, a, out, n, i) => k("/", a[0], a[1]),
      partials: [(k, a, out, n, i) => k("/", 1.0, a[1]),
        (k, a, out, n, i) => k("/", k("-", out), a[1])]},
    }
    """
    todo = list(dict.fromkeys(rows))
    written = []
    for row in todo:
        translator = Translator(row)
        written.append(translator.row())
        todo += [used for used in translator.used if used not in todo]
    return "{\n" + "\n".join(written) + "\n}"


def is_of_math(row: Operation) -> bool:
    """Whether a row's formula is the function of math with its name."""
    return row.formula.startswith(f"{row.name}(")


class Translator:
    """Translates the formulas of one row, and notes which other rows they use."""

    def __init__(self, row: Operation) -> None:
        self.operation = row
        self.used: list[Operation] = []
        self.many: int = sum(x.startswith("*") for x in row.operands)
        self.places: dict[str, int] = {x.lstrip("*"): place for place, x in enumerate(row.operands)}

    def row(self) -> str:
        """The row as an entry of an object."""
        row = self.operation
        partials = ",\n    ".join(map(self.function, row.partials))
        return (
            f"{json.dumps(row.name)}: {{operands: {json.dumps(row.operands)}, "
            f"form: {json.dumps(row.special)}, own: {json.dumps(not is_of_math(row))}, "
            f"defined: {json.dumps(row.defined)},\n"
            f"  value: {self.function(row.formula)},\n"
            f"  partials: [{partials}]}},"
        )

    def function(self, formula: str) -> str:
        """A formula as an arrow function."""
        return f"(k, a, out, n, i) => {self.read(expression_of(formula))}"

    def read(self, node: ast.expr) -> str:
        """An expression."""
        match node:
            case ast.Constant(value=int() | float() as value):
                return literal(value)
            case ast.Name(id=name):
                return self.name(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return f'k("-", {self.read(operand)})'
            case ast.BinOp(left=left, op=op, right=right) if type(op) in SIGNS:
                return f'k("{SIGNS[type(op)]}", {self.read(left)}, {self.read(right)})'
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return f"({self.condition(test)} ? {self.read(body)} : {self.read(orelse)})"
            case ast.Subscript(value=ast.Name(id="sum"), slice=summand):
                return f"k.sum(n, (i) => {self.read(summand)})"
            case ast.Call(func=ast.Name(id=name), args=args, keywords=[]):
                return self.call(name, args)
        raise ExpressionError(
            f"the formulas of {self.operation.name} use {ast.unparse(node)!r}, "
            "which no page can compute"
        )

    def name(self, name: str) -> str:
        """An operand, the result, or a constant of math."""
        if name == "out":
            return "out"
        if name not in self.places:
            return literal(vars(math)[name])
        place = self.places[name]
        if place < self.many:
            return f"a[{place} * n + i]"
        return f"a[{self.many} * n + {place - self.many}]" if self.many else f"a[{place}]"

    def call(self, name: str, args: list[ast.expr]) -> str:
        """A function of a row or of math."""
        if name in TABLE:
            self.used.append(TABLE[name])
        elif name not in vars(math) and getattr(builtins, name) not in (min, max):
            raise ExpressionError(
                f"the formulas of {self.operation.name} use {name}, which no page can compute"
            )
        return f"k({json.dumps(name)}, {', '.join(map(self.read, args))})"

    def condition(self, node: ast.expr) -> str:
        """A condition: comparisons, what "and" and "or" join, or a number that is not 0."""
        match node:
            case ast.Compare(left=left, ops=ops, comparators=rights):
                terms = [self.read(term) for term in (left, *rights)]
                pairs = zip(terms, ops, terms[1:])
                return " && ".join(f"+{x} {SIGNS[type(op)]} +{y}" for x, op, y in pairs)
            case ast.BoolOp(op=op, values=values):
                return f" {SIGNS[type(op)]} ".join(f"({self.condition(value)})" for value in values)
        return f"+{self.read(node)} !== 0"


def literal(number: float) -> str:
    """A number as JavaScript writes it."""
    return repr(number).replace("inf", "Infinity").replace("nan", "NaN")
