"""Random graphs of sums and products in every form that a program may take, against the engine.

Their operands come again and again, which is what lowering has to get right.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from typing import Any

import numpy
import pytest

from tinygrad_lin import (
    Value,
    compile_graph,
    dot,
    maximum,
    relu,
    tanh,
    topological_order,
    total,
)
from tinygrad_lin.compiler import choosing

NUMBERS = [0.0, 1.0, 0.5, -0.75, 1.25, -2.0, 0.3]
ROWS = 5


def graph(rng: random.Random) -> tuple[Value, list[Value]]:
    """Leaves, and a graph on some of them."""
    leaves = [Value(rng.choice(NUMBERS)) for _ in range(rng.randint(2, 6))]
    made = list(leaves)

    def some() -> Any:
        if rng.random() < 0.12:
            return rng.choice(NUMBERS)
        return rng.choice(made[-6:] if rng.random() < 0.6 else made)

    def several() -> list[Any]:
        return [some() for _ in range(rng.randint(1, 5))]

    makes: list[Any] = [
        lambda: some() + some(), lambda: some() * some(), lambda: some() - some(), lambda: -some(),
        lambda: relu(some()), lambda: tanh(some()), lambda: maximum(some(), some()),
        lambda: total(several()),
    ]  # fmt: skip
    for _ in range(rng.randint(1, 14)):
        if rng.random() < 0.3:  # a layer
            inputs = several()
            new = [dot([some() for _ in inputs], inputs, some()) for _ in range(rng.randint(1, 4))]
        else:
            new = [rng.choice(makes)()]
        made += [value for value in new if isinstance(value, Value)]
    return total(made[-4:]), leaves


@pytest.mark.parametrize("seed", range(200))
def test_random_sums(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(seed)
    root, leaves = graph(rng)
    for name, values in (
        ("FEW", [0, 200]), ("MOST_STEPS", [1, 2000, 2000]), ("WORTH_GATHERING", [1, 256]),
        ("FEWEST_TOGETHER", [8, 8, 1000]),
    ):  # fmt: skip
        monkeypatch.setattr(choosing, name, rng.choice(values))
    monkeypatch.setattr(choosing, "KEPT", OrderedDict())
    rng.shuffle(leaves)
    cut = rng.randint(0, len(leaves))
    wrt, rest = leaves[:cut], leaves[cut:]
    batch: list[Any] = rng.choice([[*rest], [rest] if rest else [], [*rest[:1], rest[1:]]])
    batch = [entry for entry in batch if entry != []]
    arrays = [
        numpy.array([[leaf.data for leaf in entry]] * ROWS) if isinstance(entry, list)
        else numpy.full(ROWS, entry.data)
        for entry in batch
    ]  # fmt: skip
    root.backward()
    slopes = [leaf.grad for leaf in wrt]
    order = topological_order(root)
    size = max(1.0, *(abs(node.data) for node in order), *(abs(node.grad) for node in order))

    def close(found: Any, wanted: Any) -> bool:
        return bool(numpy.allclose(found, wanted, rtol=1e-10, atol=1e-12 * size))

    program = compile_graph(root, batch=batch, wrt=wrt)
    parameters = [leaf.data for leaf in wrt]
    for _ in range(2):  # the second time in the arrays of the first
        value, gradient = program.value_and_grad(parameters, *arrays)
        assert close(value, root.data)
        assert close(gradient, slopes)
    assert close(program.value(parameters, *arrays), root.data)
    jacobian = program.jacobian(parameters, *arrays)
    assert jacobian.shape == ((ROWS, 1, len(wrt)) if batch else (1, len(wrt)))
    assert close(jacobian, numpy.broadcast_to(slopes, jacobian.shape))
