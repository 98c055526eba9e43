"""The page in a real browser: it computes as Python does, obeys every control, and harms nobody."""

from __future__ import annotations

import html
import math
import random
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from tinygrad_lin import (
    TABLE,
    DataError,
    DomainError,
    ExpressionError,
    Linear,
    Module,
    OperandError,
    Value,
    add_operation,
    dot,
    fit,
    half_mse,
    log,
    page,
    relu,
    steps,
    tanh,
    topological_order,
    total,
)
from tinygrad_lin.cli import main
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.recording import forget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
HARD = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, 800.0, -800.0, 1e308, 5e-324]
HARD += [math.inf, -math.inf, math.nan]
HOSTILE = [
    "<script>window.harm = 1</script>",
    "</script><script>window.harm = 1</script>",
    "<img src=x onerror='window.harm=1'>",
    '" onmouseover="window.harm=1" x=\'',
    "]]><svg onload=window.harm=1>",
    "<!-- <script>",
    "'; window.harm = 1; //",
    "\\u003c ${window.harm=1} `",
    "😀 שלום \u202e\u2028\0\ud800",
    "x" * 5000,
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no chromium")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


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
            "all => all.map(leaves => tinygrad.evaluate(leaves))", leaves
        )
        return found


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    tabs: list[Opened] = []

    def open_page(value: Value, *, browser_options: Any = None, **options: Any) -> Opened:
        path = tmp_path / f"{len(tabs)}.html"
        page(value, path, **options)
        tabs.append(Opened(browser, path, **(browser_options or {})))
        return tabs[-1]

    yield open_page
    for each in tabs:
        assert not each.said
        assert len(each.asked) == 1  # the file itself
        each.tab.close()


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


def same(one: float, other: float) -> bool:
    if math.isfinite(one) and math.isfinite(other):
        return abs(one - other) <= 1e-12 * max(1.0, abs(other))
    return one == other or (math.isnan(one) and math.isnan(other))


# It computes as Python does


def test_a_thousand_random_leaves(opened: Callable[..., Opened]) -> None:
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
def test_every_edge_of_every_domain(opened: Callable[..., Opened], name: str) -> None:
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


def test_it_writes_what_python_writes(opened: Callable[..., Opened]) -> None:
    random_numbers = random.Random(2)
    root = every_row(lambda interval: random_numbers.uniform(*interval))
    listed = steps(root)
    tab = opened(root)
    told = [re.split(r"  +", line) for line in str(listed).splitlines() if " = " in line]
    shown = [[cell for cell in row if cell] for row in tab.rows()]
    assert shown == [[cell for cell in row if cell] for row in told]
    assert len(shown) == len(listed) + 1


def test_a_row_of_the_users_own(opened: Callable[..., Opened]) -> None:
    bend = add_operation(
        "arch", "cosh(x) if x > 0 else 1.0 + x * x", ("sinh(x) if x > 0 else 2.0 * x",)
    )
    try:
        x = Value(2.0, "x")
        root = bend(x)
        tab = opened(root)
        root.backward()
        (up, down) = tab.evaluate([[2.0, None], [-3.0, None]])
        assert same(up["data"][1], math.cosh(2.0))
        assert same(up["grads"][0], x.grad)
        assert (down["data"][1], down["grads"][0]) == (10.0, -6.0)
        tab.tab.fill("#field0", "-3")
        assert "v1 = arch(x) = 1 + x · x" in tab.text("#steps")
    finally:
        forget(TABLE["arch"])


def test_what_a_page_cannot_compute_stays_as_it_was_written(
    opened: Callable[..., Opened], tmp_path: Path
) -> None:
    bell = add_operation("bell", "erf(x)", ("1.1283791670955126 * exp(-x * x)",))
    odd = add_operation("odd", "float(int(x))", ("0.0",))
    try:
        tab = opened(bell(Value(1.0, "x")))
        assert "cannot be played: a page cannot compute erf" in tab.text("#fault")
        assert not tab.tab.is_visible("#play")
        assert tab.cell(1, 2) == math.erf(1.0)
        with pytest.raises(ExpressionError, match="odd use float"):
            page(odd(Value(1.0)), tmp_path / "odd.html")
    finally:
        forget(TABLE["bell"])
        forget(TABLE["odd"])


# Controls


def test_the_page_begins_with_everything_known(opened: Callable[..., Opened]) -> None:
    cost = neuron()
    tab = opened(cost)
    order = topological_order(cost)
    cost.backward()
    assert [tab.cell(k, 2) for k in range(len(order))] == [node.data for node in order]
    assert [tab.cell(k, 3) for k in range(len(order))] == [node.grad for node in order]
    assert tab.text("#at") == "17 / 17"
    assert tab.text("h1") == "Backprop of C"


def test_buttons(opened: Callable[..., Opened]) -> None:
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


def test_keys(opened: Callable[..., Opened]) -> None:
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


def test_play_and_pause(opened: Callable[..., Opened]) -> None:
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


def test_the_whole_page_by_keyboard_alone(opened: Callable[..., Opened]) -> None:
    tab = opened(neuron())
    reached = []
    for _ in range(60):
        tab.tab.keyboard.press("Tab")
        reached.append(tab.tab.evaluate("document.activeElement.id"))
    wanted = {"home", "back", "play", "step", "end", "scrubber", "graph", "reset", "steps"}
    wanted |= {f"n{k}" for k in range(9)}
    wanted |= {f"{kind}{k}" for kind in ("slider", "field") for k in (0, 1, 3, 5)}
    assert wanted <= set(reached)


def test_leaves_can_be_changed(opened: Callable[..., Opened]) -> None:
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


def test_outside_the_domain(opened: Callable[..., Opened]) -> None:
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


# Training


def test_the_run_is_that_of_fit(opened: Callable[..., Opened]) -> None:
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


def test_three_learning_rates(opened: Callable[..., Opened]) -> None:
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


# Safe, small, self-contained


@pytest.mark.parametrize("label", HOSTILE)
def test_labels_that_mean_harm(opened: Callable[..., Opened], label: str) -> None:
    x = Value(2.0, label)
    root = x * Value(3.0, label) + 1.0
    root.label = label + "!"
    tab = opened(root, title=label)
    tab.tab.hover("#n0")
    tab.tab.click("#home")
    tab.tab.click("#step")
    assert tab.tab.evaluate("window.harm") is None
    shown = "".join(c if c.isprintable() else " " for c in label)
    assert tab.text("h1") == shown
    assert shown[:30] in tab.text("#row0")
    assert len(tab.tab.query_selector_all("script")) == 2
    tab.tab.click("#end")
    assert tab.cell(3, 2) == 7.0


def test_the_policy_lets_nothing_else_run(browser: Browser, tmp_path: Path) -> None:
    page(neuron(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    policy = html.unescape(re.findall(r'Content-Security-Policy" content="([^"]*)"', text)[0])
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    injected = text.replace("<main>", "<main><script>window.harm = 1</script>")
    (tmp_path / "injected.html").write_text(injected, encoding="utf-8")
    tab = Opened(browser, tmp_path / "injected.html")
    assert tab.tab.evaluate("window.harm") is None
    assert "Content Security Policy" in tab.said[0]
    tab.tab.close()


def test_nothing_is_loaded_from_anywhere(tmp_path: Path) -> None:
    page(neuron(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!data:,)[^\"#]", text)
    addresses = set(re.findall(r"https?://[\w./]+", text))
    assert addresses <= {"http://www.w3.org/2000/svg"}  # a name, not an address


def test_the_same_graph_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        page(neuron(), tmp_path / f"{name}.html")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_graph_of_fifty_nodes_is_under_200_kb(tmp_path: Path) -> None:
    x = [Value(float(k), f"x{k}") for k in range(5)]
    y = x[0]
    while len(topological_order(y)) < 50:
        y = dot([y, *x[1:]], [x[1], x[2], x[3], x[4], y]).tanh()
    page(y, tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size < 200_000


# For everybody


def test_without_javascript_the_graph_and_the_steps_are_there(
    opened: Callable[..., Opened],
) -> None:
    tab = opened(neuron(), browser_options={"java_script_enabled": False})
    assert not tab.tab.is_visible("#play")
    assert not tab.tab.is_visible("#field0")
    assert tab.tab.is_visible("#graph svg")
    assert tab.text("#n0 .grad") == "grad -36.2"
    assert "∂C/∂w += ∂C/∂v1 · ∂v1/∂w = -18.1 · 2 = -36.2" in tab.text("#steps")
    assert tab.tab.is_visible("#steps")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 640, 1280])
def test_axe_finds_nothing_and_nothing_is_cut(
    opened: Callable[..., Opened], scheme: str, width: int
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing")
    model, cost = line_cost()
    tab = opened(
        cost,
        model=model,
        data=([2.0, 4.0], [19.0, 35.0]),
        browser_options={
            "viewport": {"width": width, "height": 800},
            "color_scheme": scheme,
            "reduced_motion": "reduce",
        },
    )
    for _ in range(4):
        found = axe.Axe().run(tab.tab)
        assert found.response["violations"] == []
        for _ in range(7):
            tab.tab.keyboard.press("ArrowLeft")
    assert tab.tab.evaluate("document.documentElement.scrollWidth") <= width


# What cannot be a page


@pytest.mark.parametrize("name", ["page", "page.svg", "page.html.txt"])
def test_other_suffixes(tmp_path: Path, name: str) -> None:
    with pytest.raises(DataError, match="suffix"):
        page(neuron(), tmp_path / name)
    assert not list(tmp_path.iterdir())


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
def test_settings_out_of_range(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    model, cost = line_cost()
    if options.get("model") == "own":
        options = {**options, "model": model}
    with pytest.raises(DataError, match=said):
        page(cost, tmp_path / "page.html", **options)
    assert not list(tmp_path.iterdir())


def test_graphs_that_cannot_be_shown(tmp_path: Path) -> None:
    x = Value(1.0, "x")
    long = x
    for _ in range(500):
        long = long + 1.0
    with pytest.raises(DataError, match="501"):
        page(long, tmp_path / "page.html")
    root = x * 2.0
    x.data = 5.0
    with pytest.raises(DataError, match="other data since"):
        page(root, tmp_path / "page.html")
    with pytest.raises(OperandError, match="page"):
        page(1.0, tmp_path / "page.html")  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError):
        page(x, tmp_path / "nowhere" / "page.html")
    assert not list(tmp_path.iterdir())


# The command


def test_play_writes_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["play", "((w*x+b)-y)**2/2", "w=0.5", "x=2", "b=-0.1", "y=19", "-o", "page.html"]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (0, "wrote page.html\n")
    result = CliRunner().invoke(main, ["play", "line", "-o", "line.html"])
    assert (result.exit_code, result.stdout) == (0, "wrote line.html\n")
    tab = Opened(browser, tmp_path / "line.html")
    assert tab.text("h1") == "The line y = 8x + 3"
    assert "0.18335" in tab.text("main")
    assert not tab.said
    tab.tab.close()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["w*x", "w=1"], "'x' has no value"),
        (["w", "w=1", "w=2"], "two values"),
        (["w", "w=1", "-o", "page.svg"], "page.svg"),
        (["w", "w=1", "-o", "missing/page.html"], "missing/page.html"),
        (["line", "-o", "page.txt"], "page.txt"),
    ],
)
def test_play_refuses_bad_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["play", *arguments])
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert result.stderr.count("\n") == 1
    assert said in result.stderr
    assert not list(tmp_path.iterdir())
