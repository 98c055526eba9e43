"""A live graph, driven at random, against an oracle that takes nothing for granted."""

from __future__ import annotations

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, rule

from tinygrad_lin import TABLE, Value, compile_graph, gradients, jvp, topological_order
from tinygrad_lin.check.strategies import scalars
from tinygrad_lin.ops import FUNCTIONS

OPERATIONS = list(TABLE.values())
MODERATE = scalars(min_value=-3.0, max_value=3.0)


class Shadow:
    """What the oracle knows of a Value: its number when made, and its edges."""

    def __init__(self, value: Value, edges: list[tuple[Shadow, float]]) -> None:
        self.value = value
        self.data = value.data
        self.edges = edges
        self.grad = 0.0  # What should have accumulated, if it is a leaf.
        # Recursion will walk so many paths.
        self.paths: int = sum(operand.paths for operand, _ in edges) or 1

    def derivative(self, leaf: Shadow) -> float:
        """The sum over all paths of the products of their local derivatives, by recursion."""
        if self is leaf:
            return 1.0
        return sum(local * operand.derivative(leaf) for operand, local in self.edges)

    def size(self, leaf: Shadow) -> float:
        """The same without signs: the scale of the rounding."""
        if self is leaf:
            return 1.0
        return sum(abs(local) * operand.size(leaf) for operand, local in self.edges)

    def below(self) -> set[Shadow]:
        """This and all that it was made from."""
        found = {self}
        for operand, _ in self.edges:
            found |= operand.below()
        return found


class LiveGraph(RuleBasedStateMachine):
    """Build, share, set leaves, run backward, zero, drop, differentiate again."""

    nodes: Bundle[Shadow] = Bundle("nodes")

    def __init__(self) -> None:
        super().__init__()
        self.leaves: list[Shadow] = []

    @initialize(target=nodes, data=MODERATE)
    def first_leaf(self, data: float) -> Shadow:
        return self.new_leaf(data)

    @rule(target=nodes, data=MODERATE)
    def leaf(self, data: float) -> Shadow:
        return self.new_leaf(data)

    def new_leaf(self, data: float) -> Shadow:
        shadow = Shadow(Value(data), [])
        self.leaves.append(shadow)
        return shadow

    @rule(target=nodes, pick=st.integers(0, 999), some=st.lists(nodes, min_size=3, max_size=3))
    def build(self, pick: int, some: list[Shadow]) -> Shadow:
        """Apply an operation that takes these numbers."""
        numbers = [shadow.value.data for shadow in some]
        fitting = [
            operation
            for operation in OPERATIONS
            if all(low <= x <= high for (low, high), x in zip(operation.draw, numbers))
        ]
        if not fitting or sum(shadow.paths for shadow in some) > 200:
            return some[0]
        operation = fitting[pick % len(fitting)]
        operands = some[: len(operation.operands)]
        values = [shadow.value for shadow in operands]
        node = FUNCTIONS[operation.name](*operation.grouped(values))
        return Shadow(node, list(zip(operands, node.partials)))

    @rule(shadow=nodes, data=MODERATE)
    def set_a_leaf(self, shadow: Shadow, data: float) -> None:
        """Local derivatives were stored: what was built before must not notice."""
        if shadow in self.leaves:
            shadow.value.data = shadow.data = data
        else:
            with pytest.raises(AttributeError, match="cannot be set"):
                shadow.value.data = data

    @rule(shadow=nodes, times=st.integers(1, 2))
    def backward(self, shadow: Shadow, times: int) -> None:
        below = shadow.below()
        for _ in range(times):
            shadow.value.backward()
            for leaf in self.leaves:
                if leaf in below:
                    leaf.grad += shadow.derivative(leaf)
        for node in below - set(self.leaves):
            assert self.close(node.value.grad, shadow.derivative(node), shadow.size(node))

    @rule(shadow=nodes)
    def zero(self, shadow: Shadow) -> None:
        if shadow in self.leaves:
            shadow.value.grad = shadow.grad = 0.0

    @rule(shadow=consumes(nodes))
    def drop(self, shadow: Shadow) -> None:
        """Others may still use it; if not it is freed."""

    @rule(shadow=nodes)
    def compile(self, shadow: Shadow) -> None:
        """A program of the graph, on the numbers as they are now."""
        below = shadow.below()
        leaves = [leaf for leaf in self.leaves if leaf in below]
        again = {leaf: Value(leaf.value.data) for leaf in leaves}
        root = rebuild(shadow, again)
        if not leaves or root is None:
            return
        program = compile_graph(root, wrt=list(again.values()))
        value, gradient = program.value_and_grad([leaf.data for leaf in again.values()])
        root.backward()
        scale = max(1.0, *(abs(node.data) + abs(node.grad) for node in topological_order(root)))
        if not math.isfinite(scale):  # Numbers beyond the floats have no size to compare by.
            return
        assert self.close(value, root.data, scale)
        for derivative, leaf in zip(gradient, again.values()):
            assert self.close(derivative, leaf.grad, 1e3 * scale)

    @rule(shadow=nodes)
    def differentiate_again(self, shadow: Shadow) -> None:
        """Functions that read the formulas anew agree, as long as no leaf below was set since."""
        below = shadow.below()
        leaves = [leaf for leaf in self.leaves if leaf in below]
        again = {leaf: Value(leaf.value.data) for leaf in leaves}
        root = rebuild(shadow, again)
        if not leaves or root is None:
            return
        reverse = gradients(root, list(again.values()))
        forward = [jvp(root, [leaf], [1.0]).data for leaf in again.values()]
        root.backward()
        for derivative, tangent, leaf in zip(reverse, forward, again.values()):
            scale = max(1.0, *(abs(node.data) for node in topological_order(derivative)))
            assert self.close(derivative.data, leaf.grad, scale)
            assert self.close(tangent, leaf.grad, scale)

    def teardown(self) -> None:
        for leaf in self.leaves:
            assert leaf.value.grad == pytest.approx(leaf.grad, rel=1e-6, abs=1e-6)
            assert leaf.value.data == leaf.data

    @staticmethod
    def close(got: float, wanted: float, size: float) -> bool:
        return abs(got - wanted) <= 1e-12 * max(1.0, size)


def rebuild(shadow: Shadow, leaves: dict[Shadow, Value]) -> Value | None:
    """The same operations on the leaves as they are now; None where one has no value there."""
    made = dict(leaves)

    def of(shadow: Shadow) -> Value:
        if shadow not in made:
            operation = shadow.value.operation
            assert operation is not None
            operands = [of(operand) for operand, _ in shadow.edges]
            made[shadow] = FUNCTIONS[operation.name](*operation.grouped(operands))
        return made[shadow]

    try:
        return of(shadow)
    except ValueError:
        return None


TestLiveGraph = LiveGraph.TestCase
TestLiveGraph.settings = settings(max_examples=150, stateful_step_count=50, deadline=None)
