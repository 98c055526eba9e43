"""Source text of products, sums and functions."""

from __future__ import annotations

import pytest

from tinygrad_lin.compiler.source_text import (
    MAX_TERMS_IN_A_LINE,
    Product,
    as_factor,
    function_text,
    split_factors,
    sum_lines,
    without_brackets,
)


@pytest.mark.parametrize(
    ("product", "text"),
    [
        (Product(), "1.0"),
        (Product(2.0), "2.0"),
        (Product(1.0, (), "a"), "a"),
        (Product(-1.0, ("weight",), "a"), "-weight * a"),
        (Product(0.5, ("weight", "p[0]"), "a"), "0.5 * weight * p[0] * a"),
        (Product(-1.0), "(-1.0)"),
    ],
)
def test_a_product_leaves_out_what_it_does_not_need(product: Product, text: str) -> None:
    assert str(product) == text


@pytest.mark.parametrize("count", [1, MAX_TERMS_IN_A_LINE, MAX_TERMS_IN_A_LINE + 1, 95])
def test_a_long_sum_takes_several_lines(count: int) -> None:
    lines = sum_lines("s", [str(k) for k in range(count)])
    assert all(line.count("+") <= MAX_TERMS_IN_A_LINE for line in lines)
    found: dict[str, int] = {}
    exec("\n".join(lines), found)
    assert found["s"] == sum(range(count))


def test_only_a_number_times_something_simple_is_split() -> None:
    assert split_factors("2.0 * a") == ("2.0", "a")
    assert split_factors("a * b") == ("(a * b)",)
    assert split_factors("2.0 * (a + b)") == ("(2.0 * (a + b))",)
    assert split_factors("a[0]") == ("a[0]",)


def test_brackets_are_where_a_product_needs_them() -> None:
    assert [as_factor(text) for text in ("a", "a + b", "f(a)", "-a")] == [
        "a",
        "(a + b)",
        "f(a)",
        "(-a)",
    ]
    assert [without_brackets(text) for text in ("(a + b)", "(a) * (b)", "a")] == [
        "a + b",
        "a * b",
        "a",
    ]


def test_a_function_has_all_its_lines() -> None:
    found: dict[str, object] = {}
    exec(function_text("f(x)", ["with open(x) as file:\n    y = file", "return y"]), found)
    assert callable(found["f"])
