"""Are these gradients right? Every mode against differences, kinks told apart from errors."""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin.check.differences import Difference, derivative
from tinygrad_lin.errors import DataError, GradientMismatch
from tinygrad_lin.forward import jvp
from tinygrad_lin.graph import topological_order
from tinygrad_lin.ops import FLOATS
from tinygrad_lin.reverse import grad, gradients
from tinygrad_lin.value import Value, data_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinygrad_lin.value import Number

MODES = ("reverse", "forward")


class Row(NamedTuple):
    """What was found for one input.

    Attributes:
        label: the input's name.
        mode: reverse, forward, or gradient for one that was given.
        analytic: the derivative under test.
        numeric: the one from finite differences.
        error: how far they are apart.
        estimate: how far the numeric one may be off, by its own estimate.
        tolerance: how far they may be apart.
        step: the smallest step of the differences.
        verdict: "ok"; "kink" where the function has a corner at this point and the derivative lies
            between those to the left and to the right; "wrong"; or "unclear" where the differences
            are no more certain than the derivative.
    """

    label: str
    mode: str
    analytic: float
    numeric: float
    error: float
    estimate: float
    tolerance: float
    step: float
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
            table.append([f"{v:.6g}" if isinstance(v, float) else str(v) for v in row])
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
    label    mode      analytic  numeric  error  ...  verdict
    input 0  gradient  9         6        3      ...  wrong
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
    rows = findings(f, points, labels, modes, gradient, rtol, atol)
    if order == 2:
        for place, label in enumerate(labels):
            slope = grad(f, argnums=place)
            of_slope = [f"{other} of d/d {label}" for other in labels]
            rows += findings(slope, points, of_slope, modes, None, rtol, atol)
    report = Report(tuple(rows))
    if not report.ok:
        raise GradientMismatch(f"the gradient is wrong\n{report}", report=report)
    return report


def findings(
    f: Callable[..., Any],
    points: list[float],
    labels: list[str],
    modes: Sequence[str],
    gradient: Callable[..., Any] | None,
    rtol: float,
    atol: float,
) -> list[Row]:
    """A row for every derivative of f."""
    if gradient:
        found = [("gradient", given_gradient(gradient, points))]
    else:
        leaves = [Value(x, label) for x, label in zip(points, labels)]
        found = [(mode, derivatives(f, leaves, mode)) for mode in modes]
    return [
        compare(f, points, place, labels[place], mode, slopes[place], rtol, atol)
        for mode, slopes in found
        for place in range(len(points))
    ]


def derivatives(f: Callable[..., Any], leaves: list[Value], mode: str) -> list[float]:
    """The derivatives of f by one of our own modes."""
    output = f(*leaves)
    if not isinstance(output, Value):
        return [0.0 for _ in leaves]
    if mode == "reverse":
        return [slope.data for slope in gradients(output, leaves)]
    rows = [[float(i == k) for i in range(len(leaves))] for k in range(len(leaves))]
    return [jvp(output, leaves, row).data for row in rows]


def given_gradient(gradient: Callable[..., Any], points: list[float]) -> list[float]:
    """The derivatives from the user's own function."""
    result = gradient(*points)
    slopes = [result] if len(points) == 1 and not hasattr(result, "__len__") else list(result)
    if len(slopes) != len(points):
        raise DataError(f"gradient gives {len(slopes)} numbers for {len(points)} inputs")
    return [data_of(slope) for slope in slopes]


def compare(
    f: Callable[..., Any],
    points: list[float],
    place: int,
    label: str,
    mode: str,
    analytic: float,
    rtol: float,
    atol: float,
) -> Row:
    """One derivative beside the differences of f along one input."""

    def along(x: float) -> float:
        return data_of(f(*points[:place], x, *points[place + 1 :]))

    def side(x: float) -> tuple[int, ...] | None:
        return sides(f, [*points[:place], x, *points[place + 1 :]])

    x = points[place]
    data_of(f(*points))  # outside the domain this says so
    here = side(x)
    reach = 0.1 * max(abs(x), 1.0)
    if here is not None:
        nearest = 1e-9 * abs(x) or 1e-10
        while reach > nearest and not side(x - reach) == here == side(x + reach):
            reach /= 4.0
        cornered = reach <= nearest
    else:  # f tells us nothing of its corners: see whether the two sides agree
        left, right = (best(along, x, reach, direction) for direction in (-1, 1))
        certain = left.error + right.error
        cornered = abs(left.value - right.value) > 10.0 * certain + rtol * abs(left.value) + atol

    if cornered:
        reach = 0.1 * max(abs(x), 1.0)
        left, right = (best(along, x, reach, direction) for direction in (-1, 1))
        low, high = sorted((left.value, right.value))
        numeric = Difference(min(max(analytic, low), high), left.error + right.error, left.step)
    else:
        numeric = best(along, x, reach, 0)
    error = abs(analytic - numeric.value)
    tolerance = atol + rtol * max(abs(analytic), abs(numeric.value))
    if not math.isfinite(analytic) or not math.isfinite(numeric.error):
        verdict = "wrong" if math.isnan(analytic) else "unclear"
    elif error > tolerance + numeric.error:
        verdict = "wrong"
    elif cornered:
        verdict = "kink"
    else:
        verdict = "ok" if numeric.error <= tolerance else "unclear"
    value, estimate, step = numeric
    return Row(label, mode, analytic, value, error, estimate, tolerance, step, verdict)


def holds(part: Callable[..., Any], numbers: list[float]) -> bool:
    """Whether a part of a predicate is true; of infinities it may have no truth."""
    try:
        return bool(part(*numbers))
    except (ValueError, ArithmeticError):
        return False


def best(f: Callable[[float], float], x: float, reach: float, side: int) -> Difference:
    """The more certain of two derivatives, one with steps of the size of 1, one of that of x."""
    found = derivative(f, x, reach, side)
    if x != 0.0 and abs(x) < 1.0 and reach > 0.1 * abs(x):
        closer = derivative(f, x, 0.1 * abs(x), side)
        return min(found, closer, key=lambda difference: difference.error)
    return found


def sides(f: Callable[..., Any], points: list[float]) -> tuple[int, ...] | None:
    """On which side of every possible corner the nodes of f lie; None if f shows no graph.

    A side is the place of the first part of the row's predicate that holds; -1 is in the corner.
    """
    try:
        output = f(*map(Value, points))
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        return None
    if not isinstance(output, Value):
        return None
    found: list[int] = []
    for node in topological_order(output):
        row = node.operation
        if row is not None and row.smooth and not row.variadic:
            numbers = [data_of(operand) for operand in node.operands]
            names = ", ".join(row.operands)
            parts = [FLOATS(part, names) for part in row.smooth.split(" or ")]
            found.append(next((k for k, part in enumerate(parts) if holds(part, numbers)), -1))
    return tuple(found)
