"""Reverse mode: from one root, its derivative with respect to everything it was made from.

The chain rule at every edge: a node's gradient, times the local derivative on the edge to an
operand, is what the node adds to that operand's gradient::

    operand.grad += node.grad * local

A node may pass its gradient on once every use of it has added its share; going through the nodes
in that order, each edge is used once, however many paths there are.
"""

from __future__ import annotations

import math
from math import isfinite, nan
from operator import index

from tinygrad_lin.errors import DataError, ExpressionError, OperandError, shown
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import TABLE, over_sequences
from tinygrad_lin.recording import VALUES, many_operands, one_by_one, sift
from tinygrad_lin.value import Value, data_of, number

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from numpy import float64
    from numpy.typing import NDArray

    from tinygrad_lin.ops import Operation


def backward(root: Value) -> None:
    """Add to the ``grad`` of every Value below the root its share in the root's derivative.

    Leaves accumulate over several calls, as in PyTorch; inner nodes are reset at every call and so
    hold the gradient of the latest root.

    >>> a = Value(3.0)
    >>> square = a * a
    >>> cost = square * square
    >>> cost.backward(); a.grad
    108.0
    >>> cost.backward(); a.grad, square.grad
    (216.0, 18.0)
    """
    if root.operation is None:
        root.grad += 1.0
        return

    # First count for every inner node its uses beyond one, and reset its gradient. The zero is a
    # new float object: a node that holds this very zero has been seen in this pass.
    zero = float("0")
    root.grad = zero
    seen = [root]
    for node in seen:
        left = node._left
        if left is not None and left.operation is not None:
            if left.grad is zero:
                left.pending += 1
            else:
                left.grad = zero
                left.pending = 0
                seen.append(left)
        right = node._right
        if right is not None:
            if right.operation is not None:
                if right.grad is zero:
                    right.pending += 1
                else:
                    right.grad = zero
                    right.pending = 0
                    seen.append(right)
        elif left is None:  # a node of many operands
            for operand in node._dright:
                if operand.operation is not None:
                    if operand.grad is zero:
                        operand.pending += 1
                    else:
                        operand.grad = zero
                        operand.pending = 0
                        seen.append(operand)
    del seen

    # Then apply the chain rule, to each node once all its uses have added their share.
    root.grad = 1.0
    complete = [root]
    for node in complete:
        upstream = node.grad
        left = node._left
        if left is not None:
            left.grad += upstream * node._dleft
            if left.operation is not None:
                if left.pending:
                    left.pending -= 1
                else:
                    complete.append(left)
        right = node._right
        if right is not None:
            right.grad += upstream * node._dright
            if right.operation is not None:
                if right.pending:
                    right.pending -= 1
                else:
                    complete.append(right)
        elif left is None:
            for operand, local in zip(node._dright, node._dleft):
                operand.grad += upstream * local
                if operand.operation is not None:
                    if operand.pending:
                        operand.pending -= 1
                    else:
                        complete.append(operand)


Value.backward = backward  # type: ignore[method-assign, assignment]


def gradients(output: Value, inputs: Sequence[Value]) -> list[Value]:
    """The derivatives of one output with respect to some inputs, as Values.

    They are graphs themselves: differentiate them again, draw them, compute with them. Nothing is
    added to any ``grad``. The inputs may be inner nodes; they count as independent variables and
    the walk ends at them, so a derivative through one input with respect to another is not
    included, and a long recording costs only what lies between the output and the inputs.

    Raises:
        OperandError: the output or an input is not a Value.

    >>> x = Value(3.0, "x")
    >>> (slope,) = gradients(x * x * x, [x])
    >>> (curvature,) = gradients(slope, [x])
    >>> slope.data, curvature.data
    (27.0, 18.0)
    """
    return [as_value(adjoint) for adjoint in sweep(output, inputs, local_derivatives)]


def sweep(
    output: Value,
    inputs: Sequence[Value],
    locals_of: Callable[[Value], Sequence[Value | float]],
) -> list[Value | float]:
    """Reverse mode without touching any ``grad``, over Values or floats for local derivatives."""
    inputs = checked(output, inputs)
    order = topological_order(output, stop=inputs)
    needed = set(inputs)  # by the derivatives asked for: whatever an input leads to
    for node in order:
        if not needed.isdisjoint(node.inputs):
            needed.add(node)
    adjoints: dict[Value, Value | float] = {output: 1.0}
    ends = set(inputs)
    for node in reversed(order):
        if node in ends or node not in needed or node not in adjoints:
            continue
        upstream = adjoints.pop(node)
        for operand, local in zip(node.inputs, locals_of(node)):
            if operand in needed:
                share = multiply(upstream, local)
                adjoints[operand] = adjoints[operand] + share if operand in adjoints else share
    return [adjoints.get(given, 0.0) for given in inputs]


def checked(output: Value, inputs: Iterable[Value]) -> list[Value]:
    """The inputs as a list, if they and the output are Values."""
    if isinstance(inputs, Value):
        raise OperandError("the inputs are a sequence: give [x], not x")
    inputs = list(inputs)
    for given in (output, *inputs):
        if not isinstance(given, Value):
            raise OperandError(f"derivatives are taken of and by Values, not {shown(given)}")
    return inputs


def as_value(derivative: Value | float) -> Value:
    """A derivative that came out as a plain number, as a node that depends on nothing: the sum of
    that one number. (A leaf would look like a variable of the user's.)
    """
    if isinstance(derivative, Value):
        return derivative
    return many_operands(TABLE["total"], derivative, (), sift((derivative,))[1])


def multiply(upstream: Value | float, local: Value | float) -> Value | float:
    """Their product, without a node for a factor of 1."""
    if type(local) is float and local == 1.0:
        return upstream
    if type(upstream) is float and upstream == 1.0:
        return local
    return upstream * local


def local_derivatives(node: Value) -> list[Value | float]:
    """The derivatives on a node's edges as Values: each formula of its row, read once more.

    A derivative that is not finite, as that of sqrt at 0, is that number, and its own is NaN.

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
        raise not_of_rows(node.operation) from None
    for local, then in zip(found, stored):
        now = data_of(local)
        if abs(now - then) > 1e-9 * abs(then):
            raise DataError(
                f"a leaf below {node!r} has been given other data since: its derivative was "
                f"{then}, now it would be {now}; compute the output again"
            )
    return found


def read_again(node: Value, operation: Operation, stored: tuple[float, ...]) -> list[Value | float]:
    """The formulas of a node's row, read with its operands."""
    operands = node.operands
    formulas = FORMULAS.get(operation) or read_with_values(operation)
    if not all(map(isfinite, stored)):
        slopes = iter(stored)
        return [
            formula(*given) if isfinite(slope := next(slopes)) else with_no_slope(slope, operand)
            for operand, (_, formula, given) in zip(
                operands, one_by_one(VALUES, operation, operands, node)
            )
            if isinstance(operand, Value)
        ]
    if operation.variadic:
        given = operation.grouped(operands)
        every = formulas[0](*given, node, len(given[0]))
        return [local for local, x in zip(every, operands) if type(x) is Value]
    return [
        formula(*operands, node)
        for operand, formula in zip(operands, formulas)
        if type(operand) is Value
    ]


def not_of_rows(operation: Operation) -> ExpressionError:
    """The error for local derivatives that cannot be read with Values."""
    used = {x for partial in operation.partials for x in compile(partial, "", "eval").co_names}
    functions = sorted(x for x in used & set(vars(math)) - set(TABLE) if callable(vars(math)[x]))
    culprits = " and ".join(functions) or "what no row does"
    return ExpressionError(
        f"the local derivatives of {operation.name}, {'; '.join(operation.partials)}, use "
        f"{culprits}, which Values cannot go through: add a row for that with add_operation"
    )


FORMULAS: dict[Operation, list[Callable[..., Any]]] = {}
"""The local derivatives of rows, read with Values."""


def read_with_values(operation: Operation) -> list[Callable[..., Any]]:
    """The local derivatives of a row, one formula each; of starred operands one for all."""
    names = ", ".join((*operation.parameters, "out"))
    if operation.variadic:
        FORMULAS[operation] = [VALUES(over_sequences(operation)[1], f"{names}, n")]
    else:
        FORMULAS[operation] = [VALUES(partial, names) for partial in operation.partials]
    return FORMULAS[operation]


def with_no_slope(data: float, operand: Value) -> Value:
    """A node of an operand with data that its operation does not give, and NaN for derivative."""
    node = operand * nan
    node._datum = data
    return node


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The derivative of a function of scalars, as a function.

    Args:
        f: takes numbers or Values, gives one. The arguments that are not differentiated may be
            anything.
        argnums: which argument to differentiate by, counted from 0; for several the derivative
            is a tuple, as in JAX.

    The result is a number for numbers. It is a Value whenever f depends on one, be it an argument
    or one that f closes over, so that derivatives nest, in any order and to any depth.

    >>> from tinygrad_lin import sin
    >>> grad(sin)(0.0)
    1.0
    >>> grad(grad(lambda x: x**3))(2.0)
    12.0
    >>> grad(lambda x: x * grad(lambda y: x + y)(1.0))(5.0)
    1.0
    """
    both = value_and_grad(f, argnums)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[1]

    return derivative


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0
) -> Callable[..., tuple[Any, Any]]:
    """Like :func:`grad`, with the value of the function before its derivative.

    >>> value_and_grad(lambda w, x: w * x)(2.0, 3.0)
    (6.0, 3.0)
    """
    one = hasattr(argnums, "__index__")
    wanted: Any = [argnums] if one else argnums
    numbers = [index(argnum) for argnum in wanted]

    def both(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        places = [place + len(args) if place < 0 else place for place in numbers]
        variables = {place: variable(args, place) for place in places}
        filled = [variables.get(k, arg) for k, arg in enumerate(args)]
        output = f(*filled, **kwargs)
        value: Value | float
        slopes: Sequence[Value | float]
        if not isinstance(output, Value):
            value, slopes = constant(output), [0.0 for _ in places]
        else:
            own = [variables[place] for place in places]
            used = topological_order(output, stop=own)
            leaves = {node for node in (*used, *own) if node.operation is None}
            if leaves <= set(own) and all(node.operation is None for node in own):
                value = output.data
                slopes = sweep(output, own, lambda node: node.partials)
            else:
                value, slopes = output, gradients(output, own)
        for place, own_variable in variables.items():
            if not isinstance(args[place], Value):
                become_constant(own_variable)
        return value, slopes[0] if one else tuple(slopes)

    return both


def constant(output: Any) -> float:
    """What f returned where it does not depend on any Value."""
    try:
        return number(output)
    except OperandError:
        kind = type(output).__name__
        raise OperandError(f"f must return one number, not {kind} {shown(output)}") from None


def variable(args: tuple[Any, ...], place: int) -> Value:
    """What f is differentiated by, in the place of an argument.

    A number becomes a leaf. A Value becomes a node of its own with the same number, connected to
    it: its other uses, inside and outside f, must not count as this argument.
    """
    if not 0 <= place < len(args):
        raise OperandError(f"there is no argument {place} to differentiate by, only {len(args)}")
    given = args[place]
    if not isinstance(given, Value):
        return Value(given)
    own = given * 1.0
    own.label = given.label
    return own


def become_constant(leaf: Value) -> None:
    """Turn a leaf made from a number back into that number: a node that depends on nothing."""
    leaf.operation, leaf._dleft, leaf._dright = TABLE["total"], (), sift((leaf.data,))[1]


def hessian(output: Value, inputs: Sequence[Value]) -> NDArray[float64]:
    """All second derivatives of the output, an array of shape (inputs, inputs).

    >>> w, b = Value(0.5, "w"), Value(-0.1, "b")
    >>> hessian((w * 2 + b - 19) ** 2 / 2, [w, b])
    array([[4., 2.],
           [2., 1.]])
    """
    import numpy

    inputs = checked(output, inputs)
    slopes = sweep(output, inputs, local_derivatives)
    rows = [
        sweep(slope, inputs, lambda node: node.partials)
        if isinstance(slope, Value)
        else [0.0] * len(slopes)
        for slope in slopes
    ]
    return numpy.array(rows, dtype=float).reshape(len(slopes), len(slopes))
