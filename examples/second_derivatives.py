"""Second derivatives: curvature, and Newton's one step where gradient descent takes a thousand.

Run it: python examples/second_derivatives.py
"""

import numpy

from tinygrad_lin import Linear, Newton, fit, grad, half_mse, hessian, load, tanh
from tinygrad_lin.viz.plots import CURVE, INK, OTHER, POINTS, axes_of, new_figure, plot_contours

# grad gives a function, so it can be taken again. tanh' = 1 - tanh², tanh'' = -2 tanh (1 - tanh²).
derivative, curvature = grad(tanh), grad(grad(tanh))
print(f"at 1: tanh' = {derivative(1.0):.6f}, tanh'' = {curvature(1.0):.6f}")

# The line's cost is quadratic: its Hessian is the same everywhere, mean(x²), mean(x), 1.
data = load("line")
line = Linear(rng=42)
cost = half_mse([line(row) for row in data.x], data.y)
curvatures = numpy.linalg.eigvalsh(hessian(cost, line.parameters()))
print(f"curvatures: {curvatures[1]:.4f} across the valley, {curvatures[0]:.4f} along it")
print(f"condition number {curvatures[1] / curvatures[0]:.0f}")

# Newton divides the derivative by the curvature in each direction, and is there.
newton = Linear(rng=42)
jump = fit(newton, data.x, data.y, optimizer=Newton(newton.parameters()), steps=1)
w, b = (p.data for p in newton.parameters())
print(f"Newton, 1 step:            w = {w:.9f}, b = {b:.9f}")
descent = fit(line, data.x, data.y, lr=0.15, steps=100)
w, b = (p.data for p in line.parameters())
print(f"gradient descent, 100:     w = {w:.9f}, b = {b:.9f}")

figure = new_figure(width=11.0)
left, right = figure.subplots(1, 2)
axes_of(left)
x = numpy.linspace(-3.0, 3.0, 121)
for f, name, style in [
    (tanh, "tanh", (CURVE, "-")), (derivative, "its derivative", (POINTS, "--")),
    (curvature, "its curvature", (OTHER, "-.")),
]:  # fmt: skip
    left.plot(x, [f(float(v)) for v in x], style[1], color=style[0], label=name)
left.legend(frameon=False)
plot_contours(line, data, descent.snapshots, ax=right)
(start, end) = jump.snapshots
right.annotate("", end.parameters, start.parameters, arrowprops={"arrowstyle": "->", "color": INK})
right.set_title("100 steps of gradient descent, and Newton's one (arrow)", fontsize="medium")
figure.savefig("second_derivatives.png")
