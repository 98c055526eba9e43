"""What stands on axes, for the tests of this folder."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tinygrad_lin import Data, History, Linear, fit

LINE = Data([[2.0], [4.0]], [19.0, 35.0])


def trained(steps: int, lr: float = 0.1) -> tuple[Linear, History]:
    """The line after so many steps."""
    model = Linear()
    return model, fit(model, LINE.x, LINE.y, lr=lr, steps=steps)


def numbers(line: Any) -> tuple[list[float], list[float]]:
    return [float(v) for v in line.get_xdata()], [float(v) for v in line.get_ydata()]


def texts(figure: Figure) -> list[str]:
    """The texts a reader sees: those of the figure saved as SVG."""
    buffer = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg")
    root = ET.fromstring(buffer.getvalue())
    return ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]


def labelled(ax: Axes, label: str) -> Any:
    """The line on some axes that bears a label."""
    (line,) = [line for line in ax.lines if line.get_label() == label]
    return line


def contour_of(ax: Axes) -> Any:
    """The only lines of equal height on some axes; areas between heights have no edges."""
    collections: list[Any] = list(ax.collections)
    (lines,) = [c for c in collections if len(c.get_edgecolor()) and not len(c.get_facecolor())]
    return lines
