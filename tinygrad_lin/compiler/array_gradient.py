"""The backward pass on arrays: the chain rule for each instruction, from last to first."""

from __future__ import annotations

import ast
from collections import defaultdict
from typing import NamedTuple

from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.compiler.array_forward import ForwardWriter
from tinygrad_lin.compiler.formulas import constant_value, may_signal, on_arrays
from tinygrad_lin.compiler.shapes import NO_AXES, Axes
from tinygrad_lin.compiler.source_text import (
    Product,
    as_factor,
    split_factors,
    sum_lines,
    without_brackets,
)
from tinygrad_lin.compiler.vectorize import Instruction, Location, Part, Variable
from tinygrad_lin.formulas import all_local_derivatives


class Contribution(NamedTuple):
    """What one use adds to the gradient of some lanes of a variable, or of all of it."""

    lanes: tuple[int, ...] | None
    gradient: Product


class GradientWriter:
    """Writes the backward pass of one program, after its forward pass.

    Args:
        forward: the writer of the forward pass; the statements follow its own.
        parameters: the variable that the gradient is taken with respect to.
        per_row: whether there is a gradient for each row of the batch, and not their average.
    """

    def __init__(self, forward: ForwardWriter, parameters: Variable, per_row: bool) -> None:
        self.forward = forward
        self.parameters = parameters
        self.per_row = per_row
        self.lines: list[str] = forward.lines
        self.contributions: dict[Variable, list[Contribution]] = defaultdict(list)

    def write(self, output: Location | float) -> None:
        """Write all statements, from the output to the parameters."""
        if isinstance(output, Location) and output.variable.needs_gradient:
            variable, lane = output
            # An output that is the same in every row is its own average: it has no weight.
            averaged = variable.batched and not self.per_row
            seed = Product(1.0, ("weight",) if averaged else ())
            self.contribute(variable, None if lane is None else (lane,), seed)
        for instruction in reversed(self.forward.instructions):
            kind, _, variable, operands = instruction
            contributions = self.contributions.pop(variable, [])
            if not contributions or not variable.needs_gradient:
                continue
            needed = [o for o in operands if isinstance(o, Part) and o.variable.needs_gradient]
            used_once = len(needed) == 1 and kind == "map"
            upstream = self.upstream_gradient(variable, contributions, used_once)
            if kind == "matmul":
                self.write_matmul(instruction, upstream)
            elif kind == "fold":
                self.write_fold(instruction, upstream)
            elif kind == "map":
                self.write_map(instruction, upstream)
            else:
                (part,) = needed
                if upstream.axes.batched:
                    upstream = upstream._replace(text=f"{upstream.text}[:, None]")
                self.contribute(part.variable, part.lanes, upstream)
        self.write_parameters()

    def contribute(
        self, variable: Variable, lanes: tuple[int, ...] | None, gradient: Product
    ) -> None:
        """Remember a contribution until the instruction that makes the variable is reached."""
        self.contributions[variable].append(Contribution(lanes, gradient))

    def upstream_gradient(
        self, variable: Variable, contributions: list[Contribution], used_once: bool
    ) -> Product:
        """The gradient of a variable, from all contributions, with a name if it has an array.

        Truth values that are used once stay where they are used.
        """
        contributions = merge_contributions(contributions)
        name = f"d_{variable.name}"
        every = tuple(range(variable.width or 0))
        if all(lanes is None or (every and lanes == every) for lanes, _ in contributions):
            gradient = contributions[0].gradient
            if len(contributions) == 1:
                truth = gradient.text.startswith("1.0 * xp.logical_not(")
                named = not gradient.text or gradient.text.isidentifier()
                if named or (used_once and truth):
                    return gradient
                self.lines.append(f"{name} = {without_brackets(gradient.text)}")
                return gradient._replace(text=name)
            axes = NO_AXES
            for _, gradient in contributions:
                axes |= gradient.axes
            self.lines.extend(sum_lines(name, [str(gradient) for _, gradient in contributions]))
            return Product(text=name, axes=axes)
        self.lines.append(f"{name} = xp.zeros({gradient_size(variable)})")
        for lanes, gradient in contributions:
            self.add_to(name, self.forward.index(variable, lanes or every), gradient)
        return Product(text=name, axes=variable.axes)

    def add_to(self, name: str, index: str, gradient: Product, sign: str = "+=") -> None:
        """Write a statement that adds to some lanes."""
        if self.forward.functional:
            self.lines.append(f"{name} = {name}.at[{index}].add({gradient})")
        else:
            self.lines.append(f"{name}[{index}] {sign} {without_brackets(str(gradient))}")

    def write_fold(self, instruction: Instruction, upstream: Product) -> None:
        """The chain rule through a formula of many operands, whose derivatives are a tuple."""
        _, operation, output, operands = instruction
        every = f"{output.name}_slopes"
        partials = all_local_derivatives(operation)
        self.forward.assign(every, on_arrays(partials, self.forward.texts(instruction)))
        for position, operand in enumerate(operands):
            if isinstance(operand, Part) and operand.variable.needs_gradient:
                text = f"xp.broadcast_to({upstream} * {every}[{position}], {output.name}.shape)"
                self.sum_and_contribute(operand, output, Product(text=text, axes=output.axes))

    def write_map(self, instruction: Instruction, upstream: Product) -> None:
        """The chain rule through a formula."""
        _, operation, output, operands = instruction
        texts = self.forward.texts(instruction)
        for position, operand in enumerate(operands):
            if not isinstance(operand, Part) or not operand.variable.needs_gradient:
                continue
            local = on_arrays(operation.partials[position], texts)
            if may_signal(local) and not self.forward.functional:
                name = f"{output.name}_slope{position}"
                self.forward.assign(name, local)
                local = name
            gradient, columns = upstream, None
            axes = axes_of_partial(instruction, position)
            for factor in split_factors(local):
                known = constant_value(parse_expression(factor))
                # NumPy's truth values add up to True, and have no negative.
                as_number = f"1.0 * {factor}" if factor.startswith("xp.logical_not(") else factor
                if known is not None:
                    gradient = gradient._replace(number=gradient.number * known)
                elif axes == NO_AXES:
                    gradient = gradient._replace(scalars=(*gradient.scalars, as_number))
                else:
                    if gradient.axes.batched and axes.batched:
                        columns = gradient.text, factor
                    before = gradient.text.removeprefix("1.0 * ")
                    text = f"{before} * {factor}" if before else as_number
                    gradient = gradient._replace(text=text, axes=gradient.axes | axes)
            self.sum_and_contribute(operand, output, gradient, columns)

    def sum_and_contribute(
        self,
        part: Part,
        output: Variable,
        gradient: Product,
        columns: tuple[str, str] | None = None,
    ) -> None:
        """Sum a gradient over the axes that an operand lacks, and contribute it.

        Where the gradient's text is a product of two columns, these are given, too.
        """
        wanted, have = part.axes, output.axes
        number, scalars, text, axes = gradient
        product = as_factor(text) if text else ""
        lanes = have.wide and not wanted.wide
        times = 1
        if have.batched and not wanted.batched:
            if not axes.batched:
                scalars = (*scalars, "n")
            elif columns and not have.wide:
                text = f"({columns[0]} @ {columns[1]})"
            elif axes.wide and not lanes:
                text = f"{product}.sum(0)"
            else:
                text = f"{product}.sum()"
                times = output.width or 1 if lanes and not axes.wide else 1
                lanes = False
            axes = Axes(False, axes.wide and not text.endswith(".sum()"))
            product = text
        if lanes:
            if axes.wide:
                text = f"{product}.sum(-1)"
            else:  # All lanes share a column, or there is no array at all.
                text = f"{product}[:, 0]" if axes.batched else text
                times = output.width or 1
            axes = Axes(axes.batched, False)
        elif part.is_wide and axes == Axes(True, False):
            text = text if have.wide else f"({text})[:, None]"
        self.contribute(part.variable, part.lanes, Product(number * times, scalars, text, axes))

    def write_matmul(self, instruction: Instruction, upstream: Product) -> None:
        """The chain rule through a matrix product."""
        output = instruction.output
        inputs, weights, bias = instruction.operands
        assert isinstance(inputs, Part)
        assert isinstance(weights, Part)
        w, x = self.forward.weights[output], self.forward.part_text(inputs)
        batched, wide = inputs.variable.batched, output.width is not None
        name = f"d_{output.name}"
        if upstream.axes != output.axes:
            self.lines.append(f"{name} = {upstream} + xp.zeros_like({output.name})")
            upstream = Product(text=name, axes=output.axes)
        elif batched and (wide or inputs.variable.needs_gradient) and upstream[:2] != (1.0, ()):
            # Scaling a column is quicker than scaling the matrices that are made of it.
            self.lines.append(f"{name} = {upstream}")
            upstream = Product(text=name, axes=output.axes)
        number, scalars, d, _ = upstream
        if inputs.variable.needs_gradient:
            text = (
                f"({d} @ {w})" if wide
                else f"{d}[:, None] * {w}" if batched
                else f"{d} * {w}" if d
                else w
            )  # fmt: skip
            gradient = Product(number, scalars, text, inputs.axes)
            self.contribute(inputs.variable, inputs.lanes, gradient)
        if weights.variable.needs_gradient:
            text = (
                f"({d}.T @ {x}).ravel()" if batched and wide
                else f"({d} @ {x})" if batched
                else f"xp.outer({d}, {x}).ravel()" if wide
                else f"{d} * {x}" if d
                else x
            )  # fmt: skip
            gradient = Product(number, scalars, text, Axes(False, True))
            self.contribute(weights.variable, weights.lanes, gradient)
        if isinstance(bias, Part) and bias.variable.needs_gradient:
            self.sum_and_contribute(bias, output, upstream)

    def write_parameters(self) -> None:
        """Write the gradient, in the order of the parameters: what goes to most of them last."""
        variable = self.parameters
        every = tuple(range(variable.width or 0))
        contributions = [
            (every if lanes is None else lanes, gradient)
            for lanes, gradient in merge_contributions(self.contributions.pop(variable, []))
        ]
        contributions.sort(key=lambda contribution: len(contribution[0]))
        signs: list[str] = []
        begun: set[int] = set()
        filled: set[int] = set()
        for lanes, _ in contributions:
            signs.append("=" if begun.isdisjoint(lanes) else "+=")
            begun.update(lanes)
            filled.update(lanes if signs[-1] == "=" else ())
        new = "empty" if filled == set(every) and not self.forward.functional else "zeros"
        self.lines.append(f"gradient = xp.{new}({gradient_size(variable)})")
        for sign, (lanes, gradient) in zip(signs, contributions):
            self.add_to("gradient", self.forward.index(variable, lanes), gradient, sign)


def gradient_size(variable: Variable) -> str:
    """The shape of the gradient of a variable with lanes, as text."""
    return f"(n, {variable.width})" if variable.batched else f"{variable.width}"


def axes_of_partial(instruction: Instruction, position: int) -> Axes:
    """Which axes a local derivative has, judging by the names in its formula."""
    operation, output = instruction.operation, instruction.output
    tree = parse_expression(operation.partials[position])
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    axes = output.axes if "out" in names else NO_AXES
    for name, operand in zip(operation.operands, instruction.operands):
        if name in names and isinstance(operand, Part):
            axes |= operand.axes
        elif name in names and isinstance(operand, tuple):
            axes |= Axes(False, True)
    return axes


def merge_contributions(contributions: list[Contribution]) -> list[Contribution]:
    """Merge the contributions that differ only in a number."""
    numbers: dict[Contribution, float] = {}
    for lanes, gradient in contributions:
        key = Contribution(lanes, gradient._replace(number=1.0))
        numbers[key] = numbers.get(key, 0.0) + gradient.number
    return [
        Contribution(lanes, gradient._replace(number=number))
        for (lanes, gradient), number in numbers.items()
    ]
