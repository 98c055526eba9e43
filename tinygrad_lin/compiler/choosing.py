"""From a graph to a function: in which form it runs, and the functions that are kept.

Matrix products and lanes of arrays come first; see ``lowering``. What is too irregular for them
runs as a straight line, or, where it is wide and has no batch, gathered by kind.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from functools import cache
from math import isnan
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from tinygrad_lin.compiler.buffers import Buffers, namespace
from tinygrad_lin.compiler.functions import (
    Columns,
    Function,
    Gathered,
    InPlace,
    Jitted,
    Scalars,
)
from tinygrad_lin.compiler.gathered import KNOWN as FOR_GATHERED
from tinygrad_lin.compiler.gathered import Groups
from tinygrad_lin.compiler.lowering import Array, Lowering, Place, reachable
from tinygrad_lin.compiler.names import Names, is_name
from tinygrad_lin.compiler.nodes import Node, nodes_of
from tinygrad_lin.compiler.source import Writer, needed
from tinygrad_lin.compiler.straight import Straight
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import ModuleType

FEW = 200  # operations that read well with names
FEWEST_TOGETHER = 8  # that are worth an operation on arrays
WORTH_GATHERING = 256  # operations of a kind: fewer are quicker one by one
MOST_STEPS = 2_000  # that one function has
IN_CACHE = 100_000  # numbers at a time: they stay in the processor's cache
FEWEST_ROWS = 1024  # at a time: fewer would not be worth a call
MANY_ROWS = 32  # from so many on a layer's biases are laid beside its weights
MOST_COMPARED = 20_000  # operations of a graph that is looked up
MOST_KEPT = 32  # functions, for graphs to come


class Task(NamedTuple):
    """What a function shall compute.

    Attributes:
        root: the output.
        columns: the leaves of each array of the batch.
        is_matrix: whether that has an axis of leaves.
        wrt: the parameters.
        slopes: whether the gradient is wanted, too.
        rows: whether there is a result for each row of the batch, and not their average.
    """

    root: Value
    columns: list[list[Value]]
    is_matrix: list[bool]
    wrt: list[Value]
    slopes: bool
    rows: bool


KEPT: OrderedDict[Hashable, Function] = OrderedDict()
KEEPING = Lock()


def function_of(task: Task, xp: ModuleType) -> Function:
    """The function for a task: made, or found where a graph of the same structure came before."""
    order = topological_order(task.root)
    if len(order) > MOST_COMPARED:
        return Draft(task, xp).function()
    key = structure(task, order), xp
    with KEEPING:
        function = KEPT.get(key)
    if function is None:
        function = Draft(task, xp).function()
    with KEEPING:
        KEPT[key] = function
        KEPT.move_to_end(key)
        if len(KEPT) > MOST_KEPT:
            KEPT.popitem(last=False)
    return function


def structure(task: Task, order: list[Value]) -> Hashable:
    """All that a function depends on: operations, operands, labels, constants."""
    places: dict[Value, Hashable] = {leaf: ("p", k) for k, leaf in enumerate(task.wrt)}
    for k, column in enumerate(task.columns):
        places |= {leaf: (k, lane) for lane, leaf in enumerate(column)}
    leaves = tuple([(leaf.label, place) for leaf, place in places.items()])
    nodes: list[Hashable] = []
    for value in order:
        row = value.operation
        if row is None:
            places.setdefault(value, constant(value.data))
        else:
            operands = [places[o] if isinstance(o, Value) else constant(o) for o in value.operands]
            places[value] = len(nodes)
            nodes.append((row, value.label, *operands))
    return leaves, tuple(nodes), places[task.root], tuple(task.is_matrix), task.slopes, task.rows


def constant(number: float) -> Hashable:
    """A number as a key: -0.0 is not 0.0, and NaN is itself."""
    return str(number) if number == 0.0 or isnan(number) else number


class Draft:
    """A task with its nodes, on the way to a function."""

    def __init__(self, task: Task, xp: ModuleType) -> None:
        root, columns, is_matrix, wrt, slopes, rows = task
        self.slopes: bool = slopes
        leaves = [leaf for column in columns for leaf in column]
        self.rows: bool = rows and bool(leaves)
        # One result for each row: then each has parameters of its own, and a gradient.
        of_the_batch, fixed = ([*leaves, *wrt], []) if self.rows else (leaves, wrt)
        (result,), nodes, before = nodes_of([root], of_the_batch, fixed)
        self.result: Node | float = result
        self.before: int = before
        self.learned: list[Node] = [nodes[leaf] for leaf in wrt]
        self.columns: list[list[Node]] = [[nodes[leaf] for leaf in column] for column in columns]
        self.parameters: Array = Array("p", self.rows, len(wrt), True)
        names = Names()
        self.arguments: list[Array] = []
        for k, (column, matrix) in enumerate(zip(columns, is_matrix)):
            label = column[0].label if len(column) == 1 else ""
            name = names.new(label, "batch") if is_name(label) else f"batch{k}"
            self.arguments.append(Array(name, True, len(column) if matrix else None, False))
        self.xp = xp
        self.functional: bool = xp.__name__.partition(".")[0] == "jax"
        self.known: dict[str, Any] = {"xp": xp, "ignoring": ignoring, "certain": certain}

    def function(self) -> Function:
        """The function in the form that suits the graph."""
        places = {node: Place(self.parameters, k) for k, node in enumerate(self.learned)}
        for array, column in zip(self.arguments, self.columns):
            for lane, node in enumerate(column):
                places[node] = Place(array, None if array.width is None else lane)
        if self.functional or not isinstance(self.result, Node):
            return self.on_arrays(Lowering(places, [self.result]))
        order = [node for node in reachable([self.result]) if node.row is not None]
        # What is deep takes a step for each level at least: it need not be lowered to know that.
        depth = self.result.level
        if self.arguments:
            deep = depth > MOST_STEPS
        else:
            deep = depth > FEW and FEWEST_TOGETHER * depth > len(order)
        if deep:
            return self.straight(order)
        lowering = Lowering(places, [self.result])
        irregular = FEWEST_TOGETHER * len(lowering.steps) > len(order)
        if not self.arguments and irregular:
            groups = Groups(order, self.learned)
            if WORTH_GATHERING * len(groups.groups) <= len(order):
                return self.gathered(groups, self.result)
            if len(order) > FEW:
                return self.straight(order)
        if not self.arguments and all(step.output.width is None for step in lowering.steps):
            return self.few_scalars(order)
        if len(lowering.steps) > MOST_STEPS:
            return self.straight(order)
        return self.on_arrays(lowering)

    def on_arrays(self, lowering: Lowering) -> Function:
        """A function of a few operations on arrays."""
        result, steps = self.result, lowering.steps
        place = lowering.places[result] if isinstance(result, Node) else float(result)
        writer = Writer(steps, place, self.parameters, self.rows, self.functional)
        writer.forward()
        writer.value()
        if self.slopes:
            writer.backward()
        n = f"n = {self.arguments[0].name}.shape[0]" if self.arguments else "n = 1"
        result_line = f"return value, {'gradient' if self.slopes else 'None'}"
        body = needed([n, *writer.lines, result_line])
        names = ["p", "weight", *[array.name for array in self.arguments]]
        lines = "\n".join(body).replace("\n", "\n    ")
        source = f"def program({', '.join(names)}):\n    {lines}\n"
        program = compiled([source], self.known | writer.constants)
        operations = self.before, len(steps)
        if self.functional:
            return Jitted(program, source, operations)
        if self.rows:
            return Function(program, source, operations)
        shapes = {step.output.name: shape_of(step.output) for step in steps}
        given = {"p": shape_of(self.parameters), "weight": ()}
        given |= {array.name: shape_of(array) for array in self.arguments}
        known = self.known | writer.constants | namespace()

        @cache
        def in_place(many: bool) -> tuple[Any, int]:
            buffers = Buffers(body, given, writer.constants, shapes, many)
            return compiled([buffers.source], known, "prepare"), buffers.numbers_in_a_row

        averaged = isinstance(result, Node) and result.batched
        block = max(IN_CACHE // max(in_place(True)[1], 1), FEWEST_ROWS)

        def prepare(n: int) -> Any:
            return in_place(n >= MANY_ROWS)[0](n)

        return InPlace(program, source, operations, prepare, block if averaged else math.inf)

    def gathered(self, groups: Groups, result: Node) -> Function:
        """A function of many operations of a kind at once."""
        source = groups.program(result, self.slopes)
        program = compiled([source], self.known | FOR_GATHERED | groups.constants)
        return Gathered(program, source, (self.before, len(groups.groups)))

    def few_scalars(self, order: list[Node]) -> Function:
        """A function of one operation after the other, each with a name."""
        straight = Straight(order, self.result, self.learned, [], Names(dir(math)))
        source = straight.in_variables(self.slopes)
        program = compiled([source], vars(math))
        return Scalars(program, source, (self.before, len(order)))

    def straight(self, order: list[Node]) -> Function:
        """A function of one operation after the other."""
        columns = [
            (array.name, column[0] if array.width is None else column)
            for array, column in zip(self.arguments, self.columns)
        ]
        straight = Straight(order, self.result, self.learned, columns)
        sources = straight.in_lists(self.slopes)
        source, operations = "\n".join(sources), (self.before, len(order))
        if not columns:
            return Scalars(compiled(sources, vars(math)), source, operations)
        program = compiled(sources, self.known)
        return Columns(program, source, operations, straight.size, self.rows)


def compiled(
    sources: list[str], known: dict[str, Any], name: str = "program"
) -> Callable[..., Any]:
    """The last of some functions, which calls the others.

    Each has a namespace of its own that does not hold itself: that would be a reference cycle.
    """
    others: dict[str, Any] = {}
    for source in sources:
        namespace = known | others if source is sources[-1] else dict(known)
        before = set(namespace)
        exec(compile(source, "<compiled graph>", "exec"), namespace)  # made of rows  # nosec B102
        (made,) = set(namespace) - before - {"__builtins__"}
        others[made] = namespace.pop(made)
    function: Callable[..., Any] = others[name]
    return function


def shape_of(array: Array) -> tuple[int | str, ...]:
    """The length of each axis; "n" is that of the batch."""
    rows: tuple[int | str, ...] = ("n",) if array.batched else ()
    return rows if array.width is None else (*rows, array.width)


def ignoring() -> Any:
    """Let a case that is not chosen overflow."""
    return numpy.errstate(all="ignore")


def certain(array: Any) -> None:
    """Notice when the case that is chosen has made no number."""
    if numpy.geterr()["invalid"] == "raise" and not numpy.isfinite(array).all():
        raise FloatingPointError
