"""Texts as expressions: understood as Python understands them, or refused at the right place."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_lin import DomainError, ExpressionError, TinygradError, Value
from tinygrad_lin.expression import Expression

NAMES = ["x", "y", "größe", "_1", "Σ"]
BLANKS = st.sampled_from(["", "", "", " ", "\t", "\f", "\n", "\r", "\r\n"])
WORDS = st.sampled_from(
    [
        *NAMES, *"+-*/()", "**", "//", ",", "exp(", "log(", "sqrt(", "total(", "maximum(", "dot(",
        "lambda", "if", "else", "for", "in", "is", "not", "and", ":=", "=", "==", "@", "[", "]",
        "{", "}", "'", '"', '"""', "f'", "b'", "rb'", "\\", "\\N{", "#", "...", ".", "_", "__",
        "0x", "0b", "1_", "1e", "1e999", "9" * 400, "0", "1", "2.5", ".5", "1j", "True", "None",
        "await ", "yield", "*x", "**x", "\x0c", "\0", "\ufeff", "\ud800", "ﬁ", "𝐱", "²", "٣",
    ]
)  # fmt: skip
TEXTS = st.text() | st.lists(WORDS | BLANKS | st.text(max_size=2)).map("".join)
SECONDS = 5.0


@given(TEXTS, st.floats(), st.integers(0, 20))
def test_a_text_is_an_expression_or_refused_at_once(text: str, number: float, more: int) -> None:
    text *= 1 + more
    begun = time.process_time()
    try:
        expression = Expression(text)
    except ExpressionError as error:
        reason, shown, caret = str(error).rsplit("\n", 2)
        assert reason
        assert shown.startswith("  ")
        assert caret.strip() == "^"
        assert len(caret) <= len(shown) + 1
    else:
        for leaf in (number, Value(number)):
            values = dict.fromkeys(expression.names, leaf)
            try:
                result = expression(values)
            except DomainError:
                continue
            wanted = Value if isinstance(leaf, Value) and values else float
            assert type(result) is wanted
    assert time.process_time() - begun < SECONDS


# Expressions, each as we are given it and as Python is: whole numbers are floats for us.
FUNCTIONS: dict[str, Any] = {
    **{name: getattr(math, name) for name in ("exp", "log", "log1p", "expm1", "sqrt")},
    **{name: getattr(math, name) for name in ("sin", "cos", "tan", "tanh", "atan")},
    "abs": math.fabs,
    "maximum": lambda *xs: math.nan if any(map(math.isnan, xs)) else max(xs),
    "minimum": lambda *xs: math.nan if any(map(math.isnan, xs)) else min(xs),
    "total": lambda *xs: sum(xs),
}
MANY = ("maximum", "minimum", "total")
Pair = tuple[str, str]


def wrapped(parts: st.SearchStrategy[Pair]) -> st.SearchStrategy[Pair]:
    """What is made of smaller expressions."""

    def join(pieces: Sequence[str | Pair]) -> Pair:
        ours, theirs = (
            "".join(piece if isinstance(piece, str) else piece[k] for piece in pieces)
            for k in (0, 1)
        )
        return ours, theirs

    def call(name: str, operands: list[Pair]) -> Pair:
        inside = [piece for operand in operands for piece in (operand, ",")][:-1]
        return join([name, "(", *inside, ")"])

    brackets = st.tuples(st.just("("), BLANKS, parts, BLANKS, st.just(")"))
    sign = st.tuples(st.sampled_from("+-"), st.sampled_from(["", " "]), parts)
    two = st.tuples(parts, st.sampled_from(["+", "-", "*", "/", "**", " + ", "\t*"]), parts)
    single = st.sampled_from([name for name in FUNCTIONS if name not in MANY])
    return (
        brackets.map(join)
        | sign.map(join)
        | two.map(join)
        | st.builds(call, single, st.lists(parts, min_size=1, max_size=1))
        | st.builds(call, st.sampled_from(MANY), st.lists(parts, min_size=2, max_size=4))
    )


def number(value: float) -> Pair:
    return repr(value), repr(value)


WHOLE = st.sampled_from(
    [("3", "3.0"), ("0x10", "16.0"), ("1_000", "1000.0"), ("0b11", "3.0"), ("9" * 20, "1e20")]
)
DECIMAL = st.sampled_from(["5.", ".5", "1_0.2_5", "1e3", "1E-3", "0.0", "1e308", "5e-324"])
EXPRESSIONS = st.recursive(
    st.sampled_from(NAMES).map(lambda name: (name, name))
    | st.floats(0.0, allow_infinity=False).map(number)
    | DECIMAL.map(lambda text: (text, text))
    | WHOLE,
    wrapped,
    max_leaves=12,
)
POINTS = st.lists(st.floats(-3.0, 3.0) | st.floats(), min_size=len(NAMES), max_size=len(NAMES))


@given(EXPRESSIONS, POINTS)
def test_it_is_what_python_understands(pair: Pair, numbers: list[float]) -> None:
    ours, theirs = pair
    values: dict[str, Any] = dict(zip(NAMES, numbers))
    try:
        wanted = eval(f"({theirs})", {**FUNCTIONS, **values})
    except (ArithmeticError, ValueError, TypeError):  # TypeError: a complex number on the way
        wanted = None
    if not isinstance(wanted, float):
        with pytest.raises((DomainError, ExpressionError)):
            Expression(ours)(values)
        return
    expression = Expression(ours)
    assert set(expression.names) <= set(NAMES)
    found = expression(values)
    assert type(found) is float
    assert found == pytest.approx(wanted, rel=1e-15, abs=0.0, nan_ok=True)
    leaves = {name: Value(x) for name, x in values.items()}
    try:
        root = expression(leaves)
    except DomainError:
        return  # a number there has no derivative
    assert found == pytest.approx(getattr(root, "data", root), rel=0.0, abs=0.0, nan_ok=True)


STRANGERS = st.sampled_from(
    ["x.y", "x[0]", "'s'", "f''", "[x]", "{}", "None", "True", "1j", "...", "open(x)", "exp()"]
)


@given(EXPRESSIONS, EXPRESSIONS, STRANGERS, BLANKS, BLANKS)
def test_the_caret_stands_below_the_stranger(
    before: Pair, after: Pair, stranger: str, blank: str, other: str
) -> None:
    start = f"({before[0]} +{blank}"
    text = f"{start}{stranger}{other}* {after[0]})"
    try:
        Expression(before[0])
        Expression(after[0])
    except TinygradError:
        return  # another reason to refuse it
    with pytest.raises(ExpressionError) as caught:
        Expression(text)
    _, shown, caret = str(caught.value).rsplit("\n", 2)
    assert shown[caret.index("^") :].startswith(stranger[: max(1, len(stranger) - 1)])
