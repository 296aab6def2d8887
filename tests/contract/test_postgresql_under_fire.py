"""A PostgreSQL that stops, hangs or loses connections and answers: no call without a claim, and a clear report."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

from chartimg import Account, AccountPool, StoreUnavailable
from chartimg.adapters.postgresql import PostgresqlAccountStore, schema
from chartimg.domain.account.turn import Granted
from chartimg.domain.events import StoreFailed
from chartimg.testing import EventLog, VirtualClock
from patience import LONG, with_patience
from postgresql_server import PostgresqlServer, postgresql_server
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
