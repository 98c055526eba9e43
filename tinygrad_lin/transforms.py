"""Functions of functions: from a function of scalars to its derivatives."""

from __future__ import annotations

from operator import index

from tinygrad_lin._operands import inputs_among, to_float
from tinygrad_lin.derivatives import adjoints, gradients, local_derivatives, require_values
from tinygrad_lin.errors import OperandError, short_repr
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import TABLE
from tinygrad_lin.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from numpy import float64
    from numpy.typing import NDArray


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The derivative of a function of scalars, as a function.

    Args:
        f: takes numbers or Values, gives one. The arguments that are not differentiated may be
            anything.
        argnums: which argument to differentiate with respect to, counted from 0; for several the
            derivative is a tuple, as in JAX.

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
    value_and_derivative = value_and_grad(f, argnums)

    def derivative(*args: Any, **kwargs: Any) -> Any:
        return value_and_derivative(*args, **kwargs)[1]

    return derivative


def value_and_grad(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0
) -> Callable[..., tuple[Any, Any]]:
    """Like :func:`grad`, with the value of the function before its derivative.

    >>> value_and_grad(lambda w, x: w * x)(2.0, 3.0)
    (6.0, 3.0)
    """
    single = hasattr(argnums, "__index__")
    wanted: Any = [argnums] if single else argnums
    argument_indices = [index(argnum) for argnum in wanted]

    def value_and_derivative(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        positions = [k + len(args) if k < 0 else k for k in argument_indices]
        variables = {k: variable_for(args, k) for k in positions}
        output = f(*[variables.get(k, arg) for k, arg in enumerate(args)], **kwargs)
        value, derivatives = differentiate(output, [variables[k] for k in positions])
        for k, variable in variables.items():
            if not isinstance(args[k], Value):
                make_constant(variable)
        return value, derivatives[0] if single else tuple(derivatives)

    return value_and_derivative


def differentiate(output: Any, variables: list[Value]) -> tuple[Any, Sequence[Value | float]]:
    """What f returned, and its derivatives: Values where it depends on other Values, too."""
    if not isinstance(output, Value):
        return require_number(output), [0.0 for _ in variables]
    used = topological_order(output, stop=variables)
    leaves = {node for node in (*used, *variables) if node.is_leaf}
    if leaves <= set(variables) and all(variable.is_leaf for variable in variables):
        return output.data, adjoints(output, variables, lambda node: node.partials)
    return output, gradients(output, variables)


def require_number(output: Any) -> float:
    """What f returned where it does not depend on any Value.

    Raises:
        OperandError: it is not one number.
    """
    try:
        return to_float(output)
    except OperandError:
        kind = type(output).__name__
        raise OperandError(f"f must return one number, not {kind} {short_repr(output)}") from None


def variable_for(args: tuple[Any, ...], position: int) -> Value:
    """What f is differentiated with respect to, in the place of an argument.

    A number becomes a leaf. A Value becomes a node of its own with the same number, connected to
    it: its other uses, inside and outside f, must not count as this argument.
    """
    if not 0 <= position < len(args):
        raise OperandError(
            f"there is no argument {position} to differentiate with respect to, only {len(args)}"
        )
    given = args[position]
    if not isinstance(given, Value):
        return Value(given)
    variable = given * 1.0
    variable.label = given.label
    return variable


def make_constant(leaf: Value) -> None:
    """Turn a leaf made from a number back into that number: a node that depends on nothing."""
    leaf.operation, leaf._dleft, leaf._dright = TABLE["total"], (), inputs_among((leaf.data,))


def hessian(output: Value, inputs: Sequence[Value]) -> NDArray[float64]:
    """All second derivatives of the output, an array of shape (inputs, inputs).

    >>> from tinygrad_lin import Value
    >>> w, b = Value(0.5, "w"), Value(-0.1, "b")
    >>> hessian((w * 2 + b - 19) ** 2 / 2, [w, b])
    array([[4., 2.],
           [2., 1.]])
    """
    import numpy

    inputs = require_values(output, inputs)
    gradient = adjoints(output, inputs, local_derivatives)
    second = [
        adjoints(first, inputs, lambda node: node.partials)
        if isinstance(first, Value)
        else [0.0] * len(inputs)
        for first in gradient
    ]
    return numpy.array(second, dtype=float).reshape(len(inputs), len(inputs))
