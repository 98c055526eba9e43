"""Learning rates: too low, good, at the limit, diverging, and why.

Run it: python examples/learning_rates.py
"""

from tinygrad_lin import Linear, fit, half_mse, hessian, load, sweep
from tinygrad_lin.viz.plots import new_figure, plot_contours, plot_sweep

data = load("line")
line = Linear(rng=42)

# The same start and 200 steps at each rate: does the cost fall, and do steps grow or shrink?
tried = sweep(line, data, [1e-5, 1e-3, 0.03, 0.1, 0.1833, 0.2])
print(tried)

# The limit is 2 / λmax: a step along the steepest direction multiplies its error by 1 - lr · λmax,
# which is between -1 and 1 only below it.
cost = half_mse([line(row) for row in data.x], data.y)
(ww, wb), (_, bb) = hessian(cost, line.parameters()).tolist()
print(f"Hessian         [[{ww:g}, {wb:g}], [{wb:g}, {bb:g}]]")
steepest = (ww + bb) / 2 + (((ww - bb) / 2) ** 2 + wb**2) ** 0.5
print(f"2 / λmax        {2 / steepest:.5f} by hand")

# Near the limit each step jumps over the valley; along the valley it hardly moves.
history = fit(line, data.x, data.y, lr=0.17, steps=100)
figure = new_figure(width=11.0)
left, right = figure.subplots(1, 2)
plot_sweep(tried, left)
plot_contours(line, data, history.snapshots, ax=right)
right.set_title("100 steps at 0.17", fontsize="medium")
figure.savefig("learning_rates.png")
