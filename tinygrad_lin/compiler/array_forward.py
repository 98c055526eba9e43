"""The forward pass on arrays: each instruction becomes a statement of Python.

The output is averaged over the batch term by term: then the sum of a product of two columns is a
dot product, which takes no array of its own.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import numpy

from tinygrad_lin._parsing import parse_expression
from tinygrad_lin.compiler.formulas import (
    assignment,
    constant_value,
    number_text,
    on_arrays,
    operand_texts,
)
from tinygrad_lin.compiler.source_text import MAX_TERMS_IN_A_LINE, Product, sum_lines
from tinygrad_lin.compiler.vectorize import Instruction, Location, Operand, Part, Variable
from tinygrad_lin.formulas import expand_sums


class ForwardWriter:
    """Writes the forward pass of one program.

    Args:
        instructions: the instructions, in order.
        functional: whether arrays cannot be changed in place (as those of JAX).

    Attributes:
        lines: the statements.
        constants: the arrays that the program brings along, by their names.
        weights: the text of the weights of each matrix product, by its output.
    """

    def __init__(self, instructions: Sequence[Instruction], functional: bool) -> None:
        self.instructions = instructions
        self.functional = functional
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {}
        self.weights: dict[Variable, str] = {}
        for instruction in instructions:
            self.write(instruction)

    def write(self, instruction: Instruction) -> None:
        """Write one instruction."""
        kind, operation, output, operands = instruction
        if kind == "matmul":
            self.write_matmul(instruction)
        elif kind == "total":
            (part,) = operands
            assert isinstance(part, Part)
            self.lines.append(f"{output.name} = {self.part_text(part)}.sum(-1)")
        else:
            formula = expand_sums(operation, operation.formula)
            self.assign(output.name, on_arrays(formula, self.texts(instruction)))

    def write_matmul(self, instruction: Instruction) -> None:
        """Write a matrix product and its bias."""
        output = instruction.output
        inputs, weights, bias = instruction.operands
        assert isinstance(inputs, Part)
        assert isinstance(weights, Part)
        x, w = self.part_text(inputs), self.part_text(weights)
        if output.width is not None:
            why = "# a matrix product: neurons with the same inputs"
            matrix = f"{output.name}_weights"
            self.lines.append(f"{why}\n{matrix} = {w}.reshape({output.width}, -1)")
            w = matrix
        self.weights[output] = w
        if inputs.variable.batched:
            product = f"{x} @ {w}" if output.width is None else f"{x} @ {w}.T"
        else:
            product = f"{w} @ {x}"
        if bias != 0.0:
            product += f" + {self.operand_text(bias, output)}"
        self.lines.append(f"{output.name} = {product}")

    def assign(self, name: str, text: str) -> None:
        """Write a statement that computes."""
        self.lines.append(f"{name} = {text}" if self.functional else assignment(name, text))

    def texts(self, instruction: Instruction) -> dict[str, str]:
        """The texts that stand for the names in a formula."""
        operation, output = instruction.operation, instruction.output
        texts = [self.operand_text(operand, output) for operand in instruction.operands]
        return operand_texts(operation, texts, output.name)

    def operand_text(self, operand: Operand, output: Variable) -> str:
        """An operand, with an axis more where the output has lanes and it has none."""
        if not isinstance(operand, Part):
            if isinstance(operand, tuple):
                return self.add_constant(numpy.array(operand))
            return number_text(operand)
        variable, lanes = operand.variable, operand.lanes
        if operand.is_wide:
            return self.part_text(operand)
        if not variable.batched or output.width is None:
            return Location(variable, lanes[0] if lanes else None).text
        return f"{variable.name}[:, {f'{lanes[0]}:{lanes[0] + 1}' if lanes else 'None'}]"

    def part_text(self, part: Part) -> str:
        """Lanes of a variable, as an array."""
        if part.is_whole:
            return part.variable.name
        return f"{part.variable.name}[{self.index(part.variable, part.lanes)}]"

    def index(self, variable: Variable, lanes: tuple[int, ...] | None) -> str:
        """What picks lanes of a variable: a slice if they are neighbours."""
        assert lanes is not None
        first, last = lanes[0], lanes[-1]
        if len(lanes) == 1:
            picked = str(first)
        elif lanes == tuple(range(first, last + 1)):
            picked = f"{first}:{last + 1}"
        else:
            picked = self.add_constant(numpy.array(lanes))
        return f":, {picked}" if variable.batched else picked

    def add_constant(self, content: Any) -> str:
        """A name for an array that the program brings along."""
        name = f"numbers{len(self.constants) + 1}"
        self.constants[name] = content
        return name


def output_lines(forward: ForwardWriter, output: Location | float, per_row: bool) -> list[str]:
    """The statements that compute the output, after the forward pass."""
    if not isinstance(output, Location):
        text = number_text(output)
        return [f"value = xp.full(n, {text})" if per_row else f"value = {text}"]
    if per_row or not output.variable.batched:
        zeros = " + xp.zeros(n)" if per_row and not output.variable.batched else ""
        return [f"value = {output.text}{zeros}"]
    terms = [str(term) for term in summed_terms(forward, output)]
    if len(terms) == 1:
        return [f"value = weight * {terms[0]}"]
    if len(terms) <= MAX_TERMS_IN_A_LINE:
        return [f"value = weight * ({' + '.join(terms)})"]
    return [*sum_lines("value", terms), "value = weight * value"]


def summed_terms(forward: ForwardWriter, output: Location) -> list[Product]:
    """The terms that add up to the sum of the output over all rows."""
    made_by = {instruction.output: instruction for instruction in forward.instructions}
    terms: list[Product] = []
    todo = [(1.0, output)]
    while todo:
        number, location = todo.pop()
        instruction = made_by.get(location.variable) if location.lane is None else None
        linear = linear_terms(forward, instruction) if instruction else []
        if linear:
            todo += [(number * factor, operand) for factor, operand in reversed(linear)]
        elif location.variable.batched:
            terms.append(Product(number, (), column_sum(forward, location, instruction)))
        else:
            terms.append(Product(number, (location.text, "n")))
    return terms


def linear_terms(forward: ForwardWriter, instruction: Instruction) -> list[tuple[float, Location]]:
    """The operands of a linear combination with their factors; none if it is not one."""
    kind, operation, _, operands = instruction
    if kind != "map":
        return []
    texts = forward.texts(instruction)
    varying = {
        name: "0.0" for name, part in zip(operation.operands, operands) if isinstance(part, Part)
    }
    at_zero = on_arrays(operation.formula, texts | varying)
    if constant_value(parse_expression(at_zero)) != 0.0:
        return []
    terms = []
    for formula, operand in zip(operation.partials, operands):
        if isinstance(operand, Part):
            factor = constant_value(parse_expression(on_arrays(formula, texts)))
            if factor is None or operand.is_wide:
                return []
            lane = operand.lanes[0] if operand.lanes else None
            terms.append((factor, Location(operand.variable, lane)))
    return terms


def column_sum(forward: ForwardWriter, location: Location, instruction: Instruction | None) -> str:
    """The sum of a column; that of a product of columns is a dot product."""
    if instruction and instruction.kind == "map":
        texts = forward.texts(instruction)
        tree = parse_expression(on_arrays(instruction.operation.formula, texts))
        if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Mult):
            factors = [ast.unparse(side) for side in (tree.left, tree.right)]
            known = {
                forward.operand_text(part, instruction.output)
                for part in instruction.operands
                if isinstance(part, Part) and part.variable.batched
            }
            if known.issuperset(factors):
                return f"({factors[0]} @ {factors[1]})"
    return f"{location.text}.sum()"
