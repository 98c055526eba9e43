"""Norris: a line through NIST's calibration data, against the coefficients that NIST certifies.

Run it: python examples/norris.py
"""

import math

from tinygrad_lin import Linear, Newton, fit, load
from tinygrad_lin.viz.plots import plot_fit

norris = load("norris")
print(f"{len(norris.y)} points, from {norris.source}")

# The cost of a line is quadratic, so Newton's step leads to the minimum; the second mends rounding.
line = Linear(rng=42)
history = fit(line, norris.x, norris.y, optimizer=Newton(line.parameters()), steps=10)
print(f"{history.steps} steps of Newton, {history.outcome}")

w, b = (parameter.data for parameter in line.parameters())
for name, found, certified in zip(("w", "b"), (w, b), norris.truth):
    digits = -math.log10(max(abs(found / certified - 1.0), 1e-16))
    print(f"{name} = {found:.15g}, certified {certified:.15g}: {digits:.1f} digits")

plot_fit(norris, [w], b).savefig("norris.png")
