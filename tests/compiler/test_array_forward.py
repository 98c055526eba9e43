"""The forward pass on arrays."""

from __future__ import annotations

from tinygrad_lin import (
    TABLE,
    Value,
    compile_graph,
    exp,
    total,
)
from tinygrad_lin.compiler.array_forward import ForwardWriter, output_lines
from tinygrad_lin.compiler.vectorize import Instruction, Location, Part, Variable


def test_the_source_reads_like_the_graph() -> None:
    w, x, b = Value(2.0, "w"), Value(3.0, "x"), Value(1.0, "b")
    a = w * x + b
    a.label = "a"
    program = compile_graph(exp(a), batch=[x], wrt=[w, b])
    assert "def program(p, weight, x):" in program.source
    assert "a = mul1 + p[1]" in program.source
    assert program.source.index("a = ") < program.source.index("gradient")


def test_constants_combine_with_a_batch_of_parameters() -> None:
    """As for a map of the cost: the parameters are the batch, and the points are constants."""
    w, b = Value(0.5, "w"), Value(0.25, "b")
    cost = total([(w * x + b - y) ** 2 for x, y in [(2.0, 19.0), (4.0, 35.0), (5.0, 1.0)]])
    program = compile_graph([cost], batch=[w, b], wrt=[])
    assert program.values([], [8.0, 0.0], [3.0, 1.0])[:, 0].tolist() == [42.0**2, 18.0**2 + 34.0**2]
    value, gradient = program.value_and_grad([], [8.0], [3.0])
    assert (value, gradient.shape) == (42.0**2, (0,))


def test_lanes_are_a_slice_where_they_are_neighbours() -> None:
    writer = ForwardWriter([], functional=False)
    fixed, batched = Variable("p", False, 6, True), Variable("a", True, 6, True)
    assert writer.part_text(Part(fixed, (1, 2, 3))) == "p[1:4]"
    assert writer.part_text(Part(batched, (1, 2, 3))) == "a[:, 1:4]"
    assert writer.part_text(Part(fixed, (0, 1, 2, 3, 4, 5))) == "p"
    assert writer.part_text(Part(fixed, (3, 1))) == "p[numbers1]"
    assert writer.constants["numbers1"].tolist() == [3, 1]


def test_a_column_has_an_axis_more_where_it_meets_lanes() -> None:
    writer = ForwardWriter([], functional=False)
    column, matrix = Variable("a", True, None, True), Variable("h", True, 3, True)
    assert writer.operand_text(Part(column), matrix) == "a[:, None]"
    assert writer.operand_text(Part(column), column) == "a"
    assert writer.operand_text(Part(matrix, (1,)), matrix) == "h[:, 1:2]"
    assert writer.operand_text(Part(matrix, (1,)), column) == "h[:, 1]"
    assert writer.operand_text(2.0, matrix) == "2.0"


def test_the_average_of_a_sum_is_taken_term_by_term() -> None:
    a, b, c = (Variable(name, True, None, True) for name in "abc")
    instructions = [
        Instruction("map", TABLE["mul"], b, (Part(a), Part(a))),
        Instruction("map", TABLE["sub"], c, (Part(b), Part(a))),
    ]
    writer = ForwardWriter(instructions, functional=False)
    assert writer.lines == ["b = a * a", "c = b - a"]
    assert output_lines(writer, Location(c), False) == ["value = weight * ((a @ a) + -a.sum())"]
    assert output_lines(writer, Location(c), True) == ["value = c"]


def test_an_output_that_is_a_number_is_the_same_in_every_row() -> None:
    writer = ForwardWriter([], functional=False)
    assert output_lines(writer, 2.5, False) == ["value = 2.5"]
    assert output_lines(writer, 2.5, True) == ["value = xp.full(n, 2.5)"]
