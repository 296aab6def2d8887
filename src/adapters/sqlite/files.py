"""The files of the SQLite account books, apart from what SQLite does with them."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from ...domain.errors import StoreUnavailable

if sys.platform != "win32":
    import fcntl

__all__ = ["Identity", "beside", "create", "identify", "keep_aside", "log_damage"]

_LARGE: Final = 1 << 28  # bytes; no books are so large, and a copy might fill the disk
_SUFFIXES: Final = "-wal", ""  # the log first: a copy of the file says that all is copied
_HEADER: Final = struct.Struct(">8I")  # magic, version, page size, checkpoints, two salts, two checksums
_FRAME: Final = struct.Struct(">6I")  # page, pages after a commit, two salts, two checksums
_MAGIC: Final = 0x377F0682  # the last bit tells the byte order of checksums
_FORGET: Final = 0xFFFFFFFF


class Identity(NamedTuple):
    """Which file a path leads to."""

    device: int
    inode: int


def identify(path: Path) -> Identity | None:
    """Say which file *path* leads to; None when there is none."""
    try:
        found = os.stat(path)  # noqa: PTH116 (asked before and after every operation)
    except FileNotFoundError:
        return None
    return Identity(found.st_dev, found.st_ino)


def beside(path: Path, suffix: str) -> Path:
    """Give the file that SQLite keeps beside *path*."""
    return path.with_name(path.name + suffix)


def create(path: Path, build: Callable[[Path], None]) -> None:
    """Put a new file, whole from the first moment on, to *path* if there is none.

    *build* fills it under another name.

    Raises:
        BlockingIOError: others are doing the same.
        StoreUnavailable: the log of an earlier file is there, which was not closed as files are.
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
                "Put it back; or move the log away, which begins new books that do not know what was spent today"
            )
        beside(path, "-shm").unlink(missing_ok=True)
        temporary = _temporary(path)
        try:
            os.close(os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
            build(temporary)
            with contextlib.suppress(FileExistsError):  # where folders have no lock, a rename does not replace
                temporary.rename(path)
        finally:
            temporary.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Make *folder* and those above it, for their owner only."""
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(0o700, exist_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the lock of *folder*, and see to it that what was renamed in it stays so."""
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
    """Copy the damaged file *path* and its log beside it, once for the same content; None when it can't be done.

    The copy is named after the moment of the last change, so that many processes which see the damage at once make
    one copy. Closing a file lets go of all locks that SQLite has on it in this process, so this is for a file that
    nobody goes on with.
    """
    try:
        if sum(beside(path, suffix).stat().st_size for suffix in _SUFFIXES if beside(path, suffix).exists()) > _LARGE:
            return None
        contents = [(suffix, _content(beside(path, suffix))) for suffix in _SUFFIXES]

        def same(copy: Path) -> bool:
            return all(_content(beside(copy, suffix)) == content for suffix, content in contents)

        for copy in path.parent.glob(f"{glob.escape(path.name)}.damaged-*Z"):
            if same(copy):
                return copy
        copy = _damaged(path, datetime.fromtimestamp(path.stat().st_mtime, UTC))
        if copy.exists():  # perhaps only just now
            if same(copy):
                return copy
            copy = _damaged(path, datetime.now(UTC))
        for suffix, content in contents:
            if content or not suffix:
                _write(beside(copy, suffix), content)
    except OSError:
        return None
    return copy


def _damaged(path: Path, when: datetime) -> Path:
    """Name what is kept aside of *path*."""
    return beside(path, f".damaged-{when:%Y%m%dT%H%M%S.%fZ}")


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _write(file: Path, content: bytes) -> None:
    """Write a file for its owner only, whole from the first moment on."""
    temporary = _temporary(file)
    try:
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:  # noqa: PTH123 (a descriptor)
            copy.write(content)
            copy.flush()
            os.fsync(copy.fileno())
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    """Give a name for what will be *path*."""
    return path.with_name(f".chartimg-{secrets.token_hex(8)}.tmp")


def log_damage(log: Path) -> str | None:
    """Say what is wrong with a write-ahead log; None when nothing is.

    SQLite takes the first frame that does not hold for the end of the log, since that is how a log ends that was cut
    off by a crash; it would forget what was committed after it. But after such an end nothing follows, whereas after
    one that was damaged later the next frame goes on from it (https://www.sqlite.org/fileformat2.html#the_write_ahead_log).
    A last frame that was damaged can't be told from one that was never finished.

    Others may write while this is read. What they were about to write is whole at the second look.
    """
    found = _damaged_frame(log)
    if found is None or found != _damaged_frame(log):
        return None
    return f"frame {found[0]} of its write-ahead log does not hold" if found[0] else "its write-ahead log does not hold"


def _damaged_frame(log: Path) -> tuple[int, bytes] | None:
    """Give the number of the damaged frame, 0 for the head of the log, and that head, which tells logs apart."""
    content = _content(log)
    head = content[: _HEADER.size]
    if len(content) < _HEADER.size + _FRAME.size or not any(head):
        return None
    magic, _, page_size, _, *salts, one, two = _HEADER.unpack_from(content)
    order = ">" if magic & 1 else "<"
    seed = one, two
    if magic & ~1 != _MAGIC or _sum(head[:24], (0, 0), order) != seed:
        return 0, head
    step = _FRAME.size + page_size
    for number, start in enumerate(range(_HEADER.size, len(content) - step + 1, step), 1):
        frame, following = content[start : start + step], content[start + step : start + 2 * step]
        _, _, *marks, one, two = _FRAME.unpack_from(frame)
        ours = _frame_sum(frame, seed, order)
        if (one, two) != ours or marks != salts:
            return (number, head) if _goes_on(following, salts, {ours, (one, two)}, order) else None
        seed = ours
    return None


def _goes_on(frame: bytes, salts: list[int], seeds: set[tuple[int, int]], order: str) -> bool:
    """Whether a frame was written after one whose checksum is one of *seeds*, and not in an earlier round of the log."""
    if len(frame) < _FRAME.size:
        return False
    _, _, *marks, one, two = _FRAME.unpack_from(frame)
    return marks == salts and (one, two) in {_frame_sum(frame, seed, order) for seed in seeds}


def _frame_sum(frame: bytes, seed: tuple[int, int], order: str) -> tuple[int, int]:
    """Give the checksum of a frame: of the first two numbers of its head, and of its page."""
    return _sum(frame[:8] + frame[_FRAME.size :], seed, order)


def _sum(data: bytes, seed: tuple[int, int], order: str) -> tuple[int, int]:
    """Go on from *seed* over *data*."""
    one, two = seed
    numbers = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for first, second in zip(numbers, numbers, strict=True):
        one = one + first + two & _FORGET
        two = two + second + one & _FORGET
    return one, two
