"""Fast form of `record` (value.py): a function written out for each operation, and compiled.

In the templates, mul has `x * y` for {formula}, `y` for {dx} and `x` for {dy}. They hold the common
case alone: whatever else may be, such as an error, is left to the plain `record`.
"""

from __future__ import annotations

import builtins
from _thread import allocate_lock

from tinygrad_lin._functions import attach
from tinygrad_lin._operands import (
    inputs_among,
    require_sequences,
    to_float,
    unequal_lengths_error,
)
from tinygrad_lin.formulas import FLOATS, all_local_derivatives, expand_sums
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.scopes import generated_builtins, note_scope

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tinygrad_lin.operation import Operation

ONE_OPERAND = """
def {name}(left, /):
    if type(left) is Value:
        node = allocate()
        x = left._datum
        try:
            node._datum = out = {formula}
            node._dleft = {dx}
            node.operation = operation
            node.grad = 0.0
            node._left = left
            node._right = None
            if in_scope:
                note_scope(node)
            return node
        except (ArithmeticError, ValueError):
            pass
    return record(operation, left)
"""

TWO_OPERANDS = """
def {name}(left, right, /{more}):{fold}
    if type(left) is Value:
        node = allocate()
        x = left._datum
        try:
            if type(right) is Value:
                y = right._datum
                node._datum = out = {formula}
                node._dleft = {dx}
                node._dright = {dy}
                node._right = right
            else:
                y = right if type(right) is float else to_float(right)
                node._datum = out = {formula}
                node._dleft = {dx}
                node._right = None
                node._dright = y
            node.operation = operation
            node.grad = 0.0
            node._left = left
            if in_scope:
                note_scope(node)
            return node
        except (ArithmeticError, ValueError):
            pass
    elif type(right) is Value:
        return reflected(right, left)
    return record(operation, left, right)

def reflected(right, left, /):
    node = allocate()
    try:
        x = left if type(left) is float else to_float(left)
        y = right._datum
        node._datum = out = {formula}
        node._dright = {dy}
        node.operation = operation
        node.grad = 0.0
        node._left = None
        node._dleft = x
        node._right = right
        if in_scope:
            note_scope(node)
        return node
    except (ArithmeticError, ValueError):
        pass
    return record(operation, left, right)
"""

FOLD = """
    for operand in more:
        left, right = function(left, right), operand"""

MANY_OPERANDS = """
def {name}({signature}):
    try:
        {tuples}
    except TypeError:
        require_sequences(operation, ({lists},))
        raise
    n = len({first})
    if {lengths}:
        raise unequal_lengths_error(operation, ({lists},))
    operands = inputs = ({operands})
    # The first operand of each sequence shows the usual constants without a slow exception.
    has_numbers = float in map(type, operands[:: n or 1])
    try:
        data = None if has_numbers else [operand._datum for operand in operands]
    except AttributeError:
        data = None
    if data is None:
        operands = tuple([o if type(o) is Value else to_float(o) for o in operands])
        data = [o._datum if type(o) is Value else o for o in operands]
        inputs = inputs_among(operands)
    {columns}
    try:
        out = {formula}
        partials = {partials} if inputs else ()
    except (ArithmeticError, ValueError, TypeError):
        out = None
    if type(out) is not float:
        return record(operation, *operands)
    if not inputs:
        return out
    if inputs is not operands:
        partials = tuple([d for d, o in zip(partials, operands) if type(o) is Value])
    node = allocate()
    node._datum = out
    node.operation = operation
    node.grad = 0.0
    node._left = node._right = None
    node._dleft = partials
    node._dright = inputs
    if in_scope:
        note_scope(node)
    return node
"""


_compiler_lock = allocate_lock()
generated_builtins |= vars(builtins)


class LateMethod:
    """A method that is compiled when it is first used, and then stands in the class itself."""

    def __init__(self, name: str, compile_method: Callable[[], object]) -> None:
        self.name = name
        self.compile_method = compile_method

    def __get__(self, value: Any, owner: type) -> Any:
        self.compile_method()
        return getattr(owner if value is None else value, self.name)


def postpone(operation: Operation, owner: type, record: Callable[..., Any]) -> None:
    """Have the function of an operation, and its methods, compiled when one is first used."""

    def compile_function() -> Callable[..., Any]:
        with _compiler_lock:  # All threads get one function.
            if operation.name in FUNCTIONS:
                return FUNCTIONS[operation.name]
            # A method that the user has replaced meanwhile stays.
            late = [x for x in operation.methods if isinstance(vars(owner).get(x), LateMethod)]
            return attach(operation, owner, late, *compiled(operation, owner, record))

    FUNCTIONS.pop(operation.name, None)
    FUNCTIONS.makers[operation.name] = compile_function
    for method in operation.methods:
        setattr(owner, method, LateMethod(method, compile_function))


def compiled(
    operation: Operation, owner: Any, record: Callable[..., Any]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The function of an operation, and the method for a number on the left of its operator."""
    import linecache

    text = source(operation)
    filename = f"<tinygrad_lin: {operation.name}>"
    # Tracebacks, debuggers and inspect.getsource() find the lines there.
    linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename
    namespace = {
        **FLOATS.meanings,
        **{tool.__name__: tool for tool in (record, to_float, note_scope, inputs_among)},
        **{tool.__name__: tool for tool in (require_sequences, unequal_lengths_error)},
        "Value": owner,
        "allocate": owner._allocate,
        "__builtins__": generated_builtins,
        "operation": operation,
    }
    made: dict[str, Any] = {}  # The text comes from the table.
    exec(compile(text, filename, "exec"), namespace, made)  # nosec B102
    namespace["function"] = made[operation.name]
    namespace["reflected"] = made.get("reflected")
    return namespace["function"], namespace["reflected"]


def source(operation: Operation) -> str:
    """The Python source of an operation's function."""
    if operation.variadic:
        return source_of_many(operation)
    partials = operation.partials
    template = ONE_OPERAND if len(partials) == 1 else TWO_OPERANDS
    more, fold = (", *more", FOLD) if operation.folds else ("", "")
    return template.lstrip().format(
        name=operation.name,
        formula=operation.formula,
        dx=partials[0],
        dy=partials[-1],
        more=more,
        fold=fold,
    )


def source_of_many(operation: Operation) -> str:
    """The same for an operation with starred operands, each of which comes as a sequence."""
    many = len(operation.many)
    lists, singles = operation.parameters[:many], operation.parameters[many:]
    columns = [f"{xs} = data[{k} * n : {k + 1} * n]" for k, xs in enumerate(lists)]
    columns += [f"{x} = data[{k - len(singles)}]" for k, x in enumerate(singles)]
    return MANY_OPERANDS.lstrip().format(
        name=operation.name,
        signature=operation.signature,
        lists=", ".join(lists),
        first=lists[0],
        tuples="; ".join(f"{xs} = tuple({xs})" for xs in lists),
        lengths=" or ".join(f"len({xs}) != n" for xs in lists[1:]) or "False",
        operands=", ".join([*(f"*{xs}" for xs in lists), *singles, ""]),
        columns="; ".join(columns),
        formula=expand_sums(operation, operation.formula),
        partials=all_local_derivatives(operation),
    )


RESERVED = {"x", "y", "out", "bias", "sum", "left", "right", "more", "operand", "node", "o", "d"}
RESERVED |= {"data", "inputs", "operands", "partials", "n", "has_numbers", "function", "reflected"}
RESERVED |= {"Value", "record", "to_float", "note_scope", "in_scope", "allocate", "operation"}
RESERVED |= {"inputs_among", "require_sequences", "unequal_lengths_error", "float", "map", "type"}
"""Names that formulas and the templates above use for other things."""
