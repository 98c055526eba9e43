"""Pages in a browser, for the tests of this folder."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_lin import Linear, Module, Value, half_mse

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Opened:
    """A page in the browser, and all it said and asked for."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        self.tab: Page = browser.new_page(**options)
        self.said: list[str] = []
        self.asked: list[str] = []
        self.tab.on("console", lambda message: self.said.append(message.text))
        self.tab.on("pageerror", lambda error: self.said.append(str(error)))
        self.tab.on("request", lambda request: self.asked.append(request.url))
        self.tab.goto(path.as_uri())

    def text(self, selector: str) -> str:
        return self.tab.text_content(selector) or ""

    def cell(self, node: int, column: int) -> float:
        """Data (2) or gradient (3) of a node, NaN while it is not known."""
        found = self.tab.get_attribute(f"#row{node} > :nth-child({column + 1})", "data-value")
        return float(found or "nan")

    def wait_for(self, selector: str, text: str) -> None:
        for _ in range(100):
            if text in self.text(selector):
                return
            self.tab.wait_for_timeout(50)
        raise AssertionError(f"{text!r} never came")

    def rows(self) -> list[list[str]]:
        """The tables of steps."""
        found: list[list[str]] = self.tab.eval_on_selector_all(
            "#steps tbody tr:not([hidden])",
            "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))",
        )
        return found

    def evaluate(self, leaves: list[list[float | None]]) -> list[dict[str, Any]]:
        """What the page's engine makes of lists with a number for every leaf."""
        found: list[dict[str, Any]] = self.tab.evaluate(
            """all => all.map(leaves => {
                const {data, grads, fault} = tinygrad.evaluate(leaves);
                return {data, grads, fault};
            })""",
            leaves,
        )
        return found


def neuron() -> Value:
    """The cost of one point of the line: dC/dw = (0.9 - 19) · 2 = -36.2."""
    w, x, b, y = (Value(v, name) for name, v in zip("wxby", (0.5, 2.0, -0.1, 19.0)))
    a = w * x + b
    a.label = "a"
    cost = (a - y) ** 2 / 2
    cost.label = "C"
    return cost


def line_cost(model: Module | None = None) -> tuple[Module, Value]:
    model = model or Linear()
    return model, half_mse([model(2.0), model(4.0)], [19.0, 35.0])


def same(one: float, other: float) -> bool:
    if math.isfinite(one) and math.isfinite(other):
        return abs(one - other) <= 1e-12 * max(1.0, abs(other))
    return one == other or (math.isnan(one) and math.isnan(other))
