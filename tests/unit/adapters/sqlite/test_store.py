"""Account books: what every store promises, and what the SQLite file adds to it."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import attrs
import pytest

from chartimg import Account, AccountPool, StoreUnavailable
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.adapters.sqlite.migrations import checksum
from chartimg.codec import dump
from chartimg.domain.account import AccountSnapshot, AccountState
from chartimg.domain.errors import StoreBusy
from chartimg.domain.plan import ChartLimits
from chartimg.domain.ports import AccountStore

KEY = "canary-key-0d9c"
MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)


def snapshot(account_id: str = "a", version: int = 0, reason: str = "") -> AccountSnapshot:
    """Make one that uses every field."""
    return AccountSnapshot(
        account_id,
        MIDNIGHT,
        MIDNIGHT + timedelta(microseconds=1),
        "digest",
        version=version,
        state=AccountState.THROTTLED,
        used=version,
        until=MIDNIGHT + timedelta(hours=1),
        reason=reason,
        refunded=frozenset({3, 1, 2}),
        serial=4,
        epoch=5,
        learned_limits=ChartLimits(800, 600, 3),
    )


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AccountStore]:
    """Each store in turn."""
    made: AccountStore = (
        MemoryAccountStore() if request.param == "memory" else SqliteAccountStore(tmp_path / "books.sqlite3")
    )
    yield made
    made.close()


# What every store promises


def test_an_account_that_was_never_kept_is_none(store: AccountStore) -> None:
    """Nothing is made up, and reading nothing gives nothing."""
    assert (None, None) == store.read(["a", "b"])
    assert () == store.read([])


def test_snapshots_come_in_the_order_asked_for(store: AccountStore) -> None:
    """Also twice, and with gaps."""
    a, b = snapshot("a"), snapshot("b")
    store.replace(None, b)
    store.replace(None, a)

    assert (a, b, None, a) == store.read(["a", "b", "c", "a"])


def test_a_thousand_accounts_are_read_at_once(store: AccountStore) -> None:
    """More than one statement may hold."""
    kept = [snapshot(f"account {number}") for number in (0, 499, 500, 501, 1199)]
    for each in kept:
        store.replace(None, each)

    assert kept == [each for each in store.read([f"account {number}" for number in range(1200)]) if each]


def test_the_first_snapshot_is_put_once(store: AccountStore) -> None:
    """Whoever thinks nothing is kept is refused once something is."""
    assert store.replace(None, snapshot())
    assert not store.replace(None, snapshot(version=1))
    assert not store.replace(None, snapshot())
    assert (snapshot(),) == store.read(["a"])


def test_a_swap_needs_what_is_kept(store: AccountStore) -> None:
    """A snapshot that differs in any field, and one of an account nobody knows, swap nothing."""
    assert not store.replace(snapshot(), snapshot(version=1))
    assert (None,) == store.read(["a"])
    store.replace(None, snapshot())
    for other in (
        snapshot(version=1),
        attrs.evolve(snapshot(), reason="x"),
        attrs.evolve(snapshot(), refunded=frozenset()),
        attrs.evolve(snapshot(), arrival=MIDNIGHT),
    ):
        assert not store.replace(other, snapshot(version=2))
    assert (snapshot(),) == store.read(["a"])
    assert store.replace(snapshot(), snapshot(version=2))
    assert (snapshot(version=2),) == store.read(["a"])


@pytest.mark.parametrize("text", ["", "ü 🚀", "a\x00b", "'; DROP TABLE account; --", "line\nbreak", '"', "half \ud800"])
def test_any_text_is_kept_as_it_is(text: str, store: AccountStore) -> None:
    """In a reason, which a host may have written, and in an id, which is whole text."""
    kept = snapshot(f"id {text.encode('utf-8', 'replace').decode()}", reason=text)

    assert store.replace(None, kept)
    assert (kept,) == store.read([kept.account_id])


def test_of_many_threads_one_wins(store: AccountStore) -> None:
    """The first put and every later swap of the same snapshot are made exactly once."""
    old: AccountSnapshot | None = None
    for round_ in range(10):
        candidates = [attrs.evolve(snapshot(version=round_), serial=number) for number in range(8)]
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda new, old=old: store.replace(old, new), candidates))

        assert 1 == sum(won)
        (old,) = store.read(["a"])
        assert candidates[won.index(True)] == old


# What the file adds


def bytes_of(path: Path) -> bytes:
    """Read the file and all that SQLite keeps beside it."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


def test_books_survive_the_process(tmp_path: Path) -> None:
    """A store that is opened on the same file goes on with them; closing twice, or unopened, is no mistake."""
    path = tmp_path / "some" / "where" / "books.sqlite3"
    first = SqliteAccountStore(path)
    first.close()
    first.replace(None, snapshot())
    first.close()
    first.close()
    second = SqliteAccountStore(str(path))

    assert (snapshot(),) == second.read(["a"])
    assert second.replace(snapshot(), snapshot(version=1))
    assert (snapshot(version=1),) == first.read(["a"])
    second.close()
    first.close()


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """Whatever the umask, and so are the files beside it."""
    path = tmp_path / "books.sqlite3"
    before = os.umask(0)
    try:
        store = SqliteAccountStore(path)
        store.replace(None, snapshot())
        modes = {entry.name: stat.S_IMODE(entry.stat().st_mode) for entry in tmp_path.iterdir()}
        store.close()
    finally:
        os.umask(before)

    assert 0o600 == modes["books.sqlite3"]
    assert {0o600} == set(modes.values())


def test_books_of_a_version_that_did_not_learn_limits_are_read_and_replaced(tmp_path: Path) -> None:
    """What is not in them was not told."""
    path = tmp_path / "books.sqlite3"
    writer = SqliteAccountStore(path)
    assert writer.replace(None, snapshot())
    writer.close()
    old = json.loads(dump(snapshot()))
    del old["told"]
    text = json.dumps(old)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE account SET snapshot = ?, checksum = ?", (text, checksum("a", 0, text)))
    connection.close()
    store = SqliteAccountStore(path)
    untold = attrs.evolve(snapshot(), learned_limits=ChartLimits())

    assert (untold,) == store.read(["a"])
    assert store.replace(untold, snapshot())
    assert (snapshot(),) == SqliteAccountStore(path).read(["a"])


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_file_of_a_newer_version_is_refused_and_left_as_it_is(journal: str, tmp_path: Path) -> None:
    """The message says which version is needed, and not a byte has changed."""
    path = tmp_path / "books.sqlite3"
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA journal_mode = {journal}")
        newer.execute("CREATE TABLE account (something TEXT)")
        newer.execute("PRAGMA user_version = 99")
    newer.close()
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"newer chartimg \(format 99"):
            SqliteAccountStore(path).read(["a"])

    assert before == path.read_bytes()


@pytest.mark.parametrize("content", [b"garbage", b"not a database " * 1000, b"SQLite format 3\x00" + b"\xff" * 4096])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(content: bytes, tmp_path: Path) -> None:
    """It may be something the host needs."""
    path = tmp_path / "books.sqlite3"
    path.write_bytes(content)
    store = SqliteAccountStore(path)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match=r"books\.sqlite3"):
            store.read(["a"])
    with pytest.raises(StoreUnavailable):
        store.replace(None, snapshot())

    assert content == path.read_bytes()


def test_the_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """A wrong path in the settings must not put our tables into somebody's books."""
    path = tmp_path / "theirs.sqlite3"
    with sqlite3.connect(path) as theirs:
        theirs.execute("CREATE TABLE account (id TEXT, balance REAL)")
    theirs.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnavailable, match=r"theirs\.sqlite3"):
        SqliteAccountStore(path).read(["a"])

    assert before == path.read_bytes()


@pytest.mark.parametrize("below", ["", "/books.sqlite3", "/sub/books.sqlite3"])
def test_a_place_where_no_file_can_be_is_unavailable(below: str, tmp_path: Path) -> None:
    """A folder in place of the file, or a file in place of the folder."""
    (tmp_path / "file").write_bytes(b"")
    path = f"{tmp_path}/file{below}" if below else str(tmp_path)
    with pytest.raises(StoreUnavailable) as failure:
        SqliteAccountStore(path).replace(None, snapshot())

    assert path in str(failure.value)


@pytest.mark.parametrize("text", ["", "{", "{}", '{"accountId": "a"}', "[]"])
def test_a_damaged_row_is_unavailable(text: str, tmp_path: Path) -> None:
    """It is not taken for an account without books, whose day would begin anew; nor is it written over."""
    path = tmp_path / "books.sqlite3"
    store = SqliteAccountStore(path)
    store.replace(None, snapshot())
    with sqlite3.connect(path) as hand:
        hand.execute("UPDATE account SET snapshot = ?", (text,))
    hand.close()
    with pytest.raises(StoreUnavailable, match="is damaged"):
        store.read(["a"])
    for old in (None, snapshot()):
        with pytest.raises(StoreUnavailable, match="is damaged"):
            store.replace(old, snapshot(version=1))
    store.close()


def test_a_writer_that_does_not_let_go_makes_the_store_busy(tmp_path: Path) -> None:
    """After the busy timeout, and only until it lets go; reading goes on meanwhile."""
    path = tmp_path / "books.sqlite3"
    store = SqliteAccountStore(path, busy_timeout=0.1)
    store.replace(None, snapshot())
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match="locked"):
        store.replace(snapshot(), snapshot(version=1))
    assert (snapshot(),) == store.read(["a"])
    other.execute("ROLLBACK")
    other.close()

    assert store.replace(snapshot(), snapshot(version=1))
    store.close()


def test_many_stores_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    """As the workers of a host do when it starts: each waits for the others, none is turned away."""
    for attempt in range(25):
        stores = [SqliteAccountStore(tmp_path / f"{attempt}.sqlite3") for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            won = list(pool.map(lambda store: store.replace(None, snapshot()), stores))
        for store in stores:
            store.close()

        assert 1 == sum(won)


CLAIM = """
import sys
from chartimg import Account, AccountPool
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.adapters.sqlite.migrations import checksum
from chartimg.codec import dump
from chartimg.domain.account.turn import Granted
from chartimg.testing import VirtualClock
path, key = sys.argv[1:]
account = Account("a", key, daily_limit=50, requests_per_second=1e6, burst=1000)
pool = AccountPool([account], SqliteAccountStore(path), VirtualClock())
sys.stdin.read()
granted = 0
while isinstance(pool.claim(), Granted):
    granted += 1
pool.close()
print(granted)
"""


def test_four_processes_share_a_day_of_fifty(tmp_path: Path) -> None:
    """Together they are granted every unit once, and the key is in no byte of the file."""
    path = tmp_path / "books.sqlite3"
    command = [sys.executable, "-c", CLAIM, str(path), KEY]
    children = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for child in children:
        assert child.stdin is not None
        child.stdin.close()
        child.stdin = None
    outputs = [child.communicate(timeout=60) for child in children]

    assert [""] * 4 == [complaint for _, complaint in outputs]
    assert 50 == sum(int(granted) for granted, _ in outputs)
    assert KEY.encode() not in bytes_of(path)


def test_no_key_reaches_the_file(tmp_path: Path) -> None:
    """Not in the tables nor in the journal, whatever happens to the account."""
    path = tmp_path / "books.sqlite3"
    pool = AccountPool([Account("a", KEY)], SqliteAccountStore(path))
    changes: list[Callable[[], object]] = [
        pool.claim,
        lambda: pool.suspend("a", "refused"),
        lambda: pool.reinstate("a"),
        lambda: pool.mark_account_exhausted("a"),
    ]
    for change in changes:
        change()
        assert b'"accountId"' in bytes_of(path)
        assert KEY.encode() not in bytes_of(path)
    pool.close()
