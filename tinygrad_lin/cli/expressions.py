"""The commands that take an expression: draw, steps, play and check."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tinygrad_lin.cli.group import fail, print_json, say
from tinygrad_lin.cli.inputs import as_json_option
from tinygrad_lin.errors import DataError, GradientMismatch
from tinygrad_lin.expression import Expression
from tinygrad_lin.nn.csv_files import is_number
from tinygrad_lin.nn.datasets import load
from tinygrad_lin.nn.linear import Linear
from tinygrad_lin.nn.losses import half_mse
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from tinygrad_lin.viz.trace import Step

MOST_STEPS_IN_RICH = 1000  # more take long to lay out


@click.command("draw")
@click.argument("expression", metavar="EXPR")
@click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="graph.svg",
    show_default=True,
    help="An .svg, .png, .pdf or .dot file.",
)
@click.option("--theme", default="light", show_default=True, help="light, dark, print or auto.")
@click.option("--direction", default="LR", show_default=True, help="LR, RL, TB or BT.")
@click.option("--title", help="A line of text above the drawing.")
@click.option("--legend", is_flag=True, help="Explain the drawing in a corner.")
@click.option("--path", "end", metavar="NAME", help="Mark the paths to a variable.")
def draw_expression(
    expression: str,
    bindings: tuple[str, ...],
    output: Path,
    theme: str,
    direction: str,
    title: str | None,
    legend: bool,
    end: str | None,
) -> None:
    """Draw the graph of an expression with its gradients.

    \b
    Examples:
      tinygrad-lin draw "((w*x+b)-y)**2/2" w=0.5 x=2 b=-0.1 y=19 -o cost.svg
      tinygrad-lin draw "tanh(w*x)" w=0.5 x=2 --theme dark --path w -o neuron.png
    """
    from tinygrad_lin.viz.dot import draw

    formula, leaves = bound(expression, bindings)
    if end is not None and end not in leaves:
        raise DataError(f"there is no {end!r} in {expression!r}")
    root: Value = formula(leaves)
    root.backward()
    path = leaves[end] if end is not None else None
    drawing = draw(root, theme=theme, direction=direction, title=title, legend=legend, path=path)
    drawing.write(output)
    say(f"wrote {output}")


@click.command("steps")
@click.argument("expression", metavar="EXPR")
@click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
@click.option("--markdown", "form", flag_value="markdown", help="Write tables of Markdown.")
@click.option("--tex", "form", flag_value="tex", help="Write displays for TeX.")
@as_json_option
def print_steps(
    expression: str, bindings: tuple[str, ...], form: str | None, as_json: bool
) -> None:
    """Show every step of the forward and of the backward pass.

    \b
    Examples:
      tinygrad-lin steps "((w*x+b)-y)**2/2" w=0.5 x=2 b=-0.1 y=19
      tinygrad-lin steps "tanh(w*x)" w=0.5 x=2 --markdown
    """
    from tinygrad_lin.viz.trace import steps

    formula, leaves = bound(expression, bindings)
    listed = steps(formula(leaves))
    if as_json and form:
        raise DataError(f"--json and --{form} are two ways to write the steps: choose one")
    if as_json:
        print_json({"steps": [as_dict(step, listed.names) for step in listed]})
        return
    if form is None and sys.stdout.isatty() and len(listed) <= MOST_STEPS_IN_RICH:
        from rich.console import Console

        Console().print(listed)
        return
    lines = {None: listed.lines, "markdown": listed.markdown_lines, "tex": listed.tex_lines}
    for line in lines[form]():
        say(line)


@click.command()
@click.argument("expression", metavar="EXPR|line")
@click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    default="page.html",
    show_default=True,
    help="An .html file.",
)
def play(expression: str, bindings: tuple[str, ...], output: Path) -> None:
    """Write a page that replays an expression forward and backward.

    Its leaves can be changed there. "line" alone is the line y = 8x + 3 on the points (2, 19) and
    (4, 35), with its training.

    \b
    Examples:
      tinygrad-lin play line -o line.html
      tinygrad-lin play "((w*x+b)-y)**2/2" w=0.5 x=2 b=-0.1 y=19 -o page.html
    """
    from tinygrad_lin.viz.player import page

    if expression == "line" and not bindings:
        points, model = load("line"), Linear()
        cost = half_mse([model(row) for row in points.x], points.y)
        page(cost, output, title="The line y = 8x + 3", model=model, data=(points.x, points.y))
    else:
        formula, leaves = bound(expression, bindings)
        page(formula(leaves), output, title=expression)
    say(f"wrote {output}")


@click.command()
@click.argument("expression", metavar="EXPR")
@click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
@click.option(
    "--order",
    type=click.IntRange(1, 2),
    default=1,
    show_default=True,
    help="2 checks the second derivatives too.",
)
@as_json_option
def check(expression: str, bindings: tuple[str, ...], order: int, as_json: bool) -> None:
    """Check the gradient of an expression by finite differences.

    The exit code is 1 if it is wrong.

    \b
    Examples:
      tinygrad-lin check "tanh(w*x+b)" w=0.5 x=2 b=-0.1
      tinygrad-lin check "relu(x) * exp(y)" x=0 y=1 --order 2 --json
    """
    from tinygrad_lin.check.gradients import check_gradients

    formula, leaves = bound(expression, bindings)

    def f(*values: Value | float) -> Value | float:
        result: Value | float = formula(dict(zip(leaves, values)))
        return result

    try:
        report = check_gradients(f, *leaves.values(), order=order)
    except GradientMismatch as error:
        if not as_json:
            raise
        report = error.report
    if not as_json:
        say(*str(report).split("\n"))
        return
    print_json({"ok": report.ok, "rows": [row._asdict() for row in report.rows]})
    if not report.ok:
        fail("the gradient is wrong", 1)


def as_dict(step: Step, names: dict[Value, str]) -> dict[str, Any]:
    """A step with the names of its nodes; what a forward step has none of is null."""
    named = {"node": names[step.node], "op": step.node.op}
    if step.operand is None:
        return step._asdict() | named | {"place": None}
    return step._asdict() | named | {"operand": names[step.operand]}


def bound(text: str, bindings: tuple[str, ...]) -> tuple[Expression, dict[str, Value]]:
    """An expression, and leaves for all its variables."""
    expression = Expression(text)
    if not expression.names:
        raise DataError(f"there are no variables in {text!r}, which is {expression({})}")
    leaves: dict[str, Value] = {}
    for binding in bindings:
        name, separator, number = (part.strip() for part in binding.partition("="))
        if not separator or not is_number(number):
            raise DataError(f"{binding!r} is not of the form name=number")
        if name in leaves:
            raise DataError(f"{name!r} is given two values")
        if name not in expression.names:
            raise DataError(f"there is no {name!r} in {text!r}")
        leaves[name] = Value(float(number), name)
    for name in expression.names:
        if name not in leaves:
            raise DataError(f"{name!r} has no value; add {name}=NUMBER")
    return expression, leaves


COMMANDS = draw_expression, print_steps, play, check
