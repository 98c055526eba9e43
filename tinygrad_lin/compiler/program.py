"""Programs: a graph recorded once, run many times on arrays."""

from __future__ import annotations

from contextvars import copy_context
from functools import partial
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.compiler.buffers import Buffers
from tinygrad_lin.compiler.buffers import namespace as in_place
from tinygrad_lin.compiler.lowering import Array, Lowering, Place, not_allowed
from tinygrad_lin.compiler.nodes import Node, nodes_of
from tinygrad_lin.compiler.source import Writer, needed
from tinygrad_lin.errors import DataError, DomainError, OperandError
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.value import Value, number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from numpy import float64
    from numpy.typing import ArrayLike, NDArray

BLOCK = 8192  # rows at a time: what they need stays in the processor's cache
MOST_STEPS = 20_000  # that Python still compiles soon


def compile_graph(
    output: Value | Sequence[Value],
    batch: Sequence[Value | Sequence[Value]] = (),
    wrt: Sequence[Value] | None = None,
    xp: ModuleType = numpy,
) -> Program:
    """Make a program of a recorded graph: the same computation on arrays.

    Args:
        output: the Value to compute, such as the cost of one example, or several of them.
        batch: leaves that have a column of numbers each, or lists of leaves that have a matrix.
        wrt: the leaves that derivatives are taken by; all others that have a label if not given.
        xp: NumPy, or a namespace that speaks its language, such as jax.numpy.

    Raises:
        OperandError: the output, or what should be a leaf, is not a Value.
        DataError: a leaf of the batch or of wrt is no leaf, or given twice.

    >>> x, y, w, b = Value(0.0, "x"), Value(0.0, "y"), Value(1.0, "w"), Value(0.0, "b")
    >>> program = compile_graph((w * x + b - y) ** 2 / 2, batch=(x, y), wrt=[w, b])
    >>> cost, gradient = program.value_and_grad([1.0, 0.0], [2.0, 4.0], [19.0, 35.0])
    >>> float(cost), gradient.tolist()
    (312.5, [-79.0, -24.0])
    """
    single = isinstance(output, Value)
    if not isinstance(output, Value) and not hasattr(output, "__iter__"):
        raise OperandError(f"programs are made of Values, not of {output!r:.60}")
    outputs: list[Value] = [output] if isinstance(output, Value) else list(output)
    columns = [[entry] if isinstance(entry, Value) else list(entry) for entry in batch]
    is_matrix = [not isinstance(entry, Value) for entry in batch]
    leaves = [leaf for column in columns for leaf in column]
    for value in (*outputs, *leaves, *(wrt or ())):
        if not isinstance(value, Value):
            raise OperandError(f"programs are made of Values, not of {value!r:.60}")
    if not outputs:
        raise DataError("there is no output to compute")
    if wrt is None:
        order = dict.fromkeys(node for root in outputs for node in topological_order(root))
        given = set(leaves)
        wrt = [n for n in order if n.operation is None and n.label and n not in given]
    named = [*leaves, *wrt]
    for leaf in named:
        if leaf.operation is not None:
            raise DataError(f"{leaf!r} is the result of {leaf.op}, not a leaf")
    if len(set(named)) < len(named):
        raise DataError("a leaf is given twice, in the batch or in wrt")
    return Program(outputs, single, columns, is_matrix, list(wrt), xp)


class Program:
    """A compiled graph; made by :func:`compile_graph`."""

    def __init__(
        self,
        outputs: list[Value],
        single: bool,
        columns: list[list[Value]],
        is_matrix: list[bool],
        wrt: list[Value],
        xp: ModuleType,
    ) -> None:
        self._outputs = outputs
        self._single = single
        self._columns = columns
        self._is_matrix = is_matrix
        self._wrt = wrt
        self._xp = xp
        self._functional = xp.__name__.partition(".")[0] == "jax"
        self._functions: dict[str, Any] = {}
        self._batched: dict[str, bool] = {}
        self._sources: dict[str, str] = {}
        self._prepare: dict[str, Any] = {}
        self._ready: dict[tuple[str, int], list[Any]] = {}
        self._operations = (0, 0)
        self._make("value_and_grad", 0, True, False)

    # ----------------------------------------------------------------------- what a user calls
    def value(self, params: ArrayLike, *batch: ArrayLike) -> Any:
        """The output, averaged over the batch."""
        return self._run("value", 0, False, params, batch)[0]

    def value_and_grad(self, params: ArrayLike, *batch: ArrayLike) -> tuple[Any, NDArray[float64]]:
        """The output and its gradient by wrt, both averaged over the batch.

        Raises:
            DomainError: an operation was asked for something outside its domain; the message names
                operation, label and row.
            DataError: arrays of wrong shapes, or without a row.
        """
        value, gradient = self._run("value_and_grad", 0, True, params, batch)
        return value, gradient

    def values(self, params: ArrayLike, *batch: ArrayLike) -> Any:
        """All outputs: an array of (outputs,), or of (rows, outputs) for a batch."""
        found = [
            self._run(f"values{k}", k, False, params, batch, rows=True)[0]
            for k in range(len(self._outputs))
        ]
        return self._xp.stack(found, -1)

    def jacobian(self, params: ArrayLike, *batch: ArrayLike) -> Any:
        """The derivatives of all outputs: (outputs, wrt), or (rows, outputs, wrt) for a batch."""
        found = [
            self._run(f"jacobian{k}", k, True, params, batch, rows=True)[1]
            for k in range(len(self._outputs))
        ]
        return self._xp.stack(found, -2)

    @property
    def source(self) -> str:
        """The program as Python."""
        return self._sources["value_and_grad"]

    def describe(self) -> str:
        """What became of the graph, in words."""
        before, after = self._operations
        if self.source.startswith("# recorded anew"):
            return f"{before:,} scalar operations, recorded anew for every row"
        products = self.source.count("# a matrix product")
        found = f", {products} of them matrix products" if products else ""
        return f"{before:,} scalar operations became {after:,} on arrays{found}"

    # --------------------------------------------------------------------------- how it is made
    def _make(self, name: str, which: int, slopes: bool, rows: bool) -> None:
        """Lower, write and compile one function: (params, weight, batch...) -> value, gradient."""
        leaves = [leaf for column in self._columns for leaf in column]
        results, nodes, before = nodes_of([self._outputs[which]], leaves, self._wrt)
        parameters = Array("p", rows and bool(leaves), len(self._wrt), True)
        places: dict[Node, Place] = {}
        taken = {"p"}
        arguments = []
        for leaf, k in zip(self._wrt, range(len(self._wrt))):
            places[nodes[leaf]] = Place(parameters, k)
            nodes[leaf].batched = parameters.batched
        if parameters.batched:  # then all that depends on them has a row for each example
            results, nodes, before = nodes_of([self._outputs[which]], [*leaves, *self._wrt], [])
            places = {nodes[leaf]: Place(parameters, k) for k, leaf in enumerate(self._wrt)}
        for k, (column, matrix) in enumerate(zip(self._columns, self._is_matrix)):
            label = column[0].label if len(column) == 1 else ""
            usable = label.isidentifier() and label.isascii() and label not in taken | RESERVED
            usable = usable and not not_allowed(label)
            argument = label if usable else f"batch{k}"
            taken.add(argument)
            arguments.append(argument)
            array = Array(argument, True, len(column) if matrix else None, False)
            for lane, leaf in enumerate(column):
                places[nodes[leaf]] = Place(array, lane if matrix else None)
        lowering = Lowering(places, results)
        self._batched[name] = any(isinstance(r, Node) and r.batched for r in results)
        if len(lowering.steps) > MOST_STEPS:
            self._by_rows(name, which, rows, before)
            return
        (root,) = results
        result = lowering.places[root] if isinstance(root, Node) else float(root)
        writer = Writer(lowering.steps, result, parameters, self._functional)
        writer.forward()
        writer.value(rows and bool(leaves))
        if slopes:
            writer.backward()
        n = f"n = {arguments[0]}.shape[0]" if arguments else "n = 1"
        body = needed([n, *writer.lines, f"return value, {'gradient' if slopes else 'None'}"])
        lines = "\n".join(body).replace("\n", "\n    ")
        source = f"def program({', '.join(['p', 'weight', *arguments])}):\n    {lines}\n"
        namespace: dict[str, Any] = {"xp": self._xp, "ignoring": ignoring, **writer.constants}
        exec(compile(source, "<compiled graph>", "exec"), namespace)
        function = namespace["program"]
        if self._functional:
            import jax

            function = jax.jit(function)
        self._functions[name] = function
        self._sources[name] = source
        if not self._functional and not rows:
            arguments_of = [place.array for place in places.values() if place.array.batched]
            shapes = {array.name: shape_in_memory(array) for array in arguments_of}
            steps = {step.output.name: shape_in_memory(step.output) for step in lowering.steps}
            taken_with = {"p": (len(self._wrt),), "weight": (), **{a: shapes[a] for a in arguments}}
            source = Buffers(body, taken_with, writer.constants, steps).source
            self._sources[f"{name} in place"] = source
            namespace |= in_place()
            exec(compile(source, "<compiled graph in place>", "exec"), namespace)
            self._prepare[name] = namespace["prepare"]
        if name == "value_and_grad":
            self._operations = (before, len(lowering.steps))

    def _by_rows(self, name: str, which: int, rows: bool, operations: int) -> None:
        """A function that records the graph anew for every row, where no program can be made."""
        root = self._outputs[which]

        def function(p: Any, weight: float, *columns: Any) -> tuple[Any, Any]:
            count = len(columns[0]) if columns else 1
            values, slopes = numpy.empty(count), numpy.empty((count, len(self._wrt)))
            for row in range(count):
                parameters = p[row] if rows and columns else p
                again = recorded_again(root, self._row(row, parameters, columns))
                again[root].backward()
                values[row] = again[root].data
                slopes[row] = [again[w].grad if w in again else 0.0 for w in self._wrt]
            if rows and columns:
                return values, slopes
            return values.sum() * weight, (slopes * weight).sum(0)

        self._functions[name] = function
        self._sources[name] = "# recorded anew for every row\n"
        self._operations = (operations, operations)

    def _row(self, row: int, parameters: Any, columns: Sequence[Any]) -> dict[Value, float]:
        """What the leaves hold in a row of the batch."""
        data = dict(zip(self._wrt, numpy.asarray(parameters, dtype=float).tolist()))
        for column, array, matrix in zip(self._columns, columns, self._is_matrix):
            numbers = numpy.asarray(array[row], dtype=float)
            data |= dict(zip(column, numbers.tolist() if matrix else [float(numbers)]))
        return data

    # ----------------------------------------------------------------------------- how it runs
    def _run(
        self,
        name: str,
        which: int,
        slopes: bool,
        params: ArrayLike,
        batch: tuple[ArrayLike, ...],
        rows: bool = False,
    ) -> tuple[Any, Any]:
        if name not in self._functions:
            self._make(name, which, slopes, rows)
        p, columns, n = self._arrays(params, batch)
        function = self._functions[name]
        if self._functional:
            weight = 1.0 if rows or n is None else 1.0 / n
            if rows and n is not None:
                p = self._xp.broadcast_to(p, (n, len(self._wrt)))
            value, gradient = function(p, weight, *columns)
            if not bool(self._xp.isfinite(self._xp.asarray(value)).all()):
                self._explain(which, params, columns, n)
            return value, gradient
        weight = 1.0 if rows or n is None else 1.0 / n
        if rows and n is not None:
            p = numpy.broadcast_to(p, (n, len(self._wrt)))
        blocks = n is not None and n > BLOCK and not rows and self._batched[name]
        try:
            if name in self._prepare:
                value, gradient = (
                    self._blocks(name, p, weight, columns)
                    if blocks
                    else self._in_place(name, n or 1, p, weight, columns)
                )
                if isfinite(value):
                    return value, gradient
                raise FloatingPointError
            with numpy.errstate(**STRICT):
                found: tuple[Any, Any] = function(p, weight, *columns)
                return found
        except FloatingPointError:
            self._explain(which, params, columns, n)
        with numpy.errstate(all="ignore"):
            result: tuple[Any, Any] = function(p, weight, *columns)
            return result

    def _in_place(
        self, name: str, n: int, p: NDArray[float64], weight: float, columns: list[Any]
    ) -> tuple[Any, Any]:
        """Run in arrays of an earlier run, if there are any that nobody runs in now."""
        ready = self._ready.setdefault((name, n), [])
        try:
            run = ready.pop()
        except IndexError:
            context = copy_context()
            context.run(numpy.seterr, **STRICT)
            run = partial(context.run, self._prepare[name](n))
        try:
            found: tuple[Any, Any] = run(p, weight, *columns)
        finally:
            ready.append(run)
        return found

    def _blocks(
        self, name: str, p: NDArray[float64], weight: float, columns: list[Any]
    ) -> tuple[Any, Any]:
        """The sum over blocks of rows."""
        value, gradient = 0.0, None
        for begin in range(0, len(columns[0]), BLOCK):
            block = [column[begin : begin + BLOCK] for column in columns]
            part, slopes = self._in_place(name, len(block[0]), p, weight, block)
            value += part
            if slopes is not None:
                gradient = slopes if gradient is None else gradient + slopes
        return value, gradient

    def _arrays(
        self, params: ArrayLike, batch: tuple[ArrayLike, ...]
    ) -> tuple[Any, list[Any], int | None]:
        """What was given as arrays of float64, of the shapes that the program takes."""
        xp = self._xp
        p = xp.asarray(params, dtype=float)
        if p.shape != (len(self._wrt),):
            raise DataError(f"there are {len(self._wrt)} parameters, not an array of {p.shape}")
        if len(batch) != len(self._columns):
            raise DataError(f"the batch has {len(self._columns)} arrays, not {len(batch)}")
        columns = [xp.asarray(given, dtype=float) for given in batch]
        n = columns[0].shape[0] if columns and columns[0].ndim else None
        for k, (array, column, matrix) in enumerate(zip(columns, self._columns, self._is_matrix)):
            wanted = f"(rows, {len(column)})" if matrix else "(rows,)"
            fits = array.ndim == 1 + matrix and (not matrix or array.shape[1] == len(column))
            if not fits or array.shape[0] != n:
                shapes = ", ".join(str(c.shape) for c in columns)
                raise DataError(
                    f"array {k} of the batch must have the shape {wanted}, as many rows as the "
                    f"others; the shapes are {shapes}"
                )
        if n == 0:
            raise DataError("the batch is empty: there must be at least one row")
        return p, columns, n

    def _explain(self, which: int, params: ArrayLike, columns: list[Any], n: int | None) -> None:
        """Go through the rows with Values, to say where a domain was left, if one was.

        Raises:
            DomainError: in this operation, with these operands, in this row.
        """
        for row in range(n if n is not None else 1):
            try:
                recorded_again(self._outputs[which], self._row(row, params, columns))
            except DomainError as error:
                if n is None:
                    raise
                raise DomainError(f"row {row} of the batch: {error}") from None


STRICT: Any = {"divide": "raise", "invalid": "raise", "over": "raise", "under": "ignore"}
RESERVED = {"p", "n", "xp", "weight", "value", "gradient", "ignoring", "program"}


def shape_in_memory(array: Array) -> tuple[int | str, ...]:
    """The length of each axis; "n" is that of the batch."""
    rows: tuple[int | str, ...] = ("n",) if array.batched else ()
    return rows if array.width is None else (*rows, array.width)


def ignoring() -> Any:
    """Let a case that is not chosen overflow."""
    return numpy.errstate(all="ignore")


def recorded_again(root: Value, data: dict[Value, float]) -> dict[Value, Value]:
    """The same operations on other data: for each Value the new one."""
    made: dict[Value, Value] = {}
    for node in topological_order(root):
        row = node.operation
        if row is None:
            made[node] = Value(number(data.get(node, node.data)), node.label)
            continue
        operands = [made[o] if isinstance(o, Value) else o for o in node.operands]
        result = made[node] = FUNCTIONS[row.name](*row.grouped(operands))
        result.label = node.label
    return made
