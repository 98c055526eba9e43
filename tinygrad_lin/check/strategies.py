"""Hypothesis strategies for numbers, Values, graphs and functions, made from the table.

Operations that you add with :func:`tinygrad_lin.add_operation` take part. Nothing is filtered out:
what is drawn lies where the table says that the operations are defined.
"""

from __future__ import annotations

import ast
import inspect
import math
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.check.python_source import python_source
from tinygrad_lin.errors import DataError
from tinygrad_lin.formulas import FLOATS
from tinygrad_lin.ops import FUNCTIONS, TABLE
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tinygrad_lin.operation import Operation

__all__ = [
    "Formula",
    "Graph",
    "TrainingSet",
    "expressions",
    "graphs",
    "operands",
    "scalars",
    "training_sets",
    "values",
]

LEAF_INTERVAL = (-3.0, 3.0)
AWKWARD = (0.0, -0.0, 5e-324, -5e-324, 2.2250738585072014e-308, 1e-200, -1e-200, 1e-8, -1e-8)
HUGE = (1e8, -1e8, 1e200, -1e200)
MAX_FLOATS = (1.7976931348623157e308, -1.7976931348623157e308)
"""Nearly any formula overflows here."""


def scalars(
    op: str | None = None, *, min_value: float | None = None, max_value: float | None = None
) -> st.SearchStrategy[float]:
    """Finite numbers, the awkward ones often: signed zeros, subnormals, huge ones.

    Args:
        op: the name of an operation of one operand: numbers from its domain, often at or beside
            its edges and corners.
        min_value: the smallest number.
        max_value: the largest number.

    >>> from hypothesis import find
    >>> find(scalars("log"), lambda x: x < 0.5) > 0.0
    True
    """
    low = -math.inf if min_value is None else min_value
    high = math.inf if max_value is None else max_value
    if op is None:
        usual = st.floats(min_value, max_value, allow_nan=False, allow_infinity=False)
        special = [*AWKWARD, *HUGE, *MAX_FLOATS]
    else:
        (operation,) = require_operations([op])
        if len(operation.operands) != 1 or operation.variadic:
            raise DataError(f"{op} takes more than one operand: use operands({op!r})")
        draw_low, draw_high = operation.draw[0]
        usual = st.floats(max(draw_low, low), min(draw_high, high))
        special = [x for x in edge_numbers(operation) if is_defined(operation, x)]
    special = [x for x in special if low <= x <= high]
    return usual | st.sampled_from(special) if special else usual


def values(
    op: str | None = None, *, min_value: float | None = None, max_value: float | None = None
) -> st.SearchStrategy[Value]:
    """Leaves that hold :func:`scalars`."""
    return st.builds(Value, scalars(op, min_value=min_value, max_value=max_value), st.just(""))


@st.composite
def operands(draw: st.DrawFn, op: str, *, plain: bool = False) -> list[float]:
    """Operands for one operation, where it has a value and derivatives, in a flat list.

    Those of :func:`tinygrad_lin.dot` are the first sequence, the second one, and the bias:
    ``FUNCTIONS[op](*TABLE[op].grouped(operands))`` applies the operation.

    Args:
        op: the name of the operation.
        plain: only numbers from well inside the domain, without the awkward ones.

    >>> from hypothesis import find
    >>> x, y = find(operands("div"), lambda xy: True)
    >>> y != 0.0
    True
    """
    (operation,) = require_operations([op])
    length = draw(st.integers(1, 4)) if operation.variadic else 1
    intervals = operand_intervals(operation, length)
    numbers = [draw(st.floats(low, high)) for low, high in intervals]
    if plain:
        return numbers
    for k in range(len(numbers)):
        if draw(st.integers(0, 3)) == 3:
            others = numbers[:k] + numbers[k + 1 :]  # One of them makes a tie.
            changed = list(numbers)
            changed[k] = draw(st.sampled_from([*edge_numbers(operation), *map(float, others)]))
            if has_value(operation, changed):
                numbers = changed
    return numbers


class Graph(NamedTuple):
    """A recorded graph. Its repr is code that makes the root's value.

    Attributes:
        root: the Value on top.
        leaves: all the Values it may be made from.
    """

    root: Value
    leaves: tuple[Value, ...]

    def __repr__(self) -> str:
        numbers = ", ".join(repr(leaf.data) for leaf in self.leaves)
        return f"({python_source(self.root, self.leaves)})({numbers})"


@st.composite
def graphs(
    draw: st.DrawFn, ops: Iterable[str] | None = None, leaves: int = 2, max_nodes: int = 10
) -> Graph:
    """A root with its leaves, recorded from random operations with shared parts.

    Every operand lies in the interval that the table gives tests to draw from, so every node has a
    value and a derivative, and so do points nearby.

    Args:
        ops: the names of the operations, those of the table if not given.
        leaves: how many leaves there are.
        max_nodes: how many operations there are at most.

    >>> from hypothesis import find
    >>> find(graphs(leaves=1), lambda graph: graph.root.op == "mul")
    (lambda x: x * x)(0.0)
    """
    operations = require_operations(ops)
    if leaves < 1 or max_nodes < 1:
        raise DataError("there must be at least one leaf and one node")
    names = ("x", "y", "z") if leaves <= 3 else [f"x{k}" for k in range(leaves)]
    inputs = tuple([Value(draw(st.floats(*LEAF_INTERVAL)), name) for name in names[:leaves]])
    nodes, unused = list(inputs), list(inputs)
    for _ in range(max_nodes):
        result = draw(node_on_top(operations, nodes, unused))
        if isinstance(result, Value):  # Operands that are all numbers give a number.
            nodes.append(result)
        if draw(st.integers(0, 9)) == 0:
            break
    return Graph(nodes[-1], inputs)


@st.composite
def node_on_top(
    draw: st.DrawFn, operations: list[Operation], nodes: list[Value], unused: list[Value]
) -> Value | float:
    """An operation on some nodes; a strategy of its own, so that shrinking can leave it out."""
    operation = draw(st.sampled_from(operations))
    length = draw(st.integers(1, 3)) if operation.variadic else 1
    chosen: list[Value | float] = []
    for interval in operand_intervals(operation, length):
        chosen.append(operand_within(draw, interval, nodes, unused))
        unused[:] = [leaf for leaf in unused if leaf is not chosen[-1]]
    result: Value | float = FUNCTIONS[operation.name](*operation.grouped(chosen))
    return result


def operand_within(
    draw: st.DrawFn, interval: tuple[float, float], nodes: list[Value], unused: list[Value]
) -> Value | float:
    """A node or a number from an interval; a leaf that is not used yet can be moved there."""
    low, high = interval
    begin = draw(st.integers(0, len(nodes)))
    if begin == len(nodes):
        return draw(st.floats(low, high))
    recent = nodes[::-1]
    for node in recent[begin:] + recent[:begin]:
        if low <= node.data <= high:
            return node
    number = draw(st.floats(low, high))
    if not unused:
        return number
    unused[0].data = number
    return unused[0]


class Formula:
    """A function made of operations. Its repr is Python code that can be pasted and run.

    Attributes:
        point: numbers at which it has a value and a derivative.
    """

    def __init__(self, graph: Graph) -> None:
        self.point: tuple[float, ...] = tuple([leaf.data for leaf in graph.leaves])
        self._source = python_source(*graph)
        # The source is made of operations of the table alone.
        self._function = eval(self._source, dict(FUNCTIONS))  # nosec B307
        self.__signature__: inspect.Signature = inspect.signature(self._function)

    def __call__(self, *arguments: Any) -> Any:
        """Its value: a number for numbers, a Value if an argument is one."""
        return self._function(*arguments)

    def __repr__(self) -> str:
        return self._source


def expressions(
    ops: Iterable[str] | None = None, leaves: int = 2, max_nodes: int = 10
) -> st.SearchStrategy[Formula]:
    """Functions of some numbers or Values, with shared parts; ``f.point`` is where to evaluate f.

    The arguments are those of :func:`graphs`.

    >>> from hypothesis import find
    >>> f = find(expressions(ops=["add", "sin"], leaves=1), lambda f: "sin" in repr(f))
    >>> f
    lambda x: sin(x)
    >>> f(0.0), f.point
    (0.0, (0.0,))
    """
    return graphs(ops, leaves, max_nodes).map(Formula)


class TrainingSet(NamedTuple):
    """Points to learn from, as :func:`tinygrad_lin.fit` takes them.

    Attributes:
        x: one number for each point, or one list of numbers for several features.
        y: one number for each point.
    """

    x: list[Any]
    y: list[float]


@st.composite
def training_sets(
    draw: st.DrawFn, features: int = 1, min_size: int = 2, max_size: int = 8
) -> TrainingSet:
    """Points to learn from, no two of them at the same x.

    Args:
        features: how many numbers each x has; for one it is that number.
        min_size: the smallest number of points.
        max_size: the largest number of points.

    >>> from hypothesis import find
    >>> find(training_sets(), lambda points: True)
    TrainingSet(x=[0.0, 1.0], y=[0.0, 0.0])
    """
    # These are easy to read, and lie far enough apart to train on.
    quarters = st.integers(-10, 10).map(float) | st.integers(-40, 40).map(lambda k: k / 4)
    number = quarters | st.floats(-10.0, 10.0)
    size = draw(st.integers(min_size, max_size))
    rows = st.tuples(*[quarters] * features)
    drawn = draw(st.lists(rows, min_size=size, max_size=size, unique=True))
    x: list[Any] = [row[0] if features == 1 else list(row) for row in drawn]
    return TrainingSet(x, draw(st.lists(number, min_size=size, max_size=size)))


def require_operations(ops: Iterable[str] | None) -> list[Operation]:
    """The operations with some names, or all of the table; a DataError if there are none."""
    if ops is None:
        return list(TABLE.values())
    names = [ops] if isinstance(ops, str) else list(ops)
    for name in names:
        if name not in TABLE:
            raise DataError(f"there is no operation {name!r}; there are {', '.join(TABLE)}")
    if not names:
        raise DataError("there must be at least one operation")
    return [TABLE[name] for name in names]


def operand_intervals(operation: Operation, length: int) -> list[tuple[float, float]]:
    """The interval to draw each operand from; starred operands are sequences of a length."""
    return [
        interval
        for name, interval in zip(operation.operands, operation.draw)
        for _ in range(length if name.startswith("*") else 1)
    ]


def edge_numbers(operation: Operation) -> list[float]:
    """Awkward numbers, and those at and beside the edges of an operation's domain and its corners.

    The edges are the numbers that its predicates compare with.
    """
    edges = {0.0}
    for predicate in (operation.defined, operation.smooth):
        for node in ast.walk(parse_expression(predicate or "True")):
            match node:
                case ast.Constant(value=int() | float() as number):
                    edges.update((float(number), -float(number)))
    beside = [edge + step for edge in sorted(edges) for step in (1e-3, -1e-3, 1e-9, -1e-9)]
    nearest = [math.nextafter(edge, to) for edge in sorted(edges) for to in (-math.inf, math.inf)]
    return [*sorted(edges), *beside, *nearest, *AWKWARD, *HUGE]


def is_defined(operation: Operation, x: float) -> bool:
    """Whether an operation of one operand has a value at x."""
    defined = operation.defined
    return not defined or bool(FLOATS(defined, ", ".join(operation.operands))(x))


def has_value(operation: Operation, numbers: Sequence[float]) -> bool:
    """Whether the operation gives a finite number and has derivatives: a power may have none."""
    operands = operation.grouped(list(map(Value, numbers)))
    try:
        return math.isfinite(FUNCTIONS[operation.name](*operands).data)
    except ValueError:
        return False
