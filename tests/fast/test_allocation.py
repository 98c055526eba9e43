"""Leaves are made by the class of Value as its plain `__init__` would make them."""

from __future__ import annotations

from typing import Any

import pytest

from tinygrad_lin import OperandError, Value, scope
from tinygrad_lin._fast import PLAIN

if PLAIN:
    pytest.skip("TINYGRAD_LIN_PLAIN leaves the fast forms out", allow_module_level=True)


def slots(leaf: Value) -> dict[str, Any]:
    names = set(Value.__slots__) - {"pending"}  # which only the fast backward pass needs
    return {name: getattr(leaf, name) for name in names if hasattr(leaf, name)}


@pytest.mark.parametrize(
    "arguments", [(3.0,), (3,), (3.0, "x"), (True,), ("3",), (3.0, 4), (3.0, None), (3.0, (), "*")]
)
def test_both_forms_make_the_same_leaf_or_error(arguments: tuple[Any, ...]) -> None:
    def by_the_plain_form(*arguments: Any) -> Value:
        leaf = object.__new__(Value)
        Value._initialize(leaf, *arguments)  # type: ignore[attr-defined]
        return leaf

    found = []
    for make in (Value, by_the_plain_form):
        with scope("layer"):
            try:
                found.append(slots(make(*arguments)))
            except OperandError as error:
                found.append({"error": str(error)})
    assert found[0] == found[1]


def test_a_node_as_a_constructor_is_refused_in_plain_words() -> None:
    a, b = Value(2.0), Value(4.0)
    with pytest.raises(OperandError, match="a node is made by computing with Values"):
        Value(8.0, (a, b), "*")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^Value\(\) missing 1 required positional argument"):
        Value()  # type: ignore[call-arg]
