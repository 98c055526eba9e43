"""Themes, scopes, legends, paths, the notebook, and golden files."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread

from tinygrad_lin import (
    DataError,
    Drawing,
    Linear,
    OperandError,
    Value,
    draw,
    exp,
    gradients,
    half_mse,
    scope,
    tanh,
)
from tinygrad_lin.viz.themes import DARK, LIGHT, PRINT, THEMES, colours

GOLDEN = Path(__file__).parent / "golden"


def neuron() -> tuple[Value, Value]:
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-0.1, "b")
    with scope("neuron"):
        a = tanh(w * x + b)
    a.label = "a"
    a.backward()
    return a, w


def line() -> tuple[Value, Value]:
    model = Linear()
    cost = half_mse([model(Value(x, "x")) for x in (2.0, 4.0)], [19.0, 35.0])
    cost.backward()
    return cost, model.parameters()[0]


def curvature() -> tuple[Value, Value]:
    x = Value(0.5, "x")
    (slope,) = gradients(exp(x) * x, [x])
    slope.label = "slope"
    return slope, x


def path_of(ends: tuple[Value, Value], **settings: Any) -> Drawing:
    return draw(ends[0], path=ends[1], **settings)


DRAWINGS: dict[str, Any] = {
    "neuron": lambda: draw(neuron()[0]),
    "line": lambda: draw(line()[0], title="C = MSE / 2"),
    "path": lambda: path_of(neuron(), legend=True, theme="print"),
    "curvature": lambda: draw(curvature()[0], direction="TB", show=["data"], theme="dark"),
}


@pytest.mark.parametrize("name", DRAWINGS)
def test_golden_files(name: str) -> None:
    """To change them on purpose: python tests/viz/test_looks.py"""
    golden = GOLDEN / f"{name}.dot"
    assert DRAWINGS[name]().source == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_is_a_picture(theme: str, tmp_path: Path) -> None:
    drawing = draw(neuron()[0], theme=theme, legend=True)
    root = ET.fromstring(drawing.pipe("svg"))
    assert root.tag.endswith("svg")
    drawing.write(tmp_path / "x.png")
    assert imread(tmp_path / "x.png").shape[0] > 100


def luminance(colour: str) -> float:
    """As the Web Content Accessibility Guidelines 2.2 define it."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK, PRINT])
def test_text_has_contrast_enough(theme: Any) -> None:
    backgrounds = [theme.background, theme.box, theme.leaf, theme.scope]
    for ground in (*backgrounds, *theme.positive, *theme.negative):
        assert contrast(theme.ink, ground) >= 4.5, ground
    for ground in backgrounds:
        assert contrast(theme.quiet, ground) >= 4.5, ground


def test_in_greyscale_larger_gradients_are_stronger() -> None:
    for theme in (LIGHT, PRINT):
        for tints in (theme.positive, theme.negative):
            values = [luminance(tint) for tint in tints]
            assert values == sorted(values, reverse=True)
            assert values[0] - values[2] > 0.15


def test_auto_follows_the_viewer() -> None:
    svg = draw(neuron()[0], theme="auto").pipe("svg", encoding="utf-8")
    assert "prefers-color-scheme:dark" in svg
    used = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{6})"', svg))
    assert used <= set(colours(LIGHT))  # each of them has a dark one
    for light in used:
        assert f'[fill="{light}"]' in svg
    assert len(set(colours(LIGHT))) == len(colours(LIGHT)) == len(colours(DARK))
    assert "prefers-color-scheme" not in draw(neuron()[0]).pipe("svg", encoding="utf-8")


def test_scopes_are_frames_that_nest() -> None:
    x = Value(1.0, "x")
    with scope("outer"):
        y = x * 2.0
        with scope('in"ner<'):
            z = exp(y)
    source = draw(z).source
    frames = re.findall(r"subgraph (\S+) \{", source)
    assert len(frames) == 2
    assert source.index("<outer>") < source.index("<in&quot;ner&lt;>")
    assert draw(z).pipe("svg").count(b'class="cluster"') == 2


def test_show_leaves_out_what_was_not_asked_for() -> None:
    a, _ = neuron()
    assert "grad " not in draw(a, show=["data", "local"]).source
    assert "data " not in draw(a, show=["grad"]).source
    assert re.findall(r'->.*label="', draw(a, show=["data"]).source) == []


def test_a_path_is_marked_and_written_out() -> None:
    w, x = Value(0.5, "w"), Value(2.0, "x")
    cost = (w * x - 3.0) ** 2
    cost.label = "C"
    source = draw(cost, path=w).source
    assert "∂C/∂w = -4 · 1 · 2 = -8" in source  # 2 (1 - 3) = -4
    edges = re.findall(r"n\d+ -> n\d+ \[.*", source)
    assert sum("penwidth" in edge for edge in edges) == 3
    assert sum("penwidth" not in edge for edge in edges) == 1  # from x


def test_several_paths_add_up_and_very_many_are_counted() -> None:
    x = Value(3.0, "x")
    square = x * x
    square.label = "y"
    assert "∂y/∂x = 6, their sum" in draw(square, path=x).source
    deep = x
    for _ in range(60):
        deep = deep + deep
    assert "more than 1,000,000,000,000,000 paths lead to x" in draw(deep, path=x).source


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"theme": "pink"}, "theme must be one of light"),
        ({"fold": "all"}, "fold must be"),
        ({"show": ["size"]}, "show takes data, grad, local"),
        ({"path": Value(1.0)}, "no path leads"),
    ],
)
def test_settings_that_do_not_exist(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(DataError, match=reason):
        draw(Value(2.0) * 3.0, **settings)
    with pytest.raises(OperandError, match="a path leads to a Value"):
        draw(Value(2.0) * 3.0, path="w")  # type: ignore[arg-type]


def test_a_notebook_shows_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    a, _ = neuron()
    shown = a._repr_mimebundle_(include=None, exclude=None)
    assert shown["text/plain"] == repr(a)
    assert ET.fromstring(shown["image/svg+xml"]).tag.endswith("svg")
    assert shown["image/png"].startswith(b"\x89PNG")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", "")
    assert a._repr_mimebundle_() == {"text/plain": repr(a)}


if __name__ == "__main__":
    for name, drawing in DRAWINGS.items():
        (GOLDEN / f"{name}.dot").write_text(drawing().source, encoding="utf-8")
