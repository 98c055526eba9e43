"""What the commands print: lines of text, JSON, and errors."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

import click

from tinygrad_lin.errors import ExpressionError, GradientMismatch, printable

MULTILINE_ERRORS = ExpressionError, GradientMismatch  # Their messages show something below.


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
