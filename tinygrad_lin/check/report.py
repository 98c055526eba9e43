"""The report of a check: one entry for each derivative that was looked at, printed as a table."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import NamedTuple

from tinygrad_lin.errors import printable


class Entry(NamedTuple):
    """What was found for one input.

    Attributes:
        label: the input's name.
        at: its value.
        mode: reverse, forward, or gradient for one that was given.
        analytic: the derivative under test.
        numeric: the one from finite differences.
        complex_step: the one by a complex step, exact to rounding; NaN where there is none.
        error: how far the analytic one is from those of the other two that are certain.
        estimate: how far the numeric one may be off, by its own estimate.
        tolerance: how far they may be apart.
        step: the smallest step of the differences.
        side: at a corner, the side of it on which this was evaluated.
        verdict: "ok"; "kink" for a derivative that is right beside a corner; "wrong"; or "unclear"
            where nothing is more certain than the derivative.
    """

    label: str
    at: float
    mode: str
    analytic: float
    numeric: float
    complex_step: float
    error: float
    estimate: float
    tolerance: float
    step: float
    side: str
    verdict: str


@dataclass(frozen=True)
class Report:
    """The findings of a check, printed as a table.

    Attributes:
        rows: the entries of the table.
    """

    rows: tuple[Entry, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(entry.verdict != "wrong" for entry in self.rows)

    def cells(self) -> list[list[str]]:
        """The table as text, its head first."""
        table = [list(Entry._fields)]
        for entry in self.rows:
            shown = entry._asdict() | {"analytic": f"{entry.analytic:.6g}"}
            table.append([as_cell(each) for each in shown.values()])
        return table

    def __str__(self) -> str:
        table = self.cells()
        widths = [max(map(len, column)) for column in zip(*table)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
            for line in table
        )

    def _repr_html_(self) -> str:
        head, *body = (
            "".join(f"<td>{html.escape(cell)}</td>" for cell in line) for line in self.cells()
        )
        lines = "".join(f"<tr>{line}</tr>" for line in body)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"


def as_cell(content: float | str) -> str:
    """The text of one cell; NaN stands for a number that does not exist and becomes a dash."""
    if isinstance(content, str):
        return printable(content)
    return "-" if math.isnan(content) else f"{content:.6g}"
