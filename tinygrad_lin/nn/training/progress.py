"""The steps of a training, with a progress bar where there is a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def progress(start: int, steps: int) -> Iterator[int]:
    """From the first step to the last, with a bar on standard error where that is a terminal."""
    if not (sys.stderr and sys.stderr.isatty()):
        yield from range(start, steps + 1)
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("training", total=steps)
        updated = time.monotonic()
        for step in range(start, steps + 1):
            yield step
            if time.monotonic() - updated > 0.1:
                updated = time.monotonic()
                bar.update(task, completed=step)
