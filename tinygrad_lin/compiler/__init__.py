"""From graph to program: a graph of scalars, recorded once, becomes code on arrays."""

from tinygrad_lin.compiler.program import Program, compile_graph

__all__ = ["Program", "compile_graph"]
