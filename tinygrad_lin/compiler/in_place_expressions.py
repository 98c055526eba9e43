"""Expressions of a program in place: each becomes a call of NumPy with a place for its result."""

from __future__ import annotations

import ast

import numpy

from tinygrad_lin.compiler.buffer_allocation import Array, BufferAllocator
from tinygrad_lin.compiler.formulas import constant_value
from tinygrad_lin.compiler.shapes import broadcast, is_matrix, shape_text

SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%",
}  # fmt: skip
UFUNCS: dict[type[ast.AST], str] = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide",
    ast.Mod: "remainder", ast.Lt: "less",
    ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.NotEq: "not_equal",
}  # fmt: skip


class UnknownShape(Exception):
    """The shape of an expression is not known: it stays as it is written."""


class ExpressionWriter:
    """Writes the calls that compute expressions.

    Args:
        known: the arrays that have a name.
        with_ones: the matrices that have a column of ones after their last.
    """

    def __init__(self, known: dict[str, Array], with_ones: set[str]) -> None:
        self.names = known
        self.buffers: BufferAllocator = BufferAllocator(with_ones)
        self.lines: list[str] = []
        self.indent: str = ""
        # The results of maximum by the texts of its operands: a mask may be made from them.
        self.maxima: dict[tuple[str, str], Array] = {}

    def emit(self, line: str) -> None:
        """Write a line of the program."""
        self.lines.append(self.indent + line)

    def translate(self, node: ast.expr, out: Array | str | None = None) -> Array:
        """Compute an expression, in the place for it if that can be.

        Args:
            node: the expression.
            out: an array, or a name for a new one.

        Raises:
            UnknownShape: its shape is not known.
        """
        match node:
            case ast.Constant() | ast.Attribute(value=ast.Name(id="xp")):
                return Array(ast.unparse(node), ())
            case ast.Name(id=name) if name in self.names:
                return self.names[name]
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                x = self.translate(operand)
                return self.call("negative", [x], out) if x.shape else Array(f"(-{x.text})", ())
            case ast.BinOp(left=left, op=ast.MatMult(), right=right):
                return self.product(self.translate(left), self.translate(right), out)
            case ast.BinOp(left=left, op=op, right=right):
                return self.binary(self.translate(left), op, self.translate(right), out)
            case ast.Compare(left=left, ops=[comparison], comparators=[right]):
                return self.binary(self.translate(left), comparison, self.translate(right), out)
            case ast.Subscript():
                return self.subscript(node, out)
            case ast.Attribute(value=value, attr="T"):
                return self.buffers.transposed(self.translate(value))
            case ast.Call(func=ast.Name(id="beside"), args=[weights, bias]):
                return self.beside(self.translate(weights), self.translate(bias))
            case ast.Call(func=ast.Name(id="beside_ones"), args=[inputs]):
                return self.beside_ones(self.translate(inputs))
            case ast.Call(func=ast.Attribute(value=ast.Name(id="xp"), attr=name), args=args):
                return self.function(name, args, out)
            case ast.Call(func=ast.Attribute(value=value, attr="ravel")):
                return self.ravel(value, out)
            case ast.Call(func=ast.Attribute(value=value, attr=name), args=args):
                return self.method(self.translate(value), name, args, out)
        raise UnknownShape

    def binary(self, x: Array, op: ast.AST, y: Array, out: Array | str | None) -> Array:
        """One of + - * / %, or a comparison."""
        if type(op) in SIGNS and not x.shape and not y.shape:
            return Array(f"({x.text} {SIGNS[type(op)]} {y.text})", ())
        if isinstance(op, ast.Mult) and len(x.shape) == 2 and x.shape[1] == 1 == len(y.shape):
            return self.product(x, self.buffers.view(f"{y.text}[None]", y, (1, *y.shape)), out)
        return self.call(UFUNCS[type(op)], [x, y], out)

    def call(self, name: str, operands: list[Array], out: Array | str | None) -> Array:
        """A function that goes element by element."""
        shape = broadcast(*[operand.shape for operand in operands])
        if not shape:
            return Array(f"xp.{name}({', '.join(x.text for x in operands)})", ())
        types = getattr(numpy, name).types
        kind = "bool" if f"{'d' * len(operands)}->?" in types else "float"
        place = to = self.buffers.destination(shape, out, kind)
        if all(operand.shape in ((), shape) for operand in operands) and is_matrix(shape):
            to = self.buffers.transposed(place)
            operands = [self.buffers.transposed(x) if x.shape else x for x in operands]
        texts = [operand.text if operand.shape else self.single(operand) for operand in operands]
        self.emit(f"_{name}({', '.join(texts)}, out={to.text})")
        return place

    def single(self, x: Array) -> str:
        """A number, where it can be in an array: NumPy takes that quicker than one from Python."""
        if is_number(x.text):
            return self.buffers.constant(f"_array({x.text})")
        return self.buffers.view(f"{x.text[:-1]}, ...]", x, ()).text if x.persistent else x.text

    def product(self, x: Array, y: Array, out: Array | str | None) -> Array:
        """A matrix product."""
        if len(x.shape) == 1 == len(y.shape):
            return Array(f"{x.text}.dot({y.text})", ())
        out = None if isinstance(out, Array) and not out.contiguous else out
        place = self.buffers.destination((*x.shape[:-1], *y.shape[1:]), out)
        if is_matrix(place.shape):
            x, y = self.buffers.transposed(y), self.buffers.transposed(x)
            self.emit(f"_dot({x.text}, {y.text}, {self.buffers.transposed(place).text})")
        else:
            self.emit(f"_dot({x.text}, {y.text}, {place.text})")
        return place

    def beside(self, weights: Array, bias: Array) -> Array:
        """Lay biases beside weights, in one array."""
        inputs, outputs = weights.shape
        assert isinstance(inputs, int)
        both = self.buffers.destination((outputs, inputs + 1), None)
        left = self.buffers.view(f"{both.text}[:, :-1]", both, (outputs, inputs))
        right = self.buffers.view(f"{both.text}[:, -1]", both, (outputs,))
        self.emit(f"_copyto({left.text}, {self.buffers.transposed(weights).text})")
        self.emit(f"_copyto({right.text}, {bias.text})")
        return self.buffers.transposed(both)

    def beside_ones(self, x: Array) -> Array:
        """The inputs of a layer and the ones beside them, which lie in one buffer."""
        rows, inputs = x.shape
        assert isinstance(inputs, int)
        both = Array(self.buffers.matrices[x.text], (inputs + 1, rows), True, True)
        return self.buffers.transposed(both)

    def function(self, name: str, args: list[ast.expr], out: Array | str | None) -> Array:
        """A function of the namespace."""
        if name == "zeros_like":
            shape = self.translate(args[0]).shape
            return Array(self.buffers.constant(f"_zeros({shape_text(shape)})"), shape, True)
        if name == "outer":
            x, y = map(self.translate, args)
            column = self.buffers.view(f"{x.text}[:, None]", x, (*x.shape, 1))
            return self.call("multiply", [column, y], out)
        if name == "where":
            operands = [self.translate(arg) for arg in args]
            shape = broadcast(*[operand.shape for operand in operands])
            return Array(f"xp.where({', '.join(o.text for o in operands)})", shape)
        if not isinstance(getattr(numpy, name), numpy.ufunc):
            raise UnknownShape
        if name == "logical_not" and isinstance(args[0], ast.Compare):
            x, y = (self.translate(side) for side in (args[0].left, args[0].comparators[0]))
            greater = self.maxima.get((x.text, y.text))
            if greater and isinstance(args[0].ops[0], ast.LtE):
                # One call is quicker than ``<=`` and ``not``, and NaN is not y either.
                return self.call("not_equal", [greater, y], out)
        operands = [self.translate(arg) for arg in args]
        result = self.call(name, operands, out)
        if name == "maximum":
            self.maxima[operands[0].text, operands[1].text] = result
        return result

    def method(self, x: Array, name: str, args: list[ast.expr], out: Array | str | None) -> Array:
        """A method of an array: a sum, or a change of shape."""
        if name == "reshape":
            return self.rows_of(x, integer(args[0]))
        if name == "sum":
            axis = integer(args[0]) if args else None
            if len(x.shape) == 1:
                return self.product(x, self.buffers.ones(x.shape[0]), out)
            if axis == 0:
                return self.product(self.buffers.ones(x.shape[0]), x, out)
            if axis == -1:
                return self.product(x, self.buffers.ones(x.shape[1]), out)
            return Array(f"{x.text}.sum()", ())
        raise UnknownShape

    def rows_of(self, x: Array, rows: int) -> Array:
        """A vector as a matrix."""
        assert isinstance(x.shape[0], int)
        view = self.buffers.view(f"{x.text}.reshape({rows}, -1)", x, (rows, x.shape[0] // rows))
        return view._replace(contiguous=x.contiguous)

    def ravel(self, node: ast.expr, out: Array | str | None) -> Array:
        """A matrix as a vector; a product is computed there as the matrix that it is."""
        match node:
            case ast.BinOp(left=left, op=ast.MatMult(), right=right) if isinstance(out, Array):
                x, y = self.translate(left), self.translate(right)
                rows = x.shape[0]
                assert isinstance(rows, int)
                if out.persistent and out.contiguous:
                    self.product(x, y, self.rows_of(out, rows))
                    return out
        x = self.translate(node)
        rows, columns = x.shape
        assert isinstance(rows, int)
        assert isinstance(columns, int)
        return self.buffers.view(f"{x.text}.reshape(-1)", x, (rows * columns,))

    def subscript(self, node: ast.Subscript, out: Array | str | None) -> Array:
        """Some lanes of an array."""
        base = self.translate(node.value)
        index = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        left, shape = list(base.shape), []
        for part in index:
            match part:
                case ast.Slice(lower=None, upper=None):
                    shape.append(left.pop(0))
                case ast.Slice(ast.Constant(int(first)), ast.Constant(int(end))):
                    left.pop(0)
                    shape.append(end - first)
                case ast.Constant(value=None):
                    shape.append(1)
                case ast.Constant():
                    left.pop(0)
                case ast.Name(id=numbers) if len(left) == 1:
                    axis = len(shape)
                    place = self.buffers.destination((*shape, *self.translate(part).shape), out)
                    to = place
                    if is_matrix(place.shape):
                        axis, base = 0, self.buffers.transposed(base)
                        to = self.buffers.transposed(place)
                    self.emit(f"_take({base.text}, {numbers}, {axis}, {to.text}, 'clip')")
                    return place
                case _:
                    raise UnknownShape
        shape += left
        text = ast.unparse(ast.Subscript(ast.Name(base.text), node.slice))
        if not shape:
            return Array(text, (), base.persistent)
        view = self.buffers.view(text, base, tuple(shape))
        in_order = 1 not in shape and (len(base.shape) == 1 or shape[0] == "n")
        return view._replace(contiguous=base.contiguous and in_order)


def integer(node: ast.expr) -> int:
    """The value of a whole number in the source."""
    return int(constant_value(node) or 0.0)


def is_number(text: str) -> bool:
    """Whether a text is a number."""
    return text.replace(".", "", 1).isdecimal()
