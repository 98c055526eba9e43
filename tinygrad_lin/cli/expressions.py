"""The expression that draw, steps, play and check take, with numbers for its variables."""

from __future__ import annotations

from tinygrad_lin.errors import DataError
from tinygrad_lin.expression import Expression
from tinygrad_lin.nn.data import is_number
from tinygrad_lin.value import Value


def read_expression(text: str, bindings: tuple[str, ...]) -> tuple[Expression, dict[str, Value]]:
    """The expression in a text, and a leaf for each of its variables."""
    expression = Expression(text)
    if not expression.names:
        raise DataError(f"there are no variables in {text!r}, which is {expression({})}")
    leaves: dict[str, Value] = {}
    for binding in bindings:
        name, separator, number = (part.strip() for part in binding.partition("="))
        if not separator or not is_number(number):
            raise DataError(f"{binding!r} is not of the form name=number")
        if name in leaves:
            raise DataError(f"{name!r} is given two values")
        if name not in expression.names:
            raise DataError(f"there is no {name!r} in {text!r}")
        leaves[name] = Value(float(number), name)
    for name in expression.names:
        if name not in leaves:
            raise DataError(f"{name!r} has no value; add {name}=NUMBER")
    return expression, leaves
