"""GradBench's gmm: how well a mixture of Gaussians explains points, as a log posterior.

The precision of component k is QᵀQ, Q a lower triangle with exp q on its diagonal and l below it.
Run it: python examples/gradbench/gmm.py
"""

import math

import numpy
from lse import logsumexp

from tinygrad_lin import Value, dot, exp, total


def component(weight, mean, diagonal, below):
    """Its weight times √det QᵀQ, as a logarithm; its mean; the rows of Q."""
    rows = [[0.0] * k + [exp(entry)] for k, entry in enumerate(diagonal)]
    entries = iter(below)  # column after column
    for k in range(len(rows)):
        for row in rows[k + 1 :]:
            row[k] = next(entries)
    return weight + total(diagonal), mean, rows


def log_likelihood(point, alpha, mixture):
    exponents = []
    for weight, mean, rows in mixture:
        centred = [x - m for x, m in zip(point, mean)]
        z = [dot(row, centred[: len(row)]) for row in rows]
        exponents.append(weight - dot(z, z) / 2)
    return logsumexp(exponents) - logsumexp(alpha) - len(point) / 2 * math.log(2 * math.pi)


def log_prior(mixture, diagonals, m, gamma):
    """Wishart's distribution of the precisions, with m more degrees of freedom than it needs."""
    d, n = len(diagonals[0]), len(diagonals[0]) + m + 1
    log_gammas = sum(math.lgamma((n - j) / 2) + j / 2 * math.log(math.pi) for j in range(d))
    entries = [entry for *_, rows in mixture for row in rows for entry in row]
    log_determinants = total([entry for diagonal in diagonals for entry in diagonal])
    scale = len(diagonals) * (n * d * math.log(gamma / math.sqrt(2)) - log_gammas)
    return m * log_determinants - gamma**2 / 2 * dot(entries, entries) + scale


def log_posterior(points, parameters, *, m=0, gamma=1.0):
    alpha, _, diagonals, _ = parameters
    mixture = [component(*each) for each in zip(*parameters)]
    likelihoods = [log_likelihood(point, alpha, mixture) for point in points]
    return total(likelihoods) + log_prior(mixture, diagonals, m, gamma)


if __name__ == "__main__":
    rng, (d, k, n) = numpy.random.default_rng(31337), (2, 3, 20)
    points, alpha = rng.normal(size=(n, d)), [Value(a, "α") for a in rng.normal(size=k)]
    mu = [[Value(entry, "μ") for entry in row] for row in rng.uniform(size=(k, d))]
    q = [[Value(entry, "q") for entry in row] for row in rng.normal(size=(k, d))]
    below = [[Value(entry, "l") for entry in row] for row in rng.normal(size=(k, d * (d - 1) // 2))]
    y = log_posterior(points, [alpha, mu, q, below])
    y.backward()
    slopes = [f"{entry.grad:.6f}" for row in mu for entry in row]
    print(f"log posterior {y.data:.6f}, its gradient by the means", *slopes)
