"""The line y = 8x + 3, learned from two points, one thing at a time.

Run it: python examples/line.py
"""

from tinygrad_lin import SGD, Data, Linear, draw, fit, half_mse, learning_rate_limit
from tinygrad_lin.viz.plots import plot_surface

x, y = [2.0, 4.0], [19.0, 35.0]

# A random start.
line = Linear(rng=42)
w, b = line.parameters()
print(f"start          w = {w.data:.4f}, b = {b.data:.4f}")

# Forward: predictions and their cost C = MSE / 2.
predictions = [line(value) for value in x]
cost = half_mse(predictions, y)
print(f"predictions    {predictions[0].data:.4f}, {predictions[1].data:.4f} instead of 19, 35")
print(f"cost           {cost.data:.4f}")

# Backward: the chain rule, dC/dw = dC/da · da/dw, summed over the points.
cost.backward()
print(f"gradients      dC/dw = {w.grad:.4f}, dC/db = {b.grad:.4f}")
by_hand = sum((a.data - target) * value for a, target, value in zip(predictions, y, x)) / 2
print(f"               dC/dw = {by_hand:.4f} by hand")
draw(cost, title="the cost of the line").write("line.svg")

# One update, w -= lr · dC/dw.
SGD([w, b], lr=0.01).step()
print(f"one step       w = {w.data:.4f}, b = {b.data:.4f}")

# The largest learning rate that converges is 2 / λmax of the Hessian.
limit = learning_rate_limit(cost, [w, b])
print(f"limit          lr = {limit:.5f}")

# Training to the exact line, slowly and quickly.
for lr in (1e-3, 0.18):
    line = Linear(rng=42)
    history = fit(line, x, y, lr=lr, steps=1_000_000)
    w, b = line.parameters()
    print(f"lr = {lr:<9g} w = {w.data:.6f}, b = {b.data:.6f} after {history.steps:,} steps")

# The way down on the surface of the cost: quickly into the valley, slowly along it.
line = Linear(rng=42)
history = fit(line, x, y, lr=0.03, steps=2000)
plot_surface(line, Data([[value] for value in x], y), history.snapshots).savefig("line.png")
