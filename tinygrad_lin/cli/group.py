"""The group of all commands, and how an error in any of them ends the program."""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from tinygrad_lin._exit_codes import BAD_INPUT, DOES_NOT_HOLD, INTERRUPTED
from tinygrad_lin._version import __version__
from tinygrad_lin.cli.output import fail
from tinygrad_lin.errors import DivergedError, GradientMismatch, TinygradError


class CommandGroup(click.Group):
    """A group of commands whose errors are one line each, and an exit code."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the options of the group itself."""
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            fail(error.format_message(), BAD_INPUT)
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            fail(error.format_message(), BAD_INPUT)
        except (DivergedError, GradientMismatch) as error:
            fail(error, DOES_NOT_HOLD)
        except TinygradError as error:
            fail(error, BAD_INPUT)
        except KeyboardInterrupt:
            fail("interrupted", INTERRUPTED)
        except MemoryError:
            fail("there is not enough memory", BAD_INPUT)
        except BrokenPipeError:
            # Python flushes standard output once more at exit, and would complain there.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or error}", BAD_INPUT)


@click.group(
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
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
