"""What people look at: drawings of graphs, the steps of both passes, a page that replays them.

`drawing` draws a graph, `chain_rule` lists its steps and explains a gradient, `webpage` replays
them, `notation` writes formulas for all three. `plots` and `animation` show data and training; they
bring matplotlib, and so they are imported by themselves. `themes` has every colour.
"""

from __future__ import annotations

from tinygrad_lin.viz.chain_rule.explanation import explain
from tinygrad_lin.viz.chain_rule.steps import Step, Steps, steps
from tinygrad_lin.viz.drawing.digraph import Drawing
from tinygrad_lin.viz.drawing.draw import draw, mimebundle
from tinygrad_lin.viz.webpage.page import page

__all__ = ["Drawing", "Step", "Steps", "draw", "explain", "mimebundle", "page", "steps"]
