"""What the commands print, lines of text, JSON and errors, and the folder they write into."""

from __future__ import annotations

import json
import math
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

import click

from tinygrad_lin._files import clear_drafts
from tinygrad_lin.errors import ExpressionError, GradientMismatch, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MULTILINE_ERRORS = ExpressionError, GradientMismatch  # Below, they show an expression or a table.


def print_lines(*lines: str, err: bool = False) -> None:
    """Print lines without the control characters that a terminal would obey."""
    for line in lines:
        click.echo(printable(line), err=err)


def print_json(result: Any) -> None:
    """Print one JSON object; numbers that JSON does not have become null."""
    click.echo(json.dumps(replace_nonfinite(result), indent=2, allow_nan=False))


def replace_nonfinite(result: Any) -> Any:
    """The same result with None in place of infinities and NaN."""
    if isinstance(result, dict):
        return {key: replace_nonfinite(value) for key, value in result.items()}
    if isinstance(result, list | tuple):
        return [replace_nonfinite(value) for value in result]
    return None if isinstance(result, float) and not math.isfinite(result) else result


def fail(message: object, code: int) -> NoReturn:
    """End the program with a message on standard error."""
    text = f"Error: {message}"
    lines = text.split("\n") if isinstance(message, MULTILINE_ERRORS) else [text]
    print_lines(*lines, err=True)
    raise SystemExit(code)


def require_writable(folder: Path, names: Iterable[str]) -> None:
    """Refuse, before any work is done, a folder that these files could not be written into."""
    existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not existing.is_dir():
        raise NotADirectoryError(0, "not a folder", str(existing))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(0, "cannot be written to", str(existing))
    for name in names:
        if (folder / name).is_dir():
            raise IsADirectoryError(0, "is a folder", str(folder / name))


@contextmanager
def create_folder(folder: Path) -> Iterator[None]:
    """Make a folder with its parents; after an error, those that were made and are empty go."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    clear_drafts(folder)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # A folder that is not empty stays: its files are worth keeping.
            for each in new:
                each.rmdir()
        raise
