"""Rows of the user's own: they work everywhere, or are refused and leave no trace."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from tinygrad_lin import (
    TABLE,
    DomainError,
    ExpressionError,
    Value,
    add_operation,
    grad,
    hessian,
    jvp,
)

if TYPE_CHECKING:
    from collections.abc import Callable


def test_an_own_row_works_everywhere(own_operation: Callable[..., Any]) -> None:
    """The engine, any order, forward mode, methods, numbers, NumPy, errors, the drawing."""
    from tinygrad_lin import draw

    inverse = own_operation(
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
    nested = own_operation(
        "nested", "inverse(x) + 1.0", ("-inverse(x) * inverse(x)",), draw=((1.0, 2.0),)
    )
    assert grad(grad(nested))(2.0) == 2 / 8


def test_an_own_row_of_many_operands_has_all_derivatives(own_operation: Callable[..., Any]) -> None:

    lse = own_operation("logsumexp", "log(sum[exp(x)])", ("exp(x - out)",), operands=("*x",))
    xs = [Value(0.0), Value(math.log(3.0))]
    out = lse(xs)
    out.backward()
    assert out.data == pytest.approx(math.log(4.0))
    assert [x.grad for x in xs] == pytest.approx([0.25, 0.75])
    # The Hessian of log-sum-exp is diag(p) - p pᵀ.
    assert hessian(lse(xs), xs).ravel() == pytest.approx([3 / 16, -3 / 16, -3 / 16, 3 / 16])
    softmax_sum = own_operation(
        "share", "sum[exp(x)]", ("sum[exp(x)] * 0.0 + exp(x)",), operands=("*x",)
    )
    assert softmax_sum(xs).partials == pytest.approx((1.0, 3.0))


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (("exp", "x", ("1.0",)), "function of math"),
        (("data", "x", ("1.0",)), "taken"),
        (("backward", "x", ("1.0",)), "taken"),
        (("not a name", "x", ("1.0",)), "not an identifier"),
        (("own", "x +", ("1.0",)), "cannot be read"),
        (("__len__", "x", ("1.0",)), "not an identifier"),
        ((3, "x", ("1.0",)), "not an identifier"),
        (("own", "x", ()), "one local derivative"),
        (("lambda", "x", ("1.0",)), "taken"),
        (("dot", "x", ("1.0",)), "taken"),
        (("type", "x", ("1.0",)), "taken"),
        (("out", "x", ("1.0",)), "taken"),
        (("own", "own(x)", ("1.0",)), "cannot be read"),
        (("own", "x.real.missing", ("1.0",)), "cannot be read"),
        (("own", "floor(x)", ("0.0",)), "no float"),
        (("own", "x", ("1j",)), "no float"),
        (("erf", "expp(x)", ("1.0",)), "function of math"),
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
def test_an_unknown_name_in_a_row_is_refused_wherever_it_stands(options: dict[str, Any]) -> None:
    operation = {"formula": "x", "partials": ("1.0",), "draw": ((0.5, 2.0),), **options}
    with pytest.raises(ExpressionError, match="unknown name"):
        add_operation("own", **operation)
    assert "own" not in TABLE


@pytest.mark.parametrize("operands", [("*a",), ("*i",), ("*x", "n"), ("*x", "data"), ("u",)])
def test_operands_that_would_be_misread_are_refused(operands: tuple[str, ...]) -> None:
    with pytest.raises(ExpressionError, match="cannot have operands"):
        add_operation("own", "1.0", ("1.0",) * len(operands), operands=operands)
    assert "own" not in TABLE


def test_a_function_of_math_that_was_refused_as_a_row_can_be_tried_again(
    own_operation: Callable[..., Any],
) -> None:
    with pytest.raises(ExpressionError):
        add_operation("erf", "erf(x)", ("unknown(x)",))
    erf = own_operation("erf", "erf(x)", ("1.1283791670955126 * exp(-x * x)",))
    assert erf(0.5) == math.erf(0.5)
    out = erf(Value(0.5))
    assert out.partials == pytest.approx([2 / math.sqrt(math.pi) * math.exp(-0.25)])
    with pytest.raises(ExpressionError, match="cannot be read"):
        add_operation("own", "x * x", ("2.0 * x",), defined="z > 0")
