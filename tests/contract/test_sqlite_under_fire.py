"""The SQLite store under fire: a full disk, damage, and failures at every step."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import Account, AccountPool, StoreUnavailable
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.account import AccountSnapshot, Claim
from chartimg.domain.account.turn import Granted
from chartimg.domain.errors import StoreBusy
from chartimg.domain.faults import FaultKind
from chartimg.testing import VirtualClock
from command import run_loaded, run_python
from pools import fault

FULL = """
import os, resource, sys
from chartimg import Account, AccountPool, StoreUnavailable
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.errors import StoreBusy
from chartimg.domain.account.turn import Granted
from chartimg.testing import VirtualClock

folder, how = sys.argv[1:]
path, filler = f"{folder}/books.sqlite3", f"{folder}/filler"
store = SqliteAccountStore(path)
accounts = [Account(f"a{n}", "k", daily_limit=10**6, requests_per_second=1e6, burst=10**6) for n in range(30)]
pool = AccountPool(accounts, store, VirtualClock())
clearing = AccountPool(accounts, SqliteAccountStore(path), VirtualClock())
granted = 0

def claim():
    global granted
    granted += isinstance(pool.claim(), Granted)

def fill():
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(path + "-wal") + 2000, resource.RLIM_INFINITY))
    else:
        with open(filler, "wb", 0) as file:
            try:
                while True:
                    file.write(bytes(512))
            except OSError:
                pass

def empty():
    if how == "limit":
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    else:
        os.remove(filler)

for _ in range(3):
    for _ in range(20):
        claim()
    fill()
    refused = 0
    while refused < 5:
        try:
            claim()
        except StoreBusy:
            raise
        except StoreUnavailable as error:
            assert path in str(error) and "damaged" not in str(error), error
            refused += 1
        assert granted < 1000
    empty()
    claim()
    assert sum(line.used for line in pool.status()) == granted
pool.close()
print(granted == sum(kept.used for kept in SqliteAccountStore(path).read([each.id for each in accounts]) if kept))
"""
MOUNTED = """
import subprocess, sys
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", sys.argv[1]], check=True)
sys.exit(subprocess.run([sys.executable, "-c", *sys.argv[2:]]).returncode)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of files are POSIX")
def test_a_file_that_may_not_grow_loses_nothing(tmp_path: Path) -> None:
    """While a file may not grow claims raise StoreUnavailable, and the counts stay right."""
    child = run_loaded(FULL, str(tmp_path), "limit", cwd=tmp_path)

    assert (0, "", "True\n") == (child.returncode, child.stderr, child.stdout)


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root mounts a small disk, on Linux")
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """While a disk is full claims raise StoreUnavailable, and the counts stay right."""
    unshared = "import os, sys; os.execvp('unshare', ['unshare', '-m', sys.executable, '-c', *sys.argv[1:]])"
    child = run_python(unshared, MOUNTED, str(tmp_path), FULL, str(tmp_path), "disk", cwd=tmp_path)

    assert (0, "", "True\n") == (child.returncode, child.stderr, child.stdout)


CLOSED = """
import subprocess, sys
from chartimg import StoreUnavailable
from chartimg.adapters.sqlite import SqliteAccountStore

folder = sys.argv[1]
path = f"{folder}/books.sqlite3"
SqliteAccountStore(path).read(["a"])
subprocess.run(["mount", "--bind", folder, folder], check=True)
subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
for place in (path, f"{folder}/new.sqlite3", f"{folder}/deeper/new.sqlite3"):
    try:
        SqliteAccountStore(place).read(["a"])
    except StoreUnavailable as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root mounts a disk, on Linux")
def test_a_read_only_disk_is_called_one(tmp_path: Path) -> None:
    """Books on a read-only file system, old or new, are reported as such."""
    unshared = "import os, sys; os.execvp('unshare', ['unshare', '-m', sys.executable, '-c', *sys.argv[1:]])"
    child = run_python(unshared, CLOSED, str(tmp_path), cwd=tmp_path)

    assert (0, "") == (child.returncode, child.stderr)
    assert [True] * 3 == ["is on a read-only file system" in line for line in child.stdout.splitlines()]


# Damage

IDS = [f"account {number}" for number in range(25)]


def books(path: Path) -> dict[str, AccountSnapshot | None] | None:
    """Return all snapshots; None if the store refuses the file."""
    store = SqliteAccountStore(path)
    try:
        return dict(zip(IDS, store.read(IDS), strict=True))
    except StoreBusy:
        raise
    except StoreUnavailable as error:
        if str(path) not in str(error):
            raise
        return None
    finally:
        store.close()


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with many accounts on several pages, as the last process has closed it."""
    path = tmp_path_factory.mktemp("sound") / "books.sqlite3"
    pool = AccountPool([Account(each, "k", daily_limit=3, burst=3) for each in IDS], SqliteAccountStore(path))
    for _ in range(40):
        pool.claim()
    pool.suspend(IDS[7], "refused")
    pool.close()
    return path


def meet(content: bytes, sound: Path) -> None:
    """Check that a file with this *content* has the right snapshots, or is refused and left unchanged."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "books.sqlite3"
        path.write_bytes(content)
        found = books(path)

        assert found in (None, books(sound))
        if found is None:
            assert content == path.read_bytes()
            assert found == books(path)


@given(data=st.data())
def test_a_flipped_byte_never_gives_other_books(sound: Path, data: st.DataObject) -> None:
    """A file with any byte changed is refused or has the right snapshots."""
    content = bytearray(sound.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))

    meet(bytes(content), sound)


@given(data=st.data())
def test_a_file_that_was_cut_or_overwritten_never_gives_other_books(sound: Path, data: st.DataObject) -> None:
    """A file that was cut, or has pages replaced or swapped, is refused or has the right snapshots."""
    content, page = sound.read_bytes(), 4096
    pages = [content[start : start + page] for start in range(0, len(content), page)]
    one, other = (data.draw(st.integers(0, len(pages) - 1)) for _ in range(2))
    match data.draw(st.sampled_from(["cut", "noise", "zeros", "copy", "swap"])):
        case "cut":
            pages[one:] = data.draw(st.sampled_from([[], [pages[one][: data.draw(st.integers(0, page))]]]))
        case "noise":
            pages[one] = random.Random(other).randbytes(page)
        case "zeros":
            pages[one] = bytes(page)
        case "copy":
            pages[one] = pages[other]
        case _:
            pages[one], pages[other] = pages[other], pages[one]

    meet(b"".join(pages), sound)


def test_every_byte_of_a_head_may_be_flipped(sound: Path) -> None:
    """A file with a changed byte in its header is refused or has the right snapshots."""
    content = sound.read_bytes()
    for at in range(100):
        meet(content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :], sound)


@given(data=st.data())
def test_a_flipped_byte_in_the_log_gives_books_that_once_were(
    data: st.DataObject, logged: tuple[Path, list[object]]
) -> None:
    """A log with a changed byte is read up to the damage, so the snapshots are those after an earlier swap."""
    path, states = logged
    log = bytearray(path.with_name(f"{path.name}-wal").read_bytes())
    at = data.draw(st.integers(0, len(log) - 1))
    log[at] ^= data.draw(st.integers(1, 255))
    with TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        shutil.copy(path, copy)
        copy.with_name(f"{copy.name}-wal").write_bytes(log)
        found = books(copy)

    assert found in (None, *states)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory, sound: Path) -> tuple[Path, list[object]]:
    """Return a file with six swaps in its log, as a crash leaves it, and the snapshots after each swap."""
    folder = tmp_path_factory.mktemp("logged")
    path = folder / "books.sqlite3"
    shutil.copy(sound, path)
    states: list[object] = [books(path)]
    store = SqliteAccountStore(path)
    pool = AccountPool(
        [Account(IDS[0], "k", daily_limit=1000, requests_per_second=1e6, burst=1000)], store, VirtualClock()
    )
    pool.status()
    for _ in range(6):
        pool.mark_account_exhausted(IDS[0]) if len(states) == 3 else pool.suspend(IDS[0], f"reason {len(states)}")
        states.append(books(path))
    (folder / "copy").mkdir()
    for name in ("books.sqlite3", "books.sqlite3-wal"):
        shutil.copy(folder / name, folder / "copy" / name)
    pool.close()
    return folder / "copy" / "books.sqlite3", states


# Failures at every step

ACCOUNTS = [Account(name, "k", daily_limit=3, requests_per_second=1e6, burst=1000) for name in ("a", "b")]
Step = Callable[[AccountPool, list[Claim]], object]


def claim(pool: AccountPool, claims: list[Claim]) -> None:
    """Take a unit and keep the claim."""
    granted = pool.claim()
    if isinstance(granted, Granted):
        claims.append(granted.claim)


WAYS = ("before", "after", "interrupted")
STEPS: Sequence[Step] = (
    claim,
    claim,
    lambda pool, claims: pool.refund(claims[0]),
    claim,
    claim,
    lambda pool, claims: pool.report(claims[-1], fault(FaultKind.NOT_SENT)),
    lambda pool, claims: pool.report(claims[1], fault(FaultKind.CREDENTIAL_REJECTED)),
    claim,
    lambda pool, _: pool.reinstate("a"),
    lambda pool, _: pool.mark_account_exhausted("b"),
    lambda pool, claims: pool.refund(claims[-1]),
)


class Failing(sqlite3.Connection):
    """A connection that fails at a statement, before or after it is done, or at a step of SQLite's machine."""

    at: ClassVar[int] = 0
    how: ClassVar[str] = ""
    done: ClassVar[int] = 0
    code: ClassVar[int] = sqlite3.SQLITE_IOERR

    def execute(self, sql: str, *arguments: object) -> sqlite3.Cursor:
        """Execute a statement, or fail."""
        kind = type(self)
        if sql.startswith("PRAGMA synchronous"):
            sql = "PRAGMA synchronous = OFF"  # quicker; no power fails here
        if kind.how == "interrupted":
            self.set_progress_handler(kind.tick, 1)
            return super().execute(sql, *arguments)  # type: ignore[arg-type]
        now = kind.tick()
        if now and kind.how == "before":
            self.fail()
        result = super().execute(sql, *arguments)  # type: ignore[arg-type]
        if now and kind.how == "after":
            self.fail()
        return result

    @classmethod
    def tick(cls) -> bool:
        """Count a step; return whether it is the one to fail."""
        cls.done += 1
        return cls.done == cls.at

    def fail(self) -> None:
        """Raise as SQLite does."""
        error = sqlite3.OperationalError("so the test wants it")
        error.sqlite_errorcode = type(self).code
        raise error


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> type[Failing]:
    """Make every connection a failing one."""
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *place, **how: real(*place, **{**how, "factory": Failing}))
    Failing.at, Failing.how, Failing.code = 0, "", sqlite3.SQLITE_IOERR
    return Failing


def kept(path: Path) -> tuple[AccountSnapshot | None, ...]:
    """Return the kept snapshots, read without failures."""
    Failing.at = 0
    store = SqliteAccountStore(path)
    found = store.read([account.id for account in ACCOUNTS])
    store.close()
    return found


def take(number: int, path: Path, claims: list[Claim]) -> None:
    """Do step *number* in a pool of its own."""
    pool = AccountPool(ACCOUNTS, SqliteAccountStore(path, busy_timeout=20), VirtualClock())
    try:
        STEPS[number](pool, claims)
    finally:
        pool.close()


def prepared(number: int, folder: Path) -> tuple[Path, list[Claim]]:
    """Return the file and the claims as they are before step *number*."""
    path, claims = folder / "before.sqlite3", list[Claim]()
    for earlier in range(number):
        take(earlier, path, claims)
    return path, claims


def tried(number: int, before: tuple[Path, list[Claim]], at: int) -> tuple[Path, bool]:
    """Do the step on a copy of the file with a failure at *at*; return the copy, and whether the step succeeded."""
    path = before[0].with_name("tried.sqlite3")
    for each in path.parent.glob("tried*"):
        each.unlink()
    if before[0].exists():
        shutil.copy(before[0], path)
    Failing.at, Failing.done = at, 0
    try:
        take(number, path, list(before[1]))
    except StoreBusy:
        raise
    except StoreUnavailable:
        return path, False
    return path, True


@pytest.mark.parametrize(
    ("number", "how"),
    [
        pytest.param(number, how, marks=() if number % len(WAYS) == place else pytest.mark.gate)
        for number in range(len(STEPS))
        for place, how in enumerate(WAYS)
    ],
)
@pytest.mark.gate
def test_a_failure_at_any_point_leaves_the_books_as_before_or_as_after(
    number: int, how: str, tmp_path: Path, failing: type[Failing]
) -> None:
    """A step that fails at any point is done wholly or not at all, and can then be done."""
    before = prepared(number, tmp_path)
    old = kept(before[0]) if number else (None, None)
    failing.how = how
    new = kept(tried(number, before, 0)[0])
    total = tried(number, before, 0) and failing.done
    assert total > 10
    points = range(1, total + 1)
    for at in random.Random(number).sample(points, 30) if how == "interrupted" else points:
        path, well = tried(number, before, at)
        found = kept(path) if path.exists() else (None, None)

        assert found == new if well else found in (old, new)
        if found == old:
            failing.at = 0
            take(number, path, list(before[1]))
            assert new == kept(path)


IN_THE_WAY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(number, code, marks=() if number % len(IN_THE_WAY) == place else pytest.mark.soak)
        for number in range(len(STEPS))
        for place, code in enumerate(IN_THE_WAY)
    ],
)
@pytest.mark.gate
def test_others_in_the_way_at_any_point_are_waited_for(
    number: int, code: int, tmp_path: Path, failing: type[Failing]
) -> None:
    """If the file is locked at any statement, the step waits and succeeds."""
    before = prepared(number, tmp_path)
    failing.how, failing.code = "before", code
    new = kept(tried(number, before, 0)[0])
    for at in range(1, (tried(number, before, 0) and failing.done) + 1):
        path, well = tried(number, before, at)

        assert well
        assert new == kept(path)
