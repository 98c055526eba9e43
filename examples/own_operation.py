"""An operation of your own: one row of the table, and everything knows it.

Run it: python examples/own_operation.py
"""

from tinygrad_lin import MLP, Adam, Value, add_operation, check_everywhere, draw, fit, grad, load

# The bell e^(-x²), its local derivative -2x · out, and where it is interesting.
bell = add_operation("bell", "exp(-x * x)", ("-2.0 * x * out",), sign="e^-x²", draw=((-2.0, 2.0),))

# Derivatives to any order: at its top the bell curves downwards by 2.
print(f"bell(0) = {bell(0.0)}, bell''(0) = {grad(grad(bell))(0.0)}")

# The checker finds no point where the derivative is wrong. With a sign wrong, it would.
check_everywhere(bell, max_examples=50)()
print("the derivative is right at 50 points drawn from its row")

# As the activation of a net: a sine out of bells.
data = load("sine")
net = MLP([1, 8, 1], activation="bell", rng=42)
history = fit(net, data.x, data.y, optimizer=Adam(net.parameters(), lr=0.05), steps=200)
print(f"a sine out of 8 bells: cost {history.costs[0]:.2g} -> {history.costs[-1]:.2g}")

# In drawings, by its sign.
w, x = Value(0.5, "w"), Value(2.0, "x")
out = bell(w * x - 0.25)
out.backward()
draw(out, title="w·x - 0.25 under the bell").write("own_operation.svg")
