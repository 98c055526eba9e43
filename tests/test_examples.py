"""Every example runs, prints what its sentences promise, and leaves its pictures."""

from __future__ import annotations

import re
import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tinygrad_lin import TABLE
from tinygrad_lin.registry import remove_operation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[[str], str]

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PICTURES = ROOT / "docs" / "images" / "examples"


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Run an example in an empty folder: what it prints. The docs show each picture it leaves."""
    monkeypatch.chdir(tmp_path)
    before = set(TABLE)

    def here(name: str) -> str:
        runpy.run_path(str(ROOT / "examples" / f"{name}.py"))
        left = {path.name for path in tmp_path.iterdir() if path.is_file()}
        assert left == {path.name for path in PICTURES.glob(f"{name}.*")}
        for picture in left:
            assert (tmp_path / picture).stat().st_size > 1000
        return capsys.readouterr().out

    yield here
    for name in set(TABLE) - before:
        remove_operation(TABLE[name])
    if "jax" in sys.modules:
        sys.modules["jax"].config.update("jax_enable_x64", False)


def number(pattern: str, text: str) -> float:
    """The number that a pattern finds in a text."""
    found = re.search(pattern, text)
    assert found, text
    return float(found[1].replace(",", ""))


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda p: p.stem)
def test_it_is_tested_and_in_the_docs(script: Path) -> None:
    assert f"test_{script.stem}" in globals()
    page = (ROOT / "docs" / "examples.md").read_text(encoding="utf-8")
    assert f"examples/{script.name}" in page
    pictures = [path.name for path in PICTURES.glob(f"{script.stem}.*")]
    assert pictures
    assert all(f"(images/examples/{picture})" in page for picture in pictures)


@pytest.mark.parametrize("script", [*(ROOT / "examples").rglob("*.py")], ids=lambda p: p.stem)
def test_it_is_short(script: Path) -> None:
    assert len(script.read_text(encoding="utf-8").splitlines()) <= 60


def test_every_picture_is_of_an_example() -> None:
    assert {p.stem for p in PICTURES.iterdir()} == {script.stem for script in EXAMPLES}


def test_line(run: Run) -> None:
    out = run("line")
    assert "w = 0.4967, b = -0.1383" in out
    assert out.count("dC/dw = -84.4477") == 2  # ((0.8552 - 19) · 2 + (1.8486 - 35) · 4) / 2
    assert "lr = 0.18335" in out
    assert out.count("w = 8.000000, b = 3.000000") == 2


def test_learning_rates(run: Run) -> None:
    out = run("learning_rates")
    for rate, verdict in [
        ("1e-05", "too low"), ("0.001", "too low"), ("0.03", "good"), ("0.1", "good"),
        ("0.1833", "at the limit"), ("0.2", "diverging"),
    ]:  # fmt: skip
        assert re.search(rf"^{rate} .* {verdict}$", out, re.MULTILINE)
    assert "[[10, 3], [3, 1]]" in out  # mean(x²), mean(x), 1
    assert out.count("0.18335") == 3  # 2 / (5.5 + sqrt(29.25)): measured, computed, by hand


def test_curve(run: Run, tmp_path: Path) -> None:
    sine, step = run("curve").split("a step at 0")
    assert number(r"farthest from a point: (\S+)", sine) < 0.05
    for curve in (sine, step):
        assert number(r"-> (\S+)", curve) < number(r"cost (\S+)", curve) / 20
    with Image.open(tmp_path / "curve.gif") as image:
        assert image.n_frames > 20  # type: ignore[attr-defined]


def test_moons(run: Run) -> None:
    assert number(r"right: (\d+) of 200 points", run("moons")) >= 196


def test_xor(run: Run) -> None:
    line, net = run("xor").split("a net")
    assert line.count("learned 0.500") == 4
    assert "cost 0.6931" in line  # log 2: it knows nothing
    for a, b in [(0, 0), (0, 1), (1, 0), (1, 1)]:
        learned = number(rf"{a} xor {b} = {a ^ b}, learned (\S+)", net)
        assert learned == pytest.approx(a ^ b, abs=0.01)


def test_own_operation(run: Run) -> None:
    out = run("own_operation")
    assert "bell''(0) = -2.0" in out
    assert "right at 50 points" in out
    assert number(r"-> (\S+)", out) < 0.01


def test_gradient_properties(run: Run) -> None:
    out = run("gradient_properties")
    assert out.count("at 50 points") == 2
    assert number(r"formulas: (\d+) derivatives compared, none wrong", out) > 300


def test_second_derivatives(run: Run) -> None:
    out = run("second_derivatives")
    assert "tanh' = 0.419974, tanh'' = -0.639700" in out  # 1 - 0.761594², -2 · 0.761594 · that
    assert "10.9083 across the valley, 0.0917 along it" in out  # 5.5 ± sqrt(29.25)
    assert "condition number 119" in out
    assert re.search(r"Newton, 1 step: +w = 8\.000000000, b = 3\.000000000", out)
    assert "b = 3.000" not in out.split("gradient descent, 100")[1]


def test_vanishing_gradients(run: Run) -> None:
    sigmoid, tanh = run("vanishing_gradients").splitlines()
    assert number(r": (\S+) : 1", sigmoid) > 10_000
    assert number(r": (\S+) : 1", tanh) < 10


def test_wrong_backward(run: Run) -> None:
    out = run("wrong_backward")
    assert "at 0: right" in out
    assert "at 1: wrong, 0.2384 instead of 0.4200" in out  # 1 - tanh 1, 1 - tanh² 1
    assert "1 - tanh²: right everywhere" in out


def test_norris(run: Run) -> None:
    out = run("norris")
    assert "certified 1.00211681802045" in out
    assert "certified -0.262323073774029" in out
    digits = [float(found) for found in re.findall(r": (\S+) digits", out)]
    assert len(digits) == 2
    assert min(digits) > 11


def test_compiled(run: Run) -> None:
    out = run("compiled")
    cost = number(r"cost (\S+) live", out)
    assert number(r"live, (\S+) compiled", out) == pytest.approx(cost, rel=1e-11)
    assert number(r"compiled\ngradients apart by (\S+)", out) < 1e-12
    assert number(r"(\d+) µs compiled", out) < number(r"(\d+) µs live", out) / 10
    assert number(r"5,000 steps: (\d+) of 200 points", out) >= 196
    if find_spec("jax"):
        assert number(r"on JAX: .* apart by (\S+)", out) < 1e-12
