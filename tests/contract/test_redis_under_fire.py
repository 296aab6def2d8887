"""A Redis that stops, hangs, resets connections or loses data: no call without a claim, and a clear report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from chartimg.adapters.redis import RedisAccountStore
from chartimg.domain.events import StoreFailed, StoreLostWrites
from command import run
from patience import LONG, with_patience
from redis_server import RedisServer, redis_server
from store_bench import StoreBench


def bench_of(server: RedisServer, timeout: float = LONG) -> StoreBench:
    """Return a bench over a store on the test's own server."""
    return StoreBench(RedisAccountStore(server.url, timeout=timeout))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[RedisServer]:
    """Yield a server of the test's own."""
    with redis_server(tmp_path / "redis") as running:
        yield running


def test_a_server_that_stops_and_comes_back_is_used_again(server: RedisServer) -> None:
    """While the server is gone no call is made and each request reports the store; later fetches work again."""
    bench = bench_of(server)
    assert bench.fetch()
    server.save()
    server.stop()
    gone = [bench.fetch(), bench.fetch()]
    calls = bench.calls
    server.start()

    assert ([False, False], 1) == (gone, calls)
    assert 2 == len(bench.events.of(StoreFailed))
    assert bench.fetch()
    assert (2, 2) == (bench.calls, bench.used)
    assert [] == bench.events.of(StoreLostWrites)


def test_a_server_that_hangs_is_not_waited_for_forever(server: RedisServer) -> None:
    """A hanging server is reported as unreachable without a call; its unit stays charged if the swap may be done."""

    def check(timeout: float) -> None:
        server.client().flushall()
        bench = bench_of(server, timeout)
        assert bench.fetch()
        server.freeze()
        hung = bench.fetch()
        server.thaw()

        assert not hung
        assert bench.fetch()
        assert 2 == bench.calls
        assert 2 <= bench.used <= 3

    with_patience(check)


def test_a_paused_server_is_reported_as_unreachable(server: RedisServer) -> None:
    """A server that pauses for longer than the timeout is reported as unreachable."""

    def check(timeout: float) -> None:
        bench = bench_of(server, timeout)
        assert bench.fetch()
        server.client().client_pause(int(3_000 * timeout))

        assert not bench.fetch()
        assert 1 == bench.calls
        server.client().client_unpause()

    with_patience(check)


def test_a_connection_that_is_reset_is_made_again(server: RedisServer) -> None:
    """After a reset connection the next claim is taken as usual."""
    bench = bench_of(server)
    for _ in range(3):
        assert bench.fetch()
        server.client().client_kill_filter(_type="normal", skipme=True)

    assert (3, 3) == (bench.calls, bench.used)


def test_a_failover_that_loses_the_last_writes_is_repaired_and_reported(server: RedisServer) -> None:
    """After lost writes a running process writes its snapshots again and reports the units in doubt."""
    bench = bench_of(server)
    assert [True] * 2 == [bench.fetch() for _ in range(2)]
    server.save()
    assert [True] * 3 == [bench.fetch() for _ in range(3)]
    server.stop()
    server.start()  # with the books as they were three calls ago
    other = bench_of(server)
    assert 2 == other.pool.status()[0].used

    assert bench.fetch()
    (lost,) = bench.events.of(StoreLostWrites)
    assert isinstance(lost, StoreLostWrites)
    assert ("a", 3) == (lost.account_id, lost.units)
    assert 6 == bench.used == other.pool.status()[0].used
    assert sum(bench.fetch() for _ in range(9)) == 4
    assert 10 == bench.calls


def test_a_server_that_lost_everything_gets_the_books_again(server: RedisServer) -> None:
    """A server that lost all data gets the snapshots that a running process remembers."""
    bench = bench_of(server)
    assert [True] * 4 == [bench.fetch() for _ in range(4)]
    server.client().flushall()

    assert 4 == bench.used
    assert 4 == bench_of(server).pool.status()[0].used


def test_the_command_tells_an_unreachable_store_from_want_of_quota(server: RedisServer, tmp_path: Path) -> None:
    """With an unreachable store each command prints one line, exits with 69 and makes no call."""
    settings = {
        "CHART_IMG_ACCOUNTS_JSON": '[{"id": "a", "apiKey": "canary-key"}]',
        "CHARTS_ACCOUNT_STORE": server.url.replace("redis://", "redis://:canary-password@"),
        "CHARTS_API_BASE_URL": "http://127.0.0.1:1",
    }
    server.stop()
    fetch = ("fetch", "BTCUSDT", "1h", "--template", "price_psar_adi_v1", "--out", "c.png")
    export = ("export", "--symbols", "BTCUSDT", "--timeframes", "1h", "--out", "out")
    for command in (fetch, export, ("accounts",), ("accounts", "forecast", "3")):
        child = run(*command, cwd=tmp_path, **settings)

        assert 69 == child.returncode, (command, child.stderr)
        assert "canary" not in child.stdout + child.stderr
        assert command[0] == "export" or child.stderr.count("\n") == 1
