"""The settings of drawings: themes, scopes, legends, paths, titles; golden files; the notebook."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from matplotlib.image import imread
from viz.drawing.drawings import parsed, shown

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
from tinygrad_lin.viz import mimebundle
from tinygrad_lin.viz.themes import THEMES

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
def test_the_source_is_that_of_the_golden_files(name: str) -> None:
    """To change them on purpose: python tests/viz/drawing/test_draw.py"""
    golden = GOLDEN / f"{name}.dot"
    assert DRAWINGS[name]().source == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", THEMES)
def test_every_theme_can_be_drawn(theme: str, tmp_path: Path) -> None:
    drawing = draw(neuron()[0], theme=theme, legend=True)
    root = ET.fromstring(drawing.pipe("svg"))
    assert root.tag.endswith("svg")
    drawing.write(tmp_path / "x.png")
    assert imread(tmp_path / "x.png").shape[0] > 100


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
def test_a_theme_fold_or_path_that_does_not_exist_is_refused(
    settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(DataError, match=reason):
        draw(Value(2.0) * 3.0, **settings)
    with pytest.raises(OperandError, match="a path leads to a Value"):
        draw(Value(2.0) * 3.0, path="w")  # type: ignore[arg-type]


def test_a_notebook_shows_the_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    a, _ = neuron()
    shown = a._repr_mimebundle_(include=None, exclude=None)
    assert shown == mimebundle(a)
    assert shown["text/plain"] == repr(a)
    assert ET.fromstring(shown["image/svg+xml"]).tag.endswith("svg")
    assert shown["image/png"].startswith(b"\x89PNG")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    monkeypatch.setenv("PATH", "")
    assert a._repr_mimebundle_() == mimebundle(a) == {"text/plain": repr(a)}


def test_precision_is_the_number_of_digits() -> None:
    third = Value(1.0) / 3.0
    assert "data 0.33" in shown(draw(third, precision=2).pipe("svg"))
    assert "data 0.33333333333333331" in shown(draw(third, precision=17).pipe("svg"))


@pytest.mark.parametrize("direction", ["LR", "RL", "TB", "BT"])
def test_the_drawing_grows_where_it_is_told_to(direction: str) -> None:
    graph = parsed(draw(Value(1.0, "x").exp(), direction=direction))
    assert graph.graph_attr["rankdir"] == direction
    graph.layout("dot")
    (x0, y0), (x1, y1) = (
        map(float, graph.get_node(name).attr["pos"].split(",")) for name in ("n0", "n1")
    )
    wanted = {"LR": x1 > x0, "RL": x1 < x0, "BT": y1 > y0, "TB": y1 < y0}
    assert wanted[direction]


def test_a_title_stands_above_the_drawing() -> None:
    assert "The cost" in shown(draw(Value(1.0), title="The cost").pipe("svg"))
    assert len(shown(draw(Value(1.0)).pipe("svg"))) == 2


@pytest.mark.parametrize("root", [1.0, "x", None, [Value(1.0)]])
def test_only_a_value_can_be_drawn(root: Any) -> None:
    with pytest.raises(OperandError, match="draw"):
        draw(root)


@pytest.mark.parametrize(
    "option",
    [
        {"direction": "lr"},
        {"direction": "up"},
        {"precision": 0},
        {"precision": 18},
        {"precision": 2.5},
    ],
)
def test_a_direction_or_precision_that_does_not_exist_is_refused(option: dict[str, Any]) -> None:
    with pytest.raises(DataError, match=next(iter(option))):
        draw(Value(1.0), **option)


if __name__ == "__main__":
    for name, drawing in DRAWINGS.items():
        (GOLDEN / f"{name}.dot").write_text(drawing().source, encoding="utf-8")


def test_a_gradient_of_none_is_drawn_as_zero() -> None:
    x, y = Value(2.0, "x"), Value(2.0, "x")
    x.grad = None  # type: ignore[assignment]
    assert draw(x * 3.0).source == draw(y * 3.0).source
