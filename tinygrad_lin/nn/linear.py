"""The line, a = wx + b."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_lin.errors import DataError
from tinygrad_lin.nn.modules import (
    Module,
    features_of,
    random_numbers,
    require_positive_integer,
)
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.scopes import place_in_scope, scope
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from tinygrad_lin.nn.modules import Input, Seed


class Linear(Module):
    """a = wx + b, with a random start.

    Args:
        inputs: how many features x has.
        outputs: how many predictions it makes.
        rng: a seed, or a NumPy generator. Weights and biases are drawn from the standard normal
            distribution, weights first; a seed goes to NumPy's ``RandomState``, so that 42 gives
            the well-known 0.4967 and -0.1383.

    >>> line = Linear()
    >>> line.parameters()[0].data, line.parameters()[1].data
    (0.4967141530112327, -0.13826430117118466)
    >>> line(2.0).data
    0.8551640048512807
    """

    def __init__(self, inputs: int = 1, outputs: int = 1, rng: Seed = 42) -> None:
        require_positive_integer("inputs", inputs)
        require_positive_integer("outputs", outputs)
        random = random_numbers(rng)
        self.inputs = inputs
        self.outputs = outputs

        def parameter(name: str, *indices: int) -> Value:
            needed = [str(k) for k, size in zip(indices, (outputs, inputs)) if size > 1]
            label = f"{name}[{','.join(needed)}]" if needed else name
            return Value(random.standard_normal(), label)

        with scope("linear"):
            self.w: list[list[Value]] = [
                [parameter("w", i, j) for j in range(inputs)] for i in range(outputs)
            ]
            self.b: list[Value] = [parameter("b", i) for i in range(outputs)]

    def __call__(self, x: Input) -> Any:
        """The prediction for one point: a Value, or a list of them for several outputs.

        Raises:
            DataError: x has not as many features as the model has inputs.
        """
        features = features_of(x)
        if len(features) != self.inputs:
            raise DataError(f"the model takes {self.inputs} inputs, not {len(features)}")
        if self.inputs == 1:
            products = [w * features[0] for (w,) in self.w]
            for product in products:
                place_in_scope(product, "linear")
            predictions = [product + b for product, b in zip(products, self.b)]
        else:
            dot = FUNCTIONS["dot"]
            predictions = [dot(weights, features, b) for weights, b in zip(self.w, self.b)]
        for prediction in predictions:
            place_in_scope(prediction, "linear", "a")
        return predictions[0] if self.outputs == 1 else predictions

    def parameters(self) -> list[Value]:
        """The weights, output by output, then the biases."""
        return [*(w for weights in self.w for w in weights), *self.b]

    def settings(self) -> dict[str, Any]:
        """The arguments that make a model of the same shape."""
        return {"inputs": self.inputs, "outputs": self.outputs}

    def __repr__(self) -> str:
        parameters = ", ".join(f"{p.label}={p.data:.6g}" for p in self.parameters()[:6])
        more = ", ..." if len(self.parameters()) > 6 else ""
        return f"Linear(inputs={self.inputs}, outputs={self.outputs}: {parameters}{more})"
