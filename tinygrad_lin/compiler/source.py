"""The steps as Python source: forward, then backward by the same rows of the table."""

from __future__ import annotations

import ast
from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy

from tinygrad_lin.compiler.formulas import (
    assigned,
    constant,
    may_flag,
    number,
    parsed,
    simple,
    split,
    walk,
    written,
)
from tinygrad_lin.compiler.lowering import Array, Part, Place, Step
from tinygrad_lin.expression import statements_of
from tinygrad_lin.ops import over_sequences

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tinygrad_lin.ops import Operation


IN_A_LINE = 20  # terms of a sum


class Shape(NamedTuple):
    """Which axes an expression has: that of the batch, and that of lanes."""

    batched: bool
    wide: bool

    def __or__(self, other: Shape) -> Shape:
        return Shape(self.batched or other.batched, self.wide or other.wide)


SINGLE = Shape(False, False)


class Slope(NamedTuple):
    """A derivative: a number times scalars times an array (none if there is no text)."""

    number: float = 1.0
    scalars: tuple[str, ...] = ()
    text: str = ""
    shape: Shape = SINGLE

    def __str__(self) -> str:
        factors = [*self.scalars, *([self.text] if self.text else [])]
        if self.number == -1.0 and factors:
            return "-" + " * ".join(factors)
        number_first = [] if self.number == 1.0 and factors else [number(self.number)]
        return " * ".join(number_first + factors)

    @property
    def factor(self) -> str:
        """The slope as it stands in a product."""
        text = str(self)
        return text if simple(parsed(text)) else f"({text})"


class Share(NamedTuple):
    """A share in the derivative by some lanes of an array, or by all of it."""

    lanes: tuple[int, ...] | None
    slope: Slope


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
        rows: whether there is a result for each row of the batch, and not their average.
        functional: whether arrays cannot be changed in place (as those of JAX).
    """

    def __init__(
        self,
        steps: Sequence[Step],
        result: Place | float,
        parameters: Array,
        rows: bool,
        functional: bool,
    ) -> None:
        self.steps = steps
        self.result = result
        self.parameters = parameters
        self.rows = rows
        self.functional = functional
        self.constants: dict[str, Any] = {}
        self.lines: list[str] = []  # whole statements
        self.shares: dict[Array, list[Share]] = defaultdict(list)
        self.weights: dict[int, str] = {}

    def forward(self) -> None:
        """The lines that compute all arrays."""
        for k, step in enumerate(self.steps):
            name = step.output.name
            if step.kind == "matmul":
                self.matmul(k, step)
            elif step.kind == "total":
                (part,) = step.operands
                assert isinstance(part, Part)
                self.lines.append(f"{name} = {self.lanes_of(part)}.sum(-1)")
            else:
                formula = step.row.formula if step.kind == "map" else over_sequences(step.row)[0]
                self.assign(name, written(formula, self.given(step)))

    def assign(self, name: str, text: str) -> None:
        """A line that computes."""
        self.lines.append(f"{name} = {text}" if self.functional else assigned(name, text))

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

    def matmul(self, k: int, step: Step) -> None:
        """A matrix product and a bias."""
        inputs, weights, bias = step.operands
        assert isinstance(inputs, Part)
        assert isinstance(weights, Part)
        wide = step.output.width
        x, w = self.lanes_of(inputs), self.lanes_of(weights)
        self.weights[k] = w
        if wide is not None:
            self.weights[k] = f"{step.output.name}_weights"
            why = "# a matrix product: neurons with the same inputs"
            self.lines.append(f"{why}\n{self.weights[k]} = {w}.reshape({wide}, -1)")
        w = self.weights[k]
        batched = inputs.array.batched
        product = f"{x} @ {w}.T" if batched and wide else f"{x} @ {w}" if batched else f"{w} @ {x}"
        if bias != 0.0:
            product += f" + {self.text(bias, step.output)}"
        self.lines.append(f"{step.output.name} = {product}")

    def value(self) -> None:
        """The line for the output: of each row, or their average."""
        if self.rows or not isinstance(self.result, Place) or not self.result.array.batched:
            self.lines.append(f"value = {self.not_averaged()}")
            return
        made = {step.output: step for step in self.steps}
        terms: list[str] = []
        todo = [(1.0, self.result)]
        while todo:
            number, place = todo.pop()
            step = made.get(place.array)
            linear = self.linear(step) if step and place.lane is None else None
            if linear:
                todo += [(number * slope, operand) for slope, operand in reversed(linear)]
            elif place.array.batched:
                terms.append(str(Slope(number, (), self.sum_of(place, step))))
            else:
                terms.append(str(Slope(number, (text_of(place), "n"))))
        if len(terms) == 1:
            self.lines.append(f"value = weight * {terms[0]}")
        elif len(terms) <= IN_A_LINE:
            self.lines.append(f"value = weight * ({' + '.join(terms)})")
        else:
            self.sum("value", terms)
            self.lines.append("value = weight * value")

    def not_averaged(self) -> str:
        """The output of each row, or what is the same in all."""
        if not isinstance(self.result, Place):
            return f"xp.full(n, {number(self.result)})" if self.rows else number(self.result)
        text = text_of(self.result)
        return text if not self.rows or self.result.array.batched else f"{text} + xp.zeros(n)"

    def linear(self, step: Step) -> list[tuple[float, Place]]:
        """What a step adds up, and how many times each, if it does no more: then so may the sum."""
        if step.kind != "map":
            return []
        given = self.given(step)
        parts = {
            name: part for name, part in zip(step.row.operands, step.operands)
            if isinstance(part, Part)
        }  # fmt: skip
        at_zero = written(step.row.formula, given | dict.fromkeys(parts, "0.0"))
        if constant(parsed(at_zero)) != 0.0:
            return []
        terms = []
        for formula, operand in zip(step.row.partials, step.operands):
            if isinstance(operand, Part):
                slope = constant(parsed(written(formula, given)))
                if slope is None or (operand.lanes and len(operand.lanes) > 1):
                    return []
                lane = operand.lanes[0] if operand.lanes else None
                terms.append((slope, Place(operand.array, lane)))
        return terms

    def sum_of(self, place: Place, step: Step | None) -> str:
        """The sum of a column; that of a product is one of BLAS's."""
        if step and step.kind == "map" and place.lane is None:
            tree: Any = parsed(written(step.row.formula, self.given(step)))
            columns = [p for p in step.operands if isinstance(p, Part) and p.array.batched]
            if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
                factors = [ast.unparse(side) for side in (tree.left, tree.right)]
                known = {self.text(part, step.output) for part in columns}
                if known.issuperset(factors):
                    return f"({factors[0]} @ {factors[1]})"
        return f"{text_of(place)}.sum()"

    def backward(self) -> None:
        """The lines that compute the gradient, from the output to the parameters."""
        if isinstance(self.result, Place) and self.result.array.learns:
            array, lane = self.result
            lanes = None if lane is None else (lane,)
            # What is the same in every row is its own average.
            averaged = array.batched and not self.rows
            self.shares[array].append(Share(lanes, Slope(1.0, ("weight",) * averaged)))
        for k, step in reversed(list(enumerate(self.steps))):
            shares = self.shares.pop(step.output, [])
            if not shares or not step.output.learns:
                continue
            learning = [o for o in step.operands if isinstance(o, Part) and o.array.learns]
            upstream = self.gather(step.output, shares, len(learning) == 1 and step.kind == "map")
            if step.kind == "matmul":
                self.matmul_back(k, step, upstream)
            elif step.kind == "total":
                (part,) = step.operands
                assert isinstance(part, Part)
                if upstream.shape.batched:
                    upstream = upstream._replace(text=f"{upstream.text}[:, None]")
                self.shares[part.array].append(Share(part.lanes, upstream))
            else:
                self.map_back(step, upstream)
        self.parameters_back()

    def gather(self, array: Array, shares: list[Share], once: bool) -> Slope:
        """The derivative by an array, from all shares; truth values used once need no name."""
        shares = merged(shares)
        name = f"d_{array.name}"
        if all(share.lanes is None or is_all(array, share.lanes) for share in shares):
            slope = shares[0].slope
            if len(shares) == 1:
                truth = slope.text.startswith("1.0 * xp.logical_not(")
                if not slope.text or slope.text.isidentifier() or (once and truth):
                    return slope
                self.lines.append(f"{name} = {bare(slope.text)}")
                return slope._replace(text=name)
            shape = SINGLE
            for share in shares:
                shape |= share.slope.shape
            self.sum(name, [str(share.slope) for share in shares])
            return Slope(text=name, shape=shape)
        size = f"(n, {array.width})" if array.batched else f"{array.width}"
        self.lines.append(f"{name} = xp.zeros({size})")
        for share in shares:
            lanes = share.lanes if share.lanes is not None else tuple(range(array.width or 0))
            self.add(name, self.index(array, lanes), str(share.slope))
        return Slope(text=name, shape=shape_of(array))

    def sum(self, name: str, terms: list[str]) -> None:
        """Lines that add up: Python cannot read an expression of a thousand terms."""
        self.lines.append(f"{name} = {' + '.join(terms[:IN_A_LINE])}")
        for k in range(IN_A_LINE, len(terms), IN_A_LINE):
            self.lines.append(f"{name} = {' + '.join([name, *terms[k : k + IN_A_LINE]])}")

    def add(self, name: str, index: str, text: str, sign: str = "+=") -> None:
        """Add to some lanes."""
        if self.functional:
            self.lines.append(f"{name} = {name}.at[{index}].add({text})")
        else:
            self.lines.append(f"{name}[{index}] {sign} {bare(text)}")

    def map_back(self, step: Step, upstream: Slope) -> None:
        """The chain rule through a formula."""
        given = self.given(step)
        if step.kind == "fold":
            every = f"{step.output.name}_slopes"
            self.assign(every, written(over_sequences(step.row)[1], given))
        for place, operand in enumerate(step.operands):
            if not isinstance(operand, Part) or not operand.array.learns:
                continue
            if step.kind == "fold":
                shape = shape_of(step.output)
                text = f"xp.broadcast_to({upstream} * {every}[{place}], {step.output.name}.shape)"
                self.share(operand, step.output, Slope(text=text, shape=shape))
                continue
            local = written(step.row.partials[place], given)
            if may_flag(local) and not self.functional:
                name = f"{step.output.name}_slope{place}"
                self.assign(name, local)
                local = name
            slope, columns = upstream, None
            for factor in split(local):
                known = constant(parsed(factor))
                shape = self.shape_of_formula(step.row, place, step)
                # Truth values alone would add up to one, and have no negative.
                as_number = f"1.0 * {factor}" if factor.startswith("xp.logical_not(") else factor
                if known is not None:
                    slope = slope._replace(number=slope.number * known)
                elif shape == SINGLE:
                    slope = slope._replace(scalars=(*slope.scalars, as_number))
                else:
                    if slope.shape.batched and shape.batched:
                        columns = slope.text, factor
                    upstream_text = slope.text.removeprefix("1.0 * ")
                    text = f"{upstream_text} * {factor}" if slope.text else as_number
                    slope = slope._replace(text=text, shape=slope.shape | shape)
            self.share(operand, step.output, slope, columns)

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
        self, part: Part, output: Array, slope: Slope, factors: tuple[str, str] | None = None
    ) -> None:
        """A share in an operand's derivative, summed over the axes that the operand lacks.

        Where the slope's text is a product of two columns, they are given, too.
        """
        target, have = shape_of_part(part), shape_of(output)
        _, scalars, text, shape = slope
        product = text if simple(parsed(text or "1.0")) else f"({text})"
        lanes = have.wide and not target.wide
        times = 1
        if have.batched and not target.batched:
            if not shape.batched:
                scalars = (*scalars, "n")
            elif factors and not have.wide:
                text = f"({factors[0]} @ {factors[1]})"
            elif shape.wide and not lanes:
                text = f"{product}.sum(0)"
            else:
                text = f"{product}.sum()"
                times = output.width or 1 if lanes and not shape.wide else 1
                lanes = False
            shape = Shape(False, shape.wide and not text.endswith(".sum()"))
            product = text
        if lanes:
            if shape.wide:
                text = f"{product}.sum(-1)"
            else:  # a column that all the lanes share, or no array at all
                text = f"{product}[:, 0]" if shape.batched else text
                times = output.width or 1
            shape = Shape(shape.batched, False)
        elif part.lanes is not None and len(part.lanes) > 1 and shape == Shape(True, False):
            text = text if have.wide else f"({text})[:, None]"
        slope = Slope(slope.number * times, scalars, text, shape)
        self.shares[part.array].append(Share(part.lanes, slope))

    def matmul_back(self, k: int, step: Step, upstream: Slope) -> None:
        """The chain rule through a matrix product."""
        inputs, weights, bias = step.operands
        assert isinstance(inputs, Part)
        assert isinstance(weights, Part)
        output, w, x = step.output, self.weights[k], self.lanes_of(inputs)
        batched, wide = inputs.array.batched, output.width is not None
        if upstream.shape != shape_of(output):
            name = f"d_{output.name}"
            self.lines.append(f"{name} = {upstream} + xp.zeros_like({output.name})")
            upstream = Slope(text=name, shape=shape_of(output))
        elif batched and (wide or inputs.array.learns) and upstream[:2] != (1.0, ()):
            name = f"d_{output.name}"  # a column is scaled sooner than the matrices made of it
            self.lines.append(f"{name} = {upstream}")
            upstream = Slope(text=name, shape=shape_of(output))
        d = upstream.text
        if inputs.array.learns:
            text = f"({d} @ {w})" if wide else f"{d}[:, None] * {w}" if batched else w
            if not wide and not batched:
                text = f"{d} * {w}" if d else w
            slope = Slope(upstream.number, upstream.scalars, text, shape_of_part(inputs))
            self.shares[inputs.array].append(Share(inputs.lanes, slope))
        if weights.array.learns:
            text = (
                f"({d}.T @ {x}).ravel()" if batched and wide
                else f"({d} @ {x})" if batched
                else f"xp.outer({d}, {x}).ravel()" if wide
                else f"{d} * {x}" if d
                else x
            )  # fmt: skip
            slope = Slope(upstream.number, upstream.scalars, text, Shape(False, True))
            self.shares[weights.array].append(Share(weights.lanes, slope))
        if isinstance(bias, Part) and bias.array.learns:
            self.share(bias, output, upstream)

    def parameters_back(self) -> None:
        """The gradient, in the order of the parameters: what goes to most of them last."""
        array = self.parameters
        every = tuple(range(array.width or 0))
        shares = [
            Share(share.lanes if share.lanes is not None else every, share.slope)
            for share in merged(self.shares.pop(array, []))
        ]
        shares.sort(key=lambda share: len(share.lanes or ()))
        size = f"(n, {array.width})" if array.batched else f"{array.width}"
        signs: list[str] = []
        have: set[int] = set()
        filled: set[int] = set()
        for lanes, _ in shares:
            assert lanes is not None
            signs.append("=" if have.isdisjoint(lanes) else "+=")
            have.update(lanes)
            filled.update(lanes if signs[-1] == "=" else ())
        new = "empty" if filled == set(every) and not self.functional else "zeros"
        self.lines.append(f"gradient = xp.{new}({size})")
        for sign, (lanes, slope) in zip(signs, shares):
            self.add("gradient", self.index(array, lanes), str(slope), sign)


def merged(shares: list[Share]) -> list[Share]:
    """Shares, those that differ only in a number as one."""
    numbers: dict[Share, float] = {}
    for lanes, slope in shares:
        key = Share(lanes, slope._replace(number=1.0))
        numbers[key] = numbers.get(key, 0.0) + slope.number
    return [
        Share(lanes, slope._replace(number=number)) for (lanes, slope), number in numbers.items()
    ]


def is_all(array: Array, lanes: tuple[int, ...]) -> bool:
    """Whether lanes are all of an array, in order."""
    return array.width is not None and lanes == tuple(range(array.width))


def bare(text: str) -> str:
    """An expression without brackets around all of it."""
    return ast.unparse(parsed(text)) if text.startswith("(") else text


def text_of(place: Place) -> str:
    """The text of a place."""
    array, lane = place
    if lane is None:
        return array.name
    return f"{array.name}[:, {lane}]" if array.batched else f"{array.name}[{lane}]"


def walked(line: str) -> Iterator[ast.AST]:
    """All nodes of some statements."""
    return chain.from_iterable(map(ast.walk, statements_of(line)))


def needed(lines: list[str]) -> list[str]:
    """The lines that matter for the value and the gradient."""
    kept: list[str] = []
    wanted = {"value", "gradient"}
    for line in reversed(lines):
        names = {n.id: n.ctx for n in walked(line) if isinstance(n, ast.Name)}
        made = {name for name, context in names.items() if isinstance(context, ast.Store)}
        if wanted & (made or set(names)):
            wanted |= set(names)
            kept.append(line)
    return kept[::-1]
