"""How large a graph may be, and how time and memory grow: python sizes.py [NAME ...] [--plot FILE].

Every feature in a process of its own. The table says how many nodes, seconds of the processor, the
peak of resident memory, and what came of it; a refusal is one of the package's own errors. With
--plot every feature runs with several sizes, and time against size is drawn on logarithmic scales.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections import deque
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tinygrad_lin import (
    MLP,
    TinygradError,
    Value,
    check_gradients,
    compile_graph,
    dot,
    draw,
    explain,
    first_nonfinite,
    grad,
    gradients,
    hessian,
    jvp,
    no_gc,
    page,
    scope,
    steps,
    total,
)
from tinygrad_lin.expression import Expression

if TYPE_CHECKING:
    from collections.abc import Callable

DEEP = 1_000_000
TIMEOUT = 600


def chain(x: Any, n: int) -> Any:
    """One operation after the other."""
    for _ in range(n):
        x = 0.9999999 * x
    return x


def recorded(n: int) -> tuple[Value, Value]:
    """A chain and its leaf."""
    with no_gc():
        x = Value(1.0, "x")
        return chain(x, n), x


# What is done with a graph of n nodes; each gives a few words on what came of it.


def build_backward_free(n: int) -> str:
    root, x = recorded(n)
    root.backward()
    full = resident()
    del root
    return f"gradient {x.grad:.6f}; {full} MB, freed: {resident()} MB"


def star_of_total(n: int) -> str:
    with no_gc():
        leaves = [Value(1.0) for _ in range(n)]
        total(leaves).backward()
    return f"gradients {leaves[0].grad} and {leaves[-1].grad}"


def star_of_dot(n: int) -> str:
    with no_gc():
        leaves = [Value(2.0) for _ in range(n)]
        dot(leaves, leaves).backward()
    return f"gradients {leaves[0].grad} and {leaves[-1].grad}"


def star_of_sums(n: int) -> str:
    with no_gc():
        leaves = [Value(1.0) for _ in range(n)]
        sum(leaves, start=Value(0.0)).backward()
    return f"gradients {leaves[0].grad} and {leaves[-1].grad}"


def leaf_used_often(n: int) -> str:
    with no_gc():
        x = Value(1.0)
        total([x * 2.0 for _ in range(n)]).backward()
    return f"gradient {x.grad:,}"


def of_a_function(n: int) -> str:
    with no_gc():
        return f"{grad(lambda x: chain(x, n))(1.0):.6f}"


def of_gradients(n: int) -> str:
    root, x = recorded(n)
    with no_gc():
        return f"{gradients(root, [x])[0].data:.6f}"


def second_order(n: int) -> str:
    with no_gc():
        x = root = Value(1.0)
        for _ in range(n // 2):
            root = root * root * 0.5 + 0.5
        (slope,) = gradients(root, [x])
        return f"{gradients(slope, [x])[0].data:.4g}"


def of_jvp(n: int) -> str:
    root, x = recorded(n)
    with no_gc():
        return f"{jvp(root, [x], [1.0]).data:.6f}"


def of_hessian(n: int) -> str:
    with no_gc():
        x = root = Value(1.0)
        for _ in range(n // 2):
            root = root * root * 0.5 + 0.5
        return f"{hessian(root, [x])[0, 0]:.4g}"


def of_draw(n: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.svg"
        draw(recorded(n)[0]).write(path)
        return f"{path.stat().st_size:,} bytes"


def of_draw_path(n: int) -> str:
    root, x = recorded(n)
    return f"{len(draw(root, path=x).source):,} characters of DOT"


def of_steps(n: int) -> str:
    listed = steps(recorded(n)[0])
    lines = list(islice(listed.lines(), 3))
    return f"{len(listed):,} steps, the third line {lines[2]!r}"


def of_all_steps(n: int) -> str:
    last = deque(steps(recorded(n)[0]).lines(), maxlen=1)
    return f"the last line {last[0].split()[0]}"


def of_explain(n: int) -> str:
    return explain(*recorded(n)).splitlines()[-1][:60]


def of_page(n: int) -> str:
    with tempfile.TemporaryDirectory() as folder:
        page(recorded(n)[0], f"{folder}/page.html")
    return "written"


def compiled(n: int) -> str:
    root, x = recorded(n)
    value, slope = compile_graph(root, wrt=[x]).value_and_grad([1.0])
    return f"{value:.6f}, {slope[0]:.6f}"


def compiled_batch(n: int) -> str:
    with no_gc():
        x, w = Value(1.0), Value(1.0)
        root = chain(w * x, n)
    value, slope = compile_graph(root, batch=[x], wrt=[w]).value_and_grad([1.0], [1.0, 3.0])
    return f"{value:.6f}, {slope[0]:.6f}"


def compiled_wide(n: int) -> str:
    with no_gc():
        leaves = [Value(k / n) for k in range(n // 4)]
        root = total([(x * x + 1.0).tanh() for x in leaves])
    value, slope = compile_graph(root, wrt=leaves).value_and_grad([0.5] * len(leaves))
    return f"{value:.1f}, {slope[0]:.6f}"


def compiled_rows(n: int) -> str:
    with no_gc():
        x, w = Value(1.0), Value(1.0)
        root = chain(w * x, n)
    return f"{compile_graph(root, batch=[x], wrt=[w]).jacobian([1.0], [1.0, 3.0]).shape}"


def of_check(n: int) -> str:
    with no_gc():
        return check_gradients(lambda x: chain(x, n), 1.0).rows[0].verdict


def of_check_twice(n: int) -> str:
    with no_gc():
        return check_gradients(lambda x: chain(x * x, n), 1.0, order=2).rows[-1].verdict


def of_first_nonfinite(n: int) -> str:
    root, _ = recorded(n)
    return f"{first_nonfinite(root * math.inf)!r}"


def of_copy(n: int) -> str:
    root, _ = recorded(n)
    return f"the same operand: {copy.copy(root).inputs == root.inputs}"


def of_deepcopy(n: int) -> str:
    root, x = recorded(n)
    with no_gc():
        twin, leaf = copy.deepcopy((root, x))
    twin.backward()
    return f"gradients {leaf.grad:.6f} and {x.grad}"


def of_pickle(n: int) -> str:
    root, x = recorded(n)
    with no_gc():
        text = pickle.dumps((root, x))
        twin, leaf = pickle.loads(text)
    twin.backward()
    return f"{len(text):,} bytes, gradients {leaf.grad:.6f} and {x.grad}"


def of_repr(n: int) -> str:
    root, _ = recorded(n)
    return str(root) and repr(root)


def of_code(n: int) -> str:
    from tinygrad_lin.check.python_source import python_source

    root, x = recorded(n)
    text = python_source(root, [x])
    return f"{len(text):,} characters"


def of_expression(n: int) -> str:
    formula = Expression("+".join(["x"] * n))
    return f"{formula({'x': 1.0}):,}"


def of_scopes(n: int) -> str:
    with ExitStack() as opened:
        for k in range(n):
            opened.enter_context(scope(f"s{k % 10}"))
        x = Value(1.0, "x") * 2.0
    return f"{len(x.scope):,} scopes, {len(draw(x).source):,} characters of DOT"


def of_save(n: int) -> str:
    model = MLP([1, n // 3, 1])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        model.save(path)
        again = MLP([1, n // 3, 1], rng=0)
        again.load(path)
        same = [p.data for p in again.parameters()] == [p.data for p in model.parameters()]
        return f"{path.stat().st_size:,} bytes, the same: {same}"


FEATURES: dict[str, tuple[Callable[[int], str], int]] = {
    "build, backward, free": (build_backward_free, 10_000_000),
    "star: total": (star_of_total, DEEP),
    "star: dot": (star_of_dot, DEEP),
    "star: sums": (star_of_sums, DEEP),
    "a leaf used often": (leaf_used_often, DEEP),
    "grad": (of_a_function, DEEP),
    "gradients": (of_gradients, DEEP),
    "gradients twice": (second_order, DEEP),
    "jvp": (of_jvp, DEEP),
    "hessian": (of_hessian, DEEP),
    "draw to svg": (of_draw, DEEP),
    "draw with a path": (of_draw_path, DEEP),
    "steps: first lines": (of_steps, DEEP),
    "steps: all lines": (of_all_steps, DEEP),
    "explain": (of_explain, DEEP),
    "page": (of_page, DEEP),
    "compile: a chain": (compiled, DEEP),
    "compile: with a batch": (compiled_batch, DEEP),
    "compile: wide": (compiled_wide, DEEP),
    "compile: jacobian of rows": (compiled_rows, DEEP),
    "check_gradients": (of_check, DEEP),
    "check_gradients, order 2": (of_check_twice, DEEP // 10),
    "first_nonfinite": (of_first_nonfinite, DEEP),
    "copy": (of_copy, DEEP),
    "deepcopy": (of_deepcopy, DEEP),
    "pickle": (of_pickle, DEEP),
    "repr and str": (of_repr, DEEP),
    "code of a graph": (of_code, DEEP),
    "expression of n terms": (of_expression, DEEP),
    "scopes in scopes": (of_scopes, 1000),
    "save and load": (of_save, DEEP),
}


def resident() -> int:
    """Megabytes that this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def measure(name: str, n: int) -> dict[str, Any]:
    """Run one feature here."""
    begun = time.process_time()
    try:
        outcome = FEATURES[name][0](n)
    except TinygradError as error:
        outcome = f"refused: {str(error).splitlines()[0]}"
    seconds = time.process_time() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    return {"seconds": seconds, "peak": peak, "outcome": outcome}


def in_a_process(name: str, n: int) -> dict[str, Any]:
    """Run one feature in a process of its own."""
    call = [sys.executable, __file__, name, "--alone", str(n)]
    try:
        done = subprocess.run(call, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return {"seconds": TIMEOUT, "peak": 0, "outcome": "FAILED: too slow"}
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        return {"seconds": 0.0, "peak": 0, "outcome": f"FAILED: {reason}"}
    found: dict[str, Any] = json.loads(done.stdout)
    return found


PARTS = (0.003, 0.01, 0.03, 0.1)  # of the largest n, for the figure


def plot(names: list[str], path: Path) -> None:
    """Draw seconds against n, and print the slopes on logarithmic scales: 1 is in proportion."""
    import numpy
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    axes = figure.subplots()
    axes.set(xscale="log", yscale="log", xlabel="n", ylabel="seconds of the processor")
    print("| feature | slope |\n|---|---|")
    for k, name in enumerate(names):
        sizes = [int(part * FEATURES[name][1]) for part in PARTS]
        rows = [in_a_process(name, size) for size in sizes]
        if any(row["outcome"].startswith(("FAILED", "refused")) for row in rows):
            continue
        seconds = [max(row["seconds"], 1e-4) for row in rows]
        slope = numpy.polyfit(numpy.log(sizes), numpy.log(seconds), 1)[0]
        print(f"| {name} | {slope:.2f} |", flush=True)
        axes.plot(sizes, seconds, "ov^sD*P"[k % 7], ls="-", lw=1, label=f"{name}: {slope:.2f}")
    axes.plot([1e4, 1e5], [0.01, 0.1], "k--", lw=2, label="in proportion")
    figure.legend(loc="outside right upper", fontsize=8)
    figure.savefig(path)


def main() -> None:
    """Print the table, or one row of it as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--alone", type=int)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(measure(options.names[0], options.alone)))
        return
    if options.plot:
        plot(options.names or list(FEATURES), options.plot)
        return
    print("| feature | n | seconds | peak, MB | outcome |\n|---|---|---|---|---|")
    for name, (_, n) in FEATURES.items():
        if not options.names or name in options.names:
            size = max(int(n * options.scale), 1)
            row = in_a_process(name, size)
            cells = (name, f"{size:,}", f"{row['seconds']:.2f}", f"{row['peak']:,}", row["outcome"])
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
