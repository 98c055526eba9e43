"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

STREAMS = (Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd"))
"""Where files stand for streams, even if the shell redirects one to a regular file."""
DRAFT_NAME = ".tinygrad_lin-{process}-{suffix}"


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file under another name beside its own, then put it in place in one step.

    A link is followed: what it leads to is written, and the link stays. A file that was there keeps
    its permissions; a new one has those of the umask, and nobody else can read it before it is
    whole. A device or a pipe, such as /dev/stdout, is written to directly.

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
            raise OSError(errno.ELOOP, "is part of a loop of links")
        suffix = os.urandom(8).hex()
        draft = path.with_name(DRAFT_NAME.format(process=os.getpid(), suffix=suffix))
        try:
            with draft.open("xb") as file:
                rights = (path if path.exists() else draft).stat().st_mode & 0o777
                draft.chmod(0o600)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(rights)
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        error.filename = str(given)  # The draft's name would mean nothing to the user.
        raise


def clear_drafts(folder: Path) -> None:
    """Remove the drafts of processes that no longer run."""
    for draft in folder.glob(DRAFT_NAME.format(process="*", suffix="*")):
        process = draft.name.split("-")[1]
        if process.isdecimal() and not is_running(int(process)):
            draft.unlink(missing_ok=True)


def is_running(process: int) -> bool:
    """Whether there is a process of this number, or no way to know."""
    if os.name == "posix":
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):  # It is another user's, or not a process id.
            pass
    return True
