"""Operations as functions of Values and numbers, and as methods of Value."""

from __future__ import annotations

from tinygrad_lin._operands import flatten_operands
from tinygrad_lin.formulas import FLOATS, describe
from tinygrad_lin.ops import FUNCTIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from tinygrad_lin.operation import Operation

    Function = Callable[..., Any]


def plain_functions(operation: Operation, record: Function) -> tuple[Function, Function]:
    """The function of an operation, and the method for a number on the left of its operator."""
    if operation.variadic:
        function = function_of_sequences(operation, record)
    elif len(operation.partials) == 1:
        function = lambda left, /: record(operation, left)  # noqa: E731
    elif operation.folds:
        function = folding_function(operation, record)
    else:
        function = lambda left, right, /: record(operation, left, right)  # noqa: E731
    return function, lambda right, left, /: record(operation, left, right)


def folding_function(operation: Operation, record: Function) -> Function:
    """The function of an operation that combines more than two operands from left to right."""

    def fold(left: Any, right: Any, /, *more: Any) -> Any:
        for operand in more:
            left, right = record(operation, left, right), operand
        return record(operation, left, right)

    return fold


def function_of_sequences(operation: Operation, record: Function) -> Function:
    """The function of an operation with starred operands, such as ``dot(xs, ys, bias=0.0)``."""
    arguments = FLOATS(f"({', '.join(operation.parameters)},)", operation.signature)
    arguments.__qualname__ = operation.name  # Errors name it where an argument is missing.

    def over_sequences(*given: Any, **named: Any) -> Any:
        return record(operation, *flatten_operands(operation, arguments(*given, **named)))

    over_sequences.__wrapped__ = arguments  # type: ignore[attr-defined]  # It has the signature.
    return over_sequences


def attach(
    operation: Operation,
    owner: type,
    methods: Iterable[str],
    function: Function,
    reflected: Function,
) -> Function:
    """Put the function of an operation into FUNCTIONS, and some of its methods into their class."""
    function.__name__ = function.__qualname__ = operation.name
    function.__module__ = "tinygrad_lin"
    function.__doc__ = describe(operation)
    FUNCTIONS[operation.name] = function
    for method in methods:
        setattr(owner, method, reflected if method.startswith("__r") else function)
    return function
