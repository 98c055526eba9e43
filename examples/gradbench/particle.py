"""GradBench's particle: where to put a charge so that a particle lands at the origin.

Run it: python examples/gradbench/particle.py
"""

from descent import argmin, forward, numbers, reverse

from tinygrad_lin import dot, sqrt

SECONDS = 0.1  # a step of Euler's method


def distance(a, b):
    along = [p - q for p, q in zip(a, b)]
    return sqrt(dot(along, along))


def potential(x, w):
    """Of two charges, of which w moves one."""
    return 1 / distance(x, (10, 10 - w)) + 1 / distance(x, (10, 0))


def miss(w, gradient):
    """The square of the place at which the particle crosses the line to the origin.

    The force is a derivative of the potential, so the derivative of this by w is a nested one.
    """
    x, velocity = [0.0, 8.0], [0.75, 0.0]
    while True:
        slopes = gradient(lambda x: potential(x, w), x)
        there = [a + SECONDS * v for a, v in zip(x, velocity)]
        if there[1] <= 0:
            break
        x = there
        velocity = [v - SECONDS * slope for v, slope in zip(velocity, slopes)]
    left = -x[1] / velocity[1]
    return (x[0] + left * velocity[0]) ** 2


def particle(start, outer, inner):
    """The w with the smallest miss."""
    return argmin(lambda point: miss(point[0], inner), numbers(outer), [start])[0]


if __name__ == "__main__":
    print("w", particle(0.0, outer=forward, inner=reverse))
