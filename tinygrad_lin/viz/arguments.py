"""What the functions of this folder refuse for a root."""

from __future__ import annotations

from tinygrad_lin.errors import OperandError, short_repr
from tinygrad_lin.value import Value


def require_value(value: object, function: str) -> None:
    """Refuse what is not a Value."""
    if not isinstance(value, Value):
        raise OperandError(
            f"{function}() takes a Value, not {type(value).__name__} {short_repr(value)}"
        )
