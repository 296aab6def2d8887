"""The route of kept pictures, over both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import Account, AsyncChartClient, ChartApiResult, ChartClient, ChartRequest, ConfigError, WorkerConfig
from chartimg.adapters.cache import FolderPictureCache, MemoryPictureCache
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.cached import CachedPicture, CacheEntry
from chartimg.domain.chart.freshness import Freshness
from chartimg.domain.check.grid import grid_of
from chartimg.domain.errors import CacheUnavailable
from chartimg.domain.events import CacheFailed, CallStarted, FetchFinished, PictureDoubtful
from chartimg.domain.faults import FaultKind
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.ports import CacheLock
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import Source
from chartimg.testing import EventLog, ScriptedTransport, VirtualClock, picture
from loopback import LoopbackServer, answer, serving
from rows import for_each
from samples import NOON

REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "mine", {"theme": "dark", "width": 400, "height": 300})
OLD, NEW = (Reply(200, {"content-type": "image/png"}, picture(width, 300)) for width in (400, 401))
DOWN = Reply(503)
SPENT = Reply(429, body=b'{"message":"Limit Exceeded"}')
INVALID = Reply(422, body=b'{"message":"Invalid Symbol"}')

Fetch = Callable[..., ChartApiResult]


class World:
    """One client of a kind over a script."""

    def __init__(
        self,
        kind: str,
        *script: Reply | TransportFailure,
        start: datetime = NOON + timedelta(seconds=10),
        duration: float = 0.0,
        **options: Any,
    ) -> None:
        self.clock = VirtualClock(start)
        self.transport = ScriptedTransport(script, clock=self.clock, duration=duration)
        self.notes = EventLog()
        options = {"listener": self.notes, **options}
        self._async = kind == "async"
        self.options = options
        self._client = None if self._async else self.transport.client(**options)

    def fetch(self, request: ChartRequest = REQUEST, **options: Any) -> ChartApiResult:
        """Fetch with the client; an asynchronous one is made for each fetch, over the same cache."""
        if self._client is not None:
            return self._client.fetch(request, **options)

        async def run() -> ChartApiResult:
            """Fetch with an asynchronous client."""
            async with self.transport.async_client(**self.options) as client:
                return await client.fetch(request, **options)

        return asyncio.run(run())


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    """Name each kind of client."""
    return str(request.param)


def test_a_fresh_picture_is_returned_without_a_call(kind: str) -> None:
    """A hit has the bytes and the moment of the call that was paid for, no attempts of its own, and no claim."""
    world = World(kind, OLD, cache=MemoryPictureCache(), fresh="candle")
    first = world.fetch()
    world.clock.advance(600)
    second = world.fetch()

    assert (Source.HTTP, Source.CACHE) == (first.source, second.source)
    assert (first.png_bytes, first.taken_at, "main", 200, ()) == (
        second.png_bytes,
        second.taken_at,
        second.account_id,
        second.http_status,
        second.attempts,
    )
    assert 1 == len(world.transport.calls) == len(world.notes.of(CallStarted))
    assert ["HTTP", "CACHE"] == [event.source for event in world.notes.of(FetchFinished)]


@pytest.mark.parametrize(
    ("fresh", "interval", "symbol", "seconds", "is_hit"),
    [
        ("candle", "1h", "BINANCE:BTCUSDT", 3589, True),
        ("candle", "1h", "BINANCE:BTCUSDT", 3590, False),
        ("candle", "1D", "BINANCE:BTCUSDT", 11 * 3600, True),
        ("candle", "1D", "NASDAQ:AAPL", 1789, True),
        ("candle", "1D", "NASDAQ:AAPL", 1790, False),
        (60, "1h", "BINANCE:BTCUSDT", 59, True),
        ("60", "1h", "BINANCE:BTCUSDT", 61, False),
        ("off", "1h", "BINANCE:BTCUSDT", 0, False),
        (0, "1h", "BINANCE:BTCUSDT", 0, False),
    ],
)
def test_a_picture_is_fetched_again_when_it_is_not_fresh(
    fresh: str | float, interval: str, symbol: str, seconds: float, kind: str, *, is_hit: bool
) -> None:
    """The candle closes by the exchange and the interval of the request, and seconds are counted from the call."""
    request = attrs.evolve(REQUEST, symbol=symbol, timeframe=interval)
    world = World(kind, OLD, NEW, cache=MemoryPictureCache())
    world.fetch(request, fresh=fresh)
    world.clock.advance(seconds)
    again = world.fetch(request, fresh=fresh)

    assert (Source.CACHE if is_hit else Source.HTTP) is again.source
    assert (OLD if is_hit else NEW).body == again.png_bytes


def test_a_call_that_began_before_a_close_shows_the_candle_of_before(kind: str) -> None:
    """A picture that came after a close and was asked for before it is not fresh."""
    start = NOON - timedelta(seconds=10)
    world = World(kind, OLD, NEW, cache=MemoryPictureCache(), fresh="candle", start=start, duration=20)

    assert [OLD.body, NEW.body] == [world.fetch().png_bytes for _ in range(2)]


def test_without_freshness_no_picture_is_kept(kind: str) -> None:
    """The cache is not even asked."""
    world = World(kind, OLD, cache=Broken())

    assert world.fetch().ok
    assert [] == world.notes.of(CacheFailed)


@pytest.mark.parametrize("failure", [DOWN, SPENT, INVALID, Reply(200, body=b"no picture")])
def test_a_failure_is_never_kept(failure: Reply, kind: str) -> None:
    """The next fetch makes a call, and its picture is kept."""
    cache = MemoryPictureCache()
    options: dict[str, Any] = {
        "cache": cache,
        "fresh": 3600,
        "accounts": [Account("a", "key-of-a"), Account("b", "key-of-b")],
    }
    calls = 2 if failure is SPENT else 3 if failure is DOWN else 1
    world = World(kind, *[failure] * calls, **options)
    assert not world.fetch().ok
    assert [] == cache.entries()


def test_another_body_is_another_picture(kind: str) -> None:
    """Theme, symbol and interval are parts of the body; the id of the template is not."""
    world = World(kind, OLD, NEW, cache=MemoryPictureCache(), fresh=3600)
    world.fetch()

    assert Source.HTTP is world.fetch(attrs.evolve(REQUEST, payload={"theme": "light"})).source
    assert Source.CACHE is world.fetch(attrs.evolve(REQUEST, chart_template_id="another")).source


def test_a_request_that_the_check_refuses_is_not_looked_up(kind: str) -> None:
    """Neither a kept picture nor a call answers it."""
    world = World(kind, OLD, cache=MemoryPictureCache(), fresh=3600)
    wrong = attrs.evolve(REQUEST, payload={"theme": "grey"})
    World(kind, OLD, cache=world.options["cache"], fresh=3600, check="off").fetch(wrong)

    assert FaultKind.INVALID_BEFORE_CALL == world.fetch(wrong).error.kind  # type: ignore[union-attr]


def test_a_picture_of_a_client_that_fetches_with_seconds_serves_one_that_asks_for_a_candle(kind: str) -> None:
    """Clients share a cache whatever they ask for."""
    cache = MemoryPictureCache()
    World(kind, OLD, cache=cache, fresh=1).fetch()

    assert Source.CACHE is World(kind, cache=cache).fetch(fresh="candle").source


@pytest.mark.parametrize("failure", [DOWN, TransportFailure(FaultKind.NETWORK, "reset"), SPENT])
def test_an_older_picture_may_stand_in_for_an_error_that_time_may_mend(
    failure: Reply | TransportFailure, kind: str, tmp_path: Path
) -> None:
    """It is ok, tells its age and the error in a WARNING, and has the attempts that were paid for."""
    world, clock = stale_world(kind, [OLD, failure, failure, failure], tmp_path)
    first = world.fetch()
    clock.advance(1000)
    second = world.fetch()

    assert (OLD.body, first.taken_at, Source.CACHE) == (second.png_bytes, second.taken_at, second.source)
    assert len(second.attempts) == len(world.transport.calls) - 1 > 0
    (warning,) = second.warnings
    assert "WARNING" == warning.severity
    assert warning.message.startswith("it was taken 1")
    assert " in place of the error " in warning.message
    assert [(warning,)] == [event.findings for event in world.notes.of(PictureDoubtful)]


@pytest.mark.parametrize(("failure", "seconds"), [(INVALID, 1000), (DOWN, 3601)])
def test_neither_an_old_picture_nor_one_in_place_of_a_refusal_stands_in(
    failure: Reply, seconds: float, kind: str, tmp_path: Path
) -> None:
    """The error is returned."""
    world, clock = stale_world(kind, [OLD, failure, failure, failure], tmp_path)
    world.fetch()
    clock.advance(seconds)

    assert not world.fetch().ok


def stale_world(kind: str, script: Sequence[Reply | TransportFailure], folder: Path) -> tuple[World, VirtualClock]:
    """Return a world of a client that takes pictures of an hour in place of errors."""
    world = World(kind, *script, cache=FolderPictureCache(folder / "cache"), stale_if_error=3600)
    return world, world.clock


class Broken:
    """A cache whose verbs fail, all of them or those that are named."""

    def __init__(self, *verbs: str, error: Exception | None = None) -> None:
        self._inner = MemoryPictureCache()
        self._verbs = verbs or ("read", "keep", "lock")
        self._error = error or CacheUnavailable("the disk is gone")
        self.asked: list[str] = []

    def _maybe_fail(self, verb: str) -> None:
        self.asked.append(verb)
        if verb in self._verbs:
            raise self._error

    def read(self, body_digest: str) -> CachedPicture | None:
        """Fail, or read."""
        self._maybe_fail("read")
        return self._inner.read(body_digest)

    def keep(self, picture: CachedPicture) -> None:
        """Fail, or keep."""
        self._maybe_fail("keep")
        self._inner.keep(picture)

    def lock(self, body_digest: str) -> CacheLock | None:
        """Fail, or lock."""
        self._maybe_fail("lock")
        return self._inner.lock(body_digest)

    def entries(self) -> Sequence[CacheEntry]:
        """List what is kept."""
        return self._inner.entries()

    def clear(self) -> int:
        """Remove all."""
        return self._inner.clear()

    def close(self) -> None:
        """Do nothing."""


@for_each("verbs", [(), ("read",), ("keep",), ("lock",)])
@for_each(
    ("error", "reason"),
    [(CacheUnavailable("the disk is gone"), "the disk is gone"), (KeyError("k"), "the cache raised KeyError")],
)
def test_a_fetch_works_without_a_cache_that_fails_and_says_so_once(
    verbs: tuple[str, ...], error: Exception, reason: str
) -> None:
    """The picture that was paid for is returned, whatever the cache raises. One event tells it, and a warning of each not kept."""
    world = World("sync", OLD, NEW, OLD, cache=Broken(*verbs, error=error), fresh=60)
    results = []
    for _ in range(3):
        results.append(world.fetch())
        world.clock.advance(61)

    assert [OLD.body, NEW.body, OLD.body] == [result.png_bytes for result in results]
    assert [CacheFailed(reason)] == world.notes.of(CacheFailed)
    warning = Finding("", Severity.WARNING, f"it could not be kept: {reason}")
    assert [verbs != ("lock",)] * 3 == [warning in result.warnings for result in results]


def test_a_cache_that_can_not_be_read_rests_and_is_tried_again() -> None:
    """For half a minute it is not asked, since each question may take long; after that it is."""
    cache = Broken("read")
    world = World("sync", OLD, NEW, OLD, cache=cache, fresh=1, check="off")  # the check would look for lists
    world.fetch()
    assert ["read"] == cache.asked
    world.clock.advance(20)
    world.fetch()
    assert ["read"] == cache.asked
    world.clock.advance(20)
    world.fetch()

    assert ["read", "read"] == cache.asked


@pytest.mark.parametrize("verb", ["keep", "lock"])
def test_a_cache_that_can_only_be_read_is_read(verb: str) -> None:
    """A full disk or a folder without the right to write costs no hits."""
    cache = Broken(verb)
    cache._inner.keep(kept_picture())  # noqa: SLF001 (as another process would)

    assert Source.CACHE is World("sync", cache=cache, fresh=60).fetch().source


def kept_picture(taken_at: timedelta = timedelta()) -> CachedPicture:
    """Return the picture of REQUEST as it is kept, taken so long after the usual start."""
    moment = NOON + timedelta(seconds=10) + taken_at
    return CachedPicture.of(
        OLD.body, body_digest=REQUEST.body_digest, chart="c", taken_at=moment, drawn_at=moment, account_id="main"
    )


class Elsewhere(MemoryPictureCache):
    """A cache whose lock another process holds for the first *polls* polls, and in which it then leaves *picture*."""

    def __init__(self, polls: int, picture: CachedPicture | None) -> None:
        super().__init__()
        self._polls, self._picture = polls, picture
        self.locked = 0

    def lock(self, body_digest: str) -> CacheLock | None:
        """Return None until the other process is done."""
        self.locked += 1
        if self.locked <= self._polls:
            return None
        if self._picture is not None:
            self.keep(self._picture)
        return super().lock(body_digest)


def test_a_fetch_waits_for_the_call_of_another_process(kind: str) -> None:
    """It gets the picture of that call, even if it would not be fresh otherwise, and makes none."""
    cache = Elsewhere(2, kept_picture(timedelta(seconds=0.01)))
    world = World(kind, cache=cache, fresh=0.001)
    result = world.fetch()

    assert (Source.CACHE, 3) == (result.source, cache.locked)
    assert [] == world.transport.calls


def test_a_fetch_takes_the_place_of_another_process_that_left_no_picture(kind: str) -> None:
    """It makes the call itself, and the lock is free afterwards."""
    cache = Elsewhere(2, None)
    world = World(kind, OLD, cache=cache, fresh=60)

    assert Source.HTTP is world.fetch().source
    assert cache.lock(REQUEST.body_digest) is not None


def test_an_older_picture_of_another_process_is_not_that_of_its_call(kind: str) -> None:
    """One that came before this fetch began has to be fresh."""
    cache = Elsewhere(2, kept_picture(timedelta(seconds=-1)))
    world = World(kind, NEW, cache=cache, fresh=0.5)

    assert NEW.body == world.fetch().png_bytes


def test_a_wait_for_another_process_ends_with_the_deadline() -> None:
    """The error tells it, and may be retried at once."""
    world = World("sync", cache=Elsewhere(10**9, None), fresh=60)
    result = world.fetch(deadline=5.0)

    assert result.error is not None
    assert FaultKind.NO_ACCOUNT is result.error.kind
    assert "another process, for which this one waited, had not got the chart" in result.error.message
    assert NOON + timedelta(seconds=15) == result.error.available_at == world.clock.now()


def test_the_lock_is_free_after_an_exception(kind: str) -> None:
    """A fetch that ends with an exception of the transport lets others fetch."""
    cache = MemoryPictureCache()

    def explode(*_: object) -> Reply:
        raise RuntimeError("a fault of the transport")

    world = World(kind, explode, cache=cache, fresh=60)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match="a fault of the transport"):
        world.fetch()

    assert cache.lock(REQUEST.body_digest) is not None


def test_a_client_over_a_transport_keeps_pictures_in_memory() -> None:
    """Without a cache of the host's own, a client has one that ends with it."""
    world = World("sync", OLD)

    assert [Source.HTTP, Source.CACHE] == [world.fetch(fresh=60).source for _ in range(2)]


@pytest.mark.parametrize("wrong", ["daily", -1, True])
def test_a_wrong_freshness_is_refused_at_once(wrong: Any, kind: str) -> None:
    """The message names the argument, of the constructor as of a fetch."""
    with pytest.raises(ConfigError, match="fresh must be off, candle or seconds"):
        World(kind).fetch(fresh=wrong)
    with pytest.raises(ConfigError, match="fresh must be off, candle or seconds"):
        World(kind, fresh=wrong).fetch()
    with pytest.raises(ConfigError, match="fresh must be off, candle or seconds"):
        WorkerConfig(fresh=wrong)


def test_mock_mode_touches_no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Freshness is accepted, fixtures answer, and no folder is made."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = {"CHARTS_API_MODE": "mock", "CHARTS_FRESH": "candle", "CHARTS_STALE_IF_ERROR": "60"}
    with ChartClient.from_env(settings) as client:
        request = client.request("BTCUSDT", "1h", template="price_psar_adi_v1")
        assert [Source.FIXTURE] * 2 == [client.fetch(request, fresh=60).source for _ in range(2)]

    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("client", [ChartClient, AsyncChartClient])
def test_a_cache_of_a_wrong_type_is_refused(client: Callable[..., object]) -> None:
    """The message names the argument and the methods that are missing."""
    with pytest.raises(ConfigError, match=r"cache must be .*an object with read\(\), keep\(\), lock\(\)"):
        client(transport=ScriptedTransport([]), cache="memory://")


@given(
    steps=st.lists(
        st.tuples(
            st.integers(0, 5000),
            st.sampled_from(["off", "candle"]) | st.integers(1, 5000),
            st.sampled_from([REQUEST, attrs.evolve(REQUEST, symbol="NASDAQ:AAPL")]),
        ),
        max_size=12,
    )
)
def test_a_call_is_made_exactly_if_no_kept_picture_is_fresh(
    steps: list[tuple[int, str | int, ChartRequest]],
) -> None:
    """Over any time and any wishes, calls are those that the rule of freshness leaves, and a kept picture is the last one."""
    clock = VirtualClock(NOON)
    transport = ScriptedTransport(iter(lambda: OLD, None), clock=clock, duration=3)
    account = Account("main", "key-of-main", 10**6, None, 1e5, 10**5)
    kept: dict[ChartRequest, tuple[datetime, datetime]] = {}
    with transport.client([account], log=False) as client:
        for seconds, wish, request in steps:
            clock.advance(seconds)
            fresh, now, calls = Freshness.of(wish, where="fresh"), clock.now(), len(transport.calls)
            drawn_at, taken_at = kept.get(request, (None, None))
            grid = grid_of(request.symbol, shipped_catalog())
            is_hit = drawn_at is not None and fresh.allows(drawn_at, now, "1h", grid)
            result = client.fetch(request, fresh=wish)

            assert (Source.CACHE if is_hit else Source.HTTP) is result.source
            assert calls + (not is_hit) == len(transport.calls)
            assert (taken_at if is_hit else clock.now()) == result.taken_at
            if not is_hit and not fresh.is_off:
                kept[request] = now, clock.now()


def test_pictures_of_another_address_are_other_pictures(tmp_path: Path) -> None:
    """Clients of an emulator and of the provider share a folder without an exchange of pictures."""
    settings = {"accounts": [Account("main", "key-of-main")], "account_store": "memory://", "fresh": 3600}
    bodies, numbers = [], []
    with serving() as one, serving() as other:
        for server, reply in ((one, OLD), (other, NEW), (one, NEW)):
            server.script.append(answer(200, reply.body))
            config = WorkerConfig(base_url=server.url, cache=str(tmp_path / "pictures"), **settings)  # type: ignore[arg-type]
            with ChartClient(config) as client:
                bodies.append(client.fetch(REQUEST).png_bytes)
        numbers = [len(server.requests) for server in (one, other)]

    assert ([OLD.body, NEW.body, OLD.body], [1, 1]) == (bodies, numbers)


def test_a_fetch_works_without_a_home_for_its_pictures(
    server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A default folder that can't be found stops neither the client nor a fetch, and is told once."""
    monkeypatch.setenv("HOME", "")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    server.script += [answer(200, OLD.body), answer(200, NEW.body)]
    notes, account = EventLog(), Account("main", "key-of-main", None, None, 1e5, 10**5)
    config = WorkerConfig(accounts=[account], account_store="memory://", base_url=server.url, fresh=60)
    with ChartClient(config, listener=notes) as client:
        assert [OLD.body, NEW.body] == [client.fetch(REQUEST).png_bytes for _ in range(2)]

    (failed,) = notes.of(CacheFailed)
    assert "the cache of pictures has no place at ~/pictures" in failed.reason
    assert failed.reason.endswith("set HOME, or set CHARTS_CACHE to a folder or to off")
    assert [] == list(tmp_path.iterdir())
