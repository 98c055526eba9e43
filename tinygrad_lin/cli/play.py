"""The command play: a page that replays both passes through an expression."""

from __future__ import annotations

from pathlib import Path

import click

from tinygrad_lin.cli import options
from tinygrad_lin.cli.group import main
from tinygrad_lin.cli.output import print_lines
from tinygrad_lin.nn.datasets import load
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.nn.models import Linear


@main.command("play")
@click.argument("expression", metavar="EXPR|line")
@options.bindings
@options.output_file("page.html", help="An .html file.")
def play_command(expression: str, bindings: tuple[str, ...], output: Path) -> None:
    """Write a page that replays an expression forward and backward.

    Its leaves can be changed there. "line" alone is the line y = 8x + 3 on the points (2, 19) and
    (4, 35), with its training.

    \b
    Examples:
      tinygrad-lin play line -o line.html
      tinygrad-lin play "((w*x+b)-y)**2/2" w=0.5 x=2 b=-0.1 y=19 -o page.html
    """
    from tinygrad_lin.viz.webpage.page import page

    if expression == "line" and not bindings:
        points, model = load("line"), Linear()
        cost = half_mse([model(row) for row in points.x], points.y)
        page(cost, output, title="The line y = 8x + 3", model=model, data=(points.x, points.y))
    else:
        formula, leaves = options.read_expression(expression, bindings)
        page(formula(leaves), output, title=expression)
    print_lines(f"wrote {output}")
