"""The command draw: the graph of an expression as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tinygrad_lin.cli import options
from tinygrad_lin.cli.group import main
from tinygrad_lin.cli.output import print_lines
from tinygrad_lin.errors import DataError
from tinygrad_lin.value import Value


@main.command("draw")
@options.expression
@options.bindings
@options.output_file("graph.svg", help="An .svg, .png, .pdf or .dot file.")
@click.option("--theme", default="light", help="light, dark, print or auto.")
@click.option("--direction", default="LR", help="LR, RL, TB or BT.")
@click.option("--title", help="A line of text above the drawing.")
@click.option("--legend", is_flag=True, help="Explain the drawing in a corner.")
@click.option("--path", "end", metavar="NAME", help="Mark the paths to a variable.")
def draw_command(
    expression: str, bindings: tuple[str, ...], output: Path, end: str | None, **style: Any
) -> None:
    """Draw the graph of an expression with its gradients.

    \b
    Examples:
      tinygrad-lin draw "((w*x+b)-y)**2/2" w=0.5 x=2 b=-0.1 y=19 -o cost.svg
      tinygrad-lin draw "tanh(w*x)" w=0.5 x=2 --theme dark --path w -o neuron.png
    """
    from tinygrad_lin.viz.drawing.draw import draw

    formula, leaves = options.read_expression(expression, bindings)
    if end is not None and end not in leaves:
        raise DataError(f"there is no {end!r} in {expression!r}")
    root: Value = formula(leaves)
    root.backward()
    path = leaves[end] if end is not None else None
    draw(root, path=path, **style).write(output)
    print_lines(f"wrote {output}")
