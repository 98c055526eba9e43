"""The steps as Python source: forward, then backward by the same rows of the table."""

from __future__ import annotations

import ast
from collections import defaultdict
from math import isnan
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from tinygrad_lin.compiler.formulas import may_flag, parsed, written
from tinygrad_lin.compiler.lowering import Array, Part, Place, Step
from tinygrad_lin.ops import over_sequences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tinygrad_lin.ops import Operation


class Shape(NamedTuple):
    """Which axes an expression has: that of the batch, and that of lanes."""

    batched: bool
    wide: bool

    def __or__(self, other: Shape) -> Shape:
        return Shape(self.batched or other.batched, self.wide or other.wide)


class Share(NamedTuple):
    """A share in the derivative by some lanes of an array, or by all of it."""

    lanes: tuple[int, ...] | None
    text: str
    shape: Shape


SINGLE = Shape(False, False)


def shape_of(array: Array) -> Shape:
    """The shape of an array."""
    return Shape(array.batched, array.width is not None)


def shape_of_part(part: Part) -> Shape:
    """The shape of some lanes; one lane by itself has no axis of lanes."""
    return Shape(part.array.batched, part.lanes is not None and len(part.lanes) > 1)


class Writer:
    """Writes one program.

    Args:
        steps: what to do, in order.
        result: where the output is, or a number.
        parameters: the array of what the derivatives are taken by.
        functional: whether arrays cannot be changed in place (as those of JAX).
    """

    def __init__(
        self, steps: Sequence[Step], result: Place | float, parameters: Array, functional: bool
    ) -> None:
        self.steps = steps
        self.result = result
        self.parameters = parameters
        self.functional = functional
        self.constants: dict[str, Any] = {}
        self.lines: list[str] = []
        self.shares: dict[Array, list[Share]] = defaultdict(list)
        self.weights: dict[int, str] = {}

    def forward(self) -> None:
        """The lines that compute all arrays."""
        for k, step in enumerate(self.steps):
            name = step.output.name
            if step.kind == "matmul":
                self.lines += self.matmul(k, step)
            elif step.kind == "total":
                (part,) = step.operands
                assert isinstance(part, Part)
                self.lines.append(f"{name} = {self.lanes_of(part)}.sum(-1)")
            else:
                formula = step.row.formula if step.kind == "map" else over_sequences(step.row)[0]
                self.assign(name, written(formula, self.given(step)))

    def assign(self, name: str, text: str) -> None:
        """A line that computes; where a case that is not chosen may overflow, quietly."""
        line = f"{name} = {text}"
        if may_flag(text) and not self.functional:
            self.lines += ["with ignoring():", f"    {line}"]
        else:
            self.lines.append(line)

    def given(self, step: Step) -> dict[str, str]:
        """The texts of a formula's names."""
        texts = [self.text(operand, step.output) for operand in step.operands]
        if step.kind == "map":
            return {**dict(zip(step.row.operands, texts)), "out": step.output.name}
        groups = step.row.grouped(texts)
        lists = [f"[{', '.join(g)}]" if isinstance(g, list) else g for g in groups]
        count = str(len(groups[0]))
        return {**dict(zip(step.row.parameters, lists)), "out": step.output.name, "n": count}

    def text(self, operand: Part | float | tuple[float, ...], output: Array) -> str:
        """An operand as it meets an output of some shape."""
        if isinstance(operand, tuple) and not isinstance(operand, Part):
            return self.constant(numpy.array(operand))
        if not isinstance(operand, Part):
            return number(operand)
        array, lanes = operand.array, operand.lanes
        if lanes is None:
            column = array.batched and output.width is not None
            return f"{array.name}[:, None]" if column else array.name
        if len(lanes) == 1:
            k = lanes[0]
            if not array.batched:
                return f"{array.name}[{k}]"
            column = output.width is not None
            return f"{array.name}[:, {k}:{k + 1}]" if column else f"{array.name}[:, {k}]"
        return self.lanes_of(operand)

    def lanes_of(self, part: Part) -> str:
        """Lanes of an array, as an array."""
        if part.whole:
            return part.array.name
        return f"{part.array.name}[{self.index(part.array, part.lanes)}]"

    def index(self, array: Array, lanes: tuple[int, ...] | None) -> str:
        """What picks lanes of an array: a slice if they follow each other."""
        assert lanes is not None
        first, last = lanes[0], lanes[-1]
        if len(lanes) == 1:
            picked = str(first)
        elif lanes == tuple(range(first, last + 1)):
            picked = f"{first}:{last + 1}"
        else:
            picked = self.constant(numpy.array(lanes))
        return f":, {picked}" if array.batched else picked

    def constant(self, content: Any) -> str:
        """A name for an array that the program brings along."""
        name = f"numbers{len(self.constants) + 1}"
        self.constants[name] = content
        return name

    def matmul(self, k: int, step: Step) -> list[str]:
        """A matrix product and a bias."""
        inputs, weights, bias = step.operands
        assert isinstance(inputs, Part)
        assert isinstance(weights, Part)
        wide = step.output.width
        x, w = self.lanes_of(inputs), self.lanes_of(weights)
        self.weights[k] = w
        lines = []
        if wide is not None:
            self.weights[k] = f"{step.output.name}_weights"
            lines.append("# a matrix product: neurons with the same inputs")
            lines.append(f"{self.weights[k]} = {w}.reshape({wide}, -1)")
        w = self.weights[k]
        batched = inputs.array.batched
        product = f"{x} @ {w}.T" if batched and wide else f"{x} @ {w}" if batched else f"{w} @ {x}"
        if bias != 0.0:
            product += f" + {self.text(bias, step.output)}"
        return [*lines, f"{step.output.name} = {product}"]

    def backward(self) -> None:
        """The lines that compute the gradient, from the output to the parameters."""
        if isinstance(self.result, Place) and self.result.array.learns:
            array, lane = self.result
            lanes = None if lane is None else (lane,)
            # An average over the batch; what is the same in every row is its own average.
            seed = "weight" if array.batched else "1.0"
            self.shares[array].append(Share(lanes, seed, SINGLE))
        for k, step in reversed(list(enumerate(self.steps))):
            shares = self.shares.pop(step.output, [])
            if not shares or not step.output.learns:
                continue
            upstream, shape = self.gather(step.output, shares)
            if step.kind == "matmul":
                self.matmul_back(k, step, upstream, shape)
            elif step.kind == "total":
                (part,) = step.operands
                assert isinstance(part, Part)
                column = f"{upstream}[:, None]" if shape.batched else upstream
                self.shares[part.array].append(Share(part.lanes, column, shape))
            else:
                self.map_back(step, upstream, shape)
        self.parameters_back()

    def gather(self, array: Array, shares: list[Share]) -> tuple[str, Shape]:
        """The derivative by an array, from all shares in it."""
        name = f"d_{array.name}"
        if all(share.lanes is None or self.is_all(array, share.lanes) for share in shares):
            shape = SINGLE
            for share in shares:
                shape |= share.shape
            if len(shares) == 1 and shares[0].text.isidentifier():
                return shares[0].text, shape
            self.lines.append(f"{name} = {' + '.join(share.text for share in shares)}")
            return name, shape
        size = f"(n, {array.width})" if array.batched else f"{array.width}"
        self.lines.append(f"{name} = xp.zeros({size})")
        for share in shares:
            lanes = share.lanes if share.lanes is not None else tuple(range(array.width or 0))
            self.add(name, self.index(array, lanes), share.text)
        return name, shape_of(array)

    @staticmethod
    def is_all(array: Array, lanes: tuple[int, ...]) -> bool:
        """Whether lanes are all of an array, in order."""
        return array.width is not None and lanes == tuple(range(array.width))

    def add(self, name: str, index: str, text: str, sign: str = "+=") -> None:
        """Add to some lanes."""
        if self.functional:
            self.lines.append(f"{name} = {name}.at[{index}].add({text})")
        else:
            self.lines.append(f"{name}[{index}] {sign} {text}")

    def map_back(self, step: Step, upstream: str, shape: Shape) -> None:
        """The chain rule through a formula."""
        given = self.given(step)
        if step.kind == "fold":
            every = f"{step.output.name}_slopes"
            self.assign(every, written(over_sequences(step.row)[1], given))
        for place, operand in enumerate(step.operands):
            if not isinstance(operand, Part) or not operand.array.learns:
                continue
            if step.kind == "fold":
                product = f"{upstream} * {every}[{place}]"
                full = f"xp.broadcast_to({product}, {step.output.name}.shape)"
                self.share(operand, step.output, full, shape_of(step.output), ())
                continue
            local = written(step.row.partials[place], given)
            local_shape = self.shape_of_formula(step.row, place, step)
            if local == "1.0":
                self.share(operand, step.output, upstream, shape, ())
            elif local == "-1.0":
                self.share(operand, step.output, f"-{upstream}", shape, ())
            else:
                factors = (upstream, *split(local))
                if may_flag(local) and not self.functional:
                    name = f"{step.output.name}_slope{place}"
                    self.assign(name, local)
                    factors = (upstream, name)
                product = " * ".join(factors)
                sum_of = factors if shape.batched and local_shape.batched else ()
                self.share(operand, step.output, product, shape | local_shape, sum_of)

    def shape_of_formula(self, row: Operation, place: int, step: Step) -> Shape:
        """Which axes a local derivative has, by the names in it."""
        names = {getattr(node, "id", "") for node in walk(row.partials[place])}
        shape = shape_of(step.output) if "out" in names else SINGLE
        for name, operand in zip(row.operands, step.operands):
            if name in names and isinstance(operand, Part):
                shape |= shape_of_part(operand)
            elif name in names and isinstance(operand, tuple):
                shape |= Shape(False, True)
        return shape

    def share(
        self, part: Part, output: Array, text: str, shape: Shape, factors: tuple[str, ...]
    ) -> None:
        """A share in an operand's derivative, summed over the axes that the operand lacks."""
        target, have = shape_of_part(part), shape_of(output)
        if have.batched and not target.batched:
            if not shape.batched:
                text = f"{text} * n"
            elif len(factors) == 2 and not have.wide:
                text = f"{factors[0]} @ {factors[1]}"
            elif have.wide and not target.wide and shape.wide:
                text = f"({text}).sum()"
                shape = Shape(shape.batched, False)
                have = Shape(True, False)
            else:
                text = f"({text}).sum(0)"
            shape = Shape(False, shape.wide)
        if have.wide and not target.wide:
            if shape.wide:
                text = f"({text}).sum(-1)"
            elif shape.batched:
                text = f"({text})[:, 0] * {output.width}"
            else:
                text = f"{text} * {output.width}"
                if text.startswith("("):  # what is left of a sum over the batch
                    text = f"xp.sum({text})"
            shape = Shape(shape.batched, False)
        if not text.isidentifier():
            text = f"({text})" if text[0] == "-" or " + " in text else text
        if part.lanes is not None and len(part.lanes) > 1 and shape.batched and not shape.wide:
            text = f"({text})[:, None]" if not have.wide else text
        self.shares[part.array].append(Share(part.lanes, text, shape))

    def matmul_back(self, k: int, step: Step, upstream: str, shape: Shape) -> None:
        """The chain rule through a matrix product."""
        inputs, weights, bias = step.operands
        assert isinstance(inputs, Part)
        assert isinstance(weights, Part)
        output, w, x = step.output, self.weights[k], self.lanes_of(inputs)
        if shape != shape_of(output):
            name = f"d_{output.name}"
            self.lines.append(f"{name} = {upstream} + xp.zeros_like({output.name})")
            upstream, shape = name, shape_of(output)
        batched, wide = inputs.array.batched, output.width is not None
        if inputs.array.learns:
            text = (
                f"{upstream} @ {w}" if wide
                else f"{upstream}[:, None] * {w}" if batched
                else f"{upstream} * {w}"
            )  # fmt: skip
            self.shares[inputs.array].append(Share(inputs.lanes, text, shape_of_part(inputs)))
        if weights.array.learns:
            text = (
                f"({upstream}.T @ {x}).ravel()" if batched and wide
                else f"{upstream} @ {x}" if batched
                else f"xp.outer({upstream}, {x}).ravel()" if wide
                else f"{upstream} * {x}"
            )  # fmt: skip
            self.shares[weights.array].append(Share(weights.lanes, text, Shape(False, True)))
        if isinstance(bias, Part) and bias.array.learns:
            self.share(bias, output, upstream, shape, ())

    def parameters_back(self) -> None:
        """The gradient, in the order of the parameters."""
        array = self.parameters
        shares = self.shares.pop(array, [])
        size = f"(n, {array.width})" if array.batched else f"{array.width}"
        self.lines.append(f"gradient = xp.zeros({size})")
        written_to: set[int] = set()
        for share in shares:
            lanes = share.lanes if share.lanes is not None else tuple(range(array.width or 0))
            sign = "+=" if written_to & set(lanes) else "="
            written_to |= set(lanes)
            self.add("gradient", self.index(array, lanes), share.text, sign)


def number(value: float) -> str:
    """A number as it is written; infinities and NaN have names in the namespace."""
    if isnan(value):
        return "xp.nan"
    if value in (float("inf"), float("-inf")):
        return "xp.inf" if value > 0 else "(-xp.inf)"
    return repr(value) if value >= 0 and str(value)[0] != "-" else f"({value!r})"


def split(text: str) -> tuple[str, ...]:
    """The factors of a product whose first is a number, or the text as one factor."""
    tree: Any = parsed(text)
    product = isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult)
    if product and isinstance(tree.left, ast.Constant) and simple(tree.right):
        return ast.unparse(tree.left), ast.unparse(tree.right)
    return (text,) if simple(tree) else (f"({text})",)


def simple(tree: Any) -> bool:
    """Whether an expression needs no brackets in a product."""
    return isinstance(tree, ast.Name | ast.Constant | ast.Subscript | ast.Call)


def walk(formula: str) -> list[Any]:
    """All nodes of a formula's tree."""
    return list(ast.walk(parsed(formula)))
