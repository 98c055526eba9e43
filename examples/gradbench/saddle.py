"""GradBench's saddle: min over x of max over y of a function, a descent within a descent.

Run it: python examples/gradbench/saddle.py
"""

from descent import argmax, argmin, forward, numbers, reverse

from tinygrad_lin import dot


def f(x, y):
    return dot(x, x) - dot(y, y)


def saddle(start, outer, inner):
    """The x and y of the saddle. Each step over x differentiates through a whole ascent over y."""

    def highest(x):
        return f(x, argmax(lambda y: f(x, y), inner, start))

    x = argmin(highest, numbers(outer), start)
    return x, argmax(lambda y: f(x, y), numbers(outer), start)


if __name__ == "__main__":
    x, y = saddle([1.0, 1.0], outer=reverse, inner=forward)
    print("x", *x)
    print("y", *y)
