"""The functions of a program: written, compiled, and kept for graphs of the same structure."""

from __future__ import annotations

import math
import warnings
from collections import OrderedDict
from contextvars import copy_context
from functools import partial
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from tinygrad_lin.compiler.buffers import Buffers, namespace
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

IN_CACHE = 100_000  # numbers at a time: they stay in the processor's cache
FEWEST_ROWS = 1024  # at a time: fewer would not be worth a call
MOST_STEPS = 2_000  # that one function has
FEW = 200  # operations that read well with names
FEWEST_TOGETHER = 8  # that are worth an operation on arrays
WORTH_GATHERING = 256  # operations of a kind: fewer are quicker one by one
MOST_NUMBERS = 8_000_000  # to hold at once
MOST_KEPT = 64  # functions, for graphs to come
MOST_COMPARED = 20_000  # operations of a graph that is looked up
MOST_SIZES = 8  # of batches that a function keeps arrays for
STRICT: Any = {"divide": "raise", "invalid": "raise", "over": "raise", "under": "ignore"}


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
        how: what became of the operations, in words.
        source: its text.
        operations: how many there were in the graph, and how many are left, on arrays.
    """

    how = "on arrays"

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
        self, program: Any, source: str, operations: tuple[int, int], prepare: Any, block: float
    ) -> None:
        super().__init__(program, source, operations)
        self.prepare = prepare
        self.block = block
        self.ready: dict[int, list[Any]] = {}

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        if n > self.block:
            value, gradient = 0.0, None
            size = math.ceil(n / math.ceil(n / self.block))
            for begin in range(0, n, size):
                block = [numpy.asarray(column[begin : begin + size], float) for column in columns]
                part, slopes = self.run(p, block, min(size, n - begin), 1.0 / n)
                value += part
                if slopes is not None:
                    gradient = slopes if gradient is None else gradient + slopes
        else:
            columns = [numpy.asarray(column, float) for column in columns]
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


class Gathered(Function):
    """A function on one array of all values."""

    how = "on arrays, each of many of a kind"


class Scalars(Function):
    """A function on Python's numbers, one by one."""

    how = "on numbers, one after the other"

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        try:
            value, slopes = self.program(p.tolist(), 1.0)
        except (ArithmeticError, ValueError):
            raise FloatingPointError from None
        return value, slopes and numpy.array(slopes)


class Columns(Function):
    """A function on columns, one operation at a time, for some rows at a time."""

    how = "on columns, one after the other"

    def __init__(
        self, program: Any, source: str, operations: tuple[int, int], size: int, rows: bool
    ) -> None:
        super().__init__(program, source, operations)
        self.block = max(1, MOST_NUMBERS // size)
        self.rows = rows

    def __call__(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, and notice what may be wrong."""
        with numpy.errstate(**STRICT):
            return self.run(p, columns, n)

    def quietly(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run, come what may."""
        with numpy.errstate(all="ignore"):
            return self.run(p, columns, n)

    def run(self, p: Any, columns: list[Any], n: int) -> tuple[Any, Any]:
        """Run block by block."""
        values, gradients = [], []
        for begin in range(0, n, self.block):
            part = slice(begin, begin + self.block)
            count = len(columns[0][part])
            value, slopes = self.program(
                p[part].T if self.rows else p, 1.0, *[column[part] for column in columns]
            )
            values.append(numpy.broadcast_to(value, count))
            if slopes is not None:
                gradients.append(numpy.array([numpy.broadcast_to(d, count) for d in slopes]).T)
        every = numpy.concatenate(values)
        gradient = numpy.concatenate(gradients) if gradients else None
        if self.rows:
            return every, gradient
        return every.mean(), None if gradient is None else gradient.mean(0)


class Jitted(Function):
    """A function under ``jax.jit``."""

    how = "on arrays, under jax.jit"

    def __init__(self, program: Any, source: str, operations: tuple[int, int]) -> None:
        import jax

        super().__init__(jax.jit(program), source, operations)
        if not jax.config.jax_enable_x64:
            warnings.warn(
                "JAX computes in float32 here; for the numbers of NumPy set "
                'jax.config.update("jax_enable_x64", True) first',
                stacklevel=6,
            )

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
    key = (structure(task, order), xp) if len(order) <= MOST_COMPARED else None
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
    order = [node for node in reachable([result]) if node.row is not None]
    parameters = Array("p", rows, len(wrt), True)
    places = {nodes[leaf]: Place(parameters, k) for k, leaf in enumerate(wrt)}
    names = Names()
    arguments: list[Array] = []
    for k, (column, matrix) in enumerate(zip(columns, is_matrix)):
        label = column[0].label if len(column) == 1 else ""
        name = names.new(label, "batch") if is_name(label) else f"batch{k}"
        arguments.append(Array(name, True, len(column) if matrix else None, False))
        for lane, leaf in enumerate(column):
            places[nodes[leaf]] = Place(arguments[-1], lane if matrix else None)
    lowering = Lowering(places, [result])
    known = {"xp": xp, "ignoring": ignoring, "certain": certain}
    if not functional:
        learned = [nodes[leaf] for leaf in wrt]
        irregular = FEWEST_TOGETHER * len(lowering.steps) > len(order)
        alone = all(step.output.width is None for step in lowering.steps)
        if not columns and (alone or irregular) and isinstance(result, Node):
            wide = Groups(order, learned)
            if WORTH_GATHERING * len(wide.groups) <= len(order):
                source = wide.program(result, slopes)
                program = compiled(source, known | FOR_GATHERED | wide.constants)
                return Gathered(program, source, (before, len(wide.groups)))
            if len(order) <= FEW and alone:
                source = Straight(order, result, learned, [], Names(dir(math))).in_variables(slopes)
                return Scalars(compiled(source, vars(math).copy()), source, (before, len(order)))
            if len(order) > FEW:
                sources = Straight(order, result, learned, []).in_lists(slopes)
                program = compiled_in_parts(sources, vars(math).copy())
                return Scalars(program, "\n".join(sources), (before, len(order)))
        if len(lowering.steps) > MOST_STEPS:
            of_arguments = [
                (array.name, [nodes[leaf] for leaf in column] if matrix else nodes[column[0]])
                for array, column, matrix in zip(arguments, columns, is_matrix)
            ]
            straight = Straight(order, result, learned, of_arguments)
            sources = straight.in_lists(slopes)
            program = compiled_in_parts(sources, known)
            operations = before, len(order)
            return Columns(program, "\n".join(sources), operations, straight.size, rows)
    place = lowering.places[result] if isinstance(result, Node) else float(result)
    writer = Writer(lowering.steps, place, parameters, rows, functional)
    writer.forward()
    writer.value()
    if slopes:
        writer.backward()
    n = f"n = {arguments[0].name}.shape[0]" if arguments else "n = 1"
    body = needed([n, *writer.lines, f"return value, {'gradient' if slopes else 'None'}"])
    called = ["p", "weight", *[array.name for array in arguments]]
    lines = "\n".join(body).replace("\n", "\n    ")
    source = f"def program({', '.join(called)}):\n    {lines}\n"
    program = compiled(source, known | writer.constants)
    operations = before, len(lowering.steps)
    if functional:
        return Jitted(program, source, operations)
    if rows:
        return Function(program, source, operations)
    shapes = {step.output.name: shape_of(step.output) for step in lowering.steps}
    given = {"p": shape_of(parameters), "weight": (), **{a.name: shape_of(a) for a in arguments}}
    buffers = Buffers(body, given, writer.constants, shapes)
    prepare = compiled(buffers.source, known | writer.constants | namespace(), "prepare")
    averaged = isinstance(result, Node) and result.batched
    block = max(IN_CACHE // max(buffers.numbers_in_a_row, 1), FEWEST_ROWS)
    return InPlace(program, source, operations, prepare, block if averaged else math.inf)


def compiled(source: str, known: dict[str, Any], name: str = "program") -> Callable[..., Any]:
    """A function made of its source."""
    exec(compile(source, "<compiled graph>", "exec"), known)
    function: Callable[..., Any] = known[name]
    return function


def compiled_in_parts(sources: list[str], known: dict[str, Any]) -> Callable[..., Any]:
    """The last of several functions, which calls the others."""
    for source in sources:
        exec(compile(source, "<compiled graph>", "exec"), known)
    function: Callable[..., Any] = known["program"]
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
