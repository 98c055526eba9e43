"""A whole test in one line: the gradient of a function is right everywhere in its domain.

>>> from tinygrad_lin import check_everywhere, log, tanh
>>> test_log = check_everywhere(log)
>>> test_log()
>>> @check_everywhere(within={"w": (-2.0, 2.0)})
... def test_neuron(w, x):
...     return tanh(w * x)
>>> test_neuron()
"""

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

DEFAULT_INTERVAL = (-10.0, 10.0)


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
        f: a function of scalars; for a function of the table the points lie in the domain of its
            operation. Without f, this returns a decorator.
        within: intervals for the parameters, by name; from -10 to 10 for all others.
        max_examples: how many points to look at.
        options: those of :func:`tinygrad_lin.check_gradients`, such as ``gradient``.

    Returns:
        A test without arguments. pytest runs it under a name that begins with test, and a call runs
        it anywhere. It raises GradientMismatch.
    """
    if f is None:
        return partial(check_everywhere, within=within, max_examples=max_examples, **options)
    names, points = parameters_and_points(f, dict(within or {}))
    ignored = [HealthCheck.filter_too_much]
    test = given(points)(make_point_check(f, names, options))
    test = settings(max_examples=max_examples, deadline=None, suppress_health_check=ignored)(test)
    name = getattr(f, "__name__", "")
    if name.isidentifier():  # Some versions of Hypothesis look for the source of "<lambda>".
        test.__name__ = test.__qualname__ = name
    test.__module__ = f.__module__
    test.__doc__ = f"The gradient of {name or 'the function'} is right everywhere."
    return test


def make_point_check(
    f: Callable[..., Any], names: list[str], options: dict[str, Any]
) -> Callable[..., None]:
    """A function that checks the gradient at one point, and rejects points outside the domain."""
    has_gradient = options.get("gradient") is not None

    def check_point(point: list[float]) -> None:
        leaves = [Value(x, name) for x, name in zip(point, names)]
        if not has_value(f, point) or not (has_gradient or has_value(f, leaves)):
            reject()
        check_gradients(f, *leaves, **options)

    return check_point


def parameters_and_points(
    f: Callable[..., Any], within: dict[str, tuple[float, float]]
) -> tuple[list[str], st.SearchStrategy[list[float]]]:
    """The names of a function's parameters, and points to check it at."""
    operation = next((TABLE[name] for name, known in FUNCTIONS.items() if known is f), None)
    if operation is not None and operation.variadic:
        name = operation.name
        raise DataError(f"{name} takes sequences: check a function of scalars that uses it")
    names = list(operation.operands) if operation else list(inspect.signature(f).parameters)
    if not names:
        raise DataError(f"{f!r} has no parameters to check derivatives with respect to")
    if unknown := [name for name in within if name not in names]:
        raise DataError(f"there is no parameter {unknown[0]!r}; there are {', '.join(names)}")
    if operation is not None and not within:
        return names, operands(operation.name)
    bounds = [within.get(name, DEFAULT_INTERVAL) for name in names]
    numbers = [scalars(min_value=low, max_value=high) for low, high in bounds]
    return names, st.tuples(*numbers).map(list)


def has_value(f: Callable[..., Any], point: Sequence[float | Value]) -> bool:
    """Whether a function has a real value at a point; of Values, with its local derivatives."""
    try:
        return not isinstance(f(*point), complex)
    except (ValueError, ArithmeticError, OperandError):  # (-8.0) ** 0.5 is a complex operand.
        return False
