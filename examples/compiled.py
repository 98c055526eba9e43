"""The same graph compiled: recorded once, run on arrays, with NumPy and with JAX if it is there.

Run it: python examples/compiled.py
"""

import time
from importlib.util import find_spec

import numpy

from tinygrad_lin import MLP, Value, compile_graph, half_mse, load
from tinygrad_lin.viz.plots import plot_boundary

data = load("moons")
inputs, targets = numpy.array(data.x), numpy.array(data.y)
net = MLP([2, 16, 16, 1], rng=42)
parameters = net.parameters()

# The live graph: every neuron of every point is a node.
begin = time.perf_counter()
cost = half_mse([net(x) for x in data.x], data.y)
cost.backward()
live = time.perf_counter() - begin
gradient = numpy.array([p.grad for p in parameters])

# The program: the cost of one point is recorded, the points come as arrays.
x, y = [Value(0.0, "x1"), Value(0.0, "x2")], Value(0.0, "y")
one = half_mse([net(x)], [y])
program = compile_graph(one, batch=(x, y), wrt=parameters)
print(program.describe())
weights = numpy.array([p.data for p in parameters])
value, compiled = program.value_and_grad(weights, inputs, targets)
print(f"cost {cost.data:.12f} live, {value:.12f} compiled")
print(f"gradients apart by {abs(compiled - gradient).max():.0e}")

# Gradient descent goes on with the program alone.
begin = time.perf_counter()
for _ in range(5000):
    weights -= 0.2 * program.value_and_grad(weights, inputs, targets)[1]
each = (time.perf_counter() - begin) / 5000
print(f"a step takes {live * 1e6:.0f} µs live, {each * 1e6:.0f} µs compiled")
for parameter, number in zip(parameters, weights.tolist()):
    parameter.data = number
right = sum((net(point).data > 0.5) == (target == 1) for point, target in zip(data.x, data.y))
print(f"right after 5,000 steps: {right} of {len(data.y)} points")
plot_boundary(net, data, level=0.5).savefig("compiled.png")

if find_spec("jax"):
    import jax

    jax.config.update("jax_enable_x64", True)  # else it computes with 32 bits
    on_jax = compile_graph(one, batch=(x, y), wrt=parameters, xp=jax.numpy)
    value, gradient = on_jax.value_and_grad(weights, inputs, targets)
    apart = abs(numpy.asarray(gradient) - program.value_and_grad(weights, inputs, targets)[1]).max()
    print(f"on JAX: cost {float(value):.1e}, gradients apart by {apart:.0e}")
