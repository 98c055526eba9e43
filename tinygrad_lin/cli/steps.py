"""The command steps: both passes through an expression, step by step."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from tinygrad_lin.cli import options
from tinygrad_lin.cli.group import main
from tinygrad_lin.cli.output import print_json, print_lines
from tinygrad_lin.errors import DataError

if TYPE_CHECKING:
    from tinygrad_lin.value import Value
    from tinygrad_lin.viz.chain_rule.steps import Step

MAX_STEPS_IN_RICH = 1000  # Rich takes long to lay out a larger table.


@main.command("steps")
@options.expression
@options.bindings
@click.option("--markdown", "form", flag_value="markdown", help="Write Markdown tables.")
@click.option("--tex", "form", flag_value="tex", help="Write displays for TeX.")
@options.as_json
def steps_command(
    expression: str, bindings: tuple[str, ...], form: str | None, as_json: bool
) -> None:
    """Show every step of the forward and the backward pass.

    \b
    Examples:
      tinygrad-lin steps "((w*x+b)-y)**2/2" w=0.5 x=2 b=-0.1 y=19
      tinygrad-lin steps "tanh(w*x)" w=0.5 x=2 --markdown
    """
    from tinygrad_lin.viz.chain_rule.steps import steps

    formula, leaves = options.read_expression(expression, bindings)
    listed = steps(formula(leaves))
    if as_json and form:
        raise DataError(f"--json and --{form} are two ways to write the steps: choose one")
    if as_json:
        print_json({"steps": [step_as_dict(step, listed.names) for step in listed]})
        return
    if form is None and sys.stdout.isatty() and len(listed) <= MAX_STEPS_IN_RICH:
        from rich.console import Console

        Console().print(listed)
        return
    lines = {None: listed.lines, "markdown": listed.markdown_lines, "tex": listed.tex_lines}
    for line in lines[form]():  # One at a time: there may be millions.
        print_lines(line)


def step_as_dict(step: Step, names: dict[Value, str]) -> dict[str, Any]:
    """A step with names in place of nodes, and None for what a forward step does not have."""
    named = {"node": names[step.node], "op": step.node.op}
    if step.operand is None:
        return step._asdict() | named | {"place": None}
    return step._asdict() | named | {"operand": names[step.operand]}
