"""Files: written so that nobody ever sees half of one, and read without waiting for what is none."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path

__all__ = ["read_whole", "refuse_special", "write_atomically"]


def write_atomically(path: Path, content: bytes) -> None:
    """Write *content* to *path* so that anyone sees the old file or the whole new one, also after a crash.

    Raises:
        OSError: it can't be written; what was there before still is.
    """
    temporary = path.with_name(f".chartimg-{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            error.filename, error.filename2 = os.fspath(path), None  # what the caller knows of
        raise


def read_whole(path: str) -> tuple[bytes, os.stat_result]:
    """Read a regular file, and what the file system says of it.

    Raises:
        OSError: it can't be read, or is a pipe or a device, which could be waited for in vain.
    """
    with open(path, "rb", buffering=0, opener=_without_waiting) as file:
        status = os.fstat(file.fileno())
        refuse_special(status, path)
        return file.readall(), status


def refuse_special(status: os.stat_result, path: str) -> None:
    """Make sure that *path*, of which the file system says *status*, is a regular file.

    Raises:
        OSError: it isn't.
    """
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", path)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file, and a pipe that nobody writes to as quickly."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
