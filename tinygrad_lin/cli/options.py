"""The arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from tinygrad_lin.cli.inputs import LOSSES, SET_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


def complete_data(
    ctx: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """What the Tab key offers: files, and the data sets whose names begin like this."""
    names = [CompletionItem(name) for name in SET_NAMES if name.startswith(incomplete)]
    return [CompletionItem(incomplete, type="file"), *names]


data: Decorator = click.argument(
    "data", default="line", metavar="[NAME|FILE.csv|-]", shell_complete=complete_data
)
features: Decorator = click.option(
    "--x", "features", multiple=True, metavar="COL", help="A feature column; repeatable."
)
target: Decorator = click.option("--y", "target", metavar="COL", help="The target column.")
loss: Decorator = click.option(
    "--loss",
    type=click.Choice(list(LOSSES)),
    help="What to minimize.  [moons: cross-entropy; else squares]",
)
standardize: Decorator = click.option(
    "--standardize", is_flag=True, help="Scale the columns for training."
)
expression: Decorator = click.argument("expression", metavar="EXPR")
bindings: Decorator = click.argument("bindings", nargs=-1, metavar="NAME=VALUE...")
as_json: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)


def output_file(default: str, help: str) -> Decorator:
    """The option -o: the file to write."""
    kind = click.Path(path_type=Path, dir_okay=False)
    return click.option("-o", "--output", type=kind, default=default, show_default=True, help=help)


def output_folder(help: str) -> Decorator:
    """The option --out: the folder to write files into."""
    kind = click.Path(path_type=Path, file_okay=False)
    return click.option("--out", type=kind, default="out", show_default=True, help=help)
