"""XOR: what no line can separate, four hidden neurons can.

Run it: python examples/xor.py
"""

from tinygrad_lin import MLP, Adam, Data, Linear, binary_cross_entropy, fit
from tinygrad_lin.viz.plots import plot_boundary

points = Data([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0.0, 1.0, 1.0, 0.0], ("x1", "x2"))

# The best that a line can do is to be undecided: every logit becomes 0, a probability of a half.
for name, model in [("a line", Linear(inputs=2, rng=42)), ("a net", MLP([2, 4, 1], rng=42))]:
    optimizer = Adam(model.parameters(), lr=0.1)
    history = fit(
        model, points.x, points.y, loss=binary_cross_entropy, optimizer=optimizer, steps=300
    )
    print(f"{name}: cost {history.costs[-1]:.4f}")
    for (x1, x2), y in zip(points.x, points.y):
        probability = model([x1, x2]).sigmoid().data
        print(f"  {x1:g} xor {x2:g} = {y:g}, learned {probability:.3f}")

plot_boundary(model, points).savefig("xor.png")
