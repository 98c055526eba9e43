"""The same program without new arrays: every expression becomes a call with a place for its result.

Which arrays a program needs is known from its text, given the shapes of what it takes. They are
made once for a size of batch, with all the views of them, and filled again in every run.
"""

from __future__ import annotations

import ast
import math
from typing import Any

import numpy

from tinygrad_lin.compiler.formulas import constant
from tinygrad_lin.compiler.layers import Shape, is_matrix, joined
from tinygrad_lin.compiler.memory import MAKERS, Array, Memory, names_in, written
from tinygrad_lin.expression import statements_of

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


class Opaque(Exception):
    """An expression stays as it is."""


class Buffers:
    """Rewrites the lines of a program.

    Args:
        lines: its statements, in order, up to the return.
        arguments: the shapes of what it is called with, in order.
        constants: arrays that it brings along.
        shapes: of the arrays that stay as they are.
        many: whether there are enough rows for it to be worth while to lay biases beside weights.
    """

    def __init__(
        self,
        lines: list[str],
        arguments: dict[str, Shape],
        constants: dict[str, Any],
        shapes: dict[str, Shape],
        many: bool,
    ) -> None:
        self.shapes = shapes
        trees = [statement for line in lines for statement in statements_of(line)]
        inputs: set[str] = set()
        if many:
            trees, inputs = joined(trees, shapes | arguments)
        self.memory: Memory = Memory(inputs)
        self.names: dict[str, Array] = {
            name: Array(name, shape) for name, shape in arguments.items()
        }
        self.names |= {name: Array(name, c.shape, True) for name, c in constants.items()}
        self.names["n"] = Array("n", ())
        self.maxima: dict[tuple[str, str], Array] = {}  # by the texts of the two operands
        self.lines: list[str] = []
        self.indent: str = ""
        # Views can be kept of what comes to lie in an array of our own.
        copied = [name for name, shape in arguments.items() if is_matrix(shape)]
        if any(".reshape(" in line for line in lines):
            copied.append(next(iter(arguments)))
        for name in copied:
            self.names[name] = self.memory.array(name, arguments[name])
            self.emit(f"_copyto({name}, _given_{name})")
        for tree in trees:
            self.statement(tree)
        self.lines.append(
            f"return value, {'gradient.copy()' if 'gradient' in self.names else None}"
        )
        given = [f"_given_{name}" if name in copied else name for name in arguments]
        self.signature: str = ", ".join(given)
        self.homes: dict[str, str] = self.memory.homes(self.lines)

    @property
    def source(self) -> str:
        """A function of the number of rows, which makes the arrays and gives the program."""
        run = "".join(f"\n        {line}" for line in self.lines)
        before = "".join(f"\n    {line}" for line in self.memory.made(self.homes))
        program = f"def program({self.signature}):{run}"
        return f"def prepare(n):{before}\n    {program}\n    return program\n"

    @property
    def numbers_in_a_row(self) -> int:
        """How many numbers a row of the batch takes, in what is given and in the arrays."""
        arrays = self.memory.arrays
        own = [shape for name, (shape, _) in arrays.items() if self.homes[name] == name]
        taken = [array.shape for array in self.names.values() if not array.lasting]
        return sum(
            math.prod([length for length in shape if isinstance(length, int)])
            for shape in own + taken
            if "n" in shape
        )

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
        made, _, _ = ast.unparse(node).partition("(")
        if made in ("xp.zeros", "xp.empty"):
            assert isinstance(node, ast.Call)
            lengths = node.args[0].elts if isinstance(node.args[0], ast.Tuple) else node.args
            shape: Shape = tuple(["n" if isinstance(x, ast.Name) else integer(x)
                                  for x in lengths])  # fmt: skip
            self.names[name] = self.memory.array(name, shape)
            if made == "xp.zeros":
                self.emit(f"{name}.fill(0.0)")
            return
        before = len(self.lines)
        try:
            result = self.of(node, name)
        except Opaque:
            new = "_new" if name in self.memory.beside_ones else name
            self.as_it_is(f"{new} = ", node, before)
            if name not in self.shapes:
                return
            result = Array(new, self.shapes[name])
        if name in self.memory.beside_ones and name not in self.memory.matrices:
            place = self.memory.array(name, result.shape)
            self.emit(f"_copyto({place.text}, {result.text})")
            result = place
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
        place = self.of(node)
        return place if place.shape else place._replace(lasting=False)

    def as_it_is(self, target: str, node: ast.expr, before: int) -> None:
        """A line with an expression of unknown shape, which may hold on to what is in it."""
        del self.lines[before:]
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.names:
                part.id = self.names[part.id].text
        self.emit(target + ast.unparse(node))
        self.memory.keep(names_in(self.lines[-1]))

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
            case ast.Call(func=ast.Name(id="beside"), args=[weights, bias]):
                return self.beside(self.of(weights), self.of(bias))
            case ast.Call(func=ast.Name(id="beside_ones"), args=[x]):
                return self.beside_ones(self.of(x))
            case ast.Attribute(value=ast.Name(id="xp")):
                return Array(ast.unparse(node), ())
            case ast.Attribute(value=value, attr="T"):
                return self.memory.turned(self.of(value))
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
            return self.product(x, self.memory.view(f"{y.text}[None]", y, (1, *y.shape)), out)
        return self.call(OPERATORS[type(op)], [x, y], out)

    def call(self, name: str, operands: list[Array], out: Array | str | None) -> Array:
        """A function that goes number by number."""
        shape: Shape = ()
        for operand in operands:
            shape = broadcast(shape, operand.shape)
        if not shape:
            return Array(f"xp.{name}({', '.join(x.text for x in operands)})", ())
        types = getattr(numpy, name).types
        kind = "bool" if f"{'d' * len(operands)}->?" in types else "float"
        place = to = self.memory.place(shape, out, kind)
        if all(operand.shape in ((), shape) for operand in operands) and is_matrix(shape):
            to, operands = (
                self.memory.turned(place),
                [self.memory.turned(x) if x.shape else x for x in operands],
            )
        texts = [operand.text if operand.shape else self.single(operand) for operand in operands]
        self.emit(f"_{name}({', '.join(texts)}, out={to.text})")
        return place

    def single(self, x: Array) -> str:
        """A number in an array, which NumPy takes quicker than one from Python, if that can be."""
        if is_number(x.text):
            return self.memory.constant(f"_array({x.text})")
        return self.memory.view(f"{x.text[:-1]}, ...]", x, ()).text if x.lasting else x.text

    def product(self, x: Array, y: Array, out: Array | str | None) -> Array:
        """A matrix product."""
        if len(x.shape) == 1 == len(y.shape):
            return Array(f"{x.text}.dot({y.text})", ())
        out = None if isinstance(out, Array) and not out.packed else out
        place = self.memory.place((*x.shape[:-1], *y.shape[1:]), out)
        if is_matrix(place.shape):
            x, y = self.memory.turned(y), self.memory.turned(x)
            self.emit(f"_dot({x.text}, {y.text}, {self.memory.turned(place).text})")
        else:
            self.emit(f"_dot({x.text}, {y.text}, {place.text})")
        return place

    def beside(self, weights: Array, bias: Array) -> Array:
        """Weights and biases in one array."""
        inputs, outputs = weights.shape
        assert isinstance(inputs, int)
        both = self.memory.place((outputs, inputs + 1), None)
        left = self.memory.view(f"{both.text}[:, :-1]", both, (outputs, inputs))
        right = self.memory.view(f"{both.text}[:, -1]", both, (outputs,))
        self.emit(f"_copyto({left.text}, {self.memory.turned(weights).text})")
        self.emit(f"_copyto({right.text}, {bias.text})")
        return self.memory.turned(both)

    def beside_ones(self, x: Array) -> Array:
        """The inputs of a layer, and ones."""
        rows, inputs = x.shape
        assert isinstance(inputs, int)
        memory = Array(self.memory.matrices[x.text], (inputs + 1, rows), True, True)
        return self.memory.turned(memory)

    def function(self, name: str, args: list[ast.expr], out: Array | str | None) -> Array:
        """A function of the namespace."""
        if name == "zeros_like":
            shape = self.of(args[0]).shape
            return Array(self.memory.constant(f"_zeros({written(shape)})"), shape, True)
        if name == "outer":
            x, y = map(self.of, args)
            return self.call(
                "multiply", [self.memory.view(f"{x.text}[:, None]", x, (*x.shape, 1)), y], out
            )
        if name == "where":
            operands = [self.of(arg) for arg in args]
            shape = ()
            for operand in operands:
                shape = broadcast(shape, operand.shape)
            return Array(f"xp.where({', '.join(o.text for o in operands)})", shape)
        if not isinstance(getattr(numpy, name), numpy.ufunc):
            raise Opaque
        if name == "logical_not" and isinstance(args[0], ast.Compare):
            x, y = (self.of(side) for side in (args[0].left, args[0].comparators[0]))
            greater = self.maxima.get((x.text, y.text))
            if greater and isinstance(args[0].ops[0], ast.LtE):
                # One call for two, and x is needed no longer. NaN is not y, either.
                return self.call("not_equal", [greater, y], out)
        operands = [self.of(arg) for arg in args]
        result = self.call(name, operands, out)
        if name == "maximum":
            self.maxima[operands[0].text, operands[1].text] = result
        return result

    def method(self, x: Array, name: str, args: list[ast.expr], out: Array | str | None) -> Array:
        """A sum, or another shape."""
        if name == "reshape":
            rows = integer(args[0])
            assert isinstance(x.shape[0], int)
            return self.rows_of(x, rows)
        if name == "sum":
            axis = integer(args[0]) if args else None
            if len(x.shape) == 1:
                return self.product(x, self.memory.ones(x.shape[0]), out)
            if axis == 0:
                return self.product(self.memory.ones(x.shape[0]), x, out)
            if axis == -1:
                return self.product(x, self.memory.ones(x.shape[1]), out)
            return Array(f"{x.text}.sum()", ())
        raise Opaque

    def rows_of(self, x: Array, rows: int) -> Array:
        """A vector as a matrix."""
        assert isinstance(x.shape[0], int)
        view = self.memory.view(f"{x.text}.reshape({rows}, -1)", x, (rows, x.shape[0] // rows))
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
        return self.memory.view(f"{x.text}.reshape(-1)", x, (rows * columns,))

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
                    place = self.memory.place((*shape, *self.of(part).shape), out)
                    to = place
                    if is_matrix(place.shape):
                        axis, base, to = 0, self.memory.turned(base), self.memory.turned(place)
                    self.emit(f"_take({base.text}, {numbers}, {axis}, {to.text}, 'clip')")
                    return place
                case _:
                    raise Opaque
        shape += left
        text = ast.unparse(ast.Subscript(ast.Name(base.text), node.slice))
        if not shape:
            return Array(text, (), base.lasting)
        view = self.memory.view(text, base, tuple(shape))
        in_order = 1 not in shape and (len(base.shape) == 1 or shape[0] == "n")
        return view._replace(packed=base.packed and in_order)


def broadcast(one: Shape, other: Shape) -> Shape:
    """The shape of what two shapes make together."""
    short, long = sorted((one, other), key=len)
    short = (1,) * (len(long) - len(short)) + short
    return tuple([b if a == 1 else a for a, b in zip(short, long)])


def integer(node: ast.expr) -> int:
    """A whole number as it is written."""
    return int(constant(node) or 0.0)


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    return text.replace(".", "", 1).isdecimal()


def namespace() -> dict[str, Any]:
    """What the program calls, by names that no label can have."""
    others = {"array", "dot", "take", "copyto", "zeros"}
    called = {
        f"_{name}": function
        for name, function in vars(numpy).items()
        if isinstance(function, numpy.ufunc) or name in others
    }
    return called | MAKERS
