"""A whole test in one line: the gradient of a function is right everywhere in its domain."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from tinygrad_lin.check.gradients import check_gradients
from tinygrad_lin.check.strategies import operands, scalars
from tinygrad_lin.errors import DataError, OperandError
from tinygrad_lin.ops import FUNCTIONS, TABLE
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

USUAL = (-10.0, 10.0)


def check_everywhere(
    f: Callable[..., Any] | None = None,
    *,
    within: Mapping[str, tuple[float, float]] | None = None,
    max_examples: int = 100,
    **options: Any,
) -> Callable[..., Any]:
    """Turn a function into a test that its gradient is right wherever it has a value.

    Hypothesis looks for a point where :func:`tinygrad_lin.check_gradients` finds it wrong, and
    shrinks what it found. Points where f raises a ValueError or an ArithmeticError are outside its
    domain.

    Args:
        f: a function of scalars; for a function of the table the points are those of its row.
            Without it, this gives a decorator.
        within: intervals for the parameters, by name; from -10 to 10 for all others.
        max_examples: how many points to look at.
        options: those of :func:`tinygrad_lin.check_gradients`, such as ``gradient``.

    Returns:
        A test without arguments: pytest runs it under a name that begins with test, a call runs it
        anywhere. It raises GradientMismatch.

    >>> from tinygrad_lin import log, tanh
    >>> test_log = check_everywhere(log)
    >>> test_log()
    >>> @check_everywhere(within={"w": (-2.0, 2.0)})
    ... def test_neuron(w, x):
    ...     return tanh(w * x)
    >>> test_neuron()
    """
    if f is None:
        return partial(check_everywhere, within=within, max_examples=max_examples, **options)
    function = f
    given_one = options.get("gradient") is not None
    names, points = arguments_of(function, dict(within or {}))

    @settings(
        max_examples=max_examples,
        deadline=None,
        suppress_health_check=[HealthCheck.filter_too_much],
    )
    @given(points)
    def everywhere(point: list[float]) -> None:
        leaves = [Value(x, name) for x, name in zip(point, names)]
        if not has_value(function, point) or not (given_one or has_value(function, leaves)):
            reject()
        check_gradients(function, *leaves, **options)

    name = getattr(function, "__name__", "")
    if name.isidentifier():  # older Hypothesis looks for the source of what is called <lambda>
        everywhere.__name__ = everywhere.__qualname__ = name
    everywhere.__module__ = function.__module__
    everywhere.__doc__ = f"The gradient of {name or 'the function'} is right everywhere."
    return everywhere


def arguments_of(
    f: Callable[..., Any], within: dict[str, tuple[float, float]]
) -> tuple[list[str], st.SearchStrategy[list[float]]]:
    """The names of a function's parameters, and points to check it at."""
    row = next((TABLE[name] for name, known in FUNCTIONS.items() if known is f), None)
    if row is not None and row.variadic:
        raise DataError(f"{row.name} takes sequences: check a function of scalars that uses it")
    names = list(row.operands) if row else list(inspect.signature(f).parameters)
    if not names:
        raise DataError(f"{f!r} has no parameters to differentiate by")
    if unknown := [name for name in within if name not in names]:
        raise DataError(f"there is no parameter {unknown[0]!r}; there are {', '.join(names)}")
    if row is not None and not within:
        return names, operands(row.name)
    bounds = [within.get(name, USUAL) for name in names]
    each = [scalars(min_value=low, max_value=high) for low, high in bounds]
    return names, st.tuples(*each).map(list)


def has_value(f: Callable[..., Any], point: Sequence[float | Value]) -> bool:
    """Whether a function has a real value at a point, of Values with its local derivatives."""
    try:
        return not isinstance(f(*point), complex)
    except (ValueError, ArithmeticError, OperandError):  # the last for (-8.0) ** 0.5 on the way
        return False
