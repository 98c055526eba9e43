"""GradBench's det: the determinant of a matrix, expanded by minors.

Run it: python examples/gradbench/det.py
"""

import numpy

from tinygrad_lin import Value, compile_graph, dot


def det(rows):
    """The entries of the first row times their minors, with alternating signs."""
    if len(rows) == 1:
        return rows[0][0]
    first, *below = rows
    minors = [det([row[:j] + row[j + 1 :] for row in below]) for j in range(len(first))]
    return dot(first[::2], minors[::2]) - dot(first[1::2], minors[1::2])


if __name__ == "__main__":
    numbers = numpy.random.RandomState(31337).rand(5, 5)
    rows = [[Value(a, f"a{i}{j}") for j, a in enumerate(row)] for i, row in enumerate(numbers)]
    y = det(rows)
    y.backward()
    print(f"determinant {y.data:.6f}")
    for row in rows:
        print("gradient   ", *[f"{a.grad:9.6f}" for a in row])

    # The compiler computes every minor once, in however many places it stands.
    program = compile_graph(y, wrt=[a for row in rows for a in row])
    print(program.describe())
