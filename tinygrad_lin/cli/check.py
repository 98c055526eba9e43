"""The command check: the gradient of an expression against finite differences."""

from __future__ import annotations

import click

from tinygrad_lin._exit_codes import DOES_NOT_HOLD
from tinygrad_lin.cli import options
from tinygrad_lin.cli.group import main
from tinygrad_lin.cli.output import fail, print_json, print_lines
from tinygrad_lin.errors import GradientMismatch
from tinygrad_lin.value import Value


@main.command("check")
@options.expression
@options.bindings
@click.option(
    "--order", type=click.IntRange(1, 2), default=1, help="2 checks the second derivatives too."
)
@options.as_json
def check_command(expression: str, bindings: tuple[str, ...], order: int, as_json: bool) -> None:
    """Check the gradient of an expression by finite differences.

    The exit code is 1 if it is wrong.

    \b
    Examples:
      tinygrad-lin check "tanh(w*x+b)" w=0.5 x=2 b=-0.1
      tinygrad-lin check "relu(x) * exp(y)" x=0 y=1 --order 2 --json
    """
    from tinygrad_lin.check.gradients import check_gradients

    formula, leaves = options.read_expression(expression, bindings)

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
        print_lines(*str(report).split("\n"))
        return
    print_json({"ok": report.ok, "rows": [entry._asdict() for entry in report.rows]})
    if not report.ok:
        fail("the gradient is wrong", DOES_NOT_HOLD)
