"""Are these gradients right? Every mode against differences, kinks told apart from errors."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin.check.line import Line, record
from tinygrad_lin.errors import DataError, GradientMismatch, printable
from tinygrad_lin.forward import jvp
from tinygrad_lin.reverse import grad, gradients
from tinygrad_lin.value import Value, data_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinygrad_lin.check.differences import Difference
    from tinygrad_lin.check.line import Spot
    from tinygrad_lin.value import Number

MODES = ("reverse", "forward")
IN_IT = "in the corner"
OVERFLOW = 1e300  # a slope of this size may overflow on the way to its value


class Row(NamedTuple):
    """What was found for one input.

    Attributes:
        label: the input's name.
        at: its value.
        mode: reverse, forward, or gradient for one that was given.
        analytic: the derivative under test.
        numeric: the one from finite differences.
        complex_step: the one by a complex step, exact to rounding; NaN where there is none.
        error: how far the analytic one is from those of them that are certain.
        estimate: how far the numeric one may be off, by its own estimate.
        tolerance: how far they may be apart.
        step: the smallest step of the differences.
        side: at a corner, on which side of it this was evaluated.
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
    """The findings of a check, printed as a table."""

    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return all(row.verdict != "wrong" for row in self.rows)

    def cells(self) -> list[list[str]]:
        """The table as text, its head first."""
        table = [list(Row._fields)]
        for row in self.rows:
            shown = row._asdict() | {"analytic": f"{row.analytic:.6g}"}
            table.append([as_cell(each) for each in shown.values()])
        return table

    def __str__(self) -> str:
        table = self.cells()
        widths = [max(map(len, column)) for column in zip(*table)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip()
            for row in table
        )

    def _repr_html_(self) -> str:
        head, *body = (
            "".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in self.cells()
        )
        rows = "".join(f"<tr>{row}</tr>" for row in body)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def as_cell(entry: float | str) -> str:
    """An entry of the table; a number that there is none of is a dash."""
    if isinstance(entry, str):
        return printable(entry)
    return "-" if math.isnan(entry) else f"{entry:.6g}"


def check_gradients(
    f: Callable[..., Any],
    *inputs: Value | Number,
    order: int = 1,
    modes: Sequence[str] = MODES,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    gradient: Callable[..., Any] | None = None,
) -> Report:
    """Check the derivatives of a function by finite differences that know their own error.

    Args:
        f: a function of scalars. It is called with Values for the derivatives and with numbers for
            the differences.
        inputs: where to check; labels of Values name them in the report.
        order: 1 for first derivatives; 2 for those of the first derivatives as well.
        modes: which of "reverse" and "forward".
        rtol: how far the two may be apart, relative to the larger.
        atol: how far they may be apart anyway.
        gradient: checked in place of the modes: takes the inputs as numbers, gives one number for
            one input or a sequence for several. Then f may be any function of numbers.

    Returns:
        The report, if nothing is wrong.

    Raises:
        GradientMismatch: a derivative is wrong; its text is the report.
        DataError: a setting that makes no sense, or no inputs.
        DomainError: f has no value at the inputs.

    >>> from tinygrad_lin import tanh
    >>> check_gradients(lambda w, x: tanh(w * x), 0.5, 2.0).ok
    True
    >>> check_gradients(lambda x: x * x, 3.0, gradient=lambda x: 3 * x)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    tinygrad_lin.errors.GradientMismatch: the gradient is wrong
    label    at  mode      analytic  numeric  complex_step  error  ...  verdict
    input 0  3   gradient  9         6        6             3      ...  wrong
    """
    if not inputs:
        raise DataError("there is nothing to check: give the inputs after the function")
    if order == 2 and gradient:
        raise DataError("second derivatives are checked of our own modes, not of gradient=")
    if order not in (1, 2):
        raise DataError(f"order must be 1 or 2, not {order!r}")
    if unknown := [mode for mode in modes if mode not in MODES]:
        raise DataError(f"there is no mode {unknown[0]!r}; there are {', '.join(MODES)}")
    points = [data_of(given) for given in inputs]
    labels = [
        (given.label if isinstance(given, Value) else "") or f"input {k}"
        for k, given in enumerate(inputs)
    ]
    check = Check(f, f, modes, gradient, rtol, atol)
    rows = check.rows(points, labels)
    if order == 2:
        for place, label in enumerate(labels):
            slope = replace(check, f=grad(f, argnums=place))
            rows += slope.rows(points, [f"{other} of d/d {label}" for other in labels])
    report = Report(tuple(rows))
    if not report.ok:
        raise GradientMismatch(f"the gradient is wrong\n{report}", report=report)
    return report


@dataclass(frozen=True)
class Check:
    """Derivatives under test, and what they are compared with.

    Attributes:
        f: the function whose derivatives they are.
        origin: the function whose corners are those of f: f itself, or what f is a derivative of
            (a derivative jumps at a corner, but does not show it).
        modes: which of our own modes to check.
        gradient: the user's derivatives, to check instead.
        rtol: the tolerance, relative to the larger of two derivatives.
        atol: what is added to it.
    """

    f: Callable[..., Any]
    origin: Callable[..., Any]
    modes: Sequence[str]
    gradient: Callable[..., Any] | None
    rtol: float
    atol: float

    def rows(self, points: list[float], labels: list[str]) -> list[Row]:
        """What was found for every input by every mode; at a corner, on each side of it."""
        here = self.derivatives(points, labels)
        finite = math.isfinite(data_of(self.f(*points)))
        found: dict[str, list[Row]] = {mode: [] for mode in here}
        for place, label in enumerate(labels):
            line = Line(self.f, self.origin, points, place)
            spots = line.spots(self.rtol, self.atol)
            for spot in spots:
                slopes = here if spot.x == line.x else self.derivatives(line.point(spot.x), labels)
                numeric, exact = line.numerical(spot)
                for mode, each in slopes.items():
                    row = self.row(label, spot, mode, each[place], numeric, exact)
                    found[mode].append(row)
            if len(spots) != 1 or spots[0].x != line.x:
                for mode, each in here.items():
                    found[mode] += self.in_the_corner(line, label, mode, each[place], found[mode])
        rows = [row for rows in found.values() for row in rows]
        # Where the function is infinite, its derivative may be anything.
        return rows if finite else [row._replace(verdict="unclear") for row in rows]

    def derivatives(self, points: list[float], labels: list[str]) -> dict[str, list[float]]:
        """The derivatives under test, by mode."""
        if self.gradient:
            return {"gradient": given_gradient(self.gradient, points)}
        leaves = [Value(x, label) for x, label in zip(points, labels)]
        output = self.f(*leaves)
        return {mode: derivatives(output, leaves, mode) for mode in self.modes}

    def row(
        self,
        label: str,
        spot: Spot,
        mode: str,
        analytic: float,
        numeric: Difference,
        exact: Difference | None,
    ) -> Row:
        """One derivative beside the numerical ones, and the verdict."""
        tolerance = self.atol + self.rtol * abs(analytic)
        error, wrong, certain = 0.0, False, False
        for other in (numeric, exact):
            if other is None or not math.isfinite(other.error):
                continue
            apart = abs(analytic - other.value)
            allowed = self.atol + self.rtol * max(abs(analytic), abs(other.value))
            sure = other.error <= self.atol + self.rtol * abs(other.value)
            if sure:
                error, tolerance = max(error, apart), max(tolerance, allowed)
            certain |= sure
            # An infinite slope is wrong only where it is certain that there is a moderate one.
            moderate = sure and abs(other.value) < OVERFLOW
            wrong |= moderate if math.isinf(analytic) else apart > allowed + other.error
        wrong |= math.isnan(analytic) and certain
        verdict = "wrong" if wrong else "unclear" if not certain else "kink" if spot.side else "ok"
        return Row(
            label, spot.x, mode, analytic, numeric.value, exact.value if exact else math.nan,
            error, numeric.error, tolerance, numeric.step, spot.side, verdict,
        )  # fmt: skip

    def in_the_corner(
        self, line: Line, label: str, mode: str, analytic: float, beside: list[Row]
    ) -> list[Row]:
        """A row for the derivative at a corner itself, if there is something to say of it.

        Our own modes follow a convention there. It must be a number, and one that was given must
        lie between the slopes on the two sides, or follow the convention too.
        """
        slopes = [row.numeric for row in beside if row.label == label and row.side]
        if slopes and self.gradient and (recorded := record(self.f, line.points)):
            slopes.append(derivatives(*recorded, "reverse")[line.place])
        nearest = min(max(analytic, min(slopes)), max(slopes)) if slopes else math.nan
        tolerance = self.atol + self.rtol * abs(analytic)
        error = abs(analytic - nearest)
        between = not self.gradient or not error > tolerance
        if math.isfinite(analytic) and between and slopes:
            return []
        verdict = "unclear" if math.isinf(analytic) or not slopes else "wrong"
        return [
            Row(label, line.x, mode, analytic, nearest, math.nan, error, math.nan, tolerance,
                math.nan, IN_IT, verdict)
        ]  # fmt: skip


def derivatives(output: Any, leaves: list[Value], mode: str) -> list[float]:
    """The derivatives of an output by one of our own modes."""
    if not isinstance(output, Value):
        return [0.0 for _ in leaves]
    if mode == "reverse":
        return [slope.data for slope in gradients(output, leaves)]
    return [jvp(output, [leaf], [1.0]).data for leaf in leaves]


def given_gradient(gradient: Callable[..., Any], points: list[float]) -> list[float]:
    """The derivatives from the user's own function."""
    result = gradient(*points)
    slopes = [result] if len(points) == 1 and not hasattr(result, "__len__") else list(result)
    if len(slopes) != len(points):
        raise DataError(f"gradient gives {len(slopes)} numbers for {len(points)} inputs")
    return [data_of(slope) for slope in slopes]
