"""A net approximates any curve: 1-16-16-1 learns a sine and a step from 40 points each.

Run it: python examples/curve.py
"""

from tinygrad_lin import MLP, Adam, Data, fit, load
from tinygrad_lin.viz.animation import animate_curve
from tinygrad_lin.viz.plots import new_figure, plot_curve

STEPS = 500

sine = load("sine")
step = Data(sine.x, [float(x > 0.0) for (x,) in sine.x], source="a step at 0")

figure = new_figure(width=11.0)
for ax, data in zip(figure.subplots(1, 2), (sine, step)):
    net = MLP([1, 16, 16, 1], activation="tanh", rng=42)
    history = fit(net, data.x, data.y, optimizer=Adam(net.parameters(), lr=0.005), steps=STEPS)
    misses = [abs(net(x).data - y) for x, y in zip(data.x, data.y)]
    print(f"{data.source}: cost {history.costs[0]:.2g} -> {history.costs[-1]:.2g}")
    print(f"  farthest from a point: {max(misses):.2g}")
    plot_curve(net, data, history.snapshots, ax)
    ax.set_title(data.source, fontsize="medium")
    if data is sine:
        animate_curve(net, data, history.snapshots, "curve.gif")
figure.savefig("curve.png")
