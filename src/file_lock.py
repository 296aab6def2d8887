"""A lock on a file that dies with the process that holds it."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import threading
from pathlib import Path
from typing import Final

from .fork import begin_in_children

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

__all__ = ["FileLock"]

_TAKEN: Final = frozenset({errno.EACCES, errno.EAGAIN, errno.EDEADLK})


class FileLock:
    """The lock on the file *path*, held from the moment of :meth:`take`. The file is removed with its release."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor: int | None = descriptor
        self._guard = threading.Lock()
        begin_in_children(self)

    @classmethod
    def take(cls, path: Path) -> FileLock | None:
        """Return the lock on *path*, at once; None if another thread or process holds it.

        Raises:
            OSError: the file can't be made or locked.
        """
        while True:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                if not _lock(descriptor):
                    os.close(descriptor)
                    return None
                if _is_at(path, descriptor):
                    return cls(path, descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)  # its holder has removed the file meanwhile

    def begin(self) -> None:
        """Leave the lock to the parent, in a forked child."""
        self._guard = threading.Lock()
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None

    def release(self) -> None:
        """Let another take the lock. Idempotent."""
        with self._guard:
            descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)  # while it is held, so that it is not that of another holder
        with contextlib.suppress(OSError):
            _unlock(descriptor)  # a child may have the descriptor, too
        with contextlib.suppress(OSError):
            os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Return whether *path* still leads to the open file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> bool:
    """Lock the open file at once; return False if another has locked it."""
    try:
        if sys.platform == "win32":
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _TAKEN:
            return False
        raise
    return True


def _unlock(descriptor: int) -> None:
    if sys.platform == "win32":
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
