"""A connection to one SQLite file, opened when it is needed and closed when it can't be trusted.

One file because opening, checking, waiting and forking are one state: whether the connection may be used.

Theory of operation
    Waiting. SQLite's own wait for a lock sleeps for up to a tenth of a second, longer each time, so that under load the
    last to come is served first. Here each waiter asks again after a short sleep of random length.

    Opening. A new file is built under another name and then renamed, so an empty file is a damaged one. An existing file
    is first read through a read-only connection: it and its log stay unchanged. Only a sound file of ours is opened
    for writing.

    The same file. SQLite keeps writing into a file, or a log, that was deleted or replaced, and all of that is lost. So
    before and after each use the paths must lead to the files that were opened. (POSIX locks keep the log from being
    deleted. Any code in the process drops them by opening and closing the file.)

    Fork. A child must neither use nor close a connection of its parent. Nor may it open its own while SQLite believes, in
    the memory it inherited, that it holds the parent's locks (https://www.sqlite.org/howtocorrupt.html, 2.6). So the
    parent closes before it forks, and both open anew.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from ...domain.errors import OTHER_STORES, StoreBusy, StoreUnavailable
from . import files, migrations

T = TypeVar("T")
_PAUSE_SECONDS: Final = 0.0005, 0.002
_CHECKPOINT_PAGES: Final = 200
_MIN_BYTES: Final = 512  # a database has at least one page
_BUSY: Final = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL}
_DAMAGED: Final = {
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_ERROR,  # a table or a column is missing: our statements are right
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_MISMATCH,
    sqlite3.SQLITE_NOTADB,
}
_ROOM: Final = "; is there room on the disk?"
_HINTS: Final[Mapping[int | None, str]] = {
    sqlite3.SQLITE_CANTOPEN: files.ALLOWED,
    sqlite3.SQLITE_READONLY: files.ALLOWED,
    sqlite3.SQLITE_FULL: _ROOM,
    sqlite3.SQLITE_IOERR: _ROOM,
}


class _Opened(NamedTuple):
    """A connection, its process, and the files it was opened on."""

    connection: sqlite3.Connection
    process: int
    log: Path
    file_identity: files.Identity
    log_identity: files.Identity | None


class SqliteConnection:
    """Lends a connection to the file *path* to one thread at a time; others wait at most *patience* seconds."""

    def __init__(self, path: Path, patience: float) -> None:
        self._path = path
        self._patience = patience
        self._lock = threading.Lock()
        self._opened: _Opened | None = None
        self._identity: files.Identity | None = None
        self._was_opened = False
        self._parked = False
        _OPEN.add(self)

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do *work*; if others use the file, do it again from its start.

        Raises:
            StoreBusy: others still use the file; no work was done.
            StoreUnavailable: the file can't be used.
        """
        deadline = time.monotonic() + self._patience
        if not self._lock.acquire(timeout=self._patience):
            raise StoreBusy(f"the account store {self._path} is busy: other threads use it")
        try:
            while True:
                try:
                    return self._attempt(work)
                except (BlockingIOError, sqlite3.Error) as error:
                    if not (isinstance(error, BlockingIOError) or is_busy(error)):
                        raise
                    busy = error
                if time.monotonic() >= deadline:
                    raise StoreBusy(
                        f"the account store {self._path} is busy: others have held it for {self._patience:g} s ({busy})"
                    ) from busy
                time.sleep(random.uniform(*_PAUSE_SECONDS))  # noqa: S311 (no secret)
        except sqlite3.Error as error:
            if _code(error) in _DAMAGED:
                raise self._damaged(error) from error
            raise self._unusable(f"{error}{_HINTS.get(_code(error), '')}") from error
        except (migrations.DamagedError, UnicodeDecodeError) as error:
            # A message of SQLite may quote the damage, which need not be text.
            raise self._damaged(error) from error
        except OSError as error:
            raise self._unusable(f"{error.strerror or error}") from error
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the file. The next use opens it again, but creates no new one."""
        with self._lock:
            self._drop()
            self._identity = None

    def park(self) -> None:
        """Close the file and keep all threads from it until :meth:`unpark`: the process is about to fork."""
        self._parked = self._lock.acquire(timeout=2 * self._patience + 1)
        if self._parked:
            self._drop()

    def unpark(self, *, child: bool) -> None:
        """Release the lock in the parent. In the child, replace it: the thread that held it does not exist there."""
        if child:
            self._lock = threading.Lock()
        elif self._parked:
            self._lock.release()
        self._parked = False

    def _attempt(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do *work* once."""
        if self._opened is not None and self._opened.process != os.getpid():
            _leak(self._opened.connection)  # forked by code that bypasses Python
            self._opened = None
        if self._opened is None:
            self._opened = self._open()
        opened = self._opened
        self._check_place(opened)
        try:
            result = work(opened.connection)
            self._check_place(opened)
        except BaseException as error:
            self._clean_up(opened.connection, keep=isinstance(error, StoreUnavailable) or is_busy(error))
            raise
        return result

    def _clean_up(self, connection: sqlite3.Connection, *, keep: bool) -> None:
        """Roll back, and *keep* the connection if it is still good."""
        if keep:
            with contextlib.suppress(sqlite3.Error):
                _roll_back(connection)
                return
        self._drop()

    def _open(self) -> _Opened:
        """Open the file. The first time, create it if it does not exist."""
        path = Path(os.path.realpath(self._path))
        if why := files.why_unusable(path):
            raise self._unusable(why)
        if not self._was_opened:
            files.create(path, _build)
        identity = files.identify(path)
        if identity is None or self._identity not in {None, identity}:
            raise self._gone()
        self._look(path)
        connection = _connect(path, "rw")
        try:
            _prepare(connection)
            log = files.beside(path, "-wal")
            opened = _Opened(connection, os.getpid(), log, identity, files.identify(log))
            self._check_place(opened)
        except BaseException:
            _close(connection)
            raise
        self._was_opened, self._identity = True, identity
        return opened

    def _look(self, path: Path) -> None:
        """Refuse a file that is damaged, newer than this version, or another program's, and leave it unchanged."""
        if path.stat().st_size < _MIN_BYTES:
            raise migrations.DamagedError("it is empty, or nearly so")  # SQLite would take it for new
        with _connected(path, "ro") as connection:
            connection.execute("BEGIN")
            try:
                migrations.pending(connection)
            except migrations.ForeignError:
                raise StoreUnavailable(f"{path} is the database of another program. {OTHER_STORES}") from None
            except migrations.NewerError as error:
                raise StoreUnavailable(
                    f"the account store {path} was written by a newer chartimg ({error}); "
                    f"install that version. {OTHER_STORES}"
                ) from None
            (first, *_) = connection.execute("PRAGMA integrity_check").fetchone()
            if first != "ok":
                raise migrations.DamagedError(" ".join(str(first).split()))

    def _check_place(self, opened: _Opened) -> None:
        """Check that the paths lead to the files that are open."""
        if files.identify(self._path) != opened.file_identity:
            raise self._gone()
        if files.identify(opened.log) != opened.log_identity:
            raise StoreUnavailable(
                f"the file {opened.log} was deleted or replaced while the account store was in use; "
                "its last writes are lost, and no more are made. Check the books, then start again"
            )

    def _drop(self) -> None:
        """Close the connection and roll back.

        If the path leads to another file by now, SQLite neither deletes its log nor writes it back.
        """
        opened, self._opened = self._opened, None
        if opened is None:
            return
        if opened.process == os.getpid():
            _close(opened.connection)
        else:
            _leak(opened.connection)

    def _gone(self) -> StoreUnavailable:
        return StoreUnavailable(
            f"the account store {self._path} was deleted, moved or replaced since it was first used. An empty file in its place "
            "would not know the units spent today, so none is created. Put the file back, or start again to use the file there"
        )

    def _unusable(self, why: str) -> StoreUnavailable:
        return StoreUnavailable(f"the account store {self._path} can't be used: {why}. {OTHER_STORES}")

    def _damaged(self, error: Exception) -> StoreUnavailable:
        """Return the error of a damaged file, with the place of its copy."""
        path = Path(os.path.realpath(self._path))
        copy = files.keep_aside(path)
        self._drop()
        kept = "no copy of it could be made" if copy is None else f"a copy of it is kept as {copy}"
        return StoreUnavailable(
            f"the account store {self._path} is damaged ({error}); it was left as it is, and {kept}. "
            "Put a good copy in its place; or move it and its -wal away to begin new books, which do not know the units spent today. "
            f"{OTHER_STORES}"
        )


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    """Connect to an existing file."""
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode={mode}", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )
    connection.text_factory = _text
    return connection


def _close(connection: sqlite3.Connection) -> None:
    """Close a connection and drop its locks, even if a cursor is still held by a traceback."""
    with contextlib.suppress(sqlite3.Error):
        _roll_back(connection)
    with contextlib.suppress(sqlite3.Error):
        connection.close()


def _roll_back(connection: sqlite3.Connection) -> None:
    """Roll back an open transaction."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


@contextmanager
def _connected(path: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """Connect for a ``with`` block."""
    connection = _connect(path, mode)
    try:
        yield connection
    finally:
        _close(connection)


def _build(path: Path) -> None:
    """Build a new file."""
    with _connected(path, "rw") as connection:
        _prepare(connection)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # to close would do so, too, and hide a failure


def _prepare(connection: sqlite3.Connection) -> None:
    """Set a connection up, and bring its file to the newest format."""
    for setting in ("journal_mode = WAL", "synchronous = FULL", f"wal_autocheckpoint = {_CHECKPOINT_PAGES}"):
        connection.execute(f"PRAGMA {setting}")
    migrations.migrate(connection)


def _text(data: bytes) -> str:
    """Decode text; bytes that are not text then differ from their checksum."""
    return data.decode(errors="replace")


def is_busy(error: BaseException) -> bool:
    """Return whether others use the file."""
    return _code(error) in _BUSY


def _code(error: BaseException) -> int | None:
    """Return SQLite's primary error code, if the error is one of SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _leak(connection: sqlite3.Connection) -> None:
    """Keep a parent's connection from being closed, now or when the process ends."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


_OPEN: Final[weakref.WeakSet[SqliteConnection]] = weakref.WeakSet()
_forking = threading.Lock()


def _before_fork() -> None:
    _forking.acquire()
    for each in list(_OPEN):
        each.park()


def _after_fork(*, child: bool) -> None:
    for each in list(_OPEN):
        each.unpark(child=child)
    _forking.release()


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(
        before=_before_fork,
        after_in_parent=lambda: _after_fork(child=False),
        after_in_child=lambda: _after_fork(child=True),
    )
