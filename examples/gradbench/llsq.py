"""GradBench's llsq: a polynomial that follows the sign of t, by linear least squares.

Run it: python examples/gradbench/llsq.py
"""

import numpy

from tinygrad_lin import Value, compile_graph, dot


def points(n, m):
    """The powers t⁰ ... tᵐ⁻¹ and the sign of n points t between -1 and 1."""
    t = -1 + 2 * numpy.arange(n) / (n - 1)
    return numpy.vander(t, m, increasing=True), numpy.sign(t)


def cost(x, n):
    """Half the sum of (x₀ + x₁t + x₂t² + ... - sign t)² over n points."""
    powers, signs = (array.tolist() for array in points(n, len(x)))
    residuals = [dot(x, row, -sign) for row, sign in zip(powers, signs)]
    return dot(residuals, residuals) / 2


def compiled(n, m):
    """The gradient as a program: the residual of one point is recorded, and run for all at once."""
    x = [Value(0.0, f"x{j}") for j in range(m)]
    powers, sign = [Value(0.0, f"t{j}") for j in range(m)], Value(0.0, "sign")
    residual = dot(x, powers) - sign
    program = compile_graph(residual * residual / 2, batch=(powers, sign), wrt=x)
    batch = points(n, m)
    return lambda numbers: n * program.value_and_grad(numbers, *batch)[1]


if __name__ == "__main__":
    numbers = numpy.random.RandomState(31337).rand(4)
    x = [Value(number, f"x{j}") for j, number in enumerate(numbers)]
    y = cost(x, n=16)
    y.backward()
    print(f"cost      {y.data:.6f}")
    print("gradient ", *[f"{v.grad:.6f}" for v in x])
    print("compiled ", *[f"{slope:.6f}" for slope in compiled(16, 4)(numbers)])
