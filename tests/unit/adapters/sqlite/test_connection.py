"""The file of a running store: busy, deleted, replaced, forbidden, and inherited by a fork."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import attrs
import pytest

from chartimg import StoreUnavailable
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.account import AccountSnapshot
from chartimg.domain.errors import StoreBusy
from command import BOUND, run_loaded
from samples import NOON

FIRST = AccountSnapshot("a", NOON, NOON, "digest")
SECOND = attrs.evolve(FIRST, version=1, used=1)
THIRD = attrs.evolve(FIRST, version=2, used=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the books."""
    return tmp_path / "books.sqlite3"


def opened(path: Path) -> SqliteAccountStore:
    """Return a store that keeps FIRST."""
    store = SqliteAccountStore(path)
    assert store.replace(None, FIRST)
    return store


def unavailable(work: Callable[[], object]) -> str:
    """Return the message of a failure of *work* that is not StoreBusy."""
    with pytest.raises(StoreUnavailable) as failure:
        work()
    assert not isinstance(failure.value, StoreBusy)
    return str(failure.value)


# Busy


def test_busy_is_busy_for_every_thread(path: Path) -> None:
    """While another process writes, each of many threads gets StoreBusy; reading goes on, and so do swaps after the end."""
    store = SqliteAccountStore(path, busy_timeout=0.1)
    store.replace(None, FIRST)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def attempt(_: int) -> type[BaseException] | None:
        try:
            store.replace(FIRST, SECOND)
        except StoreUnavailable as error:
            return type(error)
        return None

    with ThreadPoolExecutor(8) as threads:
        assert [StoreBusy] * 8 == list(threads.map(attempt, range(8)))
    assert (FIRST,) == store.read(["a"])
    other.execute("ROLLBACK")
    other.close()

    assert store.replace(FIRST, SECOND)
    store.close()


def test_a_swap_that_is_too_late_does_not_wait(path: Path) -> None:
    """A swap from a snapshot that is not kept is refused at once, also while another process writes."""
    store = SqliteAccountStore(path, busy_timeout=0)
    store.replace(None, FIRST)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    assert not store.replace(None, SECOND)
    assert not store.replace(SECOND, THIRD)
    with pytest.raises(StoreBusy):
        store.replace(FIRST, SECOND)
    other.close()
    store.close()


# Gone


def test_a_deleted_file_is_not_begun_anew(path: Path) -> None:
    """A store reports its deleted file, also after closing; no store creates a new one while the log of the old one exists."""
    store, new = opened(path), SqliteAccountStore(path)
    path.unlink()
    log = path.with_name("books.sqlite3-wal")
    content = log.read_bytes()
    for _ in range(2):
        assert "was deleted, moved or replaced" in unavailable(lambda: store.read(["a"]))
        assert "was deleted, moved or replaced" in unavailable(lambda: store.replace(FIRST, SECOND))
        assert "is gone, but its log" in unavailable(lambda: new.read(["a"]))
        store.close()
        assert (False, content) == (path.exists(), log.read_bytes())
    log.unlink()

    assert (None,) == new.read(["a"])
    assert new.replace(None, THIRD)
    assert (THIRD,) == store.read(["a"])
    new.close()
    store.close()


def test_a_file_that_was_moved_can_be_moved_back(path: Path) -> None:
    """While a file is moved away, no swap is written to it; after it is moved back, swaps succeed."""
    store = opened(path)
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    unavailable(lambda: store.replace(FIRST, SECOND))
    elsewhere.rename(path)

    assert (FIRST,) == store.read(["a"])
    assert store.replace(FIRST, SECOND)
    store.close()


def test_a_replaced_file_is_used_after_closing_only(path: Path) -> None:
    """A copy in place of the file is used only after the store was closed."""
    store = opened(path)
    store.close()
    copy = path.with_name("copy")
    shutil.copy(path, copy)
    store.replace(FIRST, SECOND)
    copy.replace(path)
    for _ in range(2):
        assert "was deleted, moved or replaced" in unavailable(lambda: store.read(["a"]))
    path.with_name("books.sqlite3-wal").unlink()
    path.with_name("books.sqlite3-shm").unlink()
    store.close()

    assert (FIRST,) == store.read(["a"])
    store.close()


def test_a_log_that_was_deleted_is_noticed(path: Path) -> None:
    """A deleted log is reported, since further writes to it would be lost."""
    store = opened(path)
    path.with_name("books.sqlite3-wal").unlink()
    for _ in range(2):
        assert "books.sqlite3-wal was deleted or replaced" in unavailable(lambda: store.replace(FIRST, SECOND))


def test_a_file_deleted_in_the_middle_of_a_swap_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A swap into a file that was deleted meanwhile is not reported as made."""

    class Deleting(sqlite3.Connection):
        """A connection that deletes the file before the last statement of a swap."""

        def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
            """Execute a statement."""
            if sql.startswith("INSERT INTO account"):
                path.unlink()
            return super().execute(sql, *arguments)  # type: ignore[arg-type]

    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *place, **how: real(*place, factory=Deleting, **how))

    with closing(SqliteAccountStore(path)) as store:
        assert "was deleted, moved or replaced" in unavailable(lambda: store.replace(None, FIRST))


def test_a_file_replaced_after_a_failure_is_noticed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure has closed the connection, a replaced file is still noticed."""
    store = opened(path)
    with monkeypatch.context() as patched:

        def fail(*_: object) -> None:
            raise KeyboardInterrupt

        patched.setattr(SqliteAccountStore, "_kept", fail)
        with pytest.raises(KeyboardInterrupt):
            store.replace(FIRST, SECOND)
    assert (FIRST,) == SqliteAccountStore(path).read(["a"])
    other = path.with_name("other")
    shutil.copy(path, other)
    other.replace(path)

    assert "was deleted, moved or replaced" in unavailable(lambda: store.read(["a"]))


def test_a_link_leads_to_its_file(path: Path) -> None:
    """A link may lead to a file that does not exist yet; a link that is changed is noticed."""
    link = path.with_name("link")
    link.symlink_to(path)
    store = opened(link)
    assert (FIRST,) == SqliteAccountStore(path).read(["a"])
    link.unlink()
    link.symlink_to(path.with_name("other"))

    unavailable(lambda: store.replace(FIRST, SECOND))
    assert not path.with_name("other").exists()


# Forbidden

SWAP = """
import sys
from chartimg import Account, AccountPool, StoreUnavailable
from chartimg.adapters.sqlite import SqliteAccountStore
store = SqliteAccountStore(sys.argv[1])
pool = AccountPool([Account("a", "k")], store)
try:
    print("read", store.read(["b"]))
    print("granted", pool.claim())
except StoreUnavailable as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
@pytest.mark.parametrize(
    ("file_mode", "folder_mode"), [(0o400, 0o700), (0o200, 0o700), (0o000, 0o700), (0o600, 0o500), (0o600, 0o000)]
)
def test_what_may_not_be_written_is_unavailable(file_mode: int, folder_mode: int, tmp_path: Path) -> None:
    """Without permission the file or its folder is reported, the books stay, and can be used again later."""
    path = tmp_path / "folder" / "books.sqlite3"
    opened(path).close()
    before = path.read_bytes()
    path.chmod(file_mode)
    path.parent.chmod(folder_mode)
    child = run_loaded(BOUND + SWAP, str(path), cwd=tmp_path)
    path.parent.chmod(0o700)
    path.chmod(0o600)

    assert (0, "") == (child.returncode, child.stderr)
    assert "StoreUnavailable" in child.stdout
    assert str(path) in child.stdout
    assert before == path.read_bytes()
    assert [] == list(path.parent.glob("*damaged*"))
    assert "granted" in run_loaded(SWAP, str(path), cwd=tmp_path).stdout


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX")
def test_a_folder_where_no_file_may_be_made_is_unavailable(tmp_path: Path) -> None:
    """A folder that can't be written is reported and stays empty."""
    folder = tmp_path / "folder"
    folder.mkdir(0o500)
    child = run_loaded(BOUND + SWAP, f"{folder}/books.sqlite3", cwd=tmp_path)

    assert f"no permission to write {folder}; " in child.stdout
    assert [] == list(folder.iterdir())


def test_folders_are_made_for_their_owner_only(tmp_path: Path) -> None:
    """New folders get mode 0700; an existing one keeps its mode."""
    tmp_path.chmod(0o755)
    opened(tmp_path / "one" / "two" / "books.sqlite3").close()
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (tmp_path, tmp_path / "one", tmp_path / "one" / "two")]

    assert [0o755, 0o700, 0o700] == modes


# Forked

FORK = """
import ctypes, os, sys, threading, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of a fork beside threads, from Python 3.12 on
from chartimg import Account, AccountPool
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.account.turn import Granted
from chartimg.testing import VirtualClock

path, how = sys.argv[1:]
account = Account("a", "k", daily_limit=50, requests_per_second=1e6, burst=1000)
store = SqliteAccountStore(path, busy_timeout=20)
pool = lambda: AccountPool([account], store, VirtualClock())
claims = lambda number: sum(isinstance(pool().claim(), Granted) for _ in range(number))
fork = ctypes.PyDLL(None).fork if how == "by others" else os.fork
assert claims(5) == 5
closed, close = os.pipe()
threads = [threading.Thread(target=claims, args=(5,)) for _ in range(4 if how == "with threads" else 0)]
for thread in threads:
    thread.start()
children = []
for _ in range(3):
    child = fork()
    if not child:
        os.close(close)
        assert claims(5) == 5
        os.read(closed, 1)  # the parent has closed its store
        assert claims(5 if how == "closed" else 0) == (5 if how == "closed" else 0)
        if how == "closed":
            sys.exit(0)  # with all that Python does at the end
        os._exit(0)
    children.append(child)
for thread in threads:
    thread.join()
if how != "by others":  # whose children have no locks that keep the log from being deleted, but notice when it is
    store.close()
os.close(close)
for child in children:
    assert os.waitpid(child, 0)[1] == 0
print(SqliteAccountStore(path).read(["a"])[0].used)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize(("how", "used"), [("closed", 35), ("with threads", 40), ("by others", 20)])
def test_a_store_can_be_used_after_a_fork(how: str, used: int, path: Path) -> None:
    """After a fork parent and children use the books at once, also with threads, or if C code has forked."""
    child = run_loaded(FORK, str(path), how, cwd=path.parent)

    assert (0, "", f"{used}\n") == (child.returncode, child.stderr, child.stdout)
