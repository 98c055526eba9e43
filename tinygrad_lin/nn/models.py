"""The models: the line, a = wx + b, and the net of such lines, which can draw any curve."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tinygrad_lin.errors import DataError, short_repr
from tinygrad_lin.nn.modules import (
    Module,
    features_of,
    is_positive_integer,
    random_numbers,
    require_positive_integer,
)
from tinygrad_lin.ops import FUNCTIONS, TABLE
from tinygrad_lin.scopes import place_in_scope, scope
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Sequence

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
        generator = random_numbers(rng)
        self.inputs = inputs
        self.outputs = outputs

        def parameter(name: str, *indices: int) -> Value:
            needed = [str(k) for k, size in zip(indices, (outputs, inputs)) if size > 1]
            label = f"{name}[{','.join(needed)}]" if needed else name
            return Value(generator.standard_normal(), label)

        with scope("linear"):
            self.w: list[list[Value]] = [
                [parameter("w", i, j) for j in range(inputs)] for i in range(outputs)
            ]
            self.b: list[Value] = [parameter("b", i) for i in range(outputs)]

    def __call__(self, x: Input) -> Any:
        """The prediction for one point: a Value, or a list of them for several outputs."""
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


class Layer:
    """Neurons side by side: each is one line of all the inputs."""

    def __init__(self, name: str, weights: list[list[float]]) -> None:
        self.w: list[list[Value]] = [
            [Value(weight, f"{name}.w[{i},{j}]") for j, weight in enumerate(neuron)]
            for i, neuron in enumerate(weights)
        ]
        self.b: list[Value] = [Value(0.0, f"{name}.b[{i}]") for i in range(len(weights))]

    def __call__(self, x: Sequence[Any]) -> list[Value]:
        """A node for each neuron, w · x + b."""
        return [FUNCTIONS["dot"](weights, x, b) for weights, b in zip(self.w, self.b)]

    def parameters(self) -> list[Value]:
        """The weights, neuron by neuron, then the biases."""
        return [*(w for weights in self.w for w in weights), *self.b]


class MLP(Module):
    """A multilayer perceptron: an activation after every layer but the last, which is linear.

    Args:
        sizes: how many inputs, neurons in each hidden layer, and outputs.
        activation: the name of an operation of one operand, such as tanh, relu, sigmoid, softplus
            or sin; one of your own will do.
        rng: a seed, or a NumPy generator, as for :class:`tinygrad_lin.Linear`.

    Biases begin at 0. Weights are drawn so that signals neither fade nor grow from layer to layer:
    for relu from the normal distribution of variance 2 / inputs (He, Zhang, Ren, Sun 2015, "Delving
    deep into rectifiers", section 2.2), else uniformly within ± sqrt(6 / (inputs + outputs))
    (Glorot, Bengio 2010, "Understanding the difficulty of training deep feedforward neural
    networks", equation 16).

    Raises:
        DataError: the sizes are not those of a net, or there is no such activation.

    >>> net = MLP([2, 16, 16, 1])
    >>> len(net.parameters())
    337
    >>> net.parameters()[0].label, net.parameters()[-1].label
    ('layer1.w[0,0]', 'layer3.b[0]')
    >>> round(net([1.0, -1.0]).data, 12) == -round(net([-1.0, 1.0]).data, 12)  # as tanh is odd
    True
    """

    def __init__(self, sizes: Sequence[int], activation: str = "tanh", rng: Seed = 42) -> None:
        self.sizes: list[int] = list(sizes) if hasattr(sizes, "__len__") else []
        if len(self.sizes) < 2 or not all(map(is_positive_integer, self.sizes)):
            raise DataError(
                "the sizes of a net are two or more whole numbers of at least 1, such as "
                f"[2, 16, 16, 1], not {short_repr(sizes)}"
            )
        if activation not in activations():
            raise DataError(
                f"there is no activation {activation!r}; there are {', '.join(activations())}"
            )
        generator = random_numbers(rng)
        self.activation = activation
        self.layers: list[Layer] = []
        for k, (inputs, outputs) in enumerate(pairwise(self.sizes), start=1):
            if activation == "relu":
                weights = generator.normal(0.0, math.sqrt(2.0 / inputs), (outputs, inputs))
            else:
                bound = math.sqrt(6.0 / (inputs + outputs))
                weights = generator.uniform(-bound, bound, (outputs, inputs))
            with scope(f"layer {k}"):
                self.layers.append(Layer(f"layer{k}", weights.tolist()))

    def __call__(self, x: Input) -> Any:
        """The prediction for one point: a Value, or a list of them for several outputs."""
        signals = features_of(x)
        if len(signals) != self.sizes[0]:
            raise DataError(f"the model takes {self.sizes[0]} inputs, not {len(signals)}")
        activate = FUNCTIONS[self.activation]
        for k, layer in enumerate(self.layers, start=1):
            with scope(f"layer {k}"):
                signals = layer(signals)
                if k < len(self.layers):
                    signals = [activate(z) for z in signals]
        for prediction in signals:
            prediction.label = "a"
        return signals[0] if len(signals) == 1 else signals

    def parameters(self) -> list[Value]:
        """Layer by layer: the weights, neuron by neuron, then the biases."""
        return [parameter for layer in self.layers for parameter in layer.parameters()]

    def settings(self) -> dict[str, Any]:
        """The arguments that make a model of the same shape."""
        return {"sizes": self.sizes, "activation": self.activation}

    def __repr__(self) -> str:
        count = len(self.parameters())
        return f"MLP({self.sizes}, activation={self.activation!r}: {count:,} parameters)"


def activations() -> list[str]:
    """The names of all operations of one operand."""
    return [
        name
        for name, operation in TABLE.items()
        if len(operation.partials) == 1 and not (operation.variadic or operation.special)
    ]
