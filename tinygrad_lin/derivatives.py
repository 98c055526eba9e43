"""Derivatives that are graphs themselves: reverse mode with Values in the place of numbers.

The walk is that of `reverse.py`. But nothing is added to any ``grad``, and the local derivatives on
the edges are Values: the formulas of the table, read once more with the operands of the node. So a
derivative can be differentiated again, drawn, and computed with.
"""

from __future__ import annotations

import math
from math import isfinite, nan

from tinygrad_lin._protocols import data_of
from tinygrad_lin.errors import DataError, ExpressionError, OperandError, short_repr
from tinygrad_lin.formulas import Reader, all_local_derivatives
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import FUNCTIONS, TABLE
from tinygrad_lin.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from tinygrad_lin.operation import Operation


class ValueMeanings(dict[str, object]):
    """The meanings of names for Values: the functions of the rows, and the numbers of math."""

    def __missing__(self, name: str) -> Any:
        function = "total" if name == "sum" else name
        self[name] = meaning = FUNCTIONS[function] if function in TABLE else vars(math)[name]
        return meaning


VALUES = Reader(ValueMeanings())
"""Formulas read with Values: what they compute is a graph again."""


def gradients(output: Value, inputs: Sequence[Value]) -> list[Value]:
    """The derivatives of one output with respect to some inputs, as Values.

    They are graphs themselves: differentiate them again, draw them, compute with them. Nothing is
    added to any ``grad``. The inputs may be inner nodes; they count as independent variables and
    the walk ends at them, so a derivative through one input with respect to another is not
    included, and a long recording costs only what lies between the output and the inputs.

    Raises:
        OperandError: the output or an input is not a Value.

    >>> from tinygrad_lin import Value
    >>> x = Value(3.0, "x")
    >>> (first,) = gradients(x * x * x, [x])
    >>> (second,) = gradients(first, [x])
    >>> first.data, second.data
    (27.0, 18.0)
    """
    return [as_value(adjoint) for adjoint in adjoints(output, inputs, local_derivatives)]


def adjoints(
    output: Value,
    inputs: Sequence[Value],
    locals_of: Callable[[Value], Sequence[Value | float]],
) -> list[Value | float]:
    """Reverse mode without touching any ``grad``, over Values or floats for local derivatives."""
    inputs = require_values(output, inputs)
    needed = set(inputs)  # An input, and whatever an input leads to.
    order = topological_order(output, stop=inputs)[len(needed) :]
    for node in order:
        if not needed.isdisjoint(node.inputs):
            needed.add(node)
    adjoint_of: dict[Value, Value | float] = {output: 1.0}
    for node in reversed(order):
        if node not in needed or node not in adjoint_of:
            continue
        upstream = adjoint_of.pop(node)
        for operand, local in zip(node.inputs, locals_of(node)):
            if operand in needed:
                share = multiply(upstream, local)
                known = adjoint_of.get(operand)
                adjoint_of[operand] = share if known is None else known + share
    return [adjoint_of.get(x, 0.0) for x in inputs]


def multiply(upstream: Value | float, local: Value | float) -> Value | float:
    """Their product, without a node for a factor of 1."""
    if type(local) is float and local == 1.0:
        return upstream
    if type(upstream) is float and upstream == 1.0:
        return local
    return upstream * local


def as_value(derivative: Value | float) -> Value:
    """A derivative as a Value. If it is a plain number, it becomes a node that depends on nothing.

    That node is the sum of the one number: a leaf would look like a variable of the user's.
    """
    if isinstance(derivative, Value):
        return derivative
    return Value._node(TABLE["total"], (derivative,), derivative, ())


def require_values(output: Value, inputs: Iterable[Value]) -> list[Value]:
    """The inputs as a list.

    Raises:
        OperandError: the output or an input is not a Value.
    """
    if isinstance(inputs, Value):
        raise OperandError("the inputs are a sequence: give [x], not x")
    inputs = list(inputs)
    for x in (output, *inputs):
        if not isinstance(x, Value):
            raise OperandError(
                f"derivatives are of Values with respect to Values, not of {short_repr(x)}"
            )
    return inputs


def local_derivatives(node: Value) -> list[Value | float]:
    """The local derivatives on a node's edges as Values: each formula of its row, read once more.

    One that is not finite, as that of sqrt at 0, is that number, and its own derivative is NaN.

    Raises:
        DataError: a leaf was given other data after the node was made.
        ExpressionError: a formula uses a function that is no row.
    """
    if node.operation is None:
        return []
    stored = node.partials
    try:
        found = read_again(node, node.operation, stored)
    except TypeError:
        raise no_higher_derivative_error(node.operation) from None
    for local, recorded in zip(found, stored):
        current = data_of(local)
        if abs(current - recorded) > 1e-9 * abs(recorded):
            raise DataError(
                f"a leaf below {node!r} has been given other data since: its derivative was "
                f"{recorded}, now it would be {current}; compute the output again"
            )
    return found


def read_again(node: Value, operation: Operation, stored: tuple[float, ...]) -> list[Value | float]:
    """The local derivatives of a node, read with its operands."""
    operands = node.operands
    if not all(map(isfinite, stored)):
        remaining = iter(stored)
        edges = zip(operands, VALUES.local_derivatives(operation, operands, node))
        return [
            formula(*arguments)
            if isfinite(local := next(remaining))
            else node_without_derivative(local, operand)
            for operand, (_, formula, arguments) in edges
            if isinstance(operand, Value)
        ]
    # The forms below read the same formulas, several times as fast.
    names = ", ".join((*operation.parameters, "out"))
    if operation.variadic:
        arguments = operation.grouped(operands)
        formula = VALUES(all_local_derivatives(operation), f"{names}, n")
        every = formula(*arguments, node, len(arguments[0]))
        return [local for local, x in zip(every, operands) if type(x) is Value]
    return [
        VALUES(partial, names)(*operands, node)
        for partial, x in zip(operation.partials, operands)
        if type(x) is Value
    ]


def node_without_derivative(data: float, operand: Value) -> Value:
    """A node of an operand with data that no operation computes, and NaN for derivative."""
    return Value._node(TABLE["mul"], (operand, nan), data, (nan,))


def no_higher_derivative_error(operation: Operation) -> ExpressionError:
    """The error for local derivatives that cannot be read with Values."""
    used = {x for partial in operation.partials for x in compile(partial, "", "eval").co_names}
    functions = sorted(x for x in used & set(vars(math)) - set(TABLE) if callable(vars(math)[x]))
    culprits = " and ".join(functions) or "what no row does"
    return ExpressionError(
        f"the local derivatives of {operation.name}, {'; '.join(operation.partials)}, use "
        f"{culprits}, which Values cannot go through: add a row for that with add_operation"
    )
