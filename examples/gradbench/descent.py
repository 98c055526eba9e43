"""What saddle and particle share: gradients that nest, in both modes, and GradBench's descent."""

from tinygrad_lin import Value, dot, gradients, jvp, sqrt


def variables(x):
    """The same point in variables of its own, so that derivatives by them stay apart."""
    return [1.0 * entry if isinstance(entry, Value) else Value(entry) for entry in x]


def reverse(f, x):
    """The gradient of f at x: Values, which can be differentiated again."""
    own = variables(x)
    return gradients(f(own), own)


def forward(f, x):
    """The same gradient, one direction after the other."""
    own = variables(x)
    output = f(own)
    return [jvp(output, own, [float(v is axis) for v in own]) for axis in own]


def numbers(gradient):
    """The gradient in plain numbers, for a descent that is not differentiated itself."""
    return lambda f, x: [slope.data for slope in gradient(f, x)]


def argmin(f, gradient, x):
    """Descend from x in steps that double after ten good ones and are halved after a bad one."""
    value, slopes = f(x), gradient(f, x)
    rate, good = 1e-5, 0
    while sqrt(dot(slopes, slopes)) > 1e-5:
        if good == 10:
            rate, good = 2 * rate, 0
        moves = [rate * slope for slope in slopes]
        if sqrt(dot(moves, moves)) <= 1e-5:
            break
        there = [a - move for a, move in zip(x, moves)]
        if (lower := f(there)) < value:
            x, value, slopes, good = there, lower, gradient(f, there), good + 1
        else:
            rate, good = rate / 2, 0
    return x


def argmax(f, gradient, x):
    return argmin(lambda y: -f(y), gradient, x)
