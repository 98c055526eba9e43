"""A wrong backward found by the checker: it is right at 0, where one would have tried it.

Run it: python examples/wrong_backward.py
"""

import math

from tinygrad_lin import GradientMismatch, check_everywhere, check_gradients
from tinygrad_lin.viz.plots import CURVE, INK, POINTS, axes_of


def wrong(x: float) -> float:
    """The derivative of tanh, by somebody who forgot to square."""
    return 1.0 - math.tanh(x)


# At 0 it is 1, as it should be: a test of that one point passes.
print("at 0:", "right" if check_gradients(math.tanh, 0.0, gradient=wrong).ok else "wrong")

# Looking everywhere finds that it is wrong, and the simplest point that shows it.
found = None
try:
    check_everywhere(math.tanh, gradient=wrong)()
except GradientMismatch as mismatch:
    (found,) = mismatch.report.rows
    print(f"at {found.at:g}: {found.verdict}, {found.analytic:.4f} instead of {found.numeric:.4f}")
assert found

# The repair stands the same test.
check_everywhere(math.tanh, gradient=lambda x: 1.0 - math.tanh(x) ** 2)()
print("1 - tanh²: right everywhere")

figure, ax = axes_of(None)
x = [k / 50 for k in range(-150, 151)]
ax.plot(x, [1.0 - math.tanh(v) ** 2 for v in x], color=CURVE, label="1 - tanh²")
ax.plot(x, [wrong(v) for v in x], "--", color=POINTS, label="1 - tanh, which is wrong")
ax.plot(0.0, 1.0, "o", color=INK, label="where a test passes")
ax.plot([found.at] * 2, [found.numeric, found.analytic], "s-", color=INK, label="what was found")
ax.set_xlabel("x")
ax.set_ylabel("derivative of tanh")
ax.legend(frameon=False)
figure.savefig("wrong_backward.png")
