"""Makes the pictures of the README and the docs: python docs/pictures.py [folder]."""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path

import matplotlib as mpl
import numpy
from matplotlib.figure import Figure

from tinygrad_lin import Value, draw, tanh
from tinygrad_lin.check.complex_step import complex_step
from tinygrad_lin.check.differences import derivative
from tinygrad_lin.files import write_whole
from tinygrad_lin.viz.plots import CURVE, INK, POINTS, axes_of

IMAGES = Path(__file__).parent / "images"


def cost() -> Value:
    """The README's example."""
    w, x, b = Value(0.5, "w"), Value(2.0, "x"), Value(-0.1, "b")
    a = w * x + b
    a.label = "a"
    result = (19 - a) ** 2 / 2
    result.label = "C"
    result.backward()
    return result


def error_curve() -> Figure:
    """How far differences of tanh at 0.5 are from its derivative, against the step."""
    x = 0.5
    truth = 1.0 - math.tanh(x) ** 2
    steps = numpy.logspace(-15, 0, 240)
    one_sided = [abs((math.tanh(x + h) - math.tanh(x)) / h - truth) for h in steps]
    central = [abs((math.tanh(x + h) - math.tanh(x - h)) / (2 * h) - truth) for h in steps]
    leaf = Value(x)
    ridders = derivative(math.tanh, x, 0.1)
    exact = complex_step(tanh(leaf), leaf)
    assert exact
    figure, ax = axes_of(None)
    ax.loglog(steps, one_sided, ":", color=INK, linewidth=1.2, label="one-sided difference")
    ax.loglog(steps, central, color=POINTS, linewidth=1.2, label="central difference")
    ends = (steps[0], steps[-1])
    floor = 1e-17  # what is exact has no place on a logarithmic axis
    ax.plot(ends, [max(abs(ridders.value - truth), floor)] * 2, "-", color=CURVE, linewidth=2.2,
            label="extrapolated to step 0 (Ridders)")  # fmt: skip
    ax.plot(ends, [ridders.error] * 2, "--", color=CURVE, linewidth=1.2,
            label="its own estimate of its error")  # fmt: skip
    ax.plot(ends, [max(abs(exact.value - truth), floor)] * 2, "-.", color="#009e73", linewidth=2.2,
            label="complex step")  # fmt: skip
    ax.text(2e-15, 3e-6, "rounding", color=INK)
    ax.text(6e-2, 1e-7, "truncation", color=INK, ha="center")
    ax.set_xlabel("step h")
    ax.set_ylabel("error of the derivative of tanh at 0.5")
    ax.set_ylim(3e-18, 3.0)
    ax.legend(loc="upper center", fontsize=8, frameon=False)
    return figure


def main(folder: Path) -> None:
    """Write all pictures to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    draw(cost()).write(folder / "cost.svg")
    # The same picture gives the same file.
    with mpl.rc_context({"svg.hashsalt": "tinygrad_lin", "svg.fonttype": "path"}):
        content = io.BytesIO()
        error_curve().savefig(content, format="svg", metadata={"Date": None})
    write_whole(folder / "error-curve.svg", content.getvalue())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else IMAGES)
