"""The formulas of the table as JavaScript, for any kind of number.

A formula becomes a function of (k, a, out, n, i): k applies an operation by its name, a is the list
of operands, out the result; where operands come as lists, n is their length, and i counts.
"""

from __future__ import annotations

import ast
import builtins
import json
import math
from collections.abc import Iterable

from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.errors import ExpressionError
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import TABLE

SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%", ast.Pow: "pow",
    ast.USub: "-", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "===",
    ast.And: "&&", ast.Or: "||",
}  # fmt: skip


def operations_as_javascript(operations: Iterable[Operation]) -> str:
    """An object with the functions of some operations, and of all that their formulas use.

    Raises:
        ExpressionError: a formula uses Python that has no counterpart.

    >>> print(operations_as_javascript([TABLE["div"]]))
    {
    "div": {operands: ["x", "y"], form: "__truediv__", own: true, defined: "abs(y) > 0",
      value: (k, a, out, n, i) => k("/", a[0], a[1]),
      partials: [(k, a, out, n, i) => k("/", 1.0, a[1]),
        (k, a, out, n, i) => k("/", k("-", out), a[1])]},
    }
    """
    todo = list(dict.fromkeys(operations))
    written = []
    for operation in todo:
        translator = Translator(operation)
        written.append(translator.entry())
        todo += [used for used in dict.fromkeys(translator.used) if used not in todo]
    return "{\n" + "\n".join(written) + "\n}"


class Translator:
    """Translates the formulas of one operation, and notes which other operations they use."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self.used: list[Operation] = []
        names = operation.operands
        self.many: int = sum(name.startswith("*") for name in names)
        self.places: dict[str, int] = {name.lstrip("*"): k for k, name in enumerate(names)}

    def entry(self) -> str:
        """The operation as an entry of an object."""
        operation = self.operation
        partials = ",\n    ".join(map(self.function, operation.partials))
        return (
            f"{json.dumps(operation.name)}: {{operands: {json.dumps(operation.operands)}, "
            f"form: {json.dumps(operation.special)}, "
            f"own: {json.dumps(not operation.is_math_function)}, "
            f"defined: {json.dumps(operation.defined)},\n"
            f"  value: {self.function(operation.formula)},\n"
            f"  partials: [{partials}]}},"
        )

    def function(self, formula: str) -> str:
        """A formula as an arrow function."""
        return f"(k, a, out, n, i) => {self.read(parse_expression(formula))}"

    def read(self, node: ast.expr) -> str:
        """An expression."""
        match node:
            case ast.Constant(value=int() | float() as value):
                return number_literal(value)
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
        """An operand, the result, or a constant of `math`."""
        if name == "out":
            return "out"
        if name not in self.places:
            return number_literal(vars(math)[name])
        place = self.places[name]
        if place < self.many:
            return f"a[{place} * n + i]"
        return f"a[{self.many} * n + {place - self.many}]" if self.many else f"a[{place}]"

    def call(self, name: str, args: list[ast.expr]) -> str:
        """A call of an operation or of a function of `math`."""
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


def number_literal(number: float) -> str:
    """A number as JavaScript reads it, exactly."""
    return repr(number).replace("inf", "Infinity").replace("nan", "NaN")
