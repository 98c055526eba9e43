"""What is taken for an operand: a real number, or a sequence where an operation takes many.

Everything else is refused here, with a message that says what to give instead.
"""

from __future__ import annotations

from math import isinf

from tinygrad_lin.errors import DataError, DomainError, OperandError, short_repr

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from fractions import Fraction
    from typing import Any, TypeAlias

    from numpy import floating, integer

    from tinygrad_lin.operation import Operation
    from tinygrad_lin.value import Value

    Number: TypeAlias = float | floating[Any] | integer[Any] | Fraction


def to_float(given: Any) -> float:
    """A float from anything that is one real number.

    Raises:
        DomainError: it is too large for a float.
        OperandError: it is anything else.
    """
    if isinstance(given, float) and type(given) is float:
        return given
    item = given
    if type(given) is not int:
        from contextlib import suppress
        from numbers import Real

        if not isinstance(given, Real):
            with suppress(Exception):  # Other libraries may raise whatever they like.
                item = given.item()  # an array or tensor of one element
        # NumPy's times would become integers, and a masked array would give away the number under
        # its mask: both are refused.
        time = getattr(getattr(given, "dtype", None), "kind", "") in ("m", "M")
        masked = hasattr(given, "filled") and bool(getattr(given, "mask", False))
        is_real = isinstance(item, Real) and not isinstance(item, bool)
        if is_value(given) or time or masked or not is_real:
            raise not_a_number_error(given, item)
    try:
        result = float(item)
        # float() raises for numbers that are too large, except for NumPy's longdouble.
        if type(given) is int or item == result or not isinf(result):
            return result
    except OverflowError:
        pass
    raise DomainError("the number is too large for a float (above 1.8e308)")


def is_value(thing: Any) -> bool:
    """Whether it is a Value, by one of its attributes: `value.py` imports this file."""
    return hasattr(type(thing), "partials")


def not_a_number_error(given: Any, item: Any) -> OperandError:
    """The error for what is not one real number; item is what it holds, if it holds one thing."""
    if is_value(given):
        return OperandError(f"{given!r} is a Value already: use it as it is, or its .data")
    if isinstance(item, bool):
        hint = "use 1.0 or 0.0"
    elif isinstance(item, str):
        hint = "convert it first, as in Value(float(x))"
    elif getattr(getattr(given, "dtype", None), "kind", "") == "O":
        hint = "with an array of Values call a function of NumPy's, such as numpy.multiply"
    elif isinstance(item, complex):
        hint = "take a part of it first, as in Value(abs(x))"
    elif hasattr(given, "__len__"):
        hint = "make one Value for each element, as in [Value(x) for x in array]"
    else:
        hint = "give a float or an int"
    what = f"{type(given).__name__} {short_repr(given)}"
    return OperandError(f"a Value holds one real number, not {what}; {hint}")


def gradient_so_far(value: Value) -> float:
    """The gradient that a Value has; None counts as 0.0, as in PyTorch.

    Raises:
        OperandError: somebody has set it to something that is not a number.
    """
    if type(value.grad) is float:
        return value.grad
    if value.grad is None:
        return 0.0
    try:
        return to_float(value.grad)
    except (TypeError, ValueError):
        kind = "leaf" if value.is_leaf else "node"
        name = (
            f"the {kind} {value.label!r}" if value.label else f"a {kind} with data {value.data!r}"
        )
        raise OperandError(
            f"the grad of {name} is not a number but {type(value.grad).__name__}: "
            "set it to 0.0 before backward()"
        ) from None


def require_sequences(operation: Operation, sequences: Iterable[Any]) -> None:
    """Refuse a single Value or number where an operation takes a sequence.

    Raises:
        OperandError: one of them is not a sequence.
    """
    for sequence in sequences:
        if is_value(sequence) or not hasattr(sequence, "__iter__"):
            raise OperandError(
                f"{operation.name} takes sequences of Values and numbers: "
                f"give [x], not x = {short_repr(sequence)}"
            ) from None


def unequal_lengths_error(operation: Operation, sequences: Sequence[Sequence[Any]]) -> DataError:
    """The error for sequences that do not go together."""
    given = " and ".join([str(len(sequence)) for sequence in sequences])
    return DataError(f"{operation.name} takes sequences of one length, not of {given}")


def flatten_operands(operation: Operation, arguments: Sequence[Any]) -> list[Any]:
    """The arguments of an operation with starred operands, as one flat list of operands.

    Raises:
        DataError: the sequences differ in length.
        OperandError: something else stands where a sequence should.
    """
    many = len(operation.many)
    try:
        sequences = [tuple(argument) for argument in arguments[:many]]
    except TypeError:
        require_sequences(operation, arguments[:many])
        raise
    if len({len(sequence) for sequence in sequences}) > 1:
        raise unequal_lengths_error(operation, sequences)
    return [*(operand for sequence in sequences for operand in sequence), *arguments[many:]]


class InputsAmongConstants(list["Value"]):
    """The inputs of a node of many operands, some of which are constants."""

    __slots__ = ("operands",)

    operands: tuple[Value | float, ...]


def inputs_among(operands: Sequence[Value | float]) -> Sequence[Value]:
    """Those of many operands that are Values; they remember the constants between them."""
    inputs = InputsAmongConstants([x for x in operands if not isinstance(x, float)])
    inputs.operands = tuple(operands)
    return inputs if len(inputs) < len(operands) else tuple(inputs)
