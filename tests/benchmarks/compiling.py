"""What compiling costs, and what a program of a graph without a batch takes: python compiling.py

Chains are straight-line programs, wide graphs gathered ones, of 1,000 to 1,000,000 operations.
"""

from __future__ import annotations

import gc
import random
import sys
from time import perf_counter

import numpy

from tinygrad_lin import Value, compile_graph, no_gc, sin, tanh, topological_order, total


def chain(count: int) -> tuple[Value, list[Value]]:
    """One operation after the other."""
    w = Value(0.5)
    root: Value = w
    for _ in range(count // 2):
        root = 0.0 + 1.0000001 * root
    return root, [w]


def wide(count: int) -> tuple[Value, list[Value]]:
    """Layers of a tenth of the operations, each on operands that are drawn at random."""
    rng = random.Random(0)
    width = max(count // 20, 1)
    leaves = [Value(rng.uniform(-1.0, 1.0)) for _ in range(width)]
    layer = leaves
    for _ in range(10):
        pairs = [rng.choices(layer, k=2) for _ in range(width)]
        makes = (
            lambda x, y: x * y,
            lambda x, y: tanh(x + y),
            lambda x, y: x - y,
            lambda x, y: sin(y),
        )
        layer = [tanh(rng.choice(makes)(x, y)) for x, y in pairs]
    return total(layer), leaves


def main(largest: int) -> None:
    """Print a table."""
    print("| graph | operations | record | compile | run, forward and backward | recorded anew |")
    print("|---|---|---|---|---|---|")
    for name, make in (("chain", chain), ("wide", wide)):
        for count in (10**k for k in range(3, 7)):
            if count > largest:
                break
            gc.collect()
            with no_gc():
                start = perf_counter()
                root, wrt = make(count)
                recorded = perf_counter()
                operations = sum(node.op is not None for node in topological_order(root))
                begun = perf_counter()
                program = compile_graph(root, wrt=wrt)
                compiled = perf_counter() - begun
                p = numpy.array([leaf.data for leaf in wrt])
                runs = []
                for _ in range(7):
                    begun = perf_counter()
                    program.value_and_grad(p)
                    runs.append(perf_counter() - begun)
                begun = perf_counter()
                root.backward()
                anew = recorded - start + perf_counter() - begun
            each = [
                f"{seconds / operations * 1e9:,.0f} ns"
                for seconds in (recorded - start, compiled, min(runs), anew)
            ]
            print(f"| {name} | {operations:,} | {' | '.join(each)} |", flush=True)
            del root, wrt, program


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10**6)
