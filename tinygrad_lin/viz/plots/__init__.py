"""Plots of data and training, in one style. Each gives its Figure and takes the axes to draw on.

>>> from tinygrad_lin import Linear, fit, load
>>> data, line = load("line"), Linear()
>>> history = fit(line, data.x, data.y, lr=0.17, steps=50)
>>> figure = new_figure(width=11.0)
>>> left, right = figure.subplots(1, 2)
>>> plot_loss(history, left) is plot_contours(line, data, history.snapshots, ax=right) is figure
True
"""

from __future__ import annotations

from tinygrad_lin.viz.plots.models import (
    plot_boundary,
    plot_contours,
    plot_curve,
    plot_fit,
    plot_predictions,
    plot_surface,
)
from tinygrad_lin.viz.plots.style import axes_of, new_figure, png
from tinygrad_lin.viz.plots.training import VERDICTS, plot_gradients, plot_loss, plot_sweep
from tinygrad_lin.viz.themes import CURVE, INK, OTHER, POINTS

__all__ = [
    "CURVE", "INK", "OTHER", "POINTS", "VERDICTS", "axes_of", "new_figure", "plot_boundary",
    "plot_contours", "plot_curve", "plot_fit", "plot_gradients", "plot_loss", "plot_predictions",
    "plot_surface", "plot_sweep", "png",
]  # fmt: skip
