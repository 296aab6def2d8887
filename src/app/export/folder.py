"""The folder of an export: its lock, its pictures, and the proof that they are those of the charts.

While charts arrive, each end is one line in the journal, and the manifest is written at the start and at the end. The line of a
picture is written before the picture has its name. So after a kill at any moment a picture with its name has a line. A line
without its picture proves no more than a manifest does: the file must have the size and the digest that are written there.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Final

import attrs

from ...codec import dump_line, load
from ...domain.errors import ConfigError
from ...file_lock import FileLock
from ...files import staged, write_atomically
from .manifest import MANIFEST_NAME, ExportEnd, ExportFailure, ExportItem, Manifest, read_manifest

__all__ = ["JOURNAL_NAME", "ExportFolder", "FolderInUse", "is_whole", "known_items"]

JOURNAL_NAME: Final = "manifest.jsonl"
_LOCK_NAME: Final = ".chartimg-export.lock"
_PART: Final = ".chartimg-{}.part"
_WITHOUT_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP})
_CHUNK_BYTES: Final = 1 << 18


class FolderInUse(ConfigError):  # noqa: N818 (a state of the folder)
    """Another export writes to the folder now."""


@attrs.frozen
class _Line:
    """A line of the journal: one of both."""

    item: ExportItem | None = None
    failure: ExportFailure | None = None


class ExportFolder:
    """The folder *path* for the length of one export. Safe from many threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: FileLock | None = None
        self._journal: FileIO | None = None
        self._writing = threading.Lock()

    def begin(self) -> None:
        """Make the folder, take its lock, and remove what a killed export had half written.

        Raises:
            FolderInUse: another export has the lock.
            OSError: the folder can't be made or written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = FileLock.take(self.path / _LOCK_NAME)
        except OSError as error:
            if error.errno not in _WITHOUT_LOCKS:
                raise
        else:
            if self._lock is None:
                raise FolderInUse(f"another export writes to {self.path} now; wait for its end, or name another folder")
        for part in self.path.glob(_PART.format("*")):
            part.unlink(missing_ok=True)

    def refuse_folders(self, names: Collection[str]) -> None:
        """Check that no folder has the name of a picture, before the picture is paid for.

        Raises:
            IsADirectoryError: one has.
        """
        with os.scandir(self.path) as found:
            for each in found:
                if each.name in names and each.is_dir():
                    where = str(self.path / each.name)
                    raise IsADirectoryError(errno.EISDIR, "a folder is in the place of a picture", where)

    def write(self, manifest: Manifest) -> None:
        """Write the manifest, whole or not at all."""
        place = self.path / MANIFEST_NAME
        pieces = (piece.encode() for piece in manifest.text())
        write_atomically(place, pieces, temporary=self._part(MANIFEST_NAME))

    def open_journal(self) -> None:
        """Begin an empty journal."""
        self._journal = FileIO(self.path / JOURNAL_NAME, "wb")

    @contextmanager
    def saving(self, item: ExportItem, picture: bytes, *, paid: bool) -> Iterator[Callable[[], object]]:
        """Write the picture of *item* beside its place and *item* to the journal; yield the function that puts it there.

        Raises:
            OSError: one of them can't be written.
        """
        with staged(self.path / item.file, picture, temporary=self._part(item.file)) as put:
            self.note(item, flushed=paid)
            yield put

    def note(self, end: ExportEnd, *, flushed: bool = False) -> None:
        """Add *end* to the journal, unless the export has ended; *flushed*, it is on the disk even if the machine fails.

        Raises:
            OSError: it can't be written.
        """
        line = _Line(item=end) if isinstance(end, ExportItem) else _Line(failure=end)
        text = dump_line(line).encode()
        with self._writing:
            if self._journal is None:
                return
            try:
                while text:
                    text = text[self._journal.write(text) :]
                if flushed:
                    os.fsync(self._journal.fileno())
            except OSError as error:
                error.filename = str(self.path / JOURNAL_NAME)
                raise

    def end(self) -> None:
        """Let others use the folder. Idempotent."""
        with self._writing:
            journal, self._journal = self._journal, None
        if journal is not None:
            with contextlib.suppress(OSError):  # each line was written
                journal.close()
        if self._lock is not None:
            self._lock.release()

    def fold(self, manifest: Manifest) -> None:
        """Write the manifest of the end, then remove the journal.

        Raises:
            OSError: the manifest can't be written; the journal stays.
        """
        self.write(manifest)
        with contextlib.suppress(OSError):
            (self.path / JOURNAL_NAME).unlink(missing_ok=True)

    def _part(self, name: str) -> Path:
        return self.path / _PART.format(name)


def known_items(folder: Path) -> Mapping[str, ExportItem]:
    """Return the items that the manifest and the journal in *folder* list, by the names of their files.

    Raises:
        ConfigError: one of them can't be read.
    """
    place = folder / MANIFEST_NAME
    try:
        text = place.read_text("utf-8")
    except FileNotFoundError:
        found: dict[str, ExportItem] = {}
    except OSError as error:
        raise _unreadable(place, error) from None
    except UnicodeDecodeError:
        raise ConfigError(f"{place} can't be read: it is not UTF-8") from None
    else:
        manifest = read_manifest(text, where=str(place))
        found = {item.file: item for item in (*manifest.others, *manifest.items)}
    for item in _journal_items(folder / JOURNAL_NAME):
        found[item.file] = item
    return found


def is_whole(file: Path, item: ExportItem) -> bool:
    """Return whether *file* has the size and the digest of *item*.

    Raises:
        ConfigError: it is there, and can't be read.
    """
    digest = hashlib.sha256()
    try:
        status = file.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != item.bytes:
            return False
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unreadable(file, error) from None
    return digest.hexdigest() == item.sha256


def _journal_items(journal: Path) -> Iterator[ExportItem]:
    """Return the items of a journal. A line that is not one proves nothing: it was half written.

    Raises:
        ConfigError: the journal can't be read.
    """
    try:
        with journal.open("rb") as lines:
            for line in lines:
                with contextlib.suppress(ConfigError, UnicodeDecodeError):
                    read = load(line.decode(), _Line, where="a line")
                    if read.item is not None:
                        yield read.item
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(journal, error) from None


def _unreadable(file: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{file} can't be read: {error.strerror}")
