"""Random graphs in every form that a program may take, against the engine row by row.

How far a program may be off is measured: the engine runs again with every operation's result moved
a little, many times as far as rounding does.
"""

from __future__ import annotations

import random
from collections import OrderedDict
from typing import Any
from unittest import mock

import numpy
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_lin import (
    DomainError,
    Value,
    compile_graph,
    dot,
    maximum,
    relu,
    tanh,
    topological_order,
    total,
)
from tinygrad_lin.check.strategies import graphs
from tinygrad_lin.compiler import cache, strategy
from tinygrad_lin.ops import FUNCTIONS

NUMBERS = [0.0, 1.0, 0.5, -0.75, 1.25, -2.0, 0.3]
NOISE = 1e-14
TOLERANCE = 100.0
"""How many times as far as the moved results a program may be off; a mistake is farther off."""


def sums(rng: random.Random) -> tuple[Value, list[Value]]:
    """Sums, products and layers whose operands come again and again: hard to lower."""
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


FORMS = st.fixed_dictionaries(
    {
        "MAX_NAMED_OPERATIONS": st.sampled_from([0, 200]),
        "MAX_INSTRUCTIONS": st.sampled_from([2000, 1]),
        "MIN_GROUP": st.sampled_from([256, 1]),
        "MIN_LANES": st.sampled_from([8, 1000, 0]),
        "MAX_BLOCK_NUMBERS": st.sampled_from([100_000, 1]),
        "MIN_BLOCK_ROWS": st.sampled_from([1024, 2]),
    }
)


def engine(root: Value, wrt: list[Value], data: dict[Value, float], noise: Any) -> list[float]:
    """The value at other leaves, and its gradient; noise moves results and local derivatives."""
    made: dict[Value, Value] = {}
    order = topological_order(root)
    for node in order:
        if node.operation is None:
            made[node] = Value(data.get(node, node.data))
            continue
        operands = [made[o] if isinstance(o, Value) else o for o in node.operands]
        made[node] = FUNCTIONS[node.operation.name](*node.operation.grouped(operands))
        numbers = [getattr(o, "data", o) for o in operands]
        terms = numbers if node.op in ("add", "sub", "total") else [made[node].data]
        terms = [x * y for x in numbers for y in numbers] if node.op == "dot" else terms
        made[node]._datum += noise() * sum(map(abs, terms))
    gradients = dict.fromkeys(made.values(), 0.0)
    gradients[made[root]] = 1.0
    for node in reversed(order):
        for operand, partial in zip(made[node].inputs, made[node].partials):
            gradients[operand] += gradients[made[node]] * (partial + noise() * (1.0 + abs(partial)))
    return [made[root].data, *(gradients[made[leaf]] if leaf in made else 0.0 for leaf in wrt)]


def with_tolerance(root: Value, wrt: list[Value], data: dict[Value, float]) -> tuple[Any, Any]:
    """The value and its gradient in one array, and how far another program may be off."""
    wanted = numpy.array(engine(root, wrt, data, lambda: 0.0))
    rng = random.Random(0)
    moved: Any = [engine(root, wrt, data, lambda: rng.uniform(-NOISE, NOISE)) for _ in range(4)]
    assume(numpy.isfinite([wanted, *moved]).all())
    spread = numpy.max(abs(moved - wanted), axis=0)
    return wanted, TOLERANCE * spread + 1e-12 * abs(wanted) + 1e-300


def check(root: Value, leaves: list[Value], form: dict[str, Any], rng: random.Random) -> None:
    """Compile in one form, and compare all that the program gives."""
    rng.shuffle(leaves)
    cut = rng.randint(0, len(leaves))
    wrt, rest = leaves[:cut], leaves[cut:]
    wrt = wrt[: rng.choice([len(wrt), len(wrt), 1])]  # the others are constants
    batch: list[Any] = rng.choice([[], [*rest], [rest], [*rest[:1], rest[1:]]])
    batch = [entry for entry in batch if entry != []]
    columns = [entry if isinstance(entry, list) else [entry] for entry in batch]
    count = rng.randint(1, 5) if batch else 1

    def near(leaf: Value) -> float:
        return leaf.data + rng.choice([0.0, 0.0, 0.01, -0.01, 0.1])

    p = {leaf: near(leaf) for leaf in wrt}
    rows = [{leaf: near(leaf) for column in columns for leaf in column} for _ in range(count)]
    arrays = [
        numpy.array([[row[leaf] for leaf in entry] for row in rows])
        if isinstance(entry, list)
        else numpy.array([row[entry] for row in rows])
        for entry in batch
    ]
    try:
        found = [with_tolerance(root, wrt, p | row) for row in rows]
    except DomainError:
        assume(False)
    wanted, tolerance = numpy.array(found).transpose(1, 0, 2)
    parameters = list(p.values())
    with (
        mock.patch.multiple(strategy, **form),
        mock.patch.object(cache, "EXECUTABLES", OrderedDict()),
    ):
        program = compile_graph(root, batch=batch, wrt=wrt)
        for _ in range(2):  # the second time in the arrays of the first
            value, gradient = program.value_and_grad(parameters, *arrays)
            assert gradient.shape == (len(wrt),)
            off = abs(numpy.array([value, *gradient]) - wanted.mean(0))
            assert (off <= tolerance.mean(0)).all()
        assert (
            abs(program.value(parameters, *arrays) - wanted[:, 0].mean()) <= tolerance[:, 0].mean()
        )
        values = program.values(parameters, *arrays)
        jacobian = program.jacobian(parameters, *arrays)
    assert values.shape == ((count, 1) if batch else (1,))
    assert jacobian.shape == ((count, 1, len(wrt)) if batch else (1, len(wrt)))
    assert (abs(values.reshape(count) - wanted[:, 0]) <= tolerance[:, 0]).all()
    assert (abs(jacobian.reshape(count, len(wrt)) - wanted[:, 1:]) <= tolerance[:, 1:]).all()


SEEDS = st.integers(0, 2**32 - 1)


@given(graphs(leaves=4, max_nodes=25), FORMS, SEEDS)
def test_graphs_of_all_operations(graph: Any, form: dict[str, Any], seed: int) -> None:
    check(graph.root, list(graph.leaves), form, random.Random(seed))


@given(SEEDS, FORMS)
def test_sums_and_layers(seed: int, form: dict[str, Any]) -> None:
    rng = random.Random(seed)
    check(*sums(rng), form, rng)
