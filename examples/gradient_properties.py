"""Gradients checked by properties: not at the points you thought of, but at those you did not.

Run it: python examples/gradient_properties.py
"""

from hypothesis import given, settings

from tinygrad_lin import check_everywhere, check_gradients, log, softplus, tanh
from tinygrad_lin.check.strategies import expressions
from tinygrad_lin.viz.plots import CURVE, INK, axes_of

# One line, one test: pytest runs it, Hypothesis looks for a point where it fails.
test_a_neuron = check_everywhere(lambda w, x, b: tanh(w * x + b), max_examples=50)
test_a_neuron()
print("a neuron: no wrong gradient at 50 points")

# A property of your own function: softplus(x) - softplus(-x) is x, so its derivative is 1.
test_softplus = check_everywhere(
    lambda x: softplus(x) - softplus(-x), gradient=lambda x: 1.0, max_examples=50
)
test_softplus()
print("softplus(x) - softplus(-x) has the derivative 1 at 50 points")

# A domain is no failure: where log has no value there is nothing to check.
check_everywhere(lambda x: log(x) * x, within={"x": (-1.0, 5.0)}, max_examples=50)()
print("log(x) x is right wherever it has a value")

# Random formulas of random operations, each at its own point.
found = []


@settings(max_examples=150, database=None, derandomize=True, deadline=None)
@given(expressions(leaves=2, max_nodes=8))
def test_any_formula(formula):
    report = check_gradients(formula, *formula.point)
    found.extend(entry for entry in report.rows if entry.verdict in {"ok", "kink"})


test_any_formula()
print(f"random formulas: {len(found)} derivatives compared, none wrong")

# A distance of 0, or a tiny derivative, has no place on the axes.
apart = [(abs(e.analytic), e.error) for e in found if e.error and abs(e.analytic) > 1e-6]
figure, ax = axes_of(None)
ax.loglog(*zip(*apart), "o", color=CURVE, markersize=3, label="a derivative of a random formula")
sizes = sorted(size for size, _ in apart)
ax.loglog(sizes, [1e-9 + 1e-6 * size for size in sizes], color=INK, label="what is allowed")
ax.set_xlabel("size of the derivative")
ax.set_ylabel("distance from the numerical one")
ax.legend(frameon=False)
figure.savefig("gradient_properties.png")
