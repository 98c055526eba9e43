"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

STREAMS = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
"""Where files stand for streams, even for one that the shell leads into a regular file."""


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file under another name beside its own, then put it in place in one step.

    A link is followed. A device or a pipe, such as /dev/stdout, is written to directly.

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
        draft = path.with_name(f".tinygrad_lin-{os.urandom(8).hex()}")
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        error.filename = str(given)  # and not the draft
        raise
