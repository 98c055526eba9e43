"""The same program without new arrays: every expression becomes a call with a place for its result.

Which arrays a program needs is known from its text, given the shapes of what it takes. They are
made once for a size of batch, with all the views of them, and filled again in every run. An array
whose content is no longer needed lends its memory to a later one.
"""

from __future__ import annotations

import ast
import re
from typing import Any, NamedTuple, TypeAlias

import numpy

from tinygrad_lin.compiler.formulas import constant

Shape: TypeAlias = "tuple[int | str, ...]"
"""The length of each axis; "n" is that of the batch."""

OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "add",
    ast.Sub: "subtract",
    ast.Mult: "multiply",
    ast.Div: "divide",
}
COMPARISONS: dict[type[ast.cmpop], str] = {
    ast.Lt: "less",
    ast.LtE: "less_equal",
    ast.Gt: "greater",
    ast.GtE: "greater_equal",
    ast.NotEq: "not_equal",
}


class Array(NamedTuple):
    """What an expression gives.

    Attributes:
        text: its name, or for a number the expression itself.
        shape: the length of each axis.
        lasting: whether it is the same memory in every run.
        packed: whether its numbers follow each other in memory.
    """

    text: str
    shape: Shape
    lasting: bool = False
    packed: bool = False


class Opaque(Exception):
    """An expression stays as it is."""


class Buffers:
    """Rewrites the lines of a program.

    Args:
        lines: its statements, in order, up to the return.
        arguments: the shapes of what it is called with, in order.
        constants: arrays that it brings along.
        shapes: of the arrays that stay as they are.
    """

    def __init__(
        self,
        lines: list[str],
        arguments: dict[str, Shape],
        constants: dict[str, Any],
        shapes: dict[str, Shape],
    ) -> None:
        self.shapes = shapes
        self.names: dict[str, Array] = {
            name: Array(name, shape) for name, shape in arguments.items()
        }
        self.names |= {name: Array(name, c.shape, True) for name, c in constants.items()}
        self.names["n"] = Array("n", ())
        self.buffers: dict[str, tuple[Shape, str]] = {}  # shape and kind of number
        self.constants: dict[str, str] = {}  # what else is made once, by its text
        self.views: dict[str, str] = {}
        self.kept: set[str] = {"p", "gradient"}  # memory that is lent to no other
        self.lines: list[str] = []
        self.indent: str = ""
        # Views of the parameters can be kept if these come to lie in an array of our own.
        given = next(iter(arguments))
        if any(".reshape(" in line for line in lines):
            self.lines.append(f"_copyto({given}, _{given})")
            self.names[given] = self.buffer(given, arguments[given])
            given = f"_{given}"
        for line in lines:
            for statement in ast.parse(line).body:
                self.statement(statement)
        self.lines.append(
            f"return value, {'gradient.copy()' if 'gradient' in self.names else None}"
        )
        self.signature: str = ", ".join([given, *list(arguments)[1:]])

    @property
    def source(self) -> str:
        """A function of the number of rows, which makes the arrays and gives the program."""
        homes = self.homes()
        made = [
            f"{name} = {homes[name]}" if homes[name] != name
            else f"{name} = _empty({written(shape)}, {kind})"
            for name, (shape, kind) in self.buffers.items()
        ]  # fmt: skip
        made += [f"{name} = {text}" for text, name in (self.constants | self.views).items()]
        run = "".join(f"\n        {line}" for line in self.lines)
        before = "".join(f"\n    {line}" for line in made)
        program = f"def program({self.signature}):{run}"
        return f"def prepare(n):{before}\n    {program}\n    return program\n"

    @property
    def numbers_in_a_row(self) -> int:
        """How many numbers a row of the batch takes, in what is given and in the arrays."""
        homes = self.homes()
        own = [shape for name, (shape, _) in self.buffers.items() if homes[name] == name]
        taken = [array.shape for array in self.names.values() if not array.lasting]
        return sum(
            shape[1] if len(shape) > 1 and isinstance(shape[1], int) else 1
            for shape in own + taken
            if shape[:1] == ("n",)
        )

    def homes(self) -> dict[str, str]:
        """For each array the one whose memory it takes over, or itself."""
        base = {name: name for name in self.buffers}
        for text, name in self.views.items():
            for used in names_in(text):
                if used in base:
                    base[name] = base[used]
        uses = [[base[name] for name in names_in(line) if name in base] for line in self.lines]
        last = {name: k for k, names in enumerate(uses) for name in names}
        homes: dict[str, str] = {}
        free: dict[tuple[Shape, str], list[str]] = {}
        for k, (line, names) in enumerate(zip(self.lines, uses)):
            ending = [name for name in dict.fromkeys(names) if last[name] == k]
            # What goes number by number may write over its own operands, unless they are views.
            alone = line.strip().startswith("_") and not line.strip().startswith(
                ("_dot(", "_take(")
            )
            direct = names_in(line)
            early = [
                name for name in ending
                if alone and name in homes and name not in self.kept
                and names.count(name) == direct.count(name)
            ]  # fmt: skip
            for name in early:
                free.setdefault(self.buffers[name], []).append(homes[name])
            for name in names:
                if name not in homes:
                    spare = free.get(self.buffers[name], [])
                    homes[name] = spare.pop() if spare and name not in self.kept else name
            for name in ending:
                if name not in early and name not in self.kept:
                    free.setdefault(self.buffers[name], []).append(homes[name])
        return {name: homes.get(name, name) for name in self.buffers}

    # -------------------------------------------------------------------------- statements
    def statement(self, node: ast.stmt) -> None:
        """One statement of the program."""
        match node:
            case ast.With():
                self.emit(f"{ast.unparse(node).splitlines()[0]}")
                self.indent = "    "
                for inner in node.body:
                    self.statement(inner)
                self.indent = ""
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.assign(name, value)
            case ast.Assign(targets=[ast.Subscript() as target], value=value):
                self.fill(target, value)
            case ast.AugAssign(target=ast.Subscript() as target, value=value):
                self.increase(target, value)
            case ast.Expr(value=value):
                self.as_it_is("", value, len(self.lines))

    def emit(self, line: str) -> None:
        """A line of the program."""
        self.lines.append(self.indent + line)

    def assign(self, name: str, node: ast.expr) -> None:
        """An array or a number of its own."""
        if name == "n":
            return
        zeros = ast.unparse(node).startswith("xp.zeros(")
        if zeros:
            assert isinstance(node, ast.Call)
            lengths = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else node.args
            shape: Shape = tuple(["n" if isinstance(x, ast.Name) else integer(x)
                                  for x in lengths])  # fmt: skip
            self.names[name] = self.buffer(name, shape)
            self.emit(f"{name}.fill(0.0)")
            return
        before = len(self.lines)
        try:
            result = self.of(node, name)
        except Opaque:
            self.as_it_is(f"{name} = ", node, before)
            if name in self.shapes:
                self.names[name] = Array(name, self.shapes[name])
            return
        if not result.lasting and result.text != name:
            self.emit(f"{name} = {result.text}")
            result = result._replace(text=name)
        self.names[name] = result

    def fill(self, target: ast.Subscript, node: ast.expr) -> None:
        """Some lanes of an array."""
        before = len(self.lines)
        place = self.target(target)
        try:
            result = self.of(node, place if place.lasting else None)
        except Opaque:
            self.as_it_is(f"{place.text}{'[...]' if place.lasting else ''} = ", node, before)
            return
        if place.lasting:
            if result != place:
                self.emit(f"_copyto({place.text}, {result.text})")
        else:
            self.emit(f"{place.text} = {result.text}")

    def increase(self, target: ast.Subscript, node: ast.expr) -> None:
        """More for some lanes of an array."""
        before = len(self.lines)
        place = self.target(target)
        try:
            result = self.of(node)
        except Opaque:
            self.as_it_is(f"{place.text}{'[...]' if place.lasting else ''} += ", node, before)
            return
        if place.lasting:
            self.emit(f"_add({place.text}, {result.text}, {place.text})")
        else:
            self.emit(f"{place.text} += {result.text}")

    def target(self, node: ast.Subscript) -> Array:
        """The lanes to change: a view, or one number or scattered lanes as they are written."""
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if any(isinstance(part, ast.Name) for part in index):
            base = self.of(node.value)
            return Array(ast.unparse(ast.Subscript(ast.Name(base.text), node.slice)), ())
        return self.of(node)

    def as_it_is(self, target: str, node: ast.expr, before: int) -> None:
        """A line with an expression of unknown shape, which may hold on to what is in it."""
        del self.lines[before:]
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.names:
                part.id = self.names[part.id].text
        self.emit(target + ast.unparse(node))
        self.kept.update(names_in(self.lines[-1]))

    # -------------------------------------------------------------------------- expressions
    def of(self, node: ast.expr, out: Array | str | None = None) -> Array:
        """What an expression gives, in the place for it if that can be.

        Args:
            node: the expression.
            out: an array, or a name for a new one.

        Raises:
            Opaque: its shape is not known.
        """
        match node:
            case ast.Constant():
                return Array(ast.unparse(node), ())
            case ast.Name(id=name):
                if name not in self.names:
                    raise Opaque
                return self.names[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                x = self.of(operand)
                return self.call("negative", [x], out) if x.shape else Array(f"(-{x.text})", ())
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return self.product(self.of(left), self.of(right), out)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(self.of(left), op, self.of(right), out)
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                return self.call(COMPARISONS[type(op)], [self.of(left), self.of(right)], out)
            case ast.Subscript():
                return self.subscript(node, out)
            case ast.Attribute(value=ast.Name(id="xp")):
                return Array(ast.unparse(node), ())
            case ast.Attribute(value=value, attr="T"):
                x = self.of(value)
                return self.view(f"{x.text}.T", x, x.shape[::-1])
            case ast.Call(func=ast.Attribute(value=ast.Name(id="xp"), attr=name), args=args):
                return self.function(name, args, out)
            case ast.Call(func=ast.Attribute(value=value, attr="ravel")):
                return self.ravel(value, out)
            case ast.Call(func=ast.Attribute(value=value, attr=name), args=args):
                return self.method(self.of(value), name, args, out)
        raise Opaque

    def binary(self, x: Array, op: ast.operator, y: Array, out: Array | str | None) -> Array:
        """One of + - * /."""
        if not x.shape and not y.shape:
            sign = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
            return Array(f"({x.text} {sign[OPERATORS[type(op)]]} {y.text})", ())
        if isinstance(op, ast.Mult) and len(x.shape) == 2 and x.shape[1] == 1 == len(y.shape):
            return self.product(x, self.view(f"{y.text}[None]", y, (1, *y.shape)), out)
        return self.call(OPERATORS[type(op)], [x, y], out)

    def call(self, name: str, operands: list[Array], out: Array | str | None) -> Array:
        """A function that goes number by number."""
        shape: Shape = ()
        for operand in operands:
            shape = broadcast(shape, operand.shape)
        function = getattr(numpy, name)
        texts = [operand.text for operand in operands]
        if not shape:
            return Array(f"xp.{name}({', '.join(texts)})", ())
        # NumPy takes a number in an array quicker than one from Python.
        texts = [self.constant(f"_array({t})") if is_number(t) else t for t in texts]
        kind = "bool" if f"{'d' * len(operands)}->?" in function.types else "float"
        place = self.place(shape, out, kind)
        self.emit(f"_{name}({', '.join(texts)}, out={place.text})")
        return place

    def product(self, x: Array, y: Array, out: Array | str | None) -> Array:
        """A matrix product."""
        if len(x.shape) == 1 == len(y.shape):
            return Array(f"{x.text}.dot({y.text})", ())
        out = None if isinstance(out, Array) and not out.packed else out
        place = self.place((*x.shape[:-1], *y.shape[1:]), out)
        self.emit(f"_dot({x.text}, {y.text}, {place.text})")
        return place

    def function(self, name: str, args: list[ast.expr], out: Array | str | None) -> Array:
        """A function of the namespace."""
        if name == "zeros_like":
            shape = self.of(args[0]).shape
            return Array(self.constant(f"_zeros({written(shape)})"), shape, True)
        if name == "outer":
            x, y = map(self.of, args)
            return self.call(
                "multiply", [self.view(f"{x.text}[:, None]", x, (*x.shape, 1)), y], out
            )
        if name == "where":
            operands = [self.of(arg) for arg in args]
            shape = ()
            for operand in operands:
                shape = broadcast(shape, operand.shape)
            return Array(f"xp.where({', '.join(o.text for o in operands)})", shape)
        if not isinstance(getattr(numpy, name), numpy.ufunc):
            raise Opaque
        return self.call(name, [self.of(arg) for arg in args], out)

    def method(self, x: Array, name: str, args: list[ast.expr], out: Array | str | None) -> Array:
        """A sum, or another shape."""
        if name == "reshape":
            rows = integer(args[0])
            assert isinstance(x.shape[0], int)
            return self.rows_of(x, rows)
        if name == "sum":
            axis = integer(args[0]) if args else None
            if len(x.shape) == 1:
                return self.product(x, self.ones(x.shape[0]), out)
            if axis == 0:
                return self.product(self.ones(x.shape[0]), x, out)
            if axis == -1:
                return self.product(x, self.ones(x.shape[1]), out)
            return Array(f"{x.text}.sum()", ())
        raise Opaque

    def rows_of(self, x: Array, rows: int) -> Array:
        """A vector as a matrix."""
        assert isinstance(x.shape[0], int)
        view = self.view(f"{x.text}.reshape({rows}, -1)", x, (rows, x.shape[0] // rows))
        return view._replace(packed=x.packed)

    def ravel(self, node: ast.expr, out: Array | str | None) -> Array:
        """A matrix as a vector; a product is written there as the matrix that it is."""
        match node:
            case ast.BinOp(left=left, op=ast.MatMult(), right=right) if isinstance(out, Array):
                x, y = self.of(left), self.of(right)
                rows = x.shape[0]
                assert isinstance(rows, int)
                if out.lasting and out.packed:
                    self.product(x, y, self.rows_of(out, rows))
                    return out
        x = self.of(node)
        rows, columns = x.shape
        assert isinstance(rows, int)
        assert isinstance(columns, int)
        return self.view(f"{x.text}.reshape(-1)", x, (rows * columns,))

    def subscript(self, node: ast.Subscript, out: Array | str | None) -> Array:
        """Some lanes of an array."""
        base = self.of(node.value)
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        left, shape = list(base.shape), []
        for part in index:
            match part:
                case ast.Slice(lower=None, upper=None):
                    shape.append(left.pop(0))
                case ast.Slice(lower=ast.Constant(value=first), upper=ast.Constant(value=end)):
                    left.pop(0)
                    assert isinstance(first, int)
                    assert isinstance(end, int)
                    shape.append(end - first)
                case ast.Constant(value=None):
                    shape.append(1)
                case ast.Constant():
                    left.pop(0)
                case ast.Name(id=numbers) if len(left) == 1:
                    axis = len(shape)
                    place = self.place((*shape, *self.of(part).shape), out)
                    self.emit(f"_take({base.text}, {numbers}, {axis}, {place.text}, 'clip')")
                    return place
                case _:
                    raise Opaque
        shape += left
        text = ast.unparse(ast.Subscript(ast.Name(base.text), node.slice))
        if not shape:
            return Array(text, ())
        view = self.view(text, base, tuple(shape))
        return view._replace(packed=base.packed and len(base.shape) == 1 == len(shape))

    # ------------------------------------------------------------------------------ memory
    def place(self, shape: Shape, out: Array | str | None, kind: str = "float") -> Array:
        """Where a result goes."""
        if isinstance(out, Array) and out.shape == shape and kind == "float":
            return out
        name = out if isinstance(out, str) and out not in self.buffers else f"_{len(self.buffers)}"
        return self.buffer(name, shape, kind)

    def buffer(self, name: str, shape: Shape, kind: str = "float") -> Array:
        """A new array."""
        self.buffers[name] = shape, kind
        return Array(name, shape, True, True)

    def view(self, text: str, base: Array, shape: Shape) -> Array:
        """A view: made once if that of which it is stays the same."""
        if not base.lasting:
            return Array(text, shape)
        name = self.views.setdefault(text, f"_view{len(self.views)}")
        return Array(name, shape, True)

    def ones(self, length: int | str) -> Array:
        """As many ones: a product with them is the quickest sum."""
        return Array(self.constant(f"_ones({length})"), (length,), True)

    def constant(self, text: str) -> str:
        """The name of what never changes."""
        return self.constants.setdefault(text, f"_constant{len(self.constants)}")


def broadcast(one: Shape, other: Shape) -> Shape:
    """The shape of what two shapes make together."""
    short, long = sorted((one, other), key=len)
    short = (1,) * (len(long) - len(short)) + short
    return tuple([b if a == 1 else a for a, b in zip(short, long)])


def written(shape: Shape) -> str:
    """A shape as Python writes it."""
    return f"({', '.join(map(str, shape))},)"


def integer(node: ast.expr) -> int:
    """A whole number as it is written."""
    return int(constant(node) or 0.0)


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    return text.replace(".", "", 1).isdecimal()


def names_in(text: str) -> list[str]:
    """The names in a line, in order."""
    return re.findall(r"[A-Za-z_]\w*", text)


def namespace() -> dict[str, Any]:
    """What the program calls, by names that no label can have."""
    others = {"array", "dot", "take", "copyto", "empty", "ones", "zeros"}
    return {
        f"_{name}": function
        for name, function in vars(numpy).items()
        if isinstance(function, numpy.ufunc) or name in others
    }
