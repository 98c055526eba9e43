"""Rows of the user's own: they enter the table, and leave it again."""

from __future__ import annotations

import builtins
import math
from _thread import allocate_lock
from keyword import iskeyword

from tinygrad_lin._fast.constructors import RESERVED
from tinygrad_lin.derivatives import VALUES
from tinygrad_lin.errors import DomainError, ExpressionError
from tinygrad_lin.formulas import FLOATS, give_meaning
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS, TABLE
from tinygrad_lin.value import Value, define

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_table_lock = allocate_lock()
"""Held while a row is added: of two threads that add one name, the second is refused."""


def add_operation(
    name: str,
    formula: str,
    partials: tuple[str, ...],
    *,
    sign: str = "",
    tex: str = "",
    defined: str = "",
    smooth: str = "",
    draw: tuple[tuple[float, float], ...] = (),
    operands: tuple[str, ...] = (),
) -> Callable[..., Any]:
    """Add a row of your own to the table of derivatives, and get its function.

    From then on everything that reads the table knows it: it records, runs backward and forward to
    any order, is drawn, and becomes a method of Value unless it takes sequences. The arguments are
    columns of :class:`tinygrad_lin.operation.Operation`. Formulas are Python that runs: do not take
    them from a stranger. For derivatives of higher order they may use only functions in the table.
    Operands that come as sequences are starred and stand first.

    Raises:
        ExpressionError: the name is taken or not an identifier, or a formula cannot be read.

    >>> from tinygrad_lin import Value
    >>> cube = add_operation("cube", "x * x * x", ("3.0 * x * x",), sign="x³")
    >>> x = Value(2.0)
    >>> cube(x).backward()
    >>> x.grad, cube(3.0)
    (12.0, 27.0)
    """
    return adopt(Operation(
        name, formula, tuple(partials), sign, tex,
        defined=defined, smooth=smooth, draw=draw, operands=operands,
    ))  # fmt: skip


def adopt(operation: Operation) -> Callable[..., Any]:
    """Enter a row if it is fit for use, and give its function."""
    validate_operands(operation)
    name = operation.name
    with _table_lock:
        validate_name(name)
        try:
            enter(operation)
            validate_formulas(operation)
        except DomainError as error:
            remove_operation(operation)
            raise ExpressionError(
                f"{name} cannot be drawn from {operation.draw}: {error}"
            ) from None
        except Exception as error:  # A formula may do anything.
            remove_operation(operation)
            raise ExpressionError(f"the formulas of {name} cannot be read: {error}") from None
        except BaseException:  # Ctrl-C leaves no row behind.
            remove_operation(operation)
            raise
        return FUNCTIONS[name]


def validate_operands(operation: Operation) -> None:
    """Raise an ExpressionError unless the operands fit the formulas."""
    name, count = operation.name, len(operation.partials)
    if not count or len(operation.operands) != count or len(operation.draw) != count:
        raise ExpressionError(f"{name} needs one local derivative and one interval per operand")
    if name in vars(math) and not operation.is_math_function:
        raise ExpressionError(f"{name} is a function of math: its formula can only be that")
    unnamed = [p for p in operation.parameters if not p.isidentifier() or iskeyword(p)]
    hidden = [x for x in operation.operands if x in RESERVED - {"x", "y", "bias"}]
    if unnamed or hidden or not (operation.variadic or set(operation.operands) <= {"x", "y"}):
        raise ExpressionError(
            f"{name} cannot have operands {operation.operands}: without a star they are x and y"
        )


def validate_name(name: str) -> None:
    """Raise an ExpressionError unless an operation can have this name."""
    usable = isinstance(name, str) and name.isidentifier() and not name.startswith("_")
    taken = usable and (hasattr(Value, name) or name in TABLE or name in RESERVED)
    if not usable or taken or iskeyword(name) or hasattr(builtins, name):
        raise ExpressionError(
            f"an operation cannot be called {name!r}: that is taken or not an identifier"
        )


def enter(operation: Operation) -> None:
    """Put a row into the table, and give it its function and its method."""
    TABLE[operation.name] = operation
    give_meaning(operation)
    VALUES.meanings.pop(operation.name, None)
    define(operation)


def validate_formulas(operation: Operation) -> None:
    """Use a new row once, inside the intervals that tests may draw from.

    Raises:
        Exception: whatever its formulas raise.
    """
    names = [x.lstrip("*") for x in operation.operands]
    known = {*names, "sum", *FLOATS.meanings, *vars(builtins)}
    formulas = (operation.formula, *operation.partials, operation.defined, operation.smooth)
    for formula in filter(None, formulas):
        used = compile(formula, operation.name, "eval").co_names
        allowed = known | {"out"} if formula in operation.partials else known
        if unknown := set(used) - allowed:
            raise NameError(f"{formula!r} has the unknown name {min(unknown)!r}")
    numbers = [0.3 * low + 0.7 * high for low, high in operation.draw]
    operands = [
        [Value(x)] if name != parameter else Value(x)
        for x, name, parameter in zip(numbers, operation.operands, operation.parameters)
    ]
    node = FUNCTIONS[operation.name](*operands)
    for found in (FLOATS.value(operation, numbers), *node.partials):
        if type(found) is not float:
            raise TypeError(f"they give {found!r}, which is no float")
    for predicate in filter(None, (operation.defined, operation.smooth)):
        FLOATS(predicate, ", ".join(names))(*numbers)


def remove_operation(operation: Operation) -> None:
    """Take a row of the user's out of the table again."""
    name = operation.name
    for entries in (TABLE, FUNCTIONS, FUNCTIONS.makers, FLOATS.meanings, VALUES.meanings):
        entries.pop(name, None)
    if name in vars(Value):
        delattr(Value, name)
    if name in vars(math):  # The row stood before a function of math.
        FLOATS.meanings[name] = vars(math)[name]
