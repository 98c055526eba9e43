"""Expressions: what they compute, and what is refused, where, and at once."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import TABLE, DomainError, ExpressionError, TinygradError, Value
from tinygrad_lin.errors import printable
from tinygrad_lin.expression import Expression


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 + 2 * 3", 7.0),
        ("(1 + 2) * 3", 9.0),
        ("8 - 4 - 2", 2.0),
        ("2 ** 3 ** 2", 512.0),
        ("-2 ** 2", -4.0),
        ("+x - -x", 4.0),
        ("6 / x / 3", 1.0),
        ("maximum(x, 5, 3) + minimum(x, 5)", 7.0),
        ("total(x, x, 1)", 5.0),
        ("exp(0) + sqrt(x + 2) + abs(-x)", 5.0),
        (" x\n+ 1 ", 3.0),
        ("1e3 + 0x10 + 1_000", 2016.0),
        ("größe * größe", 9.0),
    ],
)
def test_an_expression_computes_what_python_would(text: str, value: float) -> None:
    assert Expression(text)({"x": 2.0, "größe": 3.0}) == value


def test_the_names_of_an_expression_are_in_order_and_values_make_a_graph() -> None:
    cost = Expression("(y - (w * x + b)) ** 2 / 2")
    assert cost.names == ("y", "w", "x", "b")
    leaves: dict[str, Any] = {"w": Value(0.5), "x": Value(2.0), "b": Value(-0.1), "y": 19.0}
    root = cost(leaves)
    root.backward()
    assert leaves["w"].grad == pytest.approx(-36.2)
    assert root.data == pytest.approx(18.1**2 / 2)


def test_every_function_of_the_table_can_be_called_in_an_expression() -> None:
    for operation in TABLE.values():
        if not operation.special and operation.name != "dot":
            arguments = ", ".join(str(high) for _, high in operation.draw)
            assert math.isfinite(Expression(f"{operation.name}({arguments})")({}))


REFUSED = [
    ("", 0, "no expression"),
    ("x +", 3, "not an expression"),
    ("(x", 0, "not an expression"),
    ("x.data", 0, "allowed"),
    ("1 + x.__class__", 4, "allowed"),
    ("x[0]", 0, "allowed"),
    ("1 + (lambda: 1)", 5, "allowed"),
    ("[x for x in y]", 0, "allowed"),
    ("total(x for x in y)", 5, "allowed"),
    ("2 * 'text'", 4, "allowed"),
    ("f'{x}'", 0, "allowed"),
    ("'\\\x1b'", 1, "allowed"),
    ("x < y", 0, "allowed"),
    ("x if y else z", 0, "allowed"),
    ("x and y", 0, "allowed"),
    ("x, y", 0, "allowed"),
    ("x // y", 0, "allowed"),
    ("~x", 0, "allowed"),
    ("1j", 0, "allowed"),
    ("True", 0, "allowed"),
    ("exp(x=1)", 0, "allowed"),
    ("total(*x)", 6, "allowed"),
    ("x = 1", 2, "not an expression"),
    ("(x := 1)", 1, "allowed"),
    ("__import__('os')", 0, "no function"),
    ("eval(x)", 0, "no function"),
    ("2 * unknown(x)", 4, "no function 'unknown'; there are exp"),
    ("dot(x, y)", 0, "no function"),
    ("add(x, y)", 0, "no function"),
    ("exp()", 0, "exp takes 1, not 0"),
    ("exp(1, 2)", 0, "exp takes 1, not 2"),
    ("maximum(x)", 0, "maximum takes 2 or more, not 1"),
    ("x + 1e999", 4, "too large"),
    ("x + 10" + "0" * 400, 4, "too large"),
    ("x + 9 ** 9 ** 9", 4, "overflows"),
    ("x + log(0)", 4, "no value"),
    ("é + 日本 + x.y", 9, "allowed"),
    ("(1 +\n2 +\r3 +\r\nx.y)", 14, "allowed"),
]


@pytest.mark.parametrize(
    ("text", "column", "reason"), REFUSED, ids=[text[:20] for text, *_ in REFUSED]
)
def test_the_caret_points_at_what_is_refused(text: str, column: int, reason: str) -> None:
    with pytest.raises(ExpressionError, match=r"(?s)" + reason) as caught:
        Expression(text)
    _, shown, caret = str(caught.value).split("\n")
    assert printable(text).startswith(shown[2:])
    assert caret == " " * (2 + column) + "^"
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "x" + ")" * 10_000,
        "(" * 4_000 + "x" + ")" * 4_000,
        "-" * 9_999 + "x",
        "exp(" * 2_000 + "x" + ")" * 2_000,
        "x" * 10_001,
        "9" * 6_000,
        "x\0",
        "\ud800",
    ],
    ids=[
        "brackets",
        "fewer brackets",
        "signs",
        "calls",
        "length",
        "digits",
        "zero byte",
        "surrogate",
    ],
)
def test_monstrous_texts_are_refused(text: str) -> None:
    with pytest.raises(ExpressionError):
        Expression(text)


@pytest.mark.parametrize(
    "text",
    [
        "9" * 100_000,
        "x" * 100_000,
        "(" * 100_000,
        "+".join(["x"] * 50_000),
        "+".join(["x"] * 5_000),
        "x" + ".x" * 4_900,
        "0x" + "f" * 9_990,
        "**".join(["9"] * 3_000),
        "x if x else " * 800 + "x",
        "lambda:" * 1_400 + "x",
        "''" * 4_900,
    ],
    ids=lambda text: text[:9],
)
def test_long_texts_are_refused_in_steps_that_grow_with_their_length(text: str) -> None:
    counted = 0

    def count(*_: object) -> None:
        nonlocal counted
        counted += 1

    sys.setprofile(count)  # calls of functions, those of C included
    try:
        with pytest.raises(ExpressionError) as caught:
            Expression(text)
    finally:
        sys.setprofile(None)
    assert len(str(caught.value)) < 400
    assert counted < 300 + 5 * len(text)


def test_a_long_sum_is_an_expression() -> None:
    assert Expression("+".join(["x"] * 500))({"x": 1.0}) == 500.0


@given(st.text(alphabet="xy01.+-*/(),[]'\"_=:<lambdaexp \n\t\\", max_size=40))
def test_any_text_is_an_expression_or_an_expression_error(text: str) -> None:
    try:
        expression = Expression(text)
    except ExpressionError:
        return
    try:
        assert isinstance(expression(dict.fromkeys(expression.names, 1.5)), float)
    except DomainError as error:
        assert isinstance(error, TinygradError)  # noqa: PT017


def test_a_caret_far_to_the_right_stays_in_sight() -> None:
    with pytest.raises(ExpressionError) as caught:
        Expression("x + " * 1000 + "x.y")
    _, shown, caret = str(caught.value).split("\n")
    assert len(shown) <= 102
    assert shown[caret.index("^") :] == "x.y"
