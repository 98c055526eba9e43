"""A graph with all that a page says about it: steps, names, formulas, gradients."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tinygrad_lin.errors import DataError, printable
from tinygrad_lin.value import Value
from tinygrad_lin.viz.chain_rule.steps import Steps, steps
from tinygrad_lin.viz.notation.equations import Notation
from tinygrad_lin.viz.notation.text import Symbol
from tinygrad_lin.viz.webpage.javascript import number_literal


class Scene:
    """A graph with all that is written about it."""

    def __init__(self, value: Value, title: str | None) -> None:
        self.steps: Steps = steps(value)
        self.order: list[Value] = [step.node for step in self.steps.forward]
        self.index: dict[Value, int] = {node: k for k, node in enumerate(self.order)}
        self.notation: Notation = self.steps.notation
        self.names: list[str] = [self.steps.names[node] for node in self.order]
        self.formulas: list[str] = [self.notation.definition(node) for node in self.order]
        self.title: str = printable(title) if title else f"Backprop of {self.names[-1]}"
        self.grads: list[float] = [0.0] * len(self.order)
        self.grads[-1] = 1.0
        for step in self.steps.backward:
            self.grads[self.index[step.node.inputs[step.place]]] = step.total
        self.require_current()

    def require_current(self) -> None:
        """Refuse a graph whose leaves have been given other data: the page would show both."""
        for node, formula in zip(self.order, self.formulas):
            if node.operation is None:
                continue
            now = self.notation.formulas.value(node, self.notation.number).data
            if abs(now - node.data) > 1e-9 * abs(node.data):
                raise DataError(
                    f"a leaf below {formula} has been given other data since: it was {node.data}, "
                    f"now it would be {now}; compute the output again"
                )

    def words(self) -> Iterable[str]:
        """The graph in words, for those who do not see it."""
        for node, name, formula, grad in zip(self.order, self.names, self.formulas, self.grads):
            what = formula if node.operation else f"{name} is a leaf"
            yield f"{what}: data {Symbol.digits(node.data)}, gradient {Symbol.digits(grad)}."

    def data(self) -> dict[str, Any]:
        """What the scripts compute with."""
        return {
            "nodes": [
                {**node_data(node, self.index), "name": name, "formula": formula}
                for node, name, formula in zip(self.order, self.names, self.formulas)
            ],
            "backward": [(self.index[step.node], step.place) for step in self.steps.backward],
        }


def node_data(node: Value, index: dict[Value, int]) -> dict[str, Any]:
    """A node for the scripts: its operands are indices of nodes, or strings for constants."""
    return {
        "op": node.op,
        "data": number_literal(node.data),
        "operands": [
            index[o] if isinstance(o, Value) else number_literal(o) for o in node.operands
        ],
    }
