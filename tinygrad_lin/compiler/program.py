"""Programs: a graph that is recorded once runs many times, on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy
from numpy import float64

from tinygrad_lin._operands import to_float
from tinygrad_lin.compiler.cache import executable_for
from tinygrad_lin.compiler.executables import Executable, InPlaceExecutable
from tinygrad_lin.compiler.strategy import Task
from tinygrad_lin.errors import DataError, DomainError, OperandError, short_repr
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


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
        wrt: the leaves to differentiate with respect to; by default, all others with a label.
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
    if not isinstance(output, Value) and not hasattr(output, "__iter__"):
        raise not_a_value_error(output)
    outputs: list[Value] = [output] if isinstance(output, Value) else list(output)
    columns = [[entry] if isinstance(entry, Value) else list(entry) for entry in batch]
    leaves = [leaf for column in columns for leaf in column]
    for value in (*outputs, *leaves, *(wrt or ())):
        if not isinstance(value, Value):
            raise not_a_value_error(value)
    if not outputs:
        raise DataError("there is no output to compute")
    if wrt is None:
        order = dict.fromkeys(node for root in outputs for node in topological_order(root))
        given = set(leaves)
        wrt = [n for n in order if n.operation is None and n.label and n not in given]
    require_distinct_leaves([*leaves, *wrt])
    return Program(outputs, columns, [not isinstance(e, Value) for e in batch], list(wrt), xp)


def not_a_value_error(thing: object) -> OperandError:
    """The error that something in the place of a Value is none."""
    return OperandError(f"programs are made of Values, not of {short_repr(thing)}")


def require_distinct_leaves(values: list[Value]) -> None:
    """Raise a DataError unless the leaves of the batch and of wrt are leaves, each given once."""
    for value in values:
        if value.operation is not None:
            raise DataError(f"{value!r} is the result of {value.op}, not a leaf")
    if len(set(values)) < len(values):
        raise DataError("a leaf is given twice, in the batch or in wrt")


class Program:
    """A compiled graph; made by :func:`compile_graph`."""

    def __init__(
        self,
        outputs: list[Value],
        columns: list[list[Value]],
        is_matrix: list[bool],
        wrt: list[Value],
        xp: ModuleType,
    ) -> None:
        self._outputs = outputs
        self._columns = columns
        self._is_matrix = is_matrix
        self._wrt = wrt
        self._xp = xp
        self._row_shapes = [(len(c),) if matrix else () for c, matrix in zip(columns, is_matrix)]
        self._latest_shapes: tuple[tuple[int, ...], ...] = ()
        self._executables: dict[tuple[int, bool, bool], Executable] = {}
        self._executable(0, True, False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the graph: the program is compiled again where it arrives."""
        graph = self._outputs, self._columns, self._is_matrix, self._wrt
        return compile_again, (graph, self._xp.__name__)

    def value(self, params: ArrayLike, *batch: ArrayLike) -> Any:
        """The output, averaged over the batch."""
        return self._run(0, params, batch, with_gradient=False)[0]

    def value_and_grad(self, params: ArrayLike, *batch: ArrayLike) -> tuple[Any, NDArray[float64]]:
        """The output and its gradient with respect to wrt, both averaged over the batch.

        Raises:
            DomainError: an operand lies outside an operation's domain; the message names the
                operation, the label and the row.
            DataError: an array has the wrong shape, or no row.
        """
        return self._run(0, params, batch)

    def values(self, params: ArrayLike, *batch: ArrayLike) -> Any:
        """All outputs: an array of (outputs,), or of (rows, outputs) for a batch."""
        found = [
            self._run(k, params, batch, with_gradient=False, per_row=True)[0]
            for k in range(len(self._outputs))
        ]
        return self._xp.stack(found, -1)

    def jacobian(self, params: ArrayLike, *batch: ArrayLike) -> Any:
        """The derivatives of all outputs: (outputs, wrt), or (rows, outputs, wrt) for a batch."""
        found = [self._run(k, params, batch, per_row=True)[1] for k in range(len(self._outputs))]
        return self._xp.stack(found, -2)

    @property
    def source(self) -> str:
        """The program as Python."""
        return self._executable(0, True, False).source

    def describe(self) -> str:
        """What became of the graph, in words."""
        executable = self._executable(0, True, False)
        before, after = executable.operations
        products = self.source.count("# a matrix product")
        found = f", {products} of them matrix products" if products else ""
        return f"{before:,} scalar operations became {after:,} {executable.how}{found}"

    def _executable(self, which: int, with_gradient: bool, per_row: bool) -> Executable:
        """The executable for one output, made when first needed."""
        key = which, with_gradient, per_row
        if key not in self._executables:
            task = Task(self._outputs[which], self._columns, self._is_matrix, self._wrt, *key[1:])
            self._executables[key] = executable_for(task, self._xp)
        return self._executables[key]

    def _run(
        self,
        which: int,
        params: ArrayLike,
        batch: tuple[ArrayLike, ...],
        with_gradient: bool = True,
        per_row: bool = False,
    ) -> tuple[Any, Any]:
        """One output and its gradient."""
        executable = self._executables.get((which, with_gradient, per_row))
        if executable is None:
            executable = self._executable(which, with_gradient, per_row)
        p = self._xp.asarray(params, float)
        columns = [self._xp.asarray(given) for given in batch]
        shapes = p.shape, *[column.shape for column in columns]
        if shapes != self._latest_shapes:
            self._require_shapes(*shapes)
            self._latest_shapes = shapes
        n = shapes[1][0] if columns else 1
        if per_row and columns:
            p = self._xp.broadcast_to(p, (n, len(self._wrt)))
        try:
            # One that runs in blocks converts block by block: all at once may not fit into memory.
            if isinstance(executable, InPlaceExecutable):
                return executable(p, columns, n)
            return executable(p, self._floats(columns), n)
        except FloatingPointError:
            pass  # An error raised below would keep this one, and this one the graph.
        for row in range(n):
            root, leaves = self._record(which, params, columns, row)
        if columns:
            return executable.run_quietly(p, self._floats(columns), n)
        root.backward()
        return root.data, numpy.array([leaf.grad for leaf in leaves])

    def _floats(self, columns: list[Any]) -> list[Any]:
        """Arrays of float64."""
        return [self._xp.asarray(column, float) for column in columns]

    def _require_shapes(self, parameters: tuple[int, ...], *columns: tuple[int, ...]) -> None:
        """Raise a DataError unless the parameters and the batch have the right shapes."""
        if parameters != (len(self._wrt),):
            raise DataError(f"there are {len(self._wrt)} parameters, not an array of {parameters}")
        if len(columns) != len(self._columns):
            raise DataError(f"the batch has {len(self._columns)} arrays, not {len(columns)}")
        for k, (shape, row) in enumerate(zip(columns, self._row_shapes)):
            if shape[1:] != row or not shape or shape[0] != columns[0][0]:
                wanted = f"(rows, {row[0]})" if row else "(rows,)"
                raise DataError(
                    f"array {k} of the batch must have the shape {wanted}, as many rows as the "
                    f"others; the shapes are {', '.join(map(str, columns))}"
                )
        if columns and columns[0][0] == 0:
            raise DataError("the batch is empty: there must be at least one row")

    def _record(
        self, which: int, params: ArrayLike, columns: list[Any], row: int
    ) -> tuple[Value, list[Value]]:
        """Record the graph for one row of the batch: its output and its parameters.

        Raises:
            DomainError: an operation has no value in this row.
        """
        data = dict(zip(self._wrt, numpy.asarray(params, dtype=float).tolist()))
        for leaves, array, matrix in zip(self._columns, columns, self._is_matrix):
            numbers = numpy.asarray(array[row], dtype=float)
            data |= dict(zip(leaves, numbers.tolist() if matrix else [float(numbers)]))
        try:
            again = record_again(self._outputs[which], data)
        except DomainError as error:
            if columns:
                error.args = (f"row {row} of the batch: {error}",)
            raise
        return again[self._outputs[which]], [again.get(leaf, Value(0.0)) for leaf in self._wrt]


def compile_again(graph: tuple[Any, Any, Any, Any], xp: str) -> Program:
    """A program that was pickled or copied."""
    return Program(*graph, import_module(xp))


def record_again(root: Value, data: dict[Value, float]) -> dict[Value, Value]:
    """Record the same operations on other data: for each Value the new one."""
    made: dict[Value, Value] = {}
    for node in topological_order(root):
        operation = node.operation
        if operation is None:
            made[node] = Value(to_float(data.get(node, node.data)), node.label)
            continue
        operands = [made[o] if isinstance(o, Value) else o for o in node.operands]
        result = made[node] = FUNCTIONS[operation.name](*operation.grouped(operands))
        result.label = node.label
    return made
