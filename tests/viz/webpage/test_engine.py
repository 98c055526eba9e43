"""The engine of a page in a real browser: it computes and writes as Python does."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from typing import Any

import pytest
from viz.webpage.pages import Opened, same

from tinygrad_lin import (
    TABLE,
    DomainError,
    Value,
    log,
    steps,
    topological_order,
    total,
)
from tinygrad_lin.ops import FUNCTIONS

HARD = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 800.0, -800.0, 1e308, 5e-324]
HARD += [math.inf, -math.inf, math.nan]


def every_row(numbers: Callable[[tuple[float, float]], float]) -> Value:
    """A graph in which every row of the table is used, constants included."""
    results: list[Value] = []
    for row in list(TABLE.values()):
        lists: list[Any] = []
        for name, interval in zip(row.operands, row.draw):
            many = [Value(numbers(interval)) for _ in range(3)]
            lists.append(many if name.startswith("*") else many[0])
        results.append(FUNCTIONS[row.name](*lists))
        if len(lists) == 2 and not row.variadic:
            results.append(FUNCTIONS[row.name](lists[0], 2.0))
            results.append(FUNCTIONS[row.name](2.0, lists[1]))
    root: Value = total([*results, 1.5])
    return root


def test_a_thousand_random_leaves_give_what_python_computes(opened: Callable[..., Opened]) -> None:
    random_numbers = random.Random(1)
    root = every_row(lambda interval: random_numbers.uniform(*interval))
    tab = opened(root)
    roots = [root] + [every_row(lambda i: random_numbers.uniform(*i)) for _ in range(999)]
    orders = [topological_order(each) for each in roots]
    leaves = [[None if node.op else node.data for node in order] for order in orders]
    assert sum(number is not None for number in leaves[0]) > 30
    found = tab.evaluate(leaves)
    assert len(found) == 1000
    for order, result in zip(orders, found):
        order[-1].backward()
        assert result["fault"] is None
        for node, data, slope in zip(order, result["data"], result["grads"]):
            assert same(data, node.data), node
            assert same(slope, node.grad), node


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if not row.variadic])
def test_every_edge_of_every_domain_is_where_python_has_it(
    opened: Callable[..., Opened], name: str
) -> None:
    row = TABLE[name]
    well_inside = [0.3 * low + 0.7 * high for low, high in row.draw]
    tab = opened(FUNCTIONS[name](*map(Value, well_inside)))
    two = len(row.operands) == 2
    cases = [[x, y] if two else [x] for x in HARD for y in (HARD if two else [0.0])]
    found = tab.evaluate([[*case, None] for case in cases])
    for case, result in zip(cases, found):
        leaves = [Value(number) for number in case]
        try:
            out = FUNCTIONS[name](*leaves)
        except DomainError:
            assert result["fault"] == len(leaves), case
            continue
        assert result["fault"] is None, case
        out.backward()
        assert same(result["data"][-1], out.data), case
        for leaf, slope in zip(leaves, result["grads"]):
            assert same(slope, leaf.grad), case


def test_the_page_writes_numbers_as_python_does(opened: Callable[..., Opened]) -> None:
    random_numbers = random.Random(2)
    root = every_row(lambda interval: random_numbers.uniform(*interval))
    listed = steps(root)
    tab = opened(root)
    told = [re.split(r"  +", line) for line in str(listed).splitlines() if " = " in line]
    shown = [[cell for cell in row if cell] for row in tab.rows()]
    assert shown == [[cell for cell in row if cell] for row in told]
    assert len(shown) == len(listed) + 1


@pytest.mark.parametrize("number", [math.inf, -math.inf, math.nan, 1e308, -0.0, 5e-324])
def test_leaves_that_are_infinite_nan_or_tiny_are_computed_with(
    opened: Callable[..., Opened], number: float
) -> None:
    tab = opened(Value(number, "x") * 2.0)
    assert repr(tab.cell(0, 2)) == repr(number)
    assert repr(tab.cell(1, 2)) == repr(number * 2.0)
    tab.tab.fill("#field0", "1.5")
    assert tab.cell(1, 2) == 3.0
    tab.tab.click("#reset")
    assert repr(tab.cell(1, 2)) == repr(number * 2.0)


def test_a_leaf_outside_the_domain_is_told_and_can_be_put_right(
    opened: Callable[..., Opened],
) -> None:
    tab = opened(log(Value(2.0, "rate")) * 3.0)
    tab.tab.fill("#field0", "0")
    assert tab.text("#fault") == (
        "v1 = log(rate) is outside the domain at rate = 0 (log is defined where x > 0)."
    )
    assert tab.text("#n2 .data") == "data –"
    assert "Infinity" not in tab.text("main")
    tab.tab.fill("#field0", "1")
    assert tab.text("#fault") == ""
    assert tab.cell(0, 3) == 3.0
