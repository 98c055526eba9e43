"""The folder that fit and sweep write into: whether they can, and when it goes again."""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from tinygrad_lin._files import clear_drafts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def require_writable(folder: Path, names: Iterable[str]) -> None:
    """Refuse, before any work is done, a folder that these files could not be written into."""
    existing = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not existing.is_dir():
        raise NotADirectoryError(0, "not a folder", str(existing))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise PermissionError(0, "cannot be written to", str(existing))
    for name in names:
        if (folder / name).is_dir():
            raise IsADirectoryError(0, "is a folder", str(folder / name))


@contextmanager
def create_folder(folder: Path) -> Iterator[None]:
    """Make a folder with its parents; after an error, those that were made and are empty go."""
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    clear_drafts(folder)
    try:
        yield
    except BaseException:
        with suppress(OSError):  # A folder that is not empty stays: its files are worth keeping.
            for each in new:
                each.rmdir()
        raise
