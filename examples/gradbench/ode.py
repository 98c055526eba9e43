"""GradBench's ode: y₀' = x₀ and yᵢ' = xᵢ yᵢ₋₁ from y = 0, by Runge and Kutta's method.

Run it: python examples/gradbench/ode.py
"""

import numpy

from tinygrad_lin import Value


def solution(x, steps):
    """All of y at time 2, after so many steps."""

    def slope(y):
        return [x[0], *[factor * before for factor, before in zip(x[1:], y)]]

    def moved(time, slopes):
        return [a + time * k for a, k in zip(y, slopes)]

    h = 2.0 / steps
    y = [0.0] * len(x)
    for _ in range(steps):
        k1 = slope(y)
        k2 = slope(moved(h / 2, k1))
        k3 = slope(moved(h / 2, k2))
        k4 = slope(moved(h, k3))
        y = moved(h / 6, [a + 2 * b + 2 * c + d for a, b, c, d in zip(k1, k2, k3, k4)])
    return y


if __name__ == "__main__":
    numbers = numpy.random.RandomState(31337).rand(4)
    x = [Value(number, f"x{j}") for j, number in enumerate(numbers)]
    y = solution(x, steps=10)
    y[-1].backward()
    print("y(2)     ", *[f"{v.data:.6f}" for v in y])
    print("gradient ", *[f"{v.grad:.6f}" for v in x])
    exactly = numpy.prod(numbers) * 2**4 / 24  # y₃ = x₀x₁x₂x₃ t⁴ / 4!
    print("by hand  ", *[f"{exactly / number:.6f}" for number in numbers])
