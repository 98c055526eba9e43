"""The training on a page is that of fit, and it obeys its controls."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from viz.webpage.pages import Opened, line_cost

from tinygrad_lin import (
    DataError,
    Linear,
    Module,
    Value,
    fit,
    page,
    tanh,
    topological_order,
)


def test_the_page_trains_as_fit_does(opened: Callable[..., Opened]) -> None:
    model, cost = line_cost()
    tab = opened(cost, model=model, data=([2.0, 4.0], [19.0, 35.0]), lr=0.1, steps=50)
    tab.tab.focus("#t-scrubber")
    tab.tab.keyboard.press("End")
    history = fit(model, [2.0, 4.0], [19.0, 35.0], lr=0.1, steps=50)
    assert history.steps == 50
    w, b = model.parameters()
    order = topological_order(cost)
    assert tab.cell(order.index(w), 2) == pytest.approx(w.data, rel=1e-12)
    assert tab.cell(order.index(b), 2) == pytest.approx(b.data, rel=1e-12)
    assert tab.cell(len(order) - 1, 2) == pytest.approx(history.costs[-1], rel=1e-9)
    assert tab.text("#t-status").startswith("Training step 50 of 50: w = ")


def test_the_update_is_a_step_of_the_replay(opened: Callable[..., Opened]) -> None:
    model, cost = line_cost()
    tab = opened(cost, model=model, lr=0.1, steps=5)
    assert tab.text("#at") == "29 / 29"
    assert tab.text("#symbols") == "b ← b - η · ∂C/∂b"
    assert tab.text("#numbers") == "= -0.1383 - 0.1 · (-25.65) = 2.427"
    before = tab.rows()[-1]
    assert before[1] == "b ← b - η · ∂C/∂b = -0.1383 - 0.1 · (-25.65) = 2.427"
    tab.tab.click("#t-step")
    assert tab.cell(2, 2) == pytest.approx(2.4265, abs=1e-4)  # -0.1383 + 0.1 · 25.648
    tab.tab.click("#t-back")
    assert tab.rows()[-1] == before


def test_three_learning_rates_crawl_drop_and_diverge(opened: Callable[..., Opened]) -> None:
    model, cost = line_cost()
    tab = opened(cost, model=model, data=([[2.0], [4.0]], [19.0, 35.0]))
    assert "2/λmax = 0.18335" in tab.text("main")
    for name in ("slow crawl", "proper drop", "wild divergence"):
        tab.tab.click(f"text={name}")
        assert name in tab.text("#verdict")
    assert "above the limit 0.18335" in tab.text("#verdict")
    tab.tab.fill("#lr-field", "0.183")
    assert "a proper drop" in tab.text("#verdict")
    tab.tab.fill("#lr-field", "0.184")
    assert "wild divergence" in tab.text("#verdict")
    tab.tab.focus("#lr")
    tab.tab.keyboard.press("Home")
    assert "a slow crawl" in tab.text("#verdict")
    tab.tab.keyboard.press("End")
    assert "wild divergence" in tab.text("#verdict")


def test_the_plots_move_with_the_scrubber(opened: Callable[..., Opened]) -> None:
    model, cost = line_cost()
    tab = opened(cost, model=model, data=([2.0, 4.0], [19.0, 35.0]), lr=0.1, steps=30)
    plots = ["fit-plot", "cost-plot", "contour-plot"]
    before = [tab.tab.inner_html(f"#{plot}") for plot in plots]
    assert before[2].count('class="contour"') == 10
    assert before[0].count('class="point"') == 2
    tab.tab.click("#t-step")
    after = [tab.tab.inner_html(f"#{plot}") for plot in plots]
    assert all(one != other for one, other in zip(before, after))
    tab.tab.click("#t-play")
    tab.wait_for("#t-status", "30 of 30")
    assert tab.text("#t-play") == "Play training"


def test_changing_a_parameter_begins_anew(opened: Callable[..., Opened]) -> None:
    model, cost = line_cost()
    tab = opened(cost, model=model, data=([2.0, 4.0], [19.0, 35.0]), lr=0.1, steps=30)
    tab.tab.click("#t-step")
    tab.tab.fill("#field0", "8")
    tab.tab.fill("#field2", "3")
    assert tab.text("#t-status").startswith("Training step 0 of 30: w = 8, b = 3, C = 0")


def test_a_net_is_drawn_as_the_curve_it_is(opened: Callable[..., Opened]) -> None:
    class Bend(Module):
        def __init__(self) -> None:
            self.p = [Value(0.5, "u"), Value(0.1, "v"), Value(2.0, "s")]

        def __call__(self, x: Any) -> Any:
            u, v, s = self.p
            return s * tanh(u * x + v)

        def parameters(self) -> list[Value]:
            return self.p

    model, cost = line_cost(Bend())
    tab = opened(cost, model=model, data=([2.0, 4.0], [19.0, 35.0]))
    assert tab.tab.query_selector("#contour-plot") is None
    assert tab.tab.inner_html("#fit-plot").count('class="model"') == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lr": 0.1}, "model"),
        ({"data": ([1.0], [1.0])}, "model"),
        ({"model": Linear()}, "does not depend"),
        ({"model": "own", "lr": -1.0}, "learning rate"),
        ({"model": "own", "lr": math.nan}, "learning rate"),
        ({"model": "own", "steps": 0}, "steps"),
        ({"model": "own", "steps": True}, "steps"),
        ({"model": "own", "data": ([1.0], [1.0, 2.0])}, "1 x and 2 y"),
        ({"model": "own", "data": 3.0}, "two sequences"),
        ({"model": "own", "data": (["a"], [1.0])}, "two sequences"),
    ],
)
def test_settings_of_the_training_out_of_range_are_refused(
    tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    model, cost = line_cost()
    if options.get("model") == "own":
        options = {**options, "model": model}
    with pytest.raises(DataError, match=said):
        page(cost, tmp_path / "page.html", **options)
    assert not list(tmp_path.iterdir())
