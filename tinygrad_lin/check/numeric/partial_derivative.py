"""The partial derivative of a function, by differences and by a complex step."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin._protocols import data_of
from tinygrad_lin.check.numeric.complex_step import complex_step_derivative
from tinygrad_lin.check.numeric.differences import NumericalDerivative, derivative, value_at
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable


class EvaluationPoint(NamedTuple):
    """The value x of an input at which a derivative is taken, by steps of at most max_step.

    Attributes:
        direction: 0 for differences to both sides, -1 or 1 for those to one side of a corner.
        side: the side of the corner on which that is.
    """

    x: float
    direction: int
    max_step: float
    side: str


class FunctionOfOneInput:
    """A function of one of its inputs, with the others held at their values."""

    def __init__(self, f: Callable[..., Any], inputs: list[float], index: int) -> None:
        self.f = f
        self.inputs = inputs
        self.index = index
        self.x: float = inputs[index]

    def inputs_at(self, x: float) -> list[float]:
        """All the inputs, with x for this one."""
        return [*self.inputs[: self.index], x, *self.inputs[self.index + 1 :]]

    def value(self, x: float) -> float:
        """The value of the function at x, NaN where it has no real one."""
        result = self.f(*self.inputs_at(x))
        return math.nan if isinstance(result, complex) else data_of(result)

    def try_record(self, x: float) -> tuple[Value, Value] | None:
        """The graph at x, and the leaf of this input; None if there is no value or no graph."""
        leaves = [Value(each) for each in self.inputs_at(x)]
        try:
            output = self.f(*leaves)
        except (TypeError, ValueError, ArithmeticError, AttributeError):
            return None
        return (output, leaves[self.index]) if isinstance(output, Value) else None

    def derivatives(
        self, point: EvaluationPoint
    ) -> tuple[NumericalDerivative, NumericalDerivative | None]:
        """The derivative by differences, and by a complex step if f records a graph for it."""
        recorded = self.try_record(point.x)
        if recorded is None:
            return self.by_differences(point), None
        numeric = self.by_differences(point, rounding_scale(recorded[0]))
        exact = self.by_complex_step(point.x)
        if exact and abs(numeric.value - exact.value) > numeric.error + exact.error:
            # The steps may be too large for a function that turns quickly, such as sin at 1e200.
            distance = abs(numeric.value - exact.value)
            for steps in (-1.0, -0.7, -0.4, -0.1, 0.1, 0.4, 0.7, 1.0):
                other = self.by_complex_step(point.x + steps * numeric.step)
                if other and abs(other.value - exact.value) > distance / 4.0:
                    return numeric._replace(error=math.inf), exact
        return numeric, exact

    def by_complex_step(self, x: float) -> NumericalDerivative | None:
        """The derivative by a complex step, if there is one."""
        recorded = self.try_record(x)
        exact = complex_step_derivative(*recorded) if recorded else None
        return exact if exact and math.isfinite(exact.value) else None

    def by_differences(self, point: EvaluationPoint, scale: float = 0.0) -> NumericalDerivative:
        """The most certain derivative, by steps of every size that may suit the function.

        These are the largest step allowed, 1, the size of x, and the distance from a corner.
        """
        max_steps = [point.max_step]
        for size in sorted((1.0, abs(point.x), abs(point.x - self.x)), reverse=True):
            if 0.0 < 0.1 * size < max_steps[-1] / 100.0:
                max_steps.append(0.1 * size)
        found = derivative(self.value, point.x, max_steps[0], point.direction, scale)
        rounding_is_known = scale > 0.0
        scale = scale or self.scale_around(point)
        for max_step in max_steps[1:]:
            closer = derivative(self.value, point.x, max_step, point.direction, scale)
            distance = abs(found.value - closer.value)
            if not distance > found.error + closer.error:
                found = min(found, closer, key=lambda each: each.error)
            elif rounding_is_known:  # The larger steps missed what the smaller ones saw.
                found = closer
            else:  # One of the two is less certain than it says.
                found = min(found, closer, key=lambda each: each.error)
                found = found._replace(error=distance)
        return found

    def scale_around(self, point: EvaluationPoint) -> float:
        """How large the values are around a point, where there is no graph to tell the rounding."""
        nearby = [value_at(self.value, point.x + d * point.max_step) for d in (-1.0, 0.0, 1.0)]
        return max((abs(value) for value in nearby if math.isfinite(value)), default=0.0)


def rounding_scale(output: Value) -> float:
    """The sum of all numbers that an output is computed from, each as far as it matters."""
    sensitivities = {output: 1.0}  # How much of a node's rounding reaches the output.
    scale = 0.0
    for node in reversed(topological_order(output)):
        sensitivity = sensitivities[node]
        if math.isfinite(sensitivity * node.data):
            scale += sensitivity * abs(node.data)
        for operand, local in zip(node.inputs, node.partials):
            sensitivities[operand] = sensitivities.get(operand, 0.0) + sensitivity * abs(local)
    return scale
