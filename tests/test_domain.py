"""The edges of domains: which values and derivatives exist, and what the errors say."""

from __future__ import annotations

import math
import sys
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from every_operation import INF, NAN, apply, per_operation

import tinygrad_lin
from tinygrad_lin import TABLE, DomainError, Value, gradients, jvp
from tinygrad_lin.formulas import FLOATS
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Callable


LARGEST_EXPONENT = math.log(sys.float_info.max)


@per_operation
def test_an_operation_has_a_value_exactly_where_its_row_says(operation: Operation) -> None:
    """At a grid of points the operation has a value exactly where its predicate holds."""
    grid = [-1e300, -745.0, -2.5, -2.0, -1.0, -0.5, -0.0, 0.0, 0.3, 1.0, 2.0, 700.0, 1e300]
    grid += [LARGEST_EXPONENT, math.nextafter(LARGEST_EXPONENT, INF)]
    if operation.variadic:
        return
    defined = FLOATS(operation.defined or "True", ", ".join(operation.operands))
    pairs = [(x, y) for x in grid for y in (grid if len(operation.partials) == 2 else [0.0])]
    for pair in pairs:
        operands = list(pair[: len(operation.partials)])
        try:
            apply(operation, operands)
            has_value = True
        except DomainError as error:
            if "overflows" in str(error) and operation.name == "pow":
                continue
            has_value = False
        assert has_value == bool(defined(*operands)), operands


@per_operation
def test_the_predicates_of_a_row_have_a_truth_for_every_float(operation: Operation) -> None:
    """Where one that says where the operation is defined holds, there is a value."""
    numbers = [-INF, -2.5, -2.0, -0.0, 0.0, 0.5, 3.0, 1e300, INF, NAN]
    if operation.variadic:
        return
    names = ", ".join(operation.operands)
    for pair in [(x, y) for x in numbers for y in numbers]:
        operands = pair[: len(operation.partials)]
        for predicate in filter(None, (operation.defined, operation.smooth)):
            assert type(FLOATS(predicate, names)(*operands)) is bool
        if operation.defined and FLOATS(operation.defined, names)(*operands):
            try:
                apply(operation, list(operands))
            except DomainError as error:
                assert "overflows" in str(error)  # noqa: PT017


@per_operation
def test_a_nan_is_carried_through_every_operation(operation: Operation) -> None:
    middles = [0.3 * low + 0.7 * high for low, high in operation.draw]
    for place in range(len(middles)):
        operands = [*middles[:place], NAN, *middles[place + 1 :]]
        assert math.isnan(apply(operation, list(map(Value, operands))).data)
        assert math.isnan(apply(operation, operands))


@pytest.mark.parametrize(
    ("name", "operands"),
    [
        ("log", [0.0]),
        ("log", [-1.0]),
        ("log1p", [-1.0]),
        ("sqrt", [-1e-300]),
        ("div", [1.0, 0.0]),
        ("div", [0.0, -0.0]),
        ("exp", [1000.0]),
        ("expm1", [1000.0]),
        ("sin", [INF]),
        ("cos", [-INF]),
        ("tan", [INF]),
        ("pow", [-8.0, 1 / 3]),
        ("pow", [0.0, -1.0]),
        ("pow", [1e200, 2.0]),
    ],
)
def test_outside_the_domain_the_error_names_operation_operands_and_rule(
    name: str, operands: list[float]
) -> None:
    labelled = [Value(x, f"label of {k}") for k, x in enumerate(operands)]
    with pytest.raises(DomainError) as caught:
        FUNCTIONS[name](*labelled)
    text = str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert text.startswith(f"{name}(")
    assert TABLE[name].defined in text
    for k, x in enumerate(operands):
        assert f"= {x!r} ('label of {k}')" in text
    with pytest.raises(DomainError, match=name):
        FUNCTIONS[name](*operands)
    if len(operands) == 2:
        with pytest.raises(DomainError, match=name):
            FUNCTIONS[name](labelled[0], operands[1])
        with pytest.raises(DomainError, match=name):
            FUNCTIONS[name](operands[0], labelled[1])


def test_a_whole_exponent_takes_any_base_but_a_value_as_exponent_only_a_positive_one() -> None:
    assert (Value(-2.0) ** 3).data == -8.0
    assert (Value(-2.0) ** 3).partials == (12.0,)
    assert (Value(-2.0) ** -2).data == 0.25
    with pytest.raises(DomainError, match="no derivative with respect to y"):
        Value(-2.0) ** Value(3.0)
    with pytest.raises(DomainError, match="no derivative with respect to y"):
        (-2.0) ** Value(3.0)
    assert (0.0 ** Value(2.0)).partials == (0.0,)


def test_numbers_need_no_derivative(own_operation: Callable[..., Any]) -> None:
    norm = own_operation("norm", "sqrt(sum[x * x])", ("x / out",), operands=("*x",))
    assert norm([0.0, 0.0]) == 0.0
    assert norm([Value(3.0), 4.0]).partials == (3 / 5,)
    with pytest.raises(DomainError, match="has no derivative"):
        norm([Value(0.0)])


def test_an_infinite_local_derivative_by_one_of_many_is_stored(
    own_operation: Callable[..., Any],
) -> None:
    roots = own_operation("roots", "sum[sqrt(x)]", ("0.5 / sqrt(x)",), operands=("*x",))
    xs = [Value(1.0), Value(0.0), Value(4.0)]
    out = roots(xs)
    assert (out.data, out.partials) == (3.0, (0.5, INF, 0.25))
    assert roots([xs[0], 9.0, xs[1]]).partials == (0.5, INF)
    assert [derivative.data for derivative in gradients(out, xs)] == [0.5, INF, 0.25]
    assert jvp(roots([*xs, 9.0]), [xs[2]], [1.0]).data == 0.25
    # d² sqrt(x) / dx² = -x^(-3/2) / 4
    assert gradients(gradients(out, xs)[2], xs)[2].data == -1 / 32


@pytest.mark.parametrize(
    ("args", "operands", "said"),
    [
        (
            ("logs", "sum[log(x)]", ("1.0 / x",)),
            [1.0, 2.0, 3.0, Value(-1.0, "label")],
            r"logs\(xs\) has no value at xs\[3\] = -1.0 \('label'\)$",
        ),
        (("logs", "sum[log(x)]", ("1.0 / x",)), [0.0, 1.0, 0.0], r"xs\[0\] = 0.0, xs\[2\] = 0.0$"),
        (("exps", "sum[exp(x)]", ("exp(x)",)), [1.0, 1e4], r"overflows a float at xs\[1\] = 10000"),
        (
            ("norm", "sqrt(sum[x * x])", ("x / out",)),
            [0.0, Value(0.0, "zero")],
            r"norm\(xs\) has no derivative with respect to xs\[1\] .* at xs\[1\] = 0.0 \('zero'\)$",
        ),
        (
            ("apart", "1.0 / sum[x]", ("-out * out",)),
            [1.0, 2.0, -4.0, 3.0, -2.0],
            r"at xs\[0\] = 1.0, xs\[1\] = 2.0, xs\[2\] = -4.0, xs\[3\] = 3.0, \.\.\.$",
        ),
    ],
)
def test_an_error_of_many_operands_names_those_at_fault(
    own_operation: Callable[..., Any], args: tuple[Any, ...], operands: list[Any], said: str
) -> None:
    function = own_operation(*args, operands=("*x",), draw=((0.5, 2.0),))
    with pytest.raises(DomainError, match=said):
        function(operands)


def test_an_error_of_two_sequences_names_both_operands(own_operation: Callable[..., Any]) -> None:
    ratios = own_operation(
        "ratios", "sum[x / y] + b", ("1.0 / y", "-x / y / y", "1.0"), operands=("*x", "*y", "b"),
        draw=((0.5, 2.0),) * 3,
    )  # fmt: skip
    with pytest.raises(
        DomainError, match=r"ratios\(xs, ys, b\) .* at xs\[1\] = 2.0, ys\[1\] = 0.0$"
    ):
        ratios([1.0, 2.0], [Value(3.0), 0.0], Value(5.0))


def test_at_an_edge_a_function_that_numpy_lacks_has_no_derivative(
    own_operation: Callable[..., Any],
) -> None:
    own = own_operation("own", "x * x", ("gamma(x)",), draw=((0.5, 2.0),))
    with pytest.raises(DomainError, match=r"own\(x\) has no derivative .* at x = -1.0"):
        own(Value(-1.0))


def test_a_row_added_later_is_seen_at_an_edge(own_operation: Callable[..., Any]) -> None:
    assert FUNCTIONS["sqrt"](Value(0.0)).partials == (INF,)
    later = own_operation("later", "x + 1.0", ("1.0",))
    edged = own_operation("edged", "sqrt(x)", ("later(x) / sqrt(x)",), draw=((0.5, 2.0),))
    assert later(0.0) == 1.0
    assert edged(Value(0.0)).partials == (INF,)


def test_at_an_edge_a_row_goes_before_a_function_of_numpy(
    own_operation: Callable[..., Any],
) -> None:
    own_operation("sinc", "sin(x) / x", ("cos(x) / x - out / x",), draw=((0.5, 2.0),))
    edged = own_operation(
        "edged", "x + sqrt(y)", ("sinc(x)", "0.5 / sqrt(y)"), draw=((0.5, 2.0),) * 2
    )
    assert edged(Value(1.0), Value(0.0)).partials == (math.sin(1.0), math.inf)


def test_an_error_outside_the_domain_does_not_keep_the_graph_alive() -> None:
    class Mark:
        pass

    def fail() -> weakref.ref[Mark]:
        mark = Mark()
        with pytest.raises(DomainError):
            tinygrad_lin.log(Value(0.0) * 1.0)
        return weakref.ref(mark)

    assert fail()() is None
