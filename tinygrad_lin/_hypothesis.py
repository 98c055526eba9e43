"""What Hypothesis runs while it is being imported, so that ``st.from_type(Value)`` draws Values.

It is kept apart from :mod:`tinygrad_lin.check`, which imports Hypothesis in its turn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy


def register_strategies() -> None:
    """Tell Hypothesis how to draw Values; called through an entry point of the package."""
    from hypothesis.strategies import register_type_strategy

    register_type_strategy(Value, strategy_for_values)


def strategy_for_values(_: type[Value]) -> SearchStrategy[Value]:
    """The strategy of leaves, imported when the first one is asked for."""
    from tinygrad_lin.check.strategies import values

    return values()
