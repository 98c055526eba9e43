"""Scopes: who is in which, and that they cost nothing when there is none."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tinygrad_lin import DataError, Linear, Value, dot, half_mse, scope
from tinygrad_lin.scopes import open_scopes


def test_nodes_and_leaves_know_the_scopes_they_were_recorded_in() -> None:
    before = Value(1.0, "before")
    with scope("outer"):
        leaf = Value(2.0, "leaf")
        with scope("inner"):
            product = before * leaf
            many = dot([before], [leaf])
        total = product + many
    after = total * 2.0
    assert [v.scope for v in (before, leaf, product, many, total, after)] == [
        (), ("outer",), ("outer", "inner"), ("outer", "inner"), ("outer",), (),
    ]  # fmt: skip


def test_a_label_given_later_keeps_the_scope_and_is_a_text() -> None:
    with scope("layer"):
        value = Value(2.0) * 3.0
    assert value.label == ""
    value.label = "hidden"
    assert (value.label, value.scope) == ("hidden", ("layer",))
    value.label = ""
    assert (value.label, value.scope) == ("", ("layer",))


def test_after_the_last_scope_nodes_are_made_as_before() -> None:
    one = scope("one")
    with one, one, scope("two"):
        assert (Value(1.0) + 1.0).scope == ("one", "one", "two")
    with pytest.raises(RuntimeError), one:
        raise RuntimeError
    assert not open_scopes
    assert (Value(1.0) + 1.0).scope == ()


def test_scopes_belong_to_their_thread() -> None:
    found: dict[str, tuple[str, ...]] = {}
    inside, done = threading.Event(), threading.Event()

    def other() -> None:
        inside.wait()
        found["without"] = (Value(1.0) * 2.0).scope
        with scope("other"):
            found["own"] = (Value(1.0) * 2.0).scope
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with scope("main"):
        inside.set()
        done.wait()
        found["main"] = (Value(1.0) * 2.0).scope
    thread.join()
    assert found == {"without": (), "own": ("other",), "main": ("main",)}


def test_models_and_losses_name_their_own_scopes() -> None:
    with scope("model"):
        line = Linear()
        prediction = line(2.0)
    cost = half_mse([prediction], [19.0])
    assert {p.scope for p in line.parameters()} == {("model", "linear")}
    assert prediction.scope == ("model", "linear")
    assert prediction.inputs[0].scope == ("model", "linear")
    assert (cost.scope, cost.label) == (("loss",), "C")
    assert Linear(inputs=2, outputs=2)([1.0, 2.0])[1].scope == ("linear",)


@pytest.mark.parametrize("name", ["", None, 3])
def test_a_scope_without_a_name_is_refused(name: Any) -> None:
    with pytest.raises(DataError, match="the name of a scope"):
        scope(name)
