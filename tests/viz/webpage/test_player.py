"""The player in a real browser: it obeys every control."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from viz.webpage.pages import Opened, neuron

from tinygrad_lin import (
    Value,
    relu,
    topological_order,
)


def test_the_page_begins_with_everything_known(opened: Callable[..., Opened]) -> None:
    cost = neuron()
    tab = opened(cost)
    order = topological_order(cost)
    cost.backward()
    assert [tab.cell(k, 2) for k in range(len(order))] == [node.data for node in order]
    assert [tab.cell(k, 3) for k in range(len(order))] == [node.grad for node in order]
    assert tab.text("#at") == "17 / 17"
    assert tab.text("h1") == "Backprop of C"


def test_buttons_go_through_the_steps(opened: Callable[..., Opened]) -> None:
    tab = opened(neuron())
    tab.tab.click("#home")
    assert tab.text("#at") == "0 / 17"
    assert tab.cell(0, 2) == 0.5
    assert math.isnan(tab.cell(2, 2))
    for _ in range(3):
        tab.tab.click("#step")
    assert tab.text("#symbols") == "v1 = w · x"
    assert tab.text("#numbers") == "= 0.5 · 2 = 1"
    assert tab.text("#status") == "Step 3 of 17. Forward: v1 = w · x = 0.5 · 2 = 1"
    assert tab.cell(2, 2) == 1.0
    assert math.isnan(tab.cell(2, 3))
    current = "els => els.map(el => el.id)"
    assert tab.tab.eval_on_selector_all("#graph .current", current) == ["e2-0", "e2-1", "n2"]
    tab.tab.click("#back")
    assert tab.text("#at") == "2 / 17"
    tab.tab.click("#end")
    tab.tab.click("#back")
    assert tab.text("#symbols") == "∂C/∂w += ∂C/∂v1 · ∂v1/∂w"
    assert tab.text("#numbers") == "= -18.1 · 2 = -36.2"
    assert tab.text("#sum") == "sum so far: -36.2"
    assert tab.text("#because") == "since ∂v1/∂w = x"
    assert tab.tab.eval_on_selector_all("#graph .current", current) == ["e2-0", "n0", "n2"]
    assert tab.text("[aria-current=step]").startswith("16")


def test_keys_go_through_the_steps(opened: Callable[..., Opened]) -> None:
    tab = opened(neuron())
    for key, at in [
        ("Home", 0),
        ("ArrowRight", 1),
        ("ArrowRight", 2),
        ("ArrowLeft", 1),
        ("End", 17),
    ]:
        tab.tab.keyboard.press(key)
        assert tab.text("#at") == f"{at} / 17"
    tab.tab.focus("#n0")  # on a node, too
    tab.tab.keyboard.press("ArrowLeft")
    assert tab.text("#at") == "16 / 17"
    tab.tab.focus("#scrubber")
    tab.tab.keyboard.press("ArrowLeft")
    assert tab.text("#at") == "15 / 17"
    tab.tab.focus("#field0")  # there they are the field's own
    tab.tab.keyboard.press("Home")
    assert tab.text("#at") == "15 / 17"


def test_play_goes_on_until_it_is_paused_or_over(opened: Callable[..., Opened]) -> None:
    tab = opened(neuron())
    tab.tab.keyboard.press("Space")
    assert tab.text("#play") == "Pause"
    tab.wait_for("#at", "2 / 17")
    tab.tab.keyboard.press("Space")
    assert tab.text("#play") == "Play"
    at = tab.text("#at")
    tab.tab.wait_for_timeout(900)
    assert tab.text("#at") == at
    tab.tab.click("#end")
    tab.tab.click("#back")
    tab.tab.click("#play")
    tab.wait_for("#play", "Play")
    assert tab.text("#at") == "17 / 17"


def test_the_whole_page_can_be_used_by_keyboard_alone(opened: Callable[..., Opened]) -> None:
    tab = opened(neuron())
    reached = []
    for _ in range(60):
        tab.tab.keyboard.press("Tab")
        reached.append(tab.tab.evaluate("document.activeElement.id"))
    wanted = {"home", "back", "play", "step", "end", "scrubber", "graph", "reset", "steps"}
    wanted |= {f"n{k}" for k in range(9)}
    wanted |= {f"{kind}{k}" for kind in ("slider", "field") for k in (0, 1, 3, 5)}
    assert wanted <= set(reached)


def test_changing_a_leaf_computes_the_graph_again(opened: Callable[..., Opened]) -> None:
    tab = opened(neuron())
    tab.tab.fill("#field0", "8.5")  # a = 8.5 · 2 - 0.1 = 16.9, C = 2.1² / 2
    assert tab.cell(8, 2) == pytest.approx(2.205, rel=1e-15)
    assert tab.cell(0, 3) == pytest.approx(-4.2, rel=1e-14)
    assert "= 8.5 · 2 = 17" in tab.text("#steps")
    tab.tab.focus("#slider0")
    tab.tab.keyboard.press("End")
    assert tab.cell(0, 2) == 8.5  # the slider has grown with the field
    tab.tab.keyboard.press("Home")
    assert tab.cell(0, 2) == -1.5
    assert tab.tab.input_value("#field0") == "-1.5"
    tab.tab.fill("#field0", "")
    assert tab.tab.get_attribute("#field0", "aria-invalid") == "true"
    assert tab.cell(0, 2) == -1.5
    tab.tab.click("#reset")
    assert tab.cell(0, 3) == pytest.approx(-36.2)


def test_the_current_node_is_brought_into_view(opened: Callable[..., Opened]) -> None:
    z = Value(0.5, "x")
    for _ in range(20):
        z = z.tanh()
    tab = opened(z, browser_options={"viewport": {"width": 320, "height": 600}})
    for button, node in [("end", "#n0"), ("home", None), ("end", "#n0"), ("back", "#n1")]:
        tab.tab.click(f"#{button}")
        if node:
            box, frame = (tab.tab.locator(each).bounding_box() for each in (node, "#graph"))
            assert box is not None
            assert frame is not None
            assert frame["x"] <= box["x"] + box["width"] / 2 <= frame["x"] + frame["width"]


def test_a_leaf_alone_is_a_page(opened: Callable[..., Opened]) -> None:
    tab = opened(Value(2.0, "w"))
    assert (tab.cell(0, 2), tab.cell(0, 3)) == (2.0, 1.0)
    assert tab.text("#at") == "1 / 1"


def test_another_branch_is_written_when_it_is_taken(opened: Callable[..., Opened]) -> None:
    tab = opened(relu(Value(2.0, "x")))
    assert "v1 = relu(x) = x = 2" in tab.text("#steps")
    tab.tab.fill("#field0", "-2")
    assert "v1 = relu(x) = 0" in tab.text("#steps")
    assert tab.cell(0, 3) == 0.0


def test_a_node_tells_its_formula_and_local_derivatives(opened: Callable[..., Opened]) -> None:
    tab = opened(neuron())
    tab.tab.hover("#n2")
    assert "∂v1/∂w = x = 2" in tab.text("#details")
    tab.tab.focus("#n7")
    assert "v3 = v2^2" in tab.text("#details")
    assert "∂v3/∂v2 = 2 · v2 = -36.2" in tab.text("#details")
    assert tab.tab.get_attribute("#n2", "aria-label") == "v1 = w · x: data 1, grad -18.1"
