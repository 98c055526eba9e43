"""What a page says about a graph: names, formulas, gradients, words and numbers for the scripts."""

from __future__ import annotations

import pytest

from tinygrad_lin import DataError, Value
from tinygrad_lin.viz.webpage.scene import Scene, graph_as_svg


def scene_of_the_line(title: str | None = None) -> tuple[Scene, Value]:
    w, x, b = Value(2.0, "w"), Value(3.0, "x"), Value(1.0, "b")
    a = w * x + b
    a.label = "a"
    return Scene(a, title), w


def test_a_scene_has_the_formulas_and_gradients_and_leaves_the_graph_alone() -> None:
    scene, w = scene_of_the_line()
    assert scene.names == ["w", "x", "v1", "b", "a"]
    assert dict(zip(scene.names, scene.formulas))["a"] == "a = v1 + b"
    assert dict(zip(scene.names, scene.grads)) == {
        "w": 3.0,
        "x": 2.0,
        "v1": 1.0,
        "b": 1.0,
        "a": 1.0,
    }
    assert w.grad == 0.0


def test_a_scene_says_the_graph_in_words() -> None:
    scene, _ = scene_of_the_line()
    assert next(iter(scene.words())) == "w is a leaf: data 2, gradient 3."
    assert list(scene.words())[-1] == "a = v1 + b: data 7, gradient 1."


def test_the_scripts_get_the_nodes_in_order_and_each_edge_of_the_backward_pass_once() -> None:
    data = scene_of_the_line()[0].data()
    assert [node["op"] for node in data["nodes"]] == [None, None, "mul", None, "add"]
    assert data["backward"] == [(4, 0), (4, 1), (2, 0), (2, 1)]


def test_a_leaf_that_was_changed_since_is_refused() -> None:
    w = Value(2.0, "w")
    a = w * 3.0
    w.data = 5.0
    with pytest.raises(DataError, match="has been given other data since"):
        Scene(a, None)


@pytest.mark.parametrize(
    ("title", "shown"), [(None, "Backprop of a"), ("My\x1b[1m line", "My [1m line")]
)
def test_a_title_is_text_without_control_codes(title: str | None, shown: str) -> None:
    assert scene_of_the_line(title)[0].title == shown


def test_the_picture_has_a_box_for_each_node_and_is_as_wide_as_it_says() -> None:
    picture, width = graph_as_svg(scene_of_the_line()[0])
    assert picture.count('class="node') == 5
    assert width > 0.0
