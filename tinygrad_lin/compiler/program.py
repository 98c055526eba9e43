"""Programs: a graph recorded once, run many times on arrays."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy

from tinygrad_lin.compiler.choosing import Task, function_of
from tinygrad_lin.compiler.functions import Function, InPlace
from tinygrad_lin.errors import DataError, DomainError, OperandError, shown
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import FUNCTIONS
from tinygrad_lin.value import Value, number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

    from numpy import float64
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
    if not isinstance(output, Value) and not hasattr(output, "__iter__"):
        raise OperandError(f"programs are made of Values, not of {shown(output)}")
    outputs: list[Value] = [output] if isinstance(output, Value) else list(output)
    columns = [[entry] if isinstance(entry, Value) else list(entry) for entry in batch]
    is_matrix = [not isinstance(entry, Value) for entry in batch]
    leaves = [leaf for column in columns for leaf in column]
    for value in (*outputs, *leaves, *(wrt or ())):
        if not isinstance(value, Value):
            raise OperandError(f"programs are made of Values, not of {shown(value)}")
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
    return Program(outputs, columns, is_matrix, list(wrt), xp)


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
        self._rows = [(len(c),) if matrix else () for c, matrix in zip(columns, is_matrix)]
        self._fitting: tuple[tuple[int, ...], ...] = ()  # the shapes of the latest call
        self._functions: dict[tuple[int, bool, bool], Function] = {}
        self._function(0, True, False)

    def __reduce__(self) -> tuple[Any, ...]:  # it is compiled again where it arrives
        graph = self._outputs, self._columns, self._is_matrix, self._wrt
        return compiled_again, (graph, self._xp.__name__)

    # ----------------------------------------------------------------------- what a user calls
    def value(self, params: ArrayLike, *batch: ArrayLike) -> Any:
        """The output, averaged over the batch."""
        return self._run(0, params, batch, slopes=False)[0]

    def value_and_grad(self, params: ArrayLike, *batch: ArrayLike) -> tuple[Any, NDArray[float64]]:
        """The output and its gradient by wrt, both averaged over the batch.

        Raises:
            DomainError: an operation was asked for something outside its domain; the message names
                operation, label and row.
            DataError: arrays of wrong shapes, or without a row.
        """
        return self._run(0, params, batch)

    def values(self, params: ArrayLike, *batch: ArrayLike) -> Any:
        """All outputs: an array of (outputs,), or of (rows, outputs) for a batch."""
        found = [
            self._run(k, params, batch, slopes=False, rows=True)[0]
            for k in range(len(self._outputs))
        ]
        return self._xp.stack(found, -1)

    def jacobian(self, params: ArrayLike, *batch: ArrayLike) -> Any:
        """The derivatives of all outputs: (outputs, wrt), or (rows, outputs, wrt) for a batch."""
        found = [self._run(k, params, batch, rows=True)[1] for k in range(len(self._outputs))]
        return self._xp.stack(found, -2)

    @property
    def source(self) -> str:
        """The program as Python."""
        return self._function(0, True, False).source

    def describe(self) -> str:
        """What became of the graph, in words."""
        function = self._function(0, True, False)
        before, after = function.operations
        products = self.source.count("# a matrix product")
        found = f", {products} of them matrix products" if products else ""
        return f"{before:,} scalar operations became {after:,} {function.how}{found}"

    # ----------------------------------------------------------------------------- how it runs
    def _function(self, which: int, slopes: bool, rows: bool) -> Function:
        """The function for one output, made when first needed."""
        key = which, slopes, rows
        if key not in self._functions:
            task = Task(self._outputs[which], self._columns, self._is_matrix, self._wrt, *key[1:])
            self._functions[key] = function_of(task, self._xp)
        return self._functions[key]

    def _run(
        self,
        which: int,
        params: ArrayLike,
        batch: tuple[ArrayLike, ...],
        slopes: bool = True,
        rows: bool = False,
    ) -> tuple[Any, Any]:
        function = self._functions.get((which, slopes, rows)) or self._function(which, slopes, rows)
        p = self._xp.asarray(params, float)
        columns = [self._xp.asarray(given) for given in batch]
        shapes = p.shape, *[column.shape for column in columns]
        if shapes != self._fitting:
            self._fitting = self._looked_at(shapes)
        n = shapes[1][0] if columns else 1
        if rows and columns:
            p = self._xp.broadcast_to(p, (n, len(self._wrt)))
        try:
            # What runs in blocks of rows turns them into floats by itself, so that all never are.
            if isinstance(function, InPlace):
                return function(p, columns, n)
            return function(p, self._floats(columns), n)
        except FloatingPointError:
            pass  # what follows would keep it, and it would keep the graph
        for row in range(n):
            root, found = self._recorded(which, params, columns, row)
        if columns:
            return function.quietly(p, self._floats(columns), n)
        root.backward()
        return root.data, numpy.array([leaf.grad for leaf in found])

    def _floats(self, columns: list[Any]) -> list[Any]:
        """Arrays as those of float64."""
        return [self._xp.asarray(column, float) for column in columns]

    def _looked_at(self, shapes: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
        """The shapes of the parameters and of the batch, if the program takes them.

        Raises:
            DataError: it does not.
        """
        parameters, *columns = shapes
        if parameters != (len(self._wrt),):
            raise DataError(f"there are {len(self._wrt)} parameters, not an array of {parameters}")
        if len(columns) != len(self._columns):
            raise DataError(f"the batch has {len(self._columns)} arrays, not {len(columns)}")
        for k, (shape, row) in enumerate(zip(columns, self._rows)):
            if shape[1:] != row or not shape or shape[0] != columns[0][0]:
                wanted = f"(rows, {row[0]})" if row else "(rows,)"
                raise DataError(
                    f"array {k} of the batch must have the shape {wanted}, as many rows as the "
                    f"others; the shapes are {', '.join(map(str, columns))}"
                )
        if columns and columns[0][0] == 0:
            raise DataError("the batch is empty: there must be at least one row")
        return shapes

    def _recorded(
        self, which: int, params: ArrayLike, columns: list[Any], row: int
    ) -> tuple[Value, list[Value]]:
        """The output for one row of the batch with Values, and what it depends on.

        Raises:
            DomainError: an operation, with its operands, in this row.
        """
        data = dict(zip(self._wrt, numpy.asarray(params, dtype=float).tolist()))
        for leaves, array, matrix in zip(self._columns, columns, self._is_matrix):
            numbers = numpy.asarray(array[row], dtype=float)
            data |= dict(zip(leaves, numbers.tolist() if matrix else [float(numbers)]))
        try:
            again = recorded_again(self._outputs[which], data)
        except DomainError as error:
            if columns:
                error.args = (f"row {row} of the batch: {error}",)
            raise
        return again[self._outputs[which]], [again.get(leaf, Value(0.0)) for leaf in self._wrt]


def compiled_again(graph: tuple[Any, Any, Any, Any], xp: str) -> Program:
    """A program that was pickled or copied."""
    return Program(*graph, import_module(xp))


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
