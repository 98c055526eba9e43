"""Two moons: a net of 2-8-8-1 finds the winding line between two classes.

Run it: python examples/moons.py
"""

from tinygrad_lin import MLP, Adam, binary_cross_entropy, fit, load
from tinygrad_lin.viz.plots import new_figure, plot_boundary, plot_loss

STEPS = 300

data = load("moons")
net = MLP([2, 8, 8, 1], activation="tanh", rng=42)
print(net)

# The net gives logits: above 0 it believes in class 1. A fifth of the points is kept aside.
history = fit(
    net, data.x, data.y, loss=binary_cross_entropy, optimizer=Adam(net.parameters(), lr=0.03),
    steps=STEPS, batch_size=20, validation=0.2,
)  # fmt: skip
right = sum((net(x).data > 0) == (y == 1) for x, y in zip(data.x, data.y))
print(f"right: {right} of {len(data.y)} points")

figure = new_figure(width=11.0)
left_axes, right_axes = figure.subplots(1, 2)
plot_boundary(net, data, ax=left_axes)
plot_loss(history, ax=right_axes)
figure.savefig("moons.png")
