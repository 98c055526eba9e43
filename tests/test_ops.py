"""Every row of the table, proved against finite differences, mpmath, forward mode, and mutants."""

from __future__ import annotations

import math
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import mpmath
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tinygrad_lin import (
    TABLE,
    DomainError,
    ExpressionError,
    GradientMismatch,
    Value,
    add_operation,
    check_gradients,
    gradients,
    jvp,
)
from tinygrad_lin.check.strategies import operands
from tinygrad_lin.formulas import FLOATS
from tinygrad_lin.operation import Operation
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.registry import enter, remove_operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = list(TABLE.values())
INF, NAN = math.inf, math.nan
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

per_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def apply(row: Operation, numbers: list[Any]) -> Any:
    """The row's function on operands in a flat list."""
    return FUNCTIONS[row.name](*row.grouped(numbers))


def smooth_points(row: Operation) -> st.SearchStrategy[list[float]]:
    """Operands well inside the domain, away from any corner."""

    def clear(numbers: list[float]) -> bool:
        return not row.smooth or min(map(abs, numbers)) > 1e-3 < abs(
            numbers[0] - sum(numbers[1:], start=0.0)
        )

    return operands(row.name, plain=True).filter(clear)


def of_scalars(row: Operation) -> Callable[..., Any]:
    """The row as a function of scalars, for the checker."""

    def f(*numbers: Any) -> Any:
        return apply(row, list(numbers))

    return f


@contextmanager
def in_the_table(row: Operation) -> Iterator[None]:
    """Another row in the place of the one with its name."""
    original = TABLE[row.name]
    enter(row)
    try:
        yield
    finally:
        enter(original)


def test_the_oracle_knows_every_row() -> None:
    assert set(ORACLE) == {row.name for row in ROWS}


@per_row
@given(data=st.data())
def test_value_agrees_with_mpmath(row: Operation, data: st.DataObject) -> None:
    operands = data.draw(smooth_points(row))
    out = apply(row, [Value(x) for x in operands]).data
    exact = ORACLE[row.name](*map(mp.mpf, operands))
    scale = max(1.0, *map(abs, operands)) if row.name in ("add", "sub", "dot", "total") else 0.0
    assert out == pytest.approx(float(exact), rel=4e-15, abs=1e-15 * scale**2 + 1e-300)


@per_row
@given(data=st.data())
def test_local_derivatives_agree_with_mpmath(row: Operation, data: st.DataObject) -> None:
    operands = data.draw(smooth_points(row))
    out = apply(row, [Value(x) for x in operands])
    assert len(out.partials) == len(operands)
    exact = list(map(mp.mpf, operands))
    for place, partial in enumerate(out.partials):
        slope = mp.diff(
            lambda x, k=place: ORACLE[row.name](*exact[:k], x, *exact[k + 1 :]), exact[place]
        )
        assert partial == pytest.approx(float(slope), rel=1e-13, abs=1e-15)


@per_row
@given(data=st.data())
def test_the_checker_finds_nothing_wrong(row: Operation, data: st.DataObject) -> None:
    """Both modes against differences and complex steps, at the awkward numbers too."""
    numbers = data.draw(operands(row.name))
    if row.name == "mod":  # whose teeth no difference resolves where they are finer than floats
        assume(abs(numbers[0]) < 1e6 * abs(numbers[1]))
    check_gradients(of_scalars(row), *numbers)


@per_row
@settings(max_examples=30)
@given(data=st.data())
def test_nor_at_second_order(row: Operation, data: st.DataObject) -> None:
    report = check_gradients(of_scalars(row), *data.draw(smooth_points(row)), order=2)
    assert {found.verdict for found in report.rows} == {"ok"}


@per_row
@given(data=st.data())
def test_forward_mode_agrees_with_reverse_mode(row: Operation, data: st.DataObject) -> None:
    operands = data.draw(smooth_points(row))
    values = [Value(x) for x in operands]
    tangents = data.draw(st.lists(st.floats(-2, 2), min_size=len(values), max_size=len(values)))
    out = apply(row, values)
    along = jvp(out, values, tangents).data
    out.backward()
    expected = math.fsum(v.grad * t for v, t in zip(values, tangents))
    scale = math.fsum(abs(v.grad * t) for v, t in zip(values, tangents))
    assert along == pytest.approx(expected, rel=1e-12, abs=1e-13 * scale)


@per_row
def test_a_constant_operand_gives_what_a_leaf_gives(row: Operation) -> None:
    """In every position: as a constant in the node, as a leaf, or all as plain numbers."""
    operands = [low + 0.37 * (high - low) + 0.01 * k for k, (low, high) in enumerate(row.draw)]
    leaves = [Value(x) for x in operands]
    full = apply(row, leaves)
    for place, x in enumerate(operands):
        mixed: list[Value | float] = [*leaves[:place], x, *leaves[place + 1 :]]
        out = apply(row, mixed)
        if len(operands) == 1:
            assert type(out) is float
            assert out == full.data
        else:
            assert out.data == full.data
            assert out.operands == tuple(mixed)
            assert out.inputs == (*leaves[:place], *leaves[place + 1 :])
            assert out.partials == full.partials[:place] + full.partials[place + 1 :]
    assert apply(row, operands) == full.data


MUTANTS = [(row, place) for row in ROWS for place in range(len(row.partials))]


@pytest.mark.parametrize(("row", "place"), MUTANTS, ids=lambda v: getattr(v, "name", str(v)))
@pytest.mark.parametrize("wrong", ["1.001 * ({})", "-({})"])
def test_a_wrong_local_derivative_is_caught_in_both_modes(
    row: Operation, place: int, wrong: str
) -> None:
    partials = list(row.partials)
    partials[place] = wrong.format(partials[place])
    changed = vars(row) | {"partials": tuple(partials)}
    numbers = [low + 0.7 * (high - low) - 0.1 * k for k, (low, high) in enumerate(row.draw)]
    if row.name == "minimum":  # at a point where the mutated derivative is not 0
        numbers.sort(reverse=place == 1)
    if row.name == "maximum":
        numbers.sort(reverse=place == 0)
    assert check_gradients(of_scalars(row), *numbers).ok
    with in_the_table(Operation(**changed)):
        for mode in ("reverse", "forward"):
            with pytest.raises(GradientMismatch):
                check_gradients(of_scalars(row), *numbers, modes=[mode])


LARGEST_EXPONENT = math.log(sys.float_info.max)


@per_row
def test_the_domain_is_where_the_row_says(row: Operation) -> None:
    """At a grid of points the operation has a value exactly where its predicate holds."""
    grid = [-1e300, -745.0, -2.5, -2.0, -1.0, -0.5, -0.0, 0.0, 0.3, 1.0, 2.0, 700.0, 1e300]
    grid += [LARGEST_EXPONENT, math.nextafter(LARGEST_EXPONENT, INF)]
    if row.variadic:
        return
    defined = FLOATS(row.defined or "True", ", ".join(row.operands))
    pairs = [(x, y) for x in grid for y in (grid if len(row.partials) == 2 else [0.0])]
    for pair in pairs:
        operands = list(pair[: len(row.partials)])
        try:
            apply(row, operands)
            has_value = True
        except DomainError as error:
            if "overflows" in str(error) and row.name == "pow":
                continue
            has_value = False
        assert has_value == bool(defined(*operands)), operands


@per_row
def test_predicates_have_a_truth_for_every_float(row: Operation) -> None:
    """Where one that says where the operation is defined holds, there is a value."""
    numbers = [-INF, -2.5, -2.0, -0.0, 0.0, 0.5, 3.0, 1e300, INF, NAN]
    if row.variadic:
        return
    names = ", ".join(row.operands)
    for pair in [(x, y) for x in numbers for y in numbers]:
        operands = pair[: len(row.partials)]
        for predicate in filter(None, (row.defined, row.smooth)):
            assert type(FLOATS(predicate, names)(*operands)) is bool
        if row.defined and FLOATS(row.defined, names)(*operands):
            try:
                apply(row, list(operands))
            except DomainError as error:
                assert "overflows" in str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("x", "y", "smooth"),
    [(0.0, 2.0, True), (0.0, 2.5, False), (0.0, -1.0, False), (-1.0, 2.5, True), (0.0, 0.0, True)],
)
def test_where_a_power_is_smooth(x: float, y: float, smooth: bool) -> None:
    assert FLOATS(TABLE["pow"].smooth, "x, y")(x, y) is smooth


# ------------------------------------------------------------------ the edges, checked by hand


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
def test_edges(name: str, operands: list[float], out: float, partials: list[float]) -> None:
    result = FUNCTIONS[name](*map(Value, operands))
    assert result.data == pytest.approx(out, rel=1e-15, abs=0.0, nan_ok=True)
    assert result.partials == pytest.approx(partials, rel=4e-16, abs=0.0, nan_ok=True)
    assert FUNCTIONS[name](*operands) == pytest.approx(out, rel=1e-15, abs=0.0, nan_ok=True)


@per_row
def test_a_nan_is_carried_through(row: Operation) -> None:
    middles = [0.3 * low + 0.7 * high for low, high in row.draw]
    for place in range(len(middles)):
        operands = [*middles[:place], NAN, *middles[place + 1 :]]
        assert math.isnan(apply(row, list(map(Value, operands))).data)
        assert math.isnan(apply(row, operands))


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
def test_outside_the_domain_the_error_names_everything(name: str, operands: list[float]) -> None:
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
    with pytest.raises(DomainError, match="no derivative by y"):
        Value(-2.0) ** Value(3.0)
    with pytest.raises(DomainError, match="no derivative by y"):
        (-2.0) ** Value(3.0)
    assert (0.0 ** Value(2.0)).partials == (0.0,)


def test_maximum_and_minimum_take_more_than_two() -> None:
    x, y, z = Value(1.0), Value(5.0), Value(3.0)
    FUNCTIONS["maximum"](x, 4.0, y, z).backward()
    assert [x.grad, y.grad, z.grad] == [0.0, 1.0, 0.0]
    assert FUNCTIONS["minimum"](4.0, 2.0, 3.0) == 2.0
    assert FUNCTIONS["maximum"](*map(Value, range(20_000))).data == 19_999.0
    with pytest.raises(TypeError):
        FUNCTIONS["maximum"](x)


# ------------------------------------------------------------------------- rows of the user's own
@pytest.fixture
def own_row() -> Iterator[Callable[..., Any]]:
    added: list[Operation] = []

    def add(*args: Any, **options: Any) -> Any:
        function = add_operation(*args, **options)
        added.append(TABLE[args[0]])
        return function

    yield add
    for row in added:
        remove_operation(row)


def test_an_own_row_works_everywhere(own_row: Callable[..., Any]) -> None:
    """The engine, any order, forward mode, methods, numbers, NumPy, errors, the drawing."""
    from tinygrad_lin import draw, grad, hessian

    inverse = own_row(
        "inverse", "1.0 / x", ("-out * out",), sign="x⁻¹", defined="abs(x) > 0", draw=((0.5, 2.0),)
    )
    x = Value(2.0, "x")
    out = inverse(x)
    out.backward()
    assert (out.data, x.grad, out.op) == (0.5, -0.25, "inverse")
    assert grad(grad(grad(inverse)))(2.0) == pytest.approx(-6 / 16)  # d³(1/x) = -6 / x⁴
    assert jvp(inverse(x), [x], [4.0]).data == -1.0
    assert hessian(inverse(x), [x])[0, 0] == 2 / 8
    assert x.inverse().data == inverse(2.0) == 0.5  # type: ignore[attr-defined]
    assert "x⁻¹" in draw(out).source
    with pytest.raises(DomainError, match=r"inverse\(x\) has no value at x = 0.0 \('zero'\)"):
        inverse(Value(0.0, "zero"))
    nested = own_row(
        "nested", "inverse(x) + 1.0", ("-inverse(x) * inverse(x)",), draw=((1.0, 2.0),)
    )
    assert grad(grad(nested))(2.0) == 2 / 8


def test_an_own_row_of_many_operands(own_row: Callable[..., Any]) -> None:
    from tinygrad_lin import hessian

    lse = own_row("logsumexp", "log(sum[exp(x)])", ("exp(x - out)",), operands=("*x",))
    xs = [Value(0.0), Value(math.log(3.0))]
    out = lse(xs)
    out.backward()
    assert out.data == pytest.approx(math.log(4.0))
    assert [x.grad for x in xs] == pytest.approx([0.25, 0.75])
    # The Hessian of log-sum-exp is diag(p) - p pᵀ.
    assert hessian(lse(xs), xs).ravel() == pytest.approx([3 / 16, -3 / 16, -3 / 16, 3 / 16])
    softmax_sum = own_row("share", "sum[exp(x)]", ("sum[exp(x)] * 0.0 + exp(x)",), operands=("*x",))
    assert softmax_sum(xs).partials == pytest.approx((1.0, 3.0))


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("exp", "x", ("1.0",)), "taken"),
        (("data", "x", ("1.0",)), "taken"),
        (("backward", "x", ("1.0",)), "taken"),
        (("not a name", "x", ("1.0",)), "no name"),
        (("own", "x +", ("1.0",)), "cannot be read"),
        (("lambda", "x", ("1.0",)), "taken"),
        (("dot", "x", ("1.0",)), "taken"),
        (("type", "x", ("1.0",)), "taken"),
        (("out", "x", ("1.0",)), "taken"),
        (("own", "own(x)", ("1.0",)), "cannot be read"),
        (("own", "x.real.missing", ("1.0",)), "cannot be read"),
        (("own", "floor(x)", ("0.0",)), "no float"),
        (("own", "x", ("1j",)), "no float"),
        (("erf", "expp(x)", ("1.0",)), "cannot be read"),
        (("own", "x", ("unknown(x)",)), "cannot be read"),
        (("own", "x", ("1.0", "1.0", "1.0")), "one local derivative"),
        (("own", "log(-x)", ("1.0 / x",)), "cannot be drawn"),
    ],
)
def test_a_bad_row_is_refused_and_leaves_no_trace(
    args: tuple[str, str, tuple[str, ...]], reason: str
) -> None:
    before = dict(TABLE)
    with pytest.raises(ExpressionError, match=reason):
        add_operation(*args)
    assert before == TABLE
    assert not hasattr(Value, "own")


@pytest.mark.parametrize(
    "options",
    [
        {"defined": "x > 0 or z > 0"},
        {"smooth": "x > 0 or unknown(x) > 0"},
        {"defined": "out > 0"},
        {"defined": "xs > 0", "operands": ("*x",)},
        {"smooth": "x > 0 or z", "operands": ("*x",)},
        {"formula": "x if x > 0.0 else unknown(x)"},
        {"partials": ("1.0 if x > 0.0 else unknown(x)",)},
        {"formula": "x.real"},
    ],
)
def test_a_name_that_is_unknown_is_refused_wherever_it_stands(options: dict[str, Any]) -> None:
    row = {"formula": "x", "partials": ("1.0",), "draw": ((0.5, 2.0),), **options}
    with pytest.raises(ExpressionError, match="unknown name"):
        add_operation("own", **row)
    assert "own" not in TABLE


@pytest.mark.parametrize("operands", [("*a",), ("*i",), ("*x", "n"), ("*x", "data"), ("u",)])
def test_operands_that_would_be_misread_are_refused(operands: tuple[str, ...]) -> None:
    with pytest.raises(ExpressionError, match="cannot have operands"):
        add_operation("own", "1.0", ("1.0",) * len(operands), operands=operands)
    assert "own" not in TABLE


def test_numbers_need_no_derivative(own_row: Callable[..., Any]) -> None:
    norm = own_row("norm", "sqrt(sum[x * x])", ("x / out",), operands=("*x",))
    assert norm([0.0, 0.0]) == 0.0
    assert norm([Value(3.0), 4.0]).partials == (3 / 5,)
    with pytest.raises(DomainError, match="has no derivative"):
        norm([Value(0.0)])


def test_an_infinite_local_derivative_by_one_of_many_is_stored(own_row: Callable[..., Any]) -> None:
    roots = own_row("roots", "sum[sqrt(x)]", ("0.5 / sqrt(x)",), operands=("*x",))
    xs = [Value(1.0), Value(0.0), Value(4.0)]
    out = roots(xs)
    assert (out.data, out.partials) == (3.0, (0.5, INF, 0.25))
    assert roots([xs[0], 9.0, xs[1]]).partials == (0.5, INF)
    assert [slope.data for slope in gradients(out, xs)] == [0.5, INF, 0.25]
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
            r"norm\(xs\) has no derivative by xs\[1\] .* at xs\[1\] = 0.0 \('zero'\)$",
        ),
        (
            ("apart", "1.0 / sum[x]", ("-out * out",)),
            [1.0, 2.0, -4.0, 3.0, -2.0],
            r"at xs\[0\] = 1.0, xs\[1\] = 2.0, xs\[2\] = -4.0, xs\[3\] = 3.0, \.\.\.$",
        ),
    ],
)
def test_an_error_of_many_operands_names_those_at_fault(
    own_row: Callable[..., Any], args: tuple[Any, ...], operands: list[Any], said: str
) -> None:
    function = own_row(*args, operands=("*x",), draw=((0.5, 2.0),))
    with pytest.raises(DomainError, match=said):
        function(operands)


def test_an_error_of_two_sequences_names_both_operands(own_row: Callable[..., Any]) -> None:
    ratios = own_row(
        "ratios", "sum[x / y] + b", ("1.0 / y", "-x / y / y", "1.0"), operands=("*x", "*y", "b"),
        draw=((0.5, 2.0),) * 3,
    )  # fmt: skip
    with pytest.raises(
        DomainError, match=r"ratios\(xs, ys, b\) .* at xs\[1\] = 2.0, ys\[1\] = 0.0$"
    ):
        ratios([1.0, 2.0], [Value(3.0), 0.0], Value(5.0))


def test_an_edge_of_a_function_that_numpy_has_not(own_row: Callable[..., Any]) -> None:
    own = own_row("own", "x * x", ("gamma(x)",), draw=((0.5, 2.0),))
    with pytest.raises(DomainError, match=r"own\(x\) has no derivative by x .* at x = -1.0"):
        own(Value(-1.0))


def test_a_row_added_later_is_seen_at_an_edge(own_row: Callable[..., Any]) -> None:
    assert FUNCTIONS["sqrt"](Value(0.0)).partials == (INF,)
    later = own_row("later", "x + 1.0", ("1.0",))
    edged = own_row("edged", "sqrt(x)", ("later(x) / sqrt(x)",), draw=((0.5, 2.0),))
    assert later(0.0) == 1.0
    assert edged(Value(0.0)).partials == (INF,)


def test_a_derivative_that_uses_no_row_says_which_is_missing(own_row: Callable[..., Any]) -> None:
    from tinygrad_lin import grad

    sinh = own_row("sinh", "sinh(x)", ("cosh(x)",), draw=((-2.0, 2.0),))
    x = Value(0.5)
    sinh(x).backward()
    assert x.grad == math.cosh(0.5)
    said = r"local derivatives of sinh, cosh\(x\), use cosh, .* add a row for that"
    for differentiate in (
        lambda: gradients(sinh(x), [x]),
        lambda: jvp(sinh(x), [x], [1.0]),
        lambda: grad(sinh)(x),
        lambda: grad(grad(sinh))(0.5),
    ):
        with pytest.raises(ExpressionError, match=said):
            differentiate()
    own_row("cosh", "cosh(x)", ("sinh(x)",), draw=((-2.0, 2.0),))
    assert grad(grad(sinh))(0.5) == pytest.approx(math.sinh(0.5))


def test_at_an_edge_a_row_goes_before_a_function_of_numpy(own_row: Callable[..., Any]) -> None:
    own_row("sinc", "sin(x) / x", ("cos(x) / x - out / x",), draw=((0.5, 2.0),))
    edged = own_row("edged", "x + sqrt(y)", ("sinc(x)", "0.5 / sqrt(y)"), draw=((0.5, 2.0),) * 2)
    assert edged(Value(1.0), Value(0.0)).partials == (math.sin(1.0), math.inf)


def test_a_function_of_math_can_be_tried_again(own_row: Callable[..., Any]) -> None:
    with pytest.raises(ExpressionError):
        add_operation("erf", "erf(x)", ("unknown(x)",))
    erf = own_row("erf", "erf(x)", ("1.1283791670955126 * exp(-x * x)",))
    assert erf(0.5) == math.erf(0.5)
    out = erf(Value(0.5))
    assert out.partials == pytest.approx([2 / math.sqrt(math.pi) * math.exp(-0.25)])
    with pytest.raises(ExpressionError, match="cannot be read"):
        add_operation("own", "x * x", ("2.0 * x",), defined="z > 0")
