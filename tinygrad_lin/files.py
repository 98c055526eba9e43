"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

STREAMS = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
"""Where files stand for streams, even for one that the shell leads into a regular file."""


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file under another name beside its own, then put it in place in one step.

    A link is followed: what it leads to is written, and the link stays. A file that was there keeps
    its rights; a new one has those of the umask, and nobody else can read it before it is whole. A
    device or a pipe, such as /dev/stdout, is written to directly.

    Raises:
        OSError: the folder or the file cannot be written; what stood there before still does.
    """
    given, path = path, Path(path)
    try:
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "is a folder")
        if path.parent in STREAMS or (path.exists() and not path.is_file()):
            with path.open("ab") as stream:
                stream.write(content)
            return
        path = Path(os.path.realpath(path))
        if path.is_symlink():
            raise OSError(errno.ELOOP, "is a link in a circle of links")
        handle, draft = tempfile.mkstemp(prefix=".tinygrad_lin-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
                os.chmod(draft, rights_of(path))
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        error.filename = str(given)  # and not the draft
        raise


def rights_of(path: Path) -> int:
    """Who may read, write and run a file: those it has, or else those of a new one."""
    return path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~current_umask()


def current_umask() -> int:
    """The process's mask for the rights of new files."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
