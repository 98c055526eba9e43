"""What programs are compared with: the engine."""

from __future__ import annotations

from typing import Any

import numpy

from tinygrad_lin import Value, compile_graph, topological_order
from tinygrad_lin.compiler import Program
from tinygrad_lin.compiler.executables import Executable


def eager(root: Value, wrt: list[Value]) -> tuple[float, list[float]]:
    """The value and the gradient that the engine gives."""
    for node in topological_order(root):
        node.grad = 0.0
    root.backward()
    return root.data, [leaf.grad for leaf in wrt]


def close(got: Any, wanted: Any, scale: float = 1.0) -> bool:
    """Whether numbers are equal up to rounding."""
    return bool(numpy.allclose(got, wanted, rtol=1e-11, atol=1e-12 * scale, equal_nan=True))


def agrees(root: Value, wrt: list[Value]) -> bool:
    """Whether the program without a batch agrees with the engine."""
    for leaf in wrt:
        leaf.grad = 0.0
    root.backward()
    numbers = [leaf.data for leaf in wrt]
    value, gradient = compile_graph(root, wrt=wrt).value_and_grad(numbers)
    wanted = [leaf.grad for leaf in wrt]
    return bool(
        numpy.isclose(value, root.data, rtol=1e-12)
        and numpy.allclose(gradient, wanted, rtol=1e-11, atol=1e-13)
    )


def executable_of(program: Program) -> Executable:
    """The only executable of a program."""
    (executable,) = program._executables.values()
    return executable
