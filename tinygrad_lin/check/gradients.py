"""Are these gradients right? Every mode against numbers, with kinks told apart from errors.

>>> from tinygrad_lin import check_gradients, tanh
>>> check_gradients(lambda w, x: tanh(w * x), 0.5, 2.0).ok
True
>>> check_gradients(lambda x: x * x, 3.0, gradient=lambda x: 3 * x)  # doctest: +ELLIPSIS
Traceback (most recent call last):
tinygrad_lin.errors.GradientMismatch: the gradient is wrong
label    at  mode      analytic  numeric  complex_step  error  ...  verdict
input 0  3   gradient  9         6        6             3      ...  wrong
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tinygrad_lin._protocols import data_of
from tinygrad_lin.check.corners import CornerSearch
from tinygrad_lin.check.numeric.partial_derivative import FunctionOfOneInput
from tinygrad_lin.derivatives import gradients
from tinygrad_lin.errors import DataError, GradientMismatch, printable
from tinygrad_lin.forward import jvp
from tinygrad_lin.transforms import grad
from tinygrad_lin.value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tinygrad_lin._operands import Number
    from tinygrad_lin.check.numeric.differences import NumericalDerivative
    from tinygrad_lin.check.numeric.partial_derivative import EvaluationPoint

MODES = ("reverse", "forward")
IN_THE_CORNER = "in the corner"
MAX_MODERATE = 1e300
"""A derivative larger than this may overflow on the way to its value."""


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
        DataError: a setting makes no sense, or there are no inputs.
        DomainError: f has no value at the inputs.
    """
    validate_settings(inputs, order, modes, gradient)
    check = Check(f, f, modes, gradient, rtol, atol)
    report = Report(tuple(check.entries_of_order(order, inputs)))
    if not report.ok:
        raise GradientMismatch(f"the gradient is wrong\n{report}", report=report)
    return report


def validate_settings(
    inputs: Sequence[Value | Number], order: int, modes: Sequence[str], gradient: object
) -> None:
    """Raise a DataError if the arguments of a check make no sense."""
    if not inputs:
        raise DataError("there is nothing to check: give the inputs after the function")
    if order == 2 and gradient:
        raise DataError("order=2 checks the modes of this package, and cannot check gradient=")
    if order not in (1, 2):
        raise DataError(f"order must be 1 or 2, not {order!r}")
    if unknown := [mode for mode in modes if mode not in MODES]:
        raise DataError(f"there is no mode {unknown[0]!r}; there are {', '.join(MODES)}")


class Entry(NamedTuple):
    """What was found for one input.

    Attributes:
        label: the input's name.
        at: its value.
        mode: reverse, forward, or gradient for one that was given.
        analytic: the derivative under test.
        numeric: the one from finite differences.
        complex_step: the one by a complex step, exact to rounding; NaN where there is none.
        error: how far the analytic one is from the others, of which only certain ones count.
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
    """The findings of a check: the entries, and how they are printed as the rows of a table."""

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


@dataclass(frozen=True)
class Check:
    """Derivatives under test, and what they are compared with.

    Attributes:
        f: the function whose derivatives they are.
        origin: the function whose corners are those of f: f itself, or what f is a derivative of
            (a derivative jumps at a corner, but does not show it).
        modes: which of the package's own modes to check; the others are as in check_gradients.
    """

    f: Callable[..., Any]
    origin: Callable[..., Any]
    modes: Sequence[str]
    gradient: Callable[..., Any] | None
    rtol: float
    atol: float

    def entries_of_order(self, order: int, inputs: Sequence[Value | Number]) -> list[Entry]:
        """What was found, and for order 2 what was found for each first derivative as well."""
        numbers = [data_of(each) for each in inputs]
        labels = [
            (each.label if isinstance(each, Value) else "") or f"input {k}"
            for k, each in enumerate(inputs)
        ]
        entries = self.entries(numbers, labels)
        if order == 2:
            for index, label in enumerate(labels):
                second = replace(self, f=grad(self.f, argnums=index))
                entries += second.entries(numbers, [f"{other} of d/d {label}" for other in labels])
        return entries

    def entries(self, inputs: list[float], labels: list[str]) -> list[Entry]:
        """What was found for every input by every mode; at a corner, on each side of it."""
        here = self.derivatives(inputs, labels)
        finite = math.isfinite(data_of(self.f(*inputs)))
        found: dict[str, list[Entry]] = {mode: [] for mode in here}
        for index, label in enumerate(labels):
            function = FunctionOfOneInput(self.f, inputs, index)
            search = CornerSearch(function, FunctionOfOneInput(self.origin, inputs, index))
            points = search.evaluation_points(self.rtol, self.atol)
            for point in points:
                at_x = point.x == function.x
                analytic = here if at_x else self.derivatives(function.inputs_at(point.x), labels)
                numeric, exact = function.derivatives(point)
                for mode, derivatives in analytic.items():
                    entry = self.compare(label, point, mode, derivatives[index], numeric, exact)
                    found[mode].append(entry)
            if len(points) != 1 or points[0].x != function.x:
                for mode, derivatives in here.items():
                    own = derivatives[index]
                    found[mode] += self.in_the_corner(function, label, mode, own, found[mode])
        entries = [entry for of_mode in found.values() for entry in of_mode]
        # Where the function is infinite, its derivative may be anything.
        return entries if finite else [entry._replace(verdict="unclear") for entry in entries]

    def derivatives(self, inputs: list[float], labels: list[str]) -> dict[str, list[float]]:
        """The derivatives under test, by mode."""
        if self.gradient:
            return {"gradient": users_derivatives(self.gradient, inputs)}
        leaves = [Value(x, label) for x, label in zip(inputs, labels)]
        output = self.f(*leaves)
        return {mode: derivatives_by_mode(output, leaves, mode) for mode in self.modes}

    def compare(
        self,
        label: str,
        point: EvaluationPoint,
        mode: str,
        analytic: float,
        numeric: NumericalDerivative,
        exact: NumericalDerivative | None,
    ) -> Entry:
        """One derivative beside the numerical ones, and the verdict."""
        tolerance = self.atol + self.rtol * abs(analytic)
        error, wrong, certain = 0.0, False, False
        for other in (numeric, exact):
            if other is None or not math.isfinite(other.error):
                continue
            distance = abs(analytic - other.value)
            allowed = self.atol + self.rtol * max(abs(analytic), abs(other.value))
            other_is_certain = other.error <= self.atol + self.rtol * abs(other.value)
            if other_is_certain:
                error, tolerance = max(error, distance), max(tolerance, allowed)
            certain |= other_is_certain
            # An infinite derivative is wrong only where it is certain that it is a moderate one.
            moderate = other_is_certain and abs(other.value) < MAX_MODERATE
            wrong |= moderate if math.isinf(analytic) else distance > allowed + other.error
        wrong |= math.isnan(analytic) and certain
        right = "kink" if point.side else "ok"
        verdict = "wrong" if wrong else right if certain else "unclear"
        return Entry(
            label, point.x, mode, analytic, numeric.value, exact.value if exact else math.nan,
            error, numeric.error, tolerance, numeric.step, point.side, verdict,
        )  # fmt: skip

    def in_the_corner(
        self,
        function: FunctionOfOneInput,
        label: str,
        mode: str,
        analytic: float,
        seen: list[Entry],
    ) -> list[Entry]:
        """An entry for the derivative at a corner itself, if there is something to say of it.

        Our own modes follow a convention there. It must be a number, and one that was given must
        lie between the derivatives on the two sides, or follow the convention too.
        """
        right = [entry.numeric for entry in seen if entry.label == label and entry.side]
        if right and self.gradient and (recorded := function.try_record(function.x)):
            output, leaf = recorded
            right += derivatives_by_mode(output, [leaf], "reverse")
        nearest = min(max(analytic, min(right)), max(right)) if right else math.nan
        tolerance = self.atol + self.rtol * abs(analytic)
        error = abs(analytic - nearest)
        between = not self.gradient or not error > tolerance
        if math.isfinite(analytic) and between and right:
            return []
        verdict = "unclear" if math.isinf(analytic) or not right else "wrong"
        return [
            Entry(label, function.x, mode, analytic, nearest, math.nan, error, math.nan, tolerance,
                  math.nan, IN_THE_CORNER, verdict)
        ]  # fmt: skip


def derivatives_by_mode(output: Any, leaves: list[Value], mode: str) -> list[float]:
    """The derivatives of an output by one of the package's own modes."""
    if not isinstance(output, Value):
        return [0.0 for _ in leaves]
    if mode == "reverse":
        return [derivative.data for derivative in gradients(output, leaves)]
    return [jvp(output, [leaf], [1.0]).data for leaf in leaves]


def users_derivatives(gradient: Callable[..., Any], inputs: list[float]) -> list[float]:
    """The derivatives by the user's own function."""
    result = gradient(*inputs)
    single = len(inputs) == 1 and not hasattr(result, "__len__")
    derivatives = [result] if single else list(result)
    if len(derivatives) != len(inputs):
        raise DataError(f"gradient gives {len(derivatives)} numbers for {len(inputs)} inputs")
    return [data_of(derivative) for derivative in derivatives]
