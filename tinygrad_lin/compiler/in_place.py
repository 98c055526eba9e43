"""The same program without new arrays, in buffers that are made once and filled in every run.

Which buffers a program needs is known from its text, given the shapes of its arguments. They are
made once for a size of batch, with all the views of them.
"""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy

from tinygrad_lin._parsing import parse_statements
from tinygrad_lin.compiler.buffer_allocation import MAKERS, Array, names_in
from tinygrad_lin.compiler.fused_layers import fuse_layers
from tinygrad_lin.compiler.in_place_expressions import ExpressionWriter, UnknownShape, integer
from tinygrad_lin.compiler.shapes import Shape, is_matrix


class InPlaceWriter(ExpressionWriter):
    """Rewrites the statements of a program.

    Args:
        lines: its statements, in order, up to the return.
        arguments: the shapes of its arguments, in order.
        constants: the arrays that it brings along.
        shapes: the shapes of the variables that may be computed as written.
        fused: whether biases are laid beside weights, which is worth it with enough rows.
    """

    def __init__(
        self,
        lines: list[str],
        arguments: dict[str, Shape],
        constants: dict[str, Any],
        shapes: dict[str, Shape],
        fused: bool,
    ) -> None:
        self.shapes = shapes
        trees = [statement for line in lines for statement in parse_statements(line)]
        inputs: set[str] = set()
        if fused:
            trees, inputs = fuse_layers(trees, shapes | arguments)
        known = {name: Array(name, shape) for name, shape in arguments.items()}
        known |= {name: Array(name, c.shape, True) for name, c in constants.items()}
        super().__init__(known | {"n": Array("n", ())}, inputs)
        # Arguments are copied where that lets views of them be made once.
        copied = [name for name, shape in arguments.items() if is_matrix(shape)]
        if any(".reshape(" in line for line in lines):
            copied.append(next(iter(arguments)))
        for name in copied:
            self.names[name] = self.buffers.array(name, arguments[name])
            self.emit(f"_copyto({name}, _given_{name})")
        for tree in trees:
            self.statement(tree)
        gradient = "gradient.copy()" if "gradient" in self.names else None
        self.lines.append(f"return value, {gradient}")
        given = [f"_given_{name}" if name in copied else name for name in arguments]
        self.signature: str = ", ".join(given)
        self.homes: dict[str, str] = self.buffers.share_memory(self.lines)

    @property
    def source(self) -> str:
        """A function of the number of rows, which makes the buffers and returns the program."""
        run = "".join(f"\n        {line}" for line in self.lines)
        before = "".join(f"\n    {line}" for line in self.buffers.setup_lines(self.homes))
        program = f"def program({self.signature}):{run}"
        return f"def prepare(n):{before}\n    {program}\n    return program\n"

    @property
    def numbers_in_a_row(self) -> int:
        """How many numbers a row of the batch takes, in the arguments and in the buffers."""
        buffers = self.buffers.arrays
        shapes = [shape for name, (shape, _) in buffers.items() if self.homes[name] == name]
        shapes += [array.shape for array in self.names.values() if not array.persistent]
        widths = [[x for x in shape if isinstance(x, int)] for shape in shapes if "n" in shape]
        return sum(map(math.prod, widths))

    def statement(self, node: ast.stmt) -> None:
        """Rewrite one statement."""
        match node:
            case ast.With():
                self.emit(ast.unparse(node).splitlines()[0])
                self.indent: str = "    "
                for inner in node.body:
                    self.statement(inner)
                self.indent = ""
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assign(name, value)
            case ast.Assign(targets=[ast.Subscript() as target], value=value):
                self.change_lanes(target, "=", value)
            case ast.AugAssign(target=ast.Subscript() as target, value=value):
                self.change_lanes(target, "+=", value)
            case ast.Expr(value=value):
                self.keep_as_written("", value, len(self.lines))

    def assign(self, name: str, node: ast.expr) -> None:
        """Give an array or a number its name."""
        if name == "n":
            return
        made, _, _ = ast.unparse(node).partition("(")
        if made in ("xp.zeros", "xp.empty"):
            assert isinstance(node, ast.Call)
            lengths = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else node.args
            shape = ["n" if isinstance(x, ast.Name) else integer(x) for x in lengths]
            self.names[name] = self.buffers.array(name, tuple(shape))
            if made == "xp.zeros":
                self.emit(f"{name}.fill(0.0)")
            return
        before = len(self.lines)
        try:
            result = self.translate(node, name)
        except UnknownShape:
            new = "_new" if name in self.buffers.with_ones else name
            self.keep_as_written(f"{new} = ", node, before)
            if name not in self.shapes:
                return
            result = Array(new, self.shapes[name])
        if name in self.buffers.with_ones and name not in self.buffers.matrices:
            place = self.buffers.array(name, result.shape)
            self.emit(f"_copyto({place.text}, {result.text})")
            result = place
        if not result.persistent and result.text != name:
            self.emit(f"{name} = {result.text}")
            result = result._replace(text=name)
        self.names[name] = result

    def change_lanes(self, target: ast.Subscript, sign: str, node: ast.expr) -> None:
        """Set some lanes of an array (the sign is "="), or add to them ("+=")."""
        before = len(self.lines)
        place = self.lanes_to_change(target)
        try:
            result = self.translate(node, place if place.persistent and sign == "=" else None)
        except UnknownShape:
            whole = "[...]" if place.persistent else ""
            self.keep_as_written(f"{place.text}{whole} {sign} ", node, before)
            return
        if not place.persistent:
            self.emit(f"{place.text} {sign} {result.text}")
        elif sign == "+=":
            self.emit(f"_add({place.text}, {result.text}, {place.text})")
        elif result != place:
            self.emit(f"_copyto({place.text}, {result.text})")

    def lanes_to_change(self, node: ast.Subscript) -> Array:
        """The lanes that a statement changes: a view, or as written (one or scattered lanes)."""
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if any(isinstance(part, ast.Name) for part in index):
            base = self.translate(node.value)
            return Array(ast.unparse(ast.Subscript(ast.Name(base.text), node.slice)), ())
        place = self.translate(node)
        return place if place.shape else place._replace(persistent=False)

    def keep_as_written(self, target: str, node: ast.expr, before: int) -> None:
        """Write an expression of unknown shape, which may be a view of any array in it."""
        del self.lines[before:]
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.names:
                part.id = self.names[part.id].text
        self.emit(target + ast.unparse(node))
        self.buffers.reserve(names_in(self.lines[-1]))


def namespace() -> dict[str, Any]:
    """The functions that the program calls, by names that no label can have."""
    others = {"array", "dot", "take", "copyto", "zeros"}
    called = {
        f"_{name}": function
        for name, function in vars(numpy).items()
        if isinstance(function, numpy.ufunc) or name in others
    }
    return called | MAKERS
