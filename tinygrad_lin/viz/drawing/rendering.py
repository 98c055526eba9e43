"""Graphviz in this process: pygraphviz brings its libraries, matplotlib brings a font."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from importlib.util import find_spec
from pathlib import Path

FONT_CONFIGURATION = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
{folders}
<cachedir>{cache}</cachedir>
</fontconfig>
"""
FONT_FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.fonts", "~/.local/share/fonts",
    "/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts",
)  # fmt: skip
_one_at_a_time = threading.Lock()


def render_in_process(source: str, format: str, engine: str) -> bytes | None:
    """Lay out and render DOT source; None where pygraphviz cannot be imported.

    Raises:
        ValueError: Graphviz cannot read the source or does not know the format.
    """
    try:
        import pygraphviz
    except ImportError:
        return None
    with _one_at_a_time, configure_fonts(), capture_stderr() as text:
        try:
            graph = pygraphviz.AGraph(string=source)
            content = graph.draw(format=format, prog=engine)
            graph.close()
        except (OSError, ValueError, TypeError, pygraphviz.DotError) as error:
            raise ValueError(f"Graphviz cannot draw this as {format!r}: {error} {text()}") from None
    if not content:
        raise ValueError(f"Graphviz cannot draw this as {format!r}: {text()}")
    return bytes(content)


@contextmanager
def configure_fonts() -> Iterator[None]:
    """Let Fontconfig find the fonts of matplotlib beside those of the system.

    It reads its configuration when it is first used in a process, so the environment is changed for
    no longer than that. The system's own configuration is not read: it may be missing, or too new
    for the library that came with pygraphviz, which then complains.
    """
    folders = [str(Path(folder).expanduser()) for folder in FONT_FOLDERS]
    matplotlib = find_spec("matplotlib")
    if matplotlib and matplotlib.origin:
        folders.append(str(Path(matplotlib.origin).parent / "mpl-data" / "fonts" / "ttf"))
    with tempfile.TemporaryDirectory(prefix="tinygrad_lin-") as folder:
        listed = "\n".join(f"<dir>{escape(each)}</dir>" for each in folders if os.path.isdir(each))
        configuration = Path(folder) / "fonts.conf"
        text = FONT_CONFIGURATION.format(folders=listed, cache=f"{escape(folder)}/cache")
        configuration.write_text(text, encoding="utf-8", errors="surrogateescape")
        before = os.environ.get("FONTCONFIG_FILE")
        os.environ["FONTCONFIG_FILE"] = str(configuration)
        try:
            yield
        finally:
            del os.environ["FONTCONFIG_FILE"]
            if before is not None:
                os.environ["FONTCONFIG_FILE"] = before


@contextmanager
def capture_stderr() -> Iterator[Callable[[], str]]:
    """Keep what C libraries write to standard error; gives a function that returns it."""
    if sys.stderr:
        sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:

        def text() -> str:
            kept.seek(0)
            return " ".join(kept.read().decode(errors="replace").split())

        try:
            original = os.dup(2)
        except OSError:  # There is no standard error.
            yield text
            return
        os.dup2(kept.fileno(), 2)
        try:
            yield text
        finally:
            os.dup2(original, 2)
            os.close(original)
