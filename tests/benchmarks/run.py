"""Our speed beside other scalar engines: python tests/benchmarks/run.py [--no-gc] [--rounds N].

The same work for each engine that is installed (pip install micrograd scalargrad), each in a
process of its own, asked in turn so that all see the same noise. A ratio is the median of the
ratios within one round. The collector is on, as it is for users, unless --no-gc.

    mixed  10,199 operations (+ - * / pow, constants) on two leaves, then backward, then freed
    line   one step of y = wx + b on 1,000 points with C = MSE / 2
    chain  1,000,000 steps x = 1.0000001 * x, backward, freed: seconds and peak memory
    bytes  resident memory for one operation of a graph of a million
"""

from __future__ import annotations

import argparse
import gc
import importlib
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ENGINES = {
    "tinygrad_lin": ("tinygrad_lin", "Value"),
    "tinygrad_lin, dot and total": ("tinygrad_lin", "Value"),
    "micrograd": ("micrograd.engine", "Value"),
    "scalargrad": ("scalargrad.core", "Scalar"),
}
BASE = "micrograd"


def mixed(a: Any, b: Any, blocks: int = 100) -> Any:
    """A graph of 101 operations for each block, in forms that every engine takes."""
    result: Any = None
    for k in range(blocks):
        x, y = (0.5 + 0.005 * (k % 100)) * a, b
        for _ in range(10):
            r = x / (1.0 + y**2.0)
            x = (r - 0.25 * b) + r * a
            y = 0.5 * y + x
            y = y - r
        result = y if result is None else result + y
    return result


def line(w: Any, b: Any, total: Any) -> Any:
    """The cost of the line on 1,000 points."""
    xs = [k / 500 - 1 for k in range(1000)]
    return (0.5 / 1000) * total([((-8 * x - 3) + (x * w + b)) ** 2.0 for x in xs])


def add_up(values: list[Any]) -> Any:
    """A sum written out, for engines that have no other."""
    result = values[0]
    for value in values[1:]:
        result = result + value
    return result


def worker(name: str) -> None:
    """Answer each line of standard input with the seconds (or bytes) of one run."""
    module, cls = ENGINES[name]
    make = getattr(importlib.import_module(module), cls)
    total = importlib.import_module(module).total if name.endswith("total") else add_up
    sys.setrecursionlimit(1_000_000 if module != "tinygrad_lin" else sys.getrecursionlimit())
    for command in sys.stdin:
        work, no_gc = command.split()
        if no_gc == "1":
            gc.collect()
            gc.disable()
        a, b = make(0.7), make(-0.4)
        start = time.process_time()
        if work == "bytes":
            before = resident()
            root = mixed(a, b, 10_000)
            print(json.dumps((resident() - before) / 1_020_000), flush=True)
            continue
        if work == "chain":
            root = a
            for _ in range(1_000_000):
                root = 1.0000001 * root
        else:
            root = mixed(a, b) if work == "mixed" else line(a, b, total)
        root.backward()
        del root
        seconds = time.process_time() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps(peak if work == "chain" and no_gc == "2" else seconds), flush=True)


def resident() -> int:
    """Bytes of memory this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class Engine:
    """One engine in a process of its own."""

    def __init__(self, name: str) -> None:
        command = [sys.executable, __file__, "--worker", name]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, work: str, mode: int = 0) -> float | None:
        """The seconds of one run, or None when the engine died of it."""
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(f"{work} {mode}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        answer = self.process.stdout.readline()
        return float(json.loads(answer)) if answer else None


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-gc", action="store_true")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker)
        return
    names = [n for n, (m, _) in ENGINES.items() if importlib.util.find_spec(m.partition(".")[0])]
    if BASE not in names:
        print(f"{BASE} is not installed, so there are no ratios to it: pip install {BASE}")
    for work in ("mixed", "line"):
        chosen = [n for n in names if work == "line" or not n.endswith("total")]
        engines = {name: Engine(name) for name in chosen}
        runs: dict[str, list[float]] = {name: [] for name in chosen}
        for turn in range(options.rounds + 2):
            for name, engine in engines.items():
                seconds = engine.ask(work, int(options.no_gc))
                if turn >= 2 and seconds is not None:
                    runs[name].append(seconds)
        print(f"\n{work}")
        for name, seconds_of in runs.items():
            pairs = zip(runs.get(BASE, []), seconds_of)
            ratio = statistics.median([base / own for base, own in pairs] or [float("nan")])
            print(
                f"  {name:30} {statistics.median(seconds_of) * 1e3:8.2f} ms  {ratio:6.2f} x {BASE}"
            )
    print("\nchain of a million, and memory")
    for name in (n for n in names if not n.endswith("total")):
        seconds = Engine(name).ask("chain", int(options.no_gc))
        peak = Engine(name).ask("chain", 2)
        size = Engine(name).ask("bytes")
        chain = f"{seconds:.2f} s, {peak / 1e9:.2f} GB" if seconds and peak else "dies"
        print(f"  {name:30} {chain}; {size or 0:.0f} bytes an operation")


if __name__ == "__main__":
    main()
