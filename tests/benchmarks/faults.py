"""Trainings ended at random moments and gone on with: python faults.py [--times 100] [--seed 1].

Each is ended once or twice by SIGKILL, by Ctrl-C or by SIGTERM, anywhere from the start of Python
to its end; then every file it left must be whole, and after --resume all of them must be the same,
bit for bit, as those of a training that nobody disturbed.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

FIT = [sys.executable, "-m", "tinygrad_lin", "fit", "--tolerance", "0"]
TRAININGS = {
    "line": [*FIT, "--steps", "60000"],
    "net": [
        *FIT, "sine", "--hidden", "8,8", "--optimizer", "adam", "--batch", "20",
        "--validation", "0.2", "--patience", "1000000", "--steps", "12000",
    ],
}  # fmt: skip
SIGNALS = {"SIGKILL": signal.SIGKILL, "Ctrl-C": signal.SIGINT, "SIGTERM": signal.SIGTERM}


def start(command: list[str], out: Path) -> subprocess.Popen[bytes]:
    """A training that writes to a folder."""
    return subprocess.Popen(
        [*command, "--out", str(out)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def finish(command: list[str], out: Path) -> None:
    """Train to the end, from the checkpoint if there is one."""
    resume = ["--resume"] if (out / "checkpoint.json").exists() else []
    process = start([*command, *resume], out)
    _, said = process.communicate()
    assert process.returncode == 0, said


def ended(command: list[str], out: Path, number: signal.Signals, after: float) -> str:
    """End a training after some seconds; what came of it."""
    resume = ["--resume"] if (out / "checkpoint.json").exists() else []
    process = start([*command, *resume], out)
    time.sleep(after)
    process.send_signal(number)
    _, said = process.communicate()
    if b"Traceback" in said:
        return "traceback"
    if process.returncode == -number:
        return "ended at once"
    return {0: "results", 130: "one line"}.get(process.returncode, f"code {process.returncode}")


def whole(file: Path) -> bool:
    """Whether a file is one that was written to its end."""
    content = file.read_bytes()
    match file.suffix:
        case ".json":
            return bool(json.loads(content))
        case ".csv":
            rows = list(csv.reader(io.StringIO(content.decode())))
            return content.endswith(b"\n") and len(set(map(len, rows))) == 1
        case ".svg":
            return ElementTree.fromstring(content).tag.endswith("svg")
        case ".png":
            return content.endswith(b"IEND\xaeB`\x82")
    return False


def contents(folder: Path) -> dict[str, bytes]:
    """What is in the files of a folder."""
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def main() -> None:
    """End trainings, and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="for each signal")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    print("| training | signal | times | what came of it | drafts | not whole | other bits |")
    print("|---|---|---|---|---|---|---|")
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, command in TRAININGS.items():
            undisturbed = Path(folder, name)
            began = time.monotonic()
            finish(command, undisturbed)
            lasted = time.monotonic() - began
            wanted = contents(undisturbed)
            for sign, number in SIGNALS.items():
                came, drafts, broken, other = Counter[str](), 0, 0, 0
                for _ in range(options.times // len(TRAININGS)):
                    with tempfile.TemporaryDirectory(dir=folder) as out:
                        for _ in range(rng.choice([1, 2])):
                            after = rng.uniform(0.0, 1.1 * lasted)
                            came[ended(command, Path(out), number, after)] += 1
                            files = list(Path(out).iterdir())
                            drafts += sum(file.name.startswith(".") for file in files)
                            broken += sum(
                                not file.name.startswith(".") and not whole(file) for file in files
                            )
                        finish(command, Path(out))
                        other += contents(Path(out)) != wanted
                failed += broken + other + came["traceback"]
                told = ", ".join(f"{what} {count}" for what, count in came.most_common())
                cells = (name, sign, came.total(), told, drafts, broken, other)
                print(f"| {' | '.join(map(str, cells))} |", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
