"""Vanishing gradients: what reaches the first layer of a deep net, seen layer by layer.

Run it: python examples/vanishing_gradients.py
"""

from statistics import median

from tinygrad_lin import MLP, draw, half_mse, load
from tinygrad_lin.viz.plots import new_figure, plot_gradients

data = load("steps")

# Eight layers. The derivative of sigmoid is at most a quarter, that of tanh at most 1, and every
# layer that the gradient passes multiplies by it.
figure = new_figure(width=11.0)
for ax, activation in zip(figure.subplots(1, 2, sharey=True), ("sigmoid", "tanh")):
    net = MLP([1, *[8] * 7, 1], activation, rng=42)
    cost = half_mse([net(x) for x in data.x], data.y)
    cost.backward()
    first, last = (
        median(abs(w.grad) for row in layer.w for w in row)
        for layer in (net.layers[0], net.layers[-1])
    )
    print(
        f"{activation:<8} first layer {first:.1e}, last layer {last:.1e}: {last / first:,.0f} : 1"
    )
    plot_gradients(net.parameters(), ax)
    ax.set_title(activation, fontsize="medium")
figure.savefig("vanishing_gradients.png")

# The same in the drawing of a narrow net: colours fade from the cost to the input.
narrow = MLP([1, 1, 1, 1, 1], "sigmoid", rng=42)
cost = half_mse([narrow(1.0)], [0.0])
cost.backward()
draw(cost, title="the gradient fades, layer by layer").write("vanishing_gradients.svg")
