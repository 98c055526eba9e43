"""The group of all commands, whose errors are one line each."""

from __future__ import annotations

import json
import math
import os
import sys
from typing import Any, NoReturn

import click

from tinygrad_lin import __version__
from tinygrad_lin.errors import (
    INTERRUPTED,
    DivergedError,
    ExpressionError,
    GradientMismatch,
    TinygradError,
    printable,
)

DRAWN = ExpressionError, GradientMismatch  # errors that show something, on lines of its own


class Commands(click.Group):
    """A group of commands whose errors are one line each."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options of the group itself."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            fail(error.format_message(), 2)
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; an error becomes one line and an exit code."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            fail(error.format_message(), 2)
        except (DivergedError, GradientMismatch) as error:
            fail(error, 1)
        except TinygradError as error:
            fail(error, 2)
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)
        except MemoryError:
            fail("there is not enough memory", 2)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or error}", 2)


def fail(message: object, code: int) -> NoReturn:
    """End with a message on standard error."""
    text = f"Error: {message}"
    say(*text.split("\n") if isinstance(message, DRAWN) else [text], err=True)
    raise SystemExit(code)


def say(*lines: str, err: bool = False) -> None:
    """Print lines of text that hold nothing else that a terminal understands."""
    for line in lines:
        click.echo(printable(line), err=err)


def print_json(result: Any) -> None:
    """Print one JSON object; what no JSON number can be is null in it."""
    click.echo(json.dumps(with_nulls(result), indent=2, allow_nan=False))


def with_nulls(result: Any) -> Any:
    """The same with null in the place of infinities and NaN."""
    if isinstance(result, dict):
        return {key: with_nulls(value) for key, value in result.items()}
    if isinstance(result, list | tuple):
        return [with_nulls(value) for value in result]
    return None if isinstance(result, float) and not math.isfinite(result) else result


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="tinygrad-lin")
@click.pass_context
def main(ctx: click.Context) -> None:
    """A scalar autodiff engine to understand, draw and test backpropagation.

    \b
    Examples:
      tinygrad-lin fit
      tinygrad-lin sweep --rates 1e-5..0.2
      tinygrad-lin check "tanh(w*x+b)" w=0.5 x=2 b=-0.1

    Each command has a --help with examples. For completion with the Tab key, add the line of your
    shell to its start-up file:

    \b
      bash  eval "$(_TINYGRAD_LIN_COMPLETE=bash_source tinygrad-lin)"
      zsh   eval "$(_TINYGRAD_LIN_COMPLETE=zsh_source tinygrad-lin)"
      fish  _TINYGRAD_LIN_COMPLETE=fish_source tinygrad-lin | source
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
