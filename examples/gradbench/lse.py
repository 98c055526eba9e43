"""GradBench's lse: the logarithm of a sum of exponentials, kept from overflowing.

Run it: python examples/gradbench/lse.py
"""

import numpy

from tinygrad_lin import Value, exp, log, maximum, total


def logsumexp(x):
    """ln Σ exp xᵢ, with the largest taken out of the sum: its exponential might be infinite."""
    largest = maximum(*x)
    return largest + log(total([exp(v - largest) for v in x]))


if __name__ == "__main__":
    numbers = numpy.random.RandomState(31337).rand(6)
    x = [Value(number, f"x{j}") for j, number in enumerate(numbers)]
    y = logsumexp(x)
    y.backward()
    print(f"logsumexp {y.data:.6f}")
    print("gradient ", *[f"{v.grad:.6f}" for v in x])
    shifted = [Value(number + 1000.0) for number in numbers]
    print(f"at + 1000 {logsumexp(shifted).data:.6f}")
