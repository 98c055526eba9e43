"""Everything that can go wrong.

Each error is also the built-in one that a Python user expects::

    TinygradError
      OperandError      (TypeError)        not one real number, or not a Value
      DomainError       (ValueError)       the log of 0, an overflow
      DataError         (ValueError)       training data or settings that make no sense
      ExpressionError   (ValueError)       text that is not an expression
      DivergedError     (ArithmeticError)  training ran away
      GradientMismatch  (AssertionError)   a gradient is wrong
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def printable(text: str) -> str:
    """The text with control and bidirectional characters replaced by spaces."""
    return "".join(c if c.isprintable() else " " for c in text)


class TinygradError(Exception):
    """The root of all errors of this package. Control codes in its message reach no terminal."""

    def __str__(self) -> str:
        return "\n".join(map(printable, super().__str__().split("\n")))

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild_error, (type(self), self.args, vars(self))


class OperandError(TinygradError, TypeError):
    """What was given is not one real number (or a Value where a Value is wanted)."""


class DomainError(TinygradError, ValueError):
    """An operation was asked for something outside its domain, such as the log of 0."""


class DataError(TinygradError, ValueError):
    """Training data, or a setting of the training, that cannot be used."""


class DivergedError(TinygradError, ArithmeticError):
    """Training ran away: the cost or a gradient is no longer finite.

    Attributes: ``step`` (where it happened), ``learning_rate``, and ``limit``, the largest learning
    rate that converges (None where it is not known).
    """

    def __init__(
        self, message: str, *, step: int, learning_rate: float, limit: float | None = None
    ) -> None:
        super().__init__(message)
        self.step = step
        self.learning_rate = learning_rate
        self.limit = limit


class GradientMismatch(TinygradError, AssertionError):
    """A gradient disagrees with the finite differences it was checked against.

    Attribute: ``report``, the findings as :class:`tinygrad_lin.check.gradients.Report`.
    """

    def __init__(self, message: str, *, report: Any) -> None:
        super().__init__(message)
        self.report = report


class ExpressionError(TinygradError, ValueError):
    """A text is not an expression that can be read."""


def short_repr(given: object) -> str:
    """The beginning of an object's repr, for a message; if repr() fails, the default one."""
    try:
        return f"{given!r:.60}"
    except Exception:  # An int of 5,000 digits has no repr.
        return object.__repr__(given)


def rebuild_error(
    kind: type[TinygradError], args: tuple[Any, ...], attributes: Any
) -> TinygradError:
    """An error that was pickled."""
    error = kind.__new__(kind, *args)
    vars(error).update(attributes)
    return error
