"""The functions of a program: written, compiled, and kept for graphs of the same structure."""

from __future__ import annotations

from collections import OrderedDict
from contextvars import copy_context
from functools import partial
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from tinygrad_lin.compiler.buffers import Buffers, namespace
from tinygrad_lin.compiler.lowering import Array, Lowering, Place, not_allowed
from tinygrad_lin.compiler.nodes import Node, nodes_of
from tinygrad_lin.compiler.source import Writer, needed
from tinygrad_lin.graph import topological_order
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from types import ModuleType

BLOCK = 8192  # rows at a time: what they need stays in the processor's cache
MOST_STEPS = 20_000  # that Python still compiles soon
MOST_KEPT = 64  # functions, for graphs to come
MOST_SIZES = 8  # of batches that a function keeps arrays for
STRICT: Any = {"divide": "raise", "invalid": "raise", "over": "raise", "under": "ignore"}
RESERVED = {"p", "n", "xp", "weight", "value", "gradient", "ignoring", "program"}


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


class Function:
    """A function of parameters and columns: the output, and its gradient or None.

    Called, it raises FloatingPointError where a row may have left the domain of an operation;
    then :meth:`quietly` gives what IEEE 754 does.

    Attributes:
        source: its text.
        operations: how many there were in the graph, and how many are left, on arrays.
    """

    def __init__(self, program: Any, source: str, operations: tuple[int, int]) -> None:
        self.program = program
        self.source = source
        self.operations = operations

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        with numpy.errstate(**STRICT):
            result: tuple[Any, Any] = self.program(p, 1.0 / n, *columns)
            return result

    def quietly(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, come what may."""
        with numpy.errstate(all="ignore"):
            result: tuple[Any, Any] = self.program(p, 1.0 / n, *columns)
            return result


class InPlace(Function):
    """A function that runs in arrays of an earlier run, a block of rows at a time."""

    def __init__(
        self, program: Any, source: str, operations: tuple[int, int], prepare: Any, blocks: bool
    ) -> None:
        super().__init__(program, source, operations)
        self.prepare = prepare
        self.blocks = blocks
        self.ready: dict[int, list[Any]] = {}

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        if n > BLOCK and self.blocks:
            value, gradient = 0.0, None
            for begin in range(0, n, BLOCK):
                block = [column[begin : begin + BLOCK] for column in columns]
                part, slopes = self.run(p, block, min(BLOCK, n - begin), 1.0 / n)
                value += part
                if slopes is not None:
                    gradient = slopes if gradient is None else gradient + slopes
        else:
            value, gradient = self.run(p, columns, n, 1.0 / n)
        if not isfinite(value):
            raise FloatingPointError
        return value, gradient

    def run(self, p: Any, columns: list[Any], n: int, weight: float) -> tuple[Any, Any]:
        """Run in arrays that nobody runs in now."""
        ready = self.ready.get(n)
        if ready is None:
            if len(self.ready) >= MOST_SIZES:
                self.ready.clear()
            ready = self.ready.setdefault(n, [])
        try:
            run = ready.pop()
        except IndexError:
            # A context of its own holds NumPy's switches: setting them anew would take longer.
            context = copy_context()
            context.run(numpy.seterr, **STRICT)
            run = partial(context.run, self.prepare(n))
        try:
            result: tuple[Any, Any] = run(p, weight, *columns)
        finally:
            ready.append(run)
        return result


class Jitted(Function):
    """A function under ``jax.jit``."""

    def __init__(self, program: Any, source: str, operations: tuple[int, int]) -> None:
        import jax

        super().__init__(jax.jit(program), source, operations)

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        import jax.numpy

        value, gradient = self.quietly(p, columns, n)
        for result in (value, gradient):
            if result is not None and not bool(jax.numpy.isfinite(result).all()):
                raise FloatingPointError
        return value, gradient

    def quietly(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, come what may."""
        result: tuple[Any, Any] = self.program(p, 1.0 / n, *columns)
        return result


KEPT: OrderedDict[Hashable, Function] = OrderedDict()


def function_of(task: Task, xp: ModuleType) -> Function:
    """The function for a task: made, or found where a graph of the same structure came before."""
    order = topological_order(task.root)
    key = (structure(task, order), xp) if len(order) <= MOST_STEPS else None
    function = KEPT.get(key)
    if function is None:
        function = made(task, xp)
    if key is not None:
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


def made(task: Task, xp: ModuleType) -> Function:
    """Lower, write and compile."""
    root, columns, is_matrix, wrt, slopes, rows = task
    functional = xp.__name__.partition(".")[0] == "jax"
    leaves = [leaf for column in columns for leaf in column]
    rows = rows and bool(leaves)
    # One result for each row: then each has parameters of its own, and a gradient.
    of_the_batch, fixed = ([*leaves, *wrt], []) if rows else (leaves, wrt)
    (result,), nodes, before = nodes_of([root], of_the_batch, fixed)
    parameters = Array("p", rows, len(wrt), True)
    places = {nodes[leaf]: Place(parameters, k) for k, leaf in enumerate(wrt)}
    arguments: list[Array] = []
    for k, (column, matrix) in enumerate(zip(columns, is_matrix)):
        label = column[0].label if len(column) == 1 else ""
        taken = {array.name for array in arguments} | RESERVED
        usable = is_name(label) and label not in taken and not not_allowed(label)
        array = Array(
            label if usable else f"batch{k}", True, len(column) if matrix else None, False
        )
        arguments.append(array)
        for lane, leaf in enumerate(column):
            places[nodes[leaf]] = Place(array, lane if matrix else None)
    lowering = Lowering(places, [result])
    place = lowering.places[result] if isinstance(result, Node) else float(result)
    writer = Writer(lowering.steps, place, parameters, rows, functional)
    writer.forward()
    writer.value()
    if slopes:
        writer.backward()
    n = f"n = {arguments[0].name}.shape[0]" if arguments else "n = 1"
    body = needed([n, *writer.lines, f"return value, {'gradient' if slopes else 'None'}"])
    names = ["p", "weight", *[array.name for array in arguments]]
    lines = "\n".join(body).replace("\n", "\n    ")
    source = f"def program({', '.join(names)}):\n    {lines}\n"
    known = {"xp": xp, "ignoring": ignoring, "certain": certain, **writer.constants}
    program = compiled(source, known, "program")
    operations = before, len(lowering.steps)
    if functional:
        return Jitted(program, source, operations)
    if rows:
        return Function(program, source, operations)
    shapes = {step.output.name: shape_of(step.output) for step in lowering.steps}
    given = {"p": shape_of(parameters), "weight": (), **{a.name: shape_of(a) for a in arguments}}
    in_place = Buffers(body, given, writer.constants, shapes).source
    prepare = compiled(in_place, known | namespace(), "prepare")
    blocks = isinstance(result, Node) and result.batched
    return InPlace(program, source, operations, prepare, blocks)


def compiled(source: str, known: dict[str, Any], name: str) -> Callable[..., Any]:
    """A function made of its source."""
    exec(compile(source, "<compiled graph>", "exec"), known)  # made of rows  # nosec B102
    function: Callable[..., Any] = known[name]
    return function


def is_name(label: str) -> bool:
    """Whether a label may name an argument."""
    return label.isidentifier() and label.isascii() and not label.startswith("_")


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
