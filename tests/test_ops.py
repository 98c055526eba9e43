"""The rows of the table, proved against mpmath, finite differences, and mutants."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import mpmath
import pytest
from every_operation import INF, NAN, OPERATIONS, apply, of_scalars, per_operation, smooth_points
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinygrad_lin import TABLE, GradientMismatch, Value, check_gradients
from tinygrad_lin.check.strategies import operands
from tinygrad_lin.formulas import FLOATS
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.registry import enter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


mpmath.mp.dps = 60
mp = mpmath.mp


# Each operation once more, written from its definition and not from the table.
ORACLE: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "div": lambda x, y: x / y,
    "mod": lambda x, y: x - y * mp.floor(x / y),
    "neg": lambda x: -x,
    "pow": lambda x, y: mp.exp(y * mp.log(x)),
    "exp": mp.exp,
    "log": mp.log,
    "log1p": mp.log1p,
    "expm1": mp.expm1,
    "sqrt": lambda x: mp.exp(mp.log(x) / 2),
    "sin": mp.sin,
    "cos": mp.cos,
    "tan": lambda x: mp.sin(x) / mp.cos(x),
    "tanh": mp.tanh,
    "atan": mp.atan,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "softplus": lambda x: mp.log(1 + mp.exp(x)),
    "relu": lambda x: (x + abs(x)) / 2,
    "abs": lambda x: mp.sqrt(x * x),
    "minimum": min,
    "maximum": max,
    "dot": lambda *v: sum(a * b for a, b in zip(v[: len(v) // 2], v[len(v) // 2 : -1])) + v[-1],
    "total": lambda *v: sum(v),
}


@contextmanager
def in_the_table(operation: Operation) -> Iterator[None]:
    """Another row in the place of the one with its name."""
    original = TABLE[operation.name]
    enter(operation)
    try:
        yield
    finally:
        enter(original)


def test_the_oracle_knows_every_operation() -> None:
    assert set(ORACLE) == {operation.name for operation in OPERATIONS}


@per_operation
@given(data=st.data())
def test_the_value_of_every_operation_agrees_with_mpmath(
    operation: Operation, data: st.DataObject
) -> None:
    operands = data.draw(smooth_points(operation))
    out = apply(operation, [Value(x) for x in operands]).data
    exact = ORACLE[operation.name](*map(mp.mpf, operands))
    scale = (
        max(1.0, *map(abs, operands)) if operation.name in ("add", "sub", "dot", "total") else 0.0
    )
    assert out == pytest.approx(float(exact), rel=4e-15, abs=1e-15 * scale**2 + 1e-300)


@per_operation
@given(data=st.data())
def test_the_local_derivatives_of_every_operation_agree_with_mpmath(
    operation: Operation, data: st.DataObject
) -> None:
    operands = data.draw(smooth_points(operation))
    out = apply(operation, [Value(x) for x in operands])
    assert len(out.partials) == len(operands)
    exact = list(map(mp.mpf, operands))
    for place, partial in enumerate(out.partials):
        derivative = mp.diff(
            lambda x, k=place: ORACLE[operation.name](*exact[:k], x, *exact[k + 1 :]), exact[place]
        )
        assert partial == pytest.approx(float(derivative), rel=1e-13, abs=1e-15)


@per_operation
@given(data=st.data())
def test_the_checker_finds_no_operation_wrong(operation: Operation, data: st.DataObject) -> None:
    """Both modes against differences and complex steps, at the awkward numbers too."""
    numbers = data.draw(operands(operation.name))
    if (
        operation.name == "mod"
    ):  # whose teeth no difference resolves where they are finer than floats
        assume(abs(numbers[0]) < 1e6 * abs(numbers[1]))
    check_gradients(of_scalars(operation), *numbers)


@per_operation
@settings(max_examples=30)
@given(data=st.data())
def test_the_checker_finds_no_operation_wrong_at_second_order(
    operation: Operation, data: st.DataObject
) -> None:
    report = check_gradients(of_scalars(operation), *data.draw(smooth_points(operation)), order=2)
    assert {found.verdict for found in report.rows} == {"ok"}


MUTANTS = [
    (operation, place) for operation in OPERATIONS for place in range(len(operation.partials))
]


@pytest.mark.parametrize(("operation", "place"), MUTANTS, ids=lambda v: getattr(v, "name", str(v)))
@pytest.mark.parametrize("wrong", ["1.001 * ({})", "-({})"])
def test_a_wrong_local_derivative_is_caught_in_both_modes(
    operation: Operation, place: int, wrong: str
) -> None:
    partials = list(operation.partials)
    partials[place] = wrong.format(partials[place])
    changed = vars(operation) | {"partials": tuple(partials)}
    numbers = [low + 0.7 * (high - low) - 0.1 * k for k, (low, high) in enumerate(operation.draw)]
    if operation.name == "minimum":  # at a point where the mutated derivative is not 0
        numbers.sort(reverse=place == 1)
    if operation.name == "maximum":
        numbers.sort(reverse=place == 0)
    assert check_gradients(of_scalars(operation), *numbers).ok
    with in_the_table(Operation(**changed)):
        for mode in ("reverse", "forward"):
            with pytest.raises(GradientMismatch):
                check_gradients(of_scalars(operation), *numbers, modes=[mode])


@pytest.mark.parametrize(
    ("x", "y", "smooth"),
    [(0.0, 2.0, True), (0.0, 2.5, False), (0.0, -1.0, False), (-1.0, 2.5, True), (0.0, 0.0, True)],
)
def test_a_power_is_smooth_where_its_row_says(x: float, y: float, smooth: bool) -> None:
    assert FLOATS(TABLE["pow"].smooth, "x, y")(x, y) is smooth


@pytest.mark.parametrize(
    ("name", "operands", "out", "partials"),
    [
        ("sigmoid", [1000.0], 1.0, [0.0]),
        ("sigmoid", [-1000.0], 0.0, [0.0]),
        ("sigmoid", [-40.0], math.exp(-40.0), [math.exp(-40.0)]),
        ("sigmoid", [40.0], 1.0, [math.exp(-40.0)]),
        ("softplus", [1000.0], 1000.0, [1.0]),
        ("softplus", [-1000.0], 0.0, [0.0]),
        ("softplus", [-40.0], math.exp(-40.0), [math.exp(-40.0)]),
        ("tanh", [1000.0], 1.0, [0.0]),
        ("tanh", [-1000.0], -1.0, [0.0]),
        ("log1p", [1e-20], 1e-20, [1.0]),
        ("expm1", [1e-20], 1e-20, [1.0]),
        ("expm1", [-1000.0], -1.0, [0.0]),
        ("exp", [-1000.0], 0.0, [0.0]),
        ("exp", [-INF], 0.0, [0.0]),
        ("atan", [1e200], math.pi / 2, [0.0]),
        ("sqrt", [0.0], 0.0, [INF]),
        ("pow", [0.0, 0.5], 0.0, [INF, 0.0]),
        ("pow", [0.0, 0.0], 1.0, [0.0, 0.0]),
        ("pow", [1e-311, 0.0], 1.0, [0.0, math.log(1e-311)]),
        ("pow", [5.0, 0.0], 1.0, [0.0, math.log(5.0)]),
        ("pow", [0.0, 1.0], 0.0, [1.0, 0.0]),
        ("pow", [0.0, 2.0], 0.0, [0.0, 0.0]),
        ("relu", [0.0], 0.0, [0.0]),
        ("relu", [-0.0], 0.0, [0.0]),
        ("relu", [5e-324], 5e-324, [1.0]),
        ("abs", [0.0], 0.0, [0.0]),
        ("abs", [-0.0], 0.0, [0.0]),
        ("abs", [-5e-324], 5e-324, [-1.0]),
        ("maximum", [2.0, 2.0], 2.0, [0.5, 0.5]),
        ("minimum", [2.0, 2.0], 2.0, [0.5, 0.5]),
        ("maximum", [0.0, -0.0], 0.0, [0.5, 0.5]),
        ("maximum", [INF, INF], INF, [0.5, 0.5]),
        ("minimum", [-INF, 1.0], -INF, [1.0, 0.0]),
        ("mul", [1e300, 1e300], INF, [1e300, 1e300]),
        ("add", [1e308, 1e308], INF, [1.0, 1.0]),
        ("div", [1.0, 5e-324], INF, [INF, -INF]),
        ("div", [5.0, 3.0], 5 / 3, [1 / 3, -5 / 9]),
        ("sub", [INF, INF], NAN, [1.0, -1.0]),
        ("mod", [7.5, 2.0], 1.5, [1.0, -3.0]),
        ("mod", [-7.5, 2.0], 0.5, [1.0, 4.0]),
        ("mod", [7.5, -2.0], -0.5, [1.0, 4.0]),
        ("mod", [1.5, INF], 1.5, [1.0, 0.0]),
    ],
)
def test_values_and_local_derivatives_at_edges_are_those_found_by_hand(
    name: str, operands: list[float], out: float, partials: list[float]
) -> None:
    result = FUNCTIONS[name](*map(Value, operands))
    assert result.data == pytest.approx(out, rel=1e-15, abs=0.0, nan_ok=True)
    assert result.partials == pytest.approx(partials, rel=4e-16, abs=0.0, nan_ok=True)
    assert FUNCTIONS[name](*operands) == pytest.approx(out, rel=1e-15, abs=0.0, nan_ok=True)


@given(st.floats(), st.floats())
def test_arithmetic_is_that_of_floats(x: float, y: float) -> None:
    def same(value: Value, number: float) -> bool:
        return value.data == number or (math.isnan(value.data) and math.isnan(number))

    for left in (Value(x), x):
        for right in (Value(y), y):
            if left is x and right is y:
                continue
            assert same(left + right, x + y)  # type: ignore[arg-type]
            assert same(left - right, x - y)  # type: ignore[arg-type]
            assert same(left * right, x * y)  # type: ignore[arg-type]
            if y:
                assert same(left / right, x / y)  # type: ignore[arg-type]
    assert math.copysign(1.0, (-Value(x)).data) == math.copysign(1.0, -x)


def test_division_is_correctly_rounded() -> None:
    assert (Value(5) / Value(3)).data == 5 / 3
    assert (Value(5) / 3).data == 5 / 3
    assert (5 / Value(3)).data == 5 / 3
