"""A PostgreSQL that stops, hangs or loses connections and answers: no call without a claim, and a clear report."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from chartimg import Account, AccountPool, StoreUnavailable
from chartimg.adapters.postgresql import PostgresqlAccountStore, schema
from chartimg.domain.account import AccountState
from chartimg.domain.account.turn import Granted
from chartimg.domain.events import BooksAhead, StoreFailed
from chartimg.testing import EventLog, VirtualClock
from patience import LONG, with_patience
from postgresql_server import PostgresqlServer, own_books, own_schema, postgresql_server
from redis_server import Proxy
from samples import NOON
from store_bench import StoreBench


def bench_of(url: str, timeout: float = LONG) -> StoreBench:
    """Return a bench over the store at *url*."""
    return StoreBench(PostgresqlAccountStore(url, timeout=timeout))


@pytest.fixture(scope="module")
def running() -> Iterator[PostgresqlServer]:
    """Yield a server of this module's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # the server runs as another user than root
        with postgresql_server(Path(folder) / "server") as server:
            server.execute(schema())
            yield server


@pytest.fixture
def server(running: PostgresqlServer) -> PostgresqlServer:
    """Return the server with empty books."""
    running.execute("TRUNCATE chartimg_account")
    return running


def test_a_server_that_stops_at_once_and_recovers_is_used_again(server: PostgresqlServer) -> None:
    """While the server is gone no call is made and each request reports the store; after its recovery the books go on."""
    with closing(bench_of(server.url)) as bench:
        assert bench.fetch()
        server.stop()
        gone = [bench.fetch(), bench.fetch()]
        calls = bench.calls
        server.start()

        assert ([False, False], 1) == (gone, calls)
        assert 2 == len(bench.events.of(StoreFailed))
        assert bench.fetch()
        assert (2, 2) == (bench.calls, bench.used)


def test_a_crowd_under_which_the_server_is_restarted_is_granted_each_unit_once(server: PostgresqlServer) -> None:
    """If the server stops at once in the middle of a crowd and starts again, no unit is granted twice."""
    account = Account("a", "canary-key", daily_limit=200, requests_per_second=1e5, burst=1000)
    stores = [PostgresqlAccountStore(server.url, timeout=LONG) for _ in range(4)]
    pools = [AccountPool([account], store, VirtualClock(NOON), listener=EventLog()) for store in stores]

    def claims(pool: AccountPool) -> list[int]:
        serials: list[int] = []
        for _ in range(100):
            try:
                turn = pool.claim()
            except StoreUnavailable:
                continue
            if isinstance(turn, Granted):
                serials.append(turn.claim.serial)
        return serials

    with ThreadPoolExecutor(4) as crowd:
        futures = [crowd.submit(claims, pool) for pool in pools]
        while pools[0].status()[0].used < 20:  # it has begun
            pass
        server.stop()
        server.start()
        granted = [serial for future in futures for serial in future.result()]
    used = pools[0].status()[0].used
    for store in stores:
        store.close()

    assert len(granted) == len(set(granted))
    assert 20 <= len(granted) <= used <= 200


def test_a_connection_that_hangs_is_not_waited_for_forever(server: PostgresqlServer) -> None:
    """A hanging server is reported without a call, and at most one unit stays charged for it."""

    def check(timeout: float) -> None:
        with closing(bench_of(server.url, timeout)) as bench:
            bench.pool.reset("a")
            assert bench.fetch()
            with server.hanging():
                hung = bench.fetch()
            works = [bench.fetch() for _ in range(9)]

            assert not hung
            assert any(works)
            assert 1 + works.count(True) == bench.calls
            assert bench.calls <= bench.used <= bench.calls + 1

    with_patience(check, 0.5)


def test_a_connection_that_the_server_ends_is_made_again(server: PostgresqlServer) -> None:
    """After the server has ended a connection the next claim is taken as usual."""
    with closing(bench_of(server.url)) as bench:
        for _ in range(3):
            assert bench.fetch()
            server.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'chartimg'"
            )

        assert (3, 3) == (bench.calls, bench.used)
        assert [] == bench.events.of(StoreFailed)


@pytest.mark.parametrize("what", ["command", "answer"])
def test_a_swap_whose_command_or_answer_is_lost_is_made_once(server: PostgresqlServer, what: str) -> None:
    """A swap whose command or answer is lost is sent again, is made once, and is granted."""
    with Proxy(server.port, b"WITH swap") as proxy:
        url = server.url.replace(f":{server.port}", f":{proxy.port}")
        with closing(bench_of(url)) as bench:
            for number in range(1, 4):
                proxy.lose(what)

                assert bench.fetch()
                assert number == bench.used == bench.calls


def test_a_row_in_other_words_is_swapped_and_holds_no_key(server: PostgresqlServer) -> None:
    """A row written with other spaces, as another version might, is swapped like one of our own, and no row holds a key."""
    with closing(bench_of(server.url)) as bench:
        assert bench.fetch()
        server.execute("UPDATE chartimg_account SET snapshot = snapshot || ' '")

        assert bench.fetch()
        assert 2 == bench.used
    with psycopg.connect(server.url) as connection:
        rows = connection.execute("SELECT id, snapshot, cardinality(swaps) FROM chartimg_account").fetchall()
    assert "canary" not in str(rows)


STEPPING: LiteralString = """
CREATE TABLE IF NOT EXISTS stepped (seconds float8);
CREATE OR REPLACE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    $$ SELECT pg_catalog.clock_timestamp() + make_interval(secs => (SELECT seconds FROM stepped)) $$;
"""
"""A clock of the schema's own, which a session finds before that of the server."""


def test_a_step_of_the_servers_clock_reopens_no_day(running: PostgresqlServer) -> None:
    """Units are granted once for each UTC day of the server, however its clock steps; books of a day to come are said to be so."""
    own = own_schema(running.url)
    account = Account("a", "canary-key", daily_limit=3, requests_per_second=1e5, burst=100)
    events = EventLog()
    with (
        psycopg.connect(own, autocommit=True) as database,
        closing(PostgresqlAccountStore(f"{own}%2Cpg_catalog", timeout=LONG)) as store,
    ):
        database.execute(schema().encode())
        database.execute(STEPPING)
        database.execute("INSERT INTO stepped VALUES (0)")
        pool = AccountPool([account], store, listener=events)

        def granted_at(moment: datetime) -> int:
            """Set the server's clock, and return the number of claims that are granted then."""
            seconds = "extract(epoch FROM %s::timestamptz) - extract(epoch FROM pg_catalog.clock_timestamp())"
            database.execute(f"UPDATE stepped SET seconds = {seconds}".encode(), [moment])
            pool.status()  # the answer tells the new time
            assert abs(store.clock.now() - moment) < timedelta(hours=1)
            latest = moment + timedelta(hours=1)  # the pace may ask for a moment
            return sum(isinstance(pool.claim(latest=latest), Granted) for _ in range(5))

        granted = [granted_at(NOON + timedelta(days=day)) for day in (0, 1, 0, -1, 1, 2)]

    assert [3, 3, 0, 0, 0, 3] == granted
    assert ["a"] == [event.account_id for event in events.of(BooksAhead)]


def test_two_databases_side_by_side_keep_books_of_their_own(running: PostgresqlServer) -> None:
    """Two databases of one server, used in one process for accounts of the same id, share neither units nor time."""
    running.execute("DROP DATABASE IF EXISTS other")
    running.execute("CREATE DATABASE other")
    urls = [own_books(running.url), own_books(running.url.removesuffix("postgres") + "other")]
    account = Account("a", "canary-key", daily_limit=2, requests_per_second=1e5, burst=100)
    stores = [PostgresqlAccountStore(url, timeout=LONG) for url in urls]
    one, other = (AccountPool([account], store, VirtualClock(NOON), listener=EventLog()) for store in stores)
    turns = [isinstance(pool.claim(), Granted) for pool in (one, other, one, one, other, other)]
    one.suspend("a", "by a person")
    states = [pool.status()[0].state for pool in (one, other)]
    for store in stores:
        store.close()

    assert [True, True, True, False, True, False] == turns
    assert [AccountState.SUSPENDED, AccountState.EXHAUSTED] == states


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.gate
def test_children_forked_under_load_are_granted_each_unit_once(server: PostgresqlServer) -> None:
    """If a process forks while its threads take claims over one store, all take theirs, and no unit is granted twice."""
    account = Account("a", "canary-key", daily_limit=1000, requests_per_second=1e5, burst=1000)
    store = PostgresqlAccountStore(server.url, timeout=LONG)
    pool = AccountPool([account], store, VirtualClock(NOON), listener=EventLog())

    def serials(units: int) -> list[int]:
        """Take so many claims."""
        turns = [pool.claim() for _ in range(units)]
        return [turn.claim.serial for turn in turns if isinstance(turn, Granted)]

    pipes = [os.pipe() for _ in range(3)]
    with ThreadPoolExecutor(3) as crowd:
        futures = [crowd.submit(serials, 40) for _ in range(3)]
        children = []
        for number, (_, told) in enumerate(pipes, start=1):
            while pool.status()[0].used < 10 * number:  # it has begun, and goes on
                pass
            if not (child := os.fork()):
                try:
                    os.write(told, json.dumps(serials(20)).encode())
                    os._exit(0)
                finally:
                    os._exit(1)
            children.append(child)
        granted = [serial for future in futures for serial in future.result()]
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    for kept, told in pipes:
        os.close(told)
        with os.fdopen(kept) as answer:
            granted += json.load(answer)
    used = pool.status()[0].used
    store.close()

    assert [0, 0, 0] == statuses
    assert 180 == len(granted) == len(set(granted)) == used
