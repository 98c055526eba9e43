"""The strategy: in which form a graph runs.

Matrix products and lanes of arrays come first; see ``vectorize``. What is too irregular for them
runs as a straight line, or, where it is wide and has no batch, grouped by operation.
"""

from __future__ import annotations

import math
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

from tinygrad_lin.compiler import executables, grouped_by_operation
from tinygrad_lin.compiler.array_forward import ForwardWriter, output_lines
from tinygrad_lin.compiler.array_gradient import GradientWriter
from tinygrad_lin.compiler.dead_code import remove_dead_code
from tinygrad_lin.compiler.executables import Executable, compile_functions
from tinygrad_lin.compiler.grouped_by_operation import GroupedWriter
from tinygrad_lin.compiler.in_place import InPlaceWriter, namespace
from tinygrad_lin.compiler.merge_sums import merge_sums
from tinygrad_lin.compiler.source_text import function_text
from tinygrad_lin.compiler.straight_line import StraightLineWriter
from tinygrad_lin.compiler.trace import Node, trace_graph
from tinygrad_lin.compiler.variable_names import VariableNames, is_name
from tinygrad_lin.compiler.vectorize import Location, Variable, Vectorizer, operations_of
from tinygrad_lin.value import Value

FLOAT_NAMES: dict[str, Any] = {**vars(math), "xp": math}
"""The names in programs on floats; infinities and NaN are those of xp, as in programs on arrays."""

MAX_NAMED_OPERATIONS = 200  # A longer program does not read better with a name for everything.
MIN_LANES = 8  # An instruction on arrays that replaces fewer operations is not worth it.
MIN_GROUP = 256  # Operations in smaller groups are quicker one by one.
MAX_INSTRUCTIONS = 2_000  # A longer program is a straight line, cut into functions.
MAX_BLOCK_NUMBERS = 100_000  # A block of rows with so many numbers stays in the cache.
MAX_COLUMN_NUMBERS = 8_000_000  # A program on columns holds all of them at once.
MIN_BLOCK_ROWS = 1024  # A smaller block would not be worth a call.
MIN_FUSED_ROWS = 32  # With fewer rows, laying biases beside weights takes longer than adding them.


class Task(NamedTuple):
    """What an executable is to compute."""

    output: Value
    columns: list[list[Value]]  # The leaves of each array of the batch.
    is_matrix: list[bool]  # Whether each of these arrays has an axis of leaves.
    wrt: list[Value]  # The parameters, in the order of the gradient.
    with_gradient: bool  # Whether the gradient is wanted, too.
    per_row: bool  # Whether there is a result for each row of the batch, and not their average.


class ExecutableBuilder:
    """Builds the executable of one task."""

    def __init__(self, task: Task, xp: ModuleType) -> None:
        self.with_gradient: bool = task.with_gradient
        leaves = [leaf for column in task.columns for leaf in column]
        self.per_row: bool = task.per_row and bool(leaves)
        # With a result for each row, each row has its own parameters and gradient.
        batch, fixed = ([*leaves, *task.wrt], []) if self.per_row else (leaves, task.wrt)
        trace = trace_graph(task.output, batch, fixed)
        self.operations: int = trace.operations
        self.output: Node | float = merge_sums(trace.output, trace.nodes)
        self.wrt: list[Node] = [trace.leaves[leaf] for leaf in task.wrt]
        self.columns: list[list[Node]] = [
            [trace.leaves[leaf] for leaf in column] for column in task.columns
        ]
        self.parameters: Variable = Variable("p", self.per_row, len(task.wrt), True)
        names = VariableNames()
        self.arguments: list[Variable] = []
        for k, (column, matrix) in enumerate(zip(task.columns, task.is_matrix)):
            label = column[0].label if len(column) == 1 else ""
            name = names.new(label, "batch") if is_name(label) else f"batch{k}"
            self.arguments.append(Variable(name, True, len(column) if matrix else None, False))
        self.functional: bool = xp.__name__.partition(".")[0] == "jax"
        # The programs that people see call these two by shorter names.
        self.namespace: dict[str, Any] = {"xp": xp, "ignoring": executables.suppress_warnings}
        self.namespace["certain"] = executables.require_finite

    def build(self) -> Executable:
        """The executable in the form that suits the graph."""
        locations = {node: Location(self.parameters, k) for k, node in enumerate(self.wrt)}
        for variable, column in zip(self.arguments, self.columns):
            for lane, node in enumerate(column):
                locations[node] = Location(variable, None if variable.width is None else lane)
        if self.functional or not isinstance(self.output, Node):
            return self.on_arrays(Vectorizer(locations, self.output))
        order = operations_of(self.output)
        # A deep graph takes an instruction for each level at least: no need to vectorize it first.
        depth = self.output.level
        if self.arguments:
            deep = depth > MAX_INSTRUCTIONS
        else:
            deep = depth > MAX_NAMED_OPERATIONS and MIN_LANES * depth > len(order)
        if deep:
            return self.straight_line(order)
        vectorizer = Vectorizer(locations, self.output)
        instructions = vectorizer.instructions
        irregular = MIN_LANES * len(instructions) > len(order)
        if not self.arguments and irregular:
            writer = GroupedWriter(order, self.wrt)
            if MIN_GROUP * len(writer.groups) <= len(order):
                return self.grouped(writer, self.output)
            if len(order) > MAX_NAMED_OPERATIONS:
                return self.straight_line(order)
        if not self.arguments and all(i.output.width is None for i in instructions):
            return self.few_scalars(order)
        if len(instructions) > MAX_INSTRUCTIONS:
            return self.straight_line(order)
        return self.on_arrays(vectorizer)

    def on_arrays(self, vectorizer: Vectorizer) -> Executable:
        """An executable of a few operations on arrays."""
        output, instructions = self.output, vectorizer.instructions
        location = vectorizer.locations[output] if isinstance(output, Node) else float(output)
        forward = ForwardWriter(instructions, self.functional)
        forward.lines += output_lines(forward, location, self.per_row)
        if self.with_gradient:
            GradientWriter(forward, self.parameters, self.per_row).write(location)
        n = f"n = {self.arguments[0].name}.shape[0]" if self.arguments else "n = 1"
        result = f"return value, {'gradient' if self.with_gradient else 'None'}"
        body = remove_dead_code([n, *forward.lines, result])
        names = ["p", "weight", *[variable.name for variable in self.arguments]]
        source = function_text(f"program({', '.join(names)})", body)
        program = compile_functions([source], self.namespace | forward.constants)
        operations = self.operations, len(instructions)
        if self.functional:
            return executables.JaxExecutable(program, source, operations)
        if self.per_row:
            return Executable(program, source, operations)
        block, prepare = self.in_place(body, forward)
        return executables.InPlaceExecutable(program, source, operations, prepare, block)

    def in_place(self, body: list[str], forward: ForwardWriter) -> tuple[float, Any]:
        """The rows of a block, and what makes a program in place for a number of rows."""
        shapes = {i.output.name: i.output.shape for i in forward.instructions}
        arguments = {"p": self.parameters.shape, "weight": ()}
        arguments |= {variable.name: variable.shape for variable in self.arguments}
        known = self.namespace | forward.constants | namespace()

        @cache
        def in_place(fused: bool) -> tuple[Any, int]:
            writer = InPlaceWriter(body, arguments, forward.constants, shapes, fused)
            return compile_functions([writer.source], known, "prepare"), writer.numbers_in_a_row

        def prepare(n: int) -> Any:
            return in_place(n >= MIN_FUSED_ROWS)[0](n)

        block = max(MAX_BLOCK_NUMBERS // max(in_place(True)[1], 1), MIN_BLOCK_ROWS)
        averaged = isinstance(self.output, Node) and self.output.batched
        return (block if averaged else math.inf), prepare

    def grouped(self, writer: GroupedWriter, output: Node) -> Executable:
        """An executable that computes many operations of a kind at once."""
        source = writer.program(output, self.with_gradient)
        known = self.namespace | grouped_by_operation.NAMESPACE | writer.constants
        program = compile_functions([source], known)
        return executables.GroupedExecutable(program, source, (self.operations, len(writer.groups)))

    def few_scalars(self, order: list[Node]) -> Executable:
        """An executable of one operation after the other, each with a name."""
        writer = StraightLineWriter(order, self.output, self.wrt, [], VariableNames(dir(math)))
        source = writer.in_variables(self.with_gradient)
        program = compile_functions([source], FLOAT_NAMES)
        return executables.ScalarExecutable(program, source, (self.operations, len(order)))

    def straight_line(self, order: list[Node]) -> Executable:
        """An executable of one operation after the other, with all values in one list."""
        columns = [
            (variable.name, column[0] if variable.width is None else column)
            for variable, column in zip(self.arguments, self.columns)
        ]
        writer = StraightLineWriter(order, self.output, self.wrt, columns)
        sources = writer.in_lists(self.with_gradient)
        source, operations = "\n".join(sources), (self.operations, len(order))
        if not columns:
            program = compile_functions(sources, FLOAT_NAMES)
            return executables.ScalarExecutable(program, source, operations)
        program = compile_functions(sources, self.namespace)
        block = max(1, MAX_COLUMN_NUMBERS // writer.size)
        return executables.ColumnExecutable(program, source, operations, block, self.per_row)
