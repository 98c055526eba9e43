"""The properties of this folder on the clock, with as many inputs as the time allows.

    python tests/fuzz/run.py
    python tests/fuzz/run.py --minutes 10 csv expression
    python tests/fuzz/run.py --engine atheris --minutes 10 csv

With Hypothesis every round has a fresh seed; ``--seed`` begins with one of yours, and
``--seed 123 --minutes 0 csv`` repeats a round that failed. With atheris (``pip install atheris``)
the inputs are those that reach new parts of the package. What fails, and atheris' corpus, stay in
a folder: the traceback of each failure in a file named after its seed or its input.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import inspect
import multiprocessing
import random
import time
import traceback
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
ROUND = 1000
"""Inputs for one seed of Hypothesis."""
SLOWEST = 60
"""Seconds that one input may take in atheris."""


def properties(subject: str) -> dict[str, Callable[[], None]]:
    """The tests of a file that Hypothesis alone gives all their arguments."""
    tests = vars(importlib.import_module(f"test_{subject}"))
    return {
        name: test
        for name, test in tests.items()
        if hasattr(test, "hypothesis") and not inspect.signature(test).parameters
    }


def counted(test: Any, count: Any) -> Any:
    """The test, which counts the inputs that it is given."""
    inner = test.hypothesis.inner_test

    def counting(*arguments: Any, **named: Any) -> None:
        count.value += 1
        inner(*arguments, **named)

    test.hypothesis.inner_test = counting
    return test


def fuzz(job: tuple[str, str, str], seconds: float, seed: int, folder: Path, counts: Any) -> None:
    """Run one property until its time is over; in a process of its own."""
    engine, subject, name = job
    warnings.simplefilter("error")
    tried, failed = counts
    folder.mkdir(parents=True, exist_ok=True)

    def fail(about: str) -> None:
        failed.value += 1
        text = f"{subject}, {name}, {about}\n\n{traceback.format_exc()}"
        folder.with_name(f"{name}-{about}.txt").write_text(text, encoding="utf-8", errors="replace")
        print(text, flush=True)

    def load() -> Any:
        return counted(properties(subject)[name], tried)

    if engine == "atheris":
        by_coverage(load, seconds, folder, fail)
    else:
        by_seeds(load, seconds, seed, fail)


def by_seeds(
    load: Callable[[], Any], seconds: float, seed: int, fail: Callable[[str], None]
) -> None:
    """Hypothesis, with one seed after the other."""
    import hypothesis

    hypothesis.settings.register_profile(
        "fuzz", max_examples=ROUND, deadline=None, database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )  # fmt: skip
    hypothesis.settings.load_profile("fuzz")
    test = load()
    end = time.monotonic() + seconds
    while True:
        try:
            hypothesis.seed(seed)(test)()
        except KeyboardInterrupt:
            raise
        except BaseException:  # such as pytest's
            fail(f"seed-{seed}")
        seed += 1
        if time.monotonic() >= end:
            return


def by_coverage(
    load: Callable[[], Any], seconds: float, folder: Path, fail: Callable[[str], None]
) -> None:
    """Atheris, which goes on from the corpus in the folder and never returns."""
    import atheris

    with atheris.instrument_imports(include=["tinygrad_lin"]):
        test = load()
    places = set()

    def one_input(data: bytes) -> None:
        try:
            test.hypothesis.fuzz_one_input(data)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # such as pytest's
            place = repr(traceback.extract_tb(error.__traceback__)[-1])
            if place not in places:  # the same again is nothing new
                places.add(place)
                digest = hashlib.sha256(data).hexdigest()[:16]
                (folder / digest).write_bytes(data)  # into the corpus: tried first the next time
                fail(digest)

    # Long inputs from the start: short ones end before Hypothesis has all that it asks for.
    limits = [
        "-len_control=0",
        f"-max_total_time={max(round(seconds), 1)}",
        f"-timeout={SLOWEST}",
        "-verbosity=0",
    ]
    atheris.Setup(["fuzz", *limits, f"-artifact_prefix={folder}/", str(folder)], one_input)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz on the clock.")
    parser.add_argument("subjects", nargs="*", help="such as csv for test_csv.py; all if not given")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each subject")
    parser.add_argument("--engine", choices=["hypothesis", "atheris"], default="hypothesis")
    parser.add_argument("--seed", type=int, help="the first one")
    parser.add_argument("--folder", type=Path, default=HERE.parent.parent / "out" / "fuzz")
    given = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if given.seed is None else given.seed
    known = sorted(path.stem.removeprefix("test_") for path in HERE.glob("test_*.py"))
    processes = multiprocessing.get_context("spawn")  # atheris must see every import
    lines = [f"{'subject':12}{'property':52}{'engine':12}{'first seed':>12}{'tried':>10}  failures"]
    for subject in given.subjects or known:
        names = list(properties(subject))
        for name in names:
            counts = processes.Value("q", 0), processes.Value("q", 0)
            job, folder = (given.engine, subject, name), given.folder / subject / name
            seconds = given.minutes * 60 / len(names)
            child = processes.Process(target=fuzz, args=(job, seconds, seed, folder, counts))
            child.start()
            child.join()
            tried, failed = (count.value for count in counts)
            ended = f", ended with {child.exitcode}" if child.exitcode else ""
            first = seed if given.engine == "hypothesis" else "-"
            lines.append(
                f"{subject:12}{name:52}{given.engine:12}{first:>12}{tried:>10,}  {failed}{ended}"
            )
            print(lines[-1], flush=True)
    with (given.folder / "log.txt").open("a", encoding="utf-8") as log:
        log.write("\n".join([time.strftime("%Y-%m-%d %H:%M"), *lines, ""]))
    print("\n".join(lines))


if __name__ == "__main__":
    main()
