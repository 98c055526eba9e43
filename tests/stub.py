"""Writes tinygrad_lin/_operations.pyi: what the rows of the table become, for type checkers.

Run it after changing the table: python tests/stub.py. A test compares the file with the table.
"""

from __future__ import annotations

from pathlib import Path

import tinygrad_lin
from tinygrad_lin import TABLE
from tinygrad_lin.operation import Operation

STUB = Path(tinygrad_lin.__file__).parent / "_operations.pyi"

HEAD = """\
# Made from the table of derivatives by tests/stub.py; do not edit.
from collections.abc import Iterable
from typing import Any, overload

from tinygrad_lin._operands import Number
from tinygrad_lin.value import Value

class Operations:
"""


def methods(row: Operation) -> list[str]:
    if row.variadic:
        return []
    if len(row.partials) == 1:
        lines = [f"def {row.name}(self) -> Value: ..."]
        return [*lines, f"def {row.special}(self) -> Value: ..."] if row.special else lines
    more = ", *more: Value | Number" if row.folds else ""
    lines = [f"def {row.name}(self, other: Value | Number, /{more}) -> Value: ..."]
    if row.special:
        for method in (row.special, row.special.replace("__", "__r", 1)):
            lines.append(f"def {method}(self, other: Value | Number, /) -> Value: ...")
    return lines


def functions(row: Operation) -> list[str]:
    if row.special:
        return []
    if row.variadic:
        many = [p for p, o in zip(row.parameters, row.operands, strict=True) if o != p]
        single = ", ".join(f"{p}: Value | Number = 0.0" for p in row.parameters[len(many) :])
        signatures = [
            (", ".join(filter(None, [*(f"{p}: Iterable[{kind}]" for p in many), single])), result)
            for kind, result in (("Value", "Value"), ("Value | Number", "Any"))
        ]
    elif len(row.partials) == 1:
        signatures = [("x: Value, /", "Value"), ("x: Number, /", "float")]
    else:
        more = "*more: Value | Number" if row.folds else ""
        both = [
            ("x: Value, y: Value | Number, /", "Value"),
            ("x: Number, y: Value, /", "Value"),
            ("x: float, y: float, /", "float"),
        ]
        signatures = [
            (
                ", ".join(
                    filter(None, [pair, more if kind == "Value" else more and "*more: float"])
                ),
                kind,
            )
            for pair, kind in both
        ]
    return [f"@overload\ndef {row.name}({given}) -> {kind}: ..." for given, kind in signatures]


def stub() -> str:
    rows = list(TABLE.values())
    lines = [f"    {line}" for row in rows for line in methods(row)]
    return HEAD + "\n".join([*lines, "", *(line for row in rows for line in functions(row))]) + "\n"


if __name__ == "__main__":
    STUB.write_text(stub(), encoding="utf-8")
