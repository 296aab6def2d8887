"""Pictures in a folder that processes share: one file each, written whole or not at all, and verified when it is read.

A file is its SHA-256 in hexadecimal, one line of JSON, and the picture. Its last access is set at each use.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from ...domain.cached import CachedPicture, CacheEntry
from ...domain.errors import CacheUnavailable
from ...domain.ports import CacheLock
from ...file_lock import FileLock
from ...files import read_whole, write_atomically
from .codec import decode_entry, encode_entry
from .memory import DEFAULT_MAX_BYTES

__all__ = ["FolderPictureCache"]

_SUFFIX: Final = ".chart"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_HEX_LENGTH: Final = 64
_MAX_HEAD_BYTES: Final = 16_384
_MAX_VERIFIED_BYTES: Final = 32 * 1024 * 1024
_UNKNOWN: Final[tuple[tuple[int, ...], CachedPicture | None]] = ((), None)
_OF_ONE_FILE: Final = frozenset({errno.EACCES, errno.EPERM, errno.EISDIR, errno.EINVAL})
"""Errors of a file of another user, or of what is not a file. The others can be read, and a new one can take its place."""
_ABANDONED_SECONDS: Final = 600.0  # no write takes so long


class _File(NamedTuple):
    """A file of the folder."""

    path: Path
    used: int  # nanoseconds
    size: int


class FolderPictureCache:
    """Keeps pictures as files in *folder*, *max_bytes* of them at most. Safe from many threads and processes.

    The folder is made when it is first needed, for its owner only. A damaged file counts as missing, and is removed. One that this process
    may not read counts as missing, too. A file is verified
    when it is first read, and again after each change of it.
    """

    def __init__(self, folder: str | os.PathLike[str], max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self.folder: Final = Path(folder)
        self._beginning = os.path.join(folder, "")  # noqa: PTH118 (each microsecond of a hit counts)
        self._max_bytes = max_bytes
        self._verified: dict[str, tuple[tuple[int, ...], CachedPicture]] = {}

    def read(self, body_digest: str) -> CachedPicture | None:
        """Return the picture of *body_digest*, verified, and note its use."""
        path = self._path(body_digest)
        try:
            status = os.stat(path)  # noqa: PTH116 (each microsecond of a hit counts)
            look, found = self._verified.get(body_digest, _UNKNOWN)
            if look != _look(status):
                content, status = read_whole(path)
                if (found := _decoded(content, body_digest)) is not None:
                    self._remember(found, status)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in _OF_ONE_FILE and os.access(self.folder, os.X_OK):
                return None
            raise self._unavailable("read", error) from error
        if found is None:
            with contextlib.suppress(OSError):
                os.unlink(path)  # noqa: PTH108
            return None
        with contextlib.suppress(OSError):  # it is read-only, or has gone
            os.utime(path, ns=(time.time_ns(), status.st_mtime_ns))
        return found

    def keep(self, picture: CachedPicture) -> None:
        """Write *picture*, and remove the least recently used files if all together are too large."""
        digest = picture.entry.body_digest
        path = self._path(digest)
        content = _encoded(picture)
        try:
            if len(content) > self._max_bytes:
                Path(path).unlink(missing_ok=True)
                return
            self._make(self.folder)
            write_atomically(Path(path), content, 0o600)
            with contextlib.suppress(FileNotFoundError):  # another process has made room
                os.utime(path, ns=(time.time_ns(),) * 2)  # the time of the file system has steps of milliseconds
            self._shrink()
        except OSError as error:
            raise self._unavailable("written", error) from error

    def lock(self, body_digest: str) -> CacheLock | None:
        """Return the lock on *body_digest*; the system ends it with this process."""
        folder = self.folder / "locks"
        try:
            self._make(folder)
            return FileLock.take(folder / body_digest)
        except OSError as error:
            raise self._unavailable("locked", error) from error

    def entries(self) -> Sequence[CacheEntry]:
        """List the kept pictures, from the most to the least recently used. Only the heads of the files are read."""
        found = []
        try:
            for file in sorted(self._files(), key=lambda file: -file.used):
                with (
                    contextlib.suppress(FileNotFoundError, PermissionError),
                    open(file.path, "rb", opener=_unnoticed) as opened,
                ):
                    if (entry := _head(opened.read(_MAX_HEAD_BYTES), file.path.stem)) is not None:
                        found.append(entry)
        except OSError as error:
            raise self._unavailable("read", error) from error
        return found

    def clear(self) -> int:
        """Remove all pictures, and return how many there were."""
        count = 0
        try:
            for file in list(self._files()):
                with contextlib.suppress(FileNotFoundError):
                    file.path.unlink()
                    count += file.path.suffix == _SUFFIX
        except OSError as error:
            raise self._unavailable("cleared", error) from error
        return count

    def close(self) -> None:
        """Keep all as it is: no file is open."""

    def _path(self, body_digest: str) -> str:
        if not _DIGEST.fullmatch(body_digest):
            raise ValueError("the name of a picture in a cache is 64 hexadecimal digits")
        return f"{self._beginning}{body_digest}{_SUFFIX}"

    def _make(self, folder: Path) -> None:
        """Create *folder* and its parents, for their owner only."""
        if not folder.is_dir():
            if folder.parent != folder:
                self._make(folder.parent)
            folder.mkdir(0o700, exist_ok=True)

    def _remember(self, picture: CachedPicture, status: os.stat_result) -> None:
        """Keep a verified picture in memory; beyond the bound begin anew."""
        verified = self._verified
        if sum(each.entry.size for _, each in list(verified.values())) + picture.entry.size > _MAX_VERIFIED_BYTES:
            verified = self._verified = {}
        verified[picture.entry.body_digest] = _look(status), picture

    def _files(self) -> Iterator[_File]:
        """List the pictures, and files that are being written or were abandoned by their writer."""
        try:
            found = os.scandir(self.folder)
        except FileNotFoundError:
            return
        with found:
            for each in found:
                if each.name.endswith((_SUFFIX, ".tmp")):
                    with contextlib.suppress(FileNotFoundError):
                        status = each.stat(follow_symlinks=False)
                        used = max(status.st_atime_ns, status.st_mtime_ns)
                        if stat.S_ISREG(status.st_mode):
                            yield _File(Path(each.path), used, status.st_size)

    def _shrink(self) -> None:
        """Remove abandoned files, and then the least recently used pictures until the others are small enough."""
        files = sorted(self._files(), key=lambda file: file.used)
        size = sum(file.size for file in files if file.path.suffix == _SUFFIX)
        for file in files:
            is_picture = file.path.suffix == _SUFFIX
            if (
                size <= self._max_bytes
                if is_picture
                else time.time_ns() - file.used < _ABANDONED_SECONDS * 1_000_000_000
            ):
                continue
            file.path.unlink(missing_ok=True)
            size -= file.size if is_picture else 0

    def _unavailable(self, verb: str, error: OSError) -> CacheUnavailable:
        place = error.filename or os.fspath(self.folder)
        return CacheUnavailable(
            f"the cache of pictures {self.folder} can't be {verb} ({place}: {error.strerror}); let this process write it, "
            "make room, or set CHARTS_CACHE to another folder or to off"
        )


def _unnoticed(path: str, flags: int) -> int:
    """Open a file without a note of its use, where that is possible."""
    try:
        return os.open(path, flags | getattr(os, "O_NOATIME", 0))
    except PermissionError:  # it belongs to another user
        return os.open(path, flags)


def _look(status: os.stat_result) -> tuple[int, ...]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def _encoded(picture: CachedPicture) -> bytes:
    """Return the content of the file of *picture*."""
    content = encode_entry(picture.entry) + b"\n" + picture.png_bytes
    return hashlib.sha256(content).hexdigest().encode() + content


def _decoded(content: bytes, body_digest: str) -> CachedPicture | None:
    """Return the picture in a file. Return None if the file is damaged, or that of another picture."""
    if hashlib.sha256(memoryview(content)[_HEX_LENGTH:]).hexdigest().encode() != content[:_HEX_LENGTH]:
        return None
    entry = _head(content, body_digest)
    return None if entry is None else CachedPicture(entry, content[content.index(b"\n") + 1 :])


def _head(content: bytes, body_digest: str) -> CacheEntry | None:
    """Return the head of a file, if it is whole."""
    return decode_entry(content[_HEX_LENGTH:].partition(b"\n")[0], body_digest)
