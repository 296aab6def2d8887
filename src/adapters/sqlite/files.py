"""The files of the SQLite account books: identify them, create them, keep a damaged one aside."""

from __future__ import annotations

import contextlib
import glob
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ...domain.errors import StoreUnavailable
from ...files import temporary_name, write_atomically

if sys.platform != "win32":
    import fcntl

ALLOWED: Final = "; this process must be allowed to read and write it, and to make files in its folder"

_OWNER_ONLY: Final = 0o600
_MAX_COPY_BYTES: Final = 1 << 28  # books are far smaller, and a copy might fill the disk
_SUFFIXES: Final = "-wal", ""  # the log first: a copy of the file says that all is copied


Identity = tuple[int, int]
"""The file that a path leads to: its device and its inode."""


def identify(path: Path) -> Identity | None:
    """Return the file that *path* leads to, if it exists."""
    try:
        found = os.stat(path)  # noqa: PTH116 (asked before and after every operation)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def why_unusable(path: Path) -> str | None:
    """Return why *path* can't be that of a database; None if it can be.

    Raises:
        OSError: the path can't be followed.
    """
    if path.is_dir():
        return f"it is a folder; name a file in it, like {path / 'accounts.sqlite3'}"
    if path.exists() and not path.is_file():
        return "it is a pipe, a device or a socket; name a file"
    above = next(each for each in path.parents if each.exists())
    if not above.is_dir():
        return f"{above} is a file, not a folder"
    place, mode = (path, os.R_OK | os.W_OK) if path.exists() else (above, os.W_OK | os.X_OK)
    if os.access(place, mode, effective_ids=os.access in os.supports_effective_ids):
        return None
    if hasattr(os, "statvfs") and os.statvfs(place).f_flag & os.ST_RDONLY:
        return f"{place} is on a read-only file system"
    # SQLite would open the file for reading, and make a log that is just as closed and stays so.
    return f"no permission to write {place}{ALLOWED}"


def beside(path: Path, suffix: str) -> Path:
    """Return the file that SQLite keeps beside *path*."""
    return path.with_name(path.name + suffix)


def create(path: Path, build: Callable[[Path], None]) -> None:
    """Create the file *path* if it does not exist. *build* fills it under another name, so that it appears whole.

    Raises:
        BlockingIOError: another process is creating it.
        StoreUnavailable: the log of an earlier file exists. That file was deleted or moved while in use.
    """
    if path.exists():
        return
    _make_folder(path.parent)
    with _alone(path.parent):
        if path.exists():
            return
        log = beside(path, "-wal")
        if log.exists() and log.stat().st_size:
            raise StoreUnavailable(
                f"the account store {path} is gone, but its log {log} is there: it was deleted or moved while it was in use. "
                "Put it back; or move the log away to begin new books, which do not know the units spent today"
            )
        beside(path, "-shm").unlink(missing_ok=True)
        temporary = temporary_name(path)
        try:
            os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, _OWNER_ONLY))
            build(temporary)
            with contextlib.suppress(FileExistsError):  # where folders have no lock, a rename does not replace
                temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Create *folder* and its parents, for their owner only."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(0o700, exist_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of *folder*, and flush its renames to the disk."""
    if sys.platform == "win32":
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_aside(path: Path) -> Path | None:
    """Copy the damaged file *path* and its log beside it, once for the same content. Return the copy, if it could be made.

    The copy is named after the moment of the last change, so that many processes that see the damage at once make one copy.
    Closing a file drops all locks that SQLite has on it in this process. So call this only for a file that is given up.
    """
    try:
        present = [each for suffix in _SUFFIXES if (each := beside(path, suffix)).exists()]
        if sum(each.stat().st_size for each in present) > _MAX_COPY_BYTES:
            return None
        contents = [(suffix, _content(beside(path, suffix))) for suffix in _SUFFIXES]

        def same(copy: Path) -> bool:
            return all(_content(beside(copy, suffix)) == content for suffix, content in contents)

        for copy in path.parent.glob(f"{glob.escape(path.name)}.damaged-*Z"):
            if same(copy):
                return copy
        copy = _damaged(path, datetime.fromtimestamp(path.stat().st_mtime, UTC))
        if copy.exists():  # another process may have made it just now
            if same(copy):
                return copy
            copy = _damaged(path, datetime.now(UTC))
        for suffix, content in contents:
            if content or not suffix:
                write_atomically(beside(copy, suffix), content, _OWNER_ONLY)
    except OSError:
        return None
    return copy


def _damaged(path: Path, when: datetime) -> Path:
    """Return the name of a copy of *path*."""
    return beside(path, f".damaged-{when:%Y%m%dT%H%M%S.%fZ}")


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""
