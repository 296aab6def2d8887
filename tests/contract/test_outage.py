"""An outage over both clients: schedules in virtual time, each found again by its seed, and crowds at the moment of a probe."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from contextlib import ExitStack
from datetime import timedelta
from itertools import count
from pathlib import Path

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chartimg import (
    Account,
    AccountPool,
    ChartApiResult,
    ChartRequest,
    ErrorCode,
    FaultKind,
    RetryPolicy,
    fetch_with_retries,
)
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.clock import SystemClock
from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.recording import RecordingTransport
from chartimg.app.async_client import AsyncClient
from chartimg.app.checking import Checker
from chartimg.app.client import SyncClient
from chartimg.app.outage_watch import Visit
from chartimg.app.route import Route
from chartimg.app.routes import Routes
from chartimg.domain.chart import Request
from chartimg.domain.chart.file_name import stem
from chartimg.domain.events import CallFinished, CallStarted, Event, ServiceDown, ServiceUp
from chartimg.domain.outage import Service
from chartimg.domain.ports import Clock, Signal
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import EventLog, Outcome, ScriptedTransport, VirtualClock, picture
from samples import NOON
from simulation import SimulatedClock, SimulatedWorkers, simulate

KINDS = ["threads", "tasks"]
PNG = picture(8, 8)
PICTURE, BUSY = Reply(200, body=PNG), Reply(503)
HUNG = TransportFailure(FaultKind.NETWORK, "read timed out")
ACCOUNT = Account("a", "key-of-a", daily_limit=10_000, requests_per_second=50.0, burst=50)
SLOW = attrs.evolve(ACCOUNT, requests_per_second=1.0, burst=3)
POLICY = RetryPolicy(max_attempts=3, base_delay=1.0, max_delay=4.0, deadline=60.0)
MAX_LATENCY = 6.0
ROUNDING = 1e-3


def chart(number: int) -> ChartRequest:
    """Return a request with a body of its own."""
    return ChartRequest("BINANCE:BTCUSDT", "1h", f"t{number}", {"width": 400 + number})


class Time(SimulatedClock):
    """Virtual time whose waits can be ended early, in threads too."""

    def wait(self, seconds: float, signal: Signal) -> None:
        """Look at the signal twice a second."""
        ends = self.monotonic() + seconds
        while (left := ends - self.monotonic()) > 1e-6 and not signal.wait(0):
            self.sleep(min(left, 0.5))


@attrs.define(eq=False)
class World:
    """A provider that is down for a while, a client of either kind, and all that happened."""

    kind: str
    chance: random.Random
    account: Account
    down_from: float
    down_to: float
    hangs: float
    clock: Time = attrs.field(init=False)
    pool: AccountPool = attrs.field(init=False)
    workers: SimulatedWorkers = attrs.field(init=False)
    client: SyncClient | AsyncClient = attrs.field(init=False)
    events: list[tuple[float, Event]] = attrs.field(factory=list)
    sent: list[tuple[float, float]] = attrs.field(factory=list)
    ends: list[tuple[float, float, float, ChartApiResult]] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        """Open the client."""
        self.workers = SimulatedWorkers(self.chance)
        self.clock = Time(self.workers)
        self.pool = AccountPool([self.account], MemoryAccountStore(), self.clock, listener=self)
        routes = Routes(
            (Route(self, self.pool),),
            policy=POLICY,
            clock=self.clock,
            chance=self.chance.random,
            listener=self,
            resources=ExitStack(),
            checker=Checker(shipped_catalog),
        )
        self.client = SyncClient(routes) if self.kind == "threads" else AsyncClient(routes, self.workers)

    def notify(self, event: Event) -> None:
        """Keep the event with its moment."""
        self.events.append((self.clock.monotonic(), event))

    def send(self, request: Request, account: Account | None, *, timeout: float | None = None) -> Outcome:
        """Draw a picture in some seconds; fail the calls that come during the outage, at once or after a while."""
        assert timeout is not None
        began = self.clock.monotonic()
        is_down = self.down_from <= began < self.down_to
        takes = min(self.chance.uniform(0.05, self.hangs if is_down else MAX_LATENCY), timeout)
        self.sent.append((began, began + takes))
        self.clock.sleep(takes)
        if takes >= timeout:
            return HUNG
        return self.chance.choice((BUSY, HUNG)) if is_down else PICTURE

    async def ask(self, number: int, at: float, deadline: float) -> ChartApiResult:
        """Ask for a chart at a moment."""
        await asyncio.sleep(at - self.clock.monotonic())
        begun, client = self.clock.monotonic(), self.client
        if isinstance(client, AsyncClient):
            result = await client.fetch(chart(number), deadline=deadline)
        else:
            result = await self.workers.run(lambda: client.fetch(chart(number), deadline=deadline))
        self.ends.append((begun, deadline, self.clock.monotonic(), result))
        return result

    def under_way(self, at: float) -> int:
        """Count the calls that were under way at a moment."""
        return sum(began < at <= ended + 1e-5 for began, ended in self.sent)


def check(world: World) -> None:
    """Check all invariants of an outage."""
    opened = next((at for at, event in world.events if isinstance(event, ServiceDown) and at >= world.down_from), None)
    before = world.down_to if opened is None else min(opened, world.down_to)
    in_outage = [began for began, _ in world.sent if world.down_from <= began < world.down_to]
    probes, probe_at, probing, is_early = 0, None, "", False
    for at, event in world.events:
        match event:
            case ServiceDown(until=until):
                probe_at = (until - NOON).total_seconds()
            case ServiceUp():
                probe_at, is_early = None, False
            case CallStarted(chart=name) if probe_at is not None:
                assert at >= probe_at - ROUNDING or not is_early, (
                    "another body than that of all failures may probe once"
                )
                is_early = is_early or at < probe_at - ROUNDING
                assert not probing, "at most one probe at a time"
                probes, probing = probes + 1, name
            case CallFinished(chart=name) if name == probing:
                probing = ""
    at_the_end = world.under_way(before) - (opened == before)
    assert len(in_outage) <= 3 + world.under_way(world.down_from) + at_the_end + probes
    for begun, deadline, ended, result in world.ends:
        if result.error is not None and result.error.kind is FaultKind.SERVICE_DOWN:
            assert () == result.attempts
            assert result.error.retriable
            assert ErrorCode.CHART_API_FAILED is result.error.code
            assert result.error.available_at is not None
            at, latest = (result.error.available_at - NOON).total_seconds(), begun + deadline - MAX_LATENCY / 2
            assert at >= latest - ROUNDING or ended >= latest - ROUNDING, "a probe that is due in time is waited for"
        assert ended <= begun + deadline + 0.5 + ROUNDING
    assert len(world.sent) == world.pool.status()[0].used, "every claim is one call"


async def day(chance: random.Random, kind: str) -> World:
    """Ask for charts at random moments before, during and after an outage."""
    begins = chance.uniform(0.0, 60.0)
    world = World(
        kind,
        chance,
        chance.choice((ACCOUNT, SLOW)),
        begins,
        begins + chance.choice((5.0, 60.0, 600.0, 3_600.0)),
        chance.choice((0.1, 3.0, 90.0)),
    )
    ends = world.down_to + 60.0
    asks = [chance.uniform(0.0, min(ends, begins + 120.0)) for _ in range(20)] + [
        chance.uniform(0, ends) for _ in range(20)
    ]
    bursts = [chance.uniform(0.0, ends)] * 5
    deadlines = (2.0, 20.0, 45.0, 200.0)
    await asyncio.gather(
        *(world.ask(number, at, chance.choice(deadlines)) for number, at in enumerate(sorted(asks + bursts)))
    )
    return world


@given(st.integers(0, 2**32))
def test_an_outage_costs_three_calls_and_its_probes(seed: int) -> None:
    """An outage costs three calls, those under way and its probes; no fetch ends with SERVICE_DOWN while a probe is due in time."""
    check(simulate(lambda chance: day(chance, "tasks"), seed))


@settings(max_examples=settings().max_examples // 5)
@given(st.integers(0, 2**32))
def test_an_outage_costs_threads_as_little(seed: int) -> None:
    """The same holds for the synchronous client in many threads."""
    check(simulate(lambda chance: day(chance, "threads"), seed))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_back", [True, False])
def test_a_crowd_at_the_moment_of_a_probe_makes_one_call(kind: str, *, is_back: bool) -> None:
    """Of 32 who wait for a probe one makes it; the others are served if it succeeds, and else wait for the next one."""

    async def crowd(chance: random.Random) -> World:
        """Let 32 fetches ask before the probe is due."""
        world = World(kind, chance, ACCOUNT, 0.0, 10.0 if is_back else 40.0, 0.1)
        await asyncio.gather(*(world.ask(1_000 + number, 0.01 * number, 1.0) for number in range(3)))
        assert Service.DOWN is world.pool.service().state
        await asyncio.gather(*(world.ask(number, 3.0, 300.0) for number in range(32)))
        return world

    world = simulate(crowd, 7)
    starts = sorted(began for began, _ in world.sent)
    first = [(began, ended) for began, ended in world.sent if 20.0 < began]
    probe, ended = min(first)
    others = [began for began, _ in first if began != probe]
    results = [result for *_, result in world.ends[3:]]

    assert all(began >= ended - ROUNDING for began in others), "nobody calls while the probe is under way"
    assert len([began for began in starts if began < 3.0]) <= 6
    if is_back:
        assert (32, 32) == (len(first), sum(result.ok for result in results))
    else:
        (failed,) = [result for result in results if not result.ok]
        assert (31, 1) == (sum(result.ok for result in results), len(failed.attempts))
        assert 33 - 1 == len(first)
    assert Service.UP is world.pool.service().state


def test_a_crowd_of_threads_at_the_moment_of_a_probe_makes_one_call() -> None:
    """Of 32 real threads that ask at the moment of a probe one may call."""
    clock, log = VirtualClock(), EventLog()
    pool = down(clock, log)
    clock.advance(30.0)
    barrier, allowed = threading.Barrier(32), []
    watch, visits = pool.watch, [Visit(chart(number)) for number in range(32)]

    def ask(number: int) -> None:
        barrier.wait()
        if watch.ask(visits[number]) is None:
            allowed.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == len(allowed)
    watch.leave(visits[allowed[0]])
    assert watch.ask(visits[0]) is None


def down(clock: Clock, log: EventLog | None = None) -> AccountPool:
    """Return a pool whose last three calls have failed."""
    pool = AccountPool([ACCOUNT], clock=clock, listener=log)
    client = ScriptedTransport([BUSY] * 3).client(pool, clock=clock, policy=RetryPolicy(max_attempts=1))
    for number in range(3):
        assert not client.fetch(chart(900 + number)).ok
    assert Service.DOWN is pool.service().state
    return pool


def test_who_can_not_wait_for_the_probe_makes_no_call() -> None:
    """A fetch whose deadline is before the next probe ends at once, without a call, a claim or a wait, and says when to come back."""
    clock, log = VirtualClock(), EventLog()
    pool = down(clock, log)
    used, before = pool.status()[0].used, clock.monotonic()
    transport = ScriptedTransport([], clock=clock)
    result = transport.client(pool).fetch(chart(1), deadline=5.0)

    assert result.error is not None
    assert (FaultKind.SERVICE_DOWN, ErrorCode.CHART_API_FAILED, True) == (
        result.error.kind,
        result.error.code,
        result.error.retriable,
    )
    assert ((), None, None) == (result.attempts, result.http_status, result.account_id)
    assert pool.service().probe_at == result.error.available_at
    assert "no call was made, since the provider has failed 3 times in a row; " in result.error.message
    assert (used, before, []) == (pool.status()[0].used, clock.monotonic(), transport.calls)


def test_who_can_wait_makes_the_probe_and_its_picture_ends_the_outage() -> None:
    """A fetch that can wait does so, makes one call, and its picture ends the outage; both ends of it are events."""
    clock, log = VirtualClock(), EventLog()
    pool = down(clock, log)
    since = clock.monotonic()
    result = ScriptedTransport([PICTURE], clock=clock).client(pool).fetch(chart(1))

    assert (True, 1, Service.UP) == (result.ok, len(result.attempts), pool.service().state)
    assert 24.0 <= clock.monotonic() - since <= 30.0
    (began,), (ended,) = log.of(ServiceDown), log.of(ServiceUp)
    assert (3, "HTTP 503") == (began.failures, began.reason)
    assert clock.monotonic() - since == pytest.approx(ended.seconds, abs=0.01)


def test_a_probe_is_one_call() -> None:
    """The fetch that probes makes one call, although it has attempts and time left, and says when the next probe is due."""
    clock = VirtualClock()
    pool = down(clock)
    result = ScriptedTransport([BUSY], clock=clock).client(pool).fetch(chart(1))

    assert result.error is not None
    assert (FaultKind.SERVICE_UNAVAILABLE, 1) == (result.error.kind, len(result.attempts))
    assert pool.service().probe_at == result.error.available_at
    assert result.error.available_at is not None
    assert 48.0 <= (result.error.available_at - clock.now()).total_seconds() <= 60.0


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply(429, body=b'{"message":"Too Many Requests"}'), Service.UP),
        (Reply(422, body=b'{"message":"Invalid Symbol"}'), Service.UP),
        (Reply(200, body=b"<html>We will be back</html>"), Service.DOWN),
        (Reply(302), Service.DOWN),
    ],
)
def test_any_answer_of_the_service_ends_the_outage(reply: Reply, state: Service) -> None:
    """A 429 or a 4xx to the probe ends the outage; a page or a redirect does not."""
    clock = VirtualClock()
    pool = down(clock)
    ScriptedTransport([reply], clock=clock).client(pool, policy=RetryPolicy(max_attempts=1)).fetch(chart(1))

    assert state is pool.service().state


def test_a_429_never_opens_an_outage() -> None:
    """However many calls are throttled, the service is up."""
    clock = VirtualClock()
    pool = AccountPool([ACCOUNT], clock=clock)
    throttled = Reply(429, {"retry-after": "0"}, b'{"message":"Too Many Requests"}')
    client = ScriptedTransport([throttled] * 9, clock=clock).client(pool, policy=RetryPolicy(max_attempts=3))
    for number in range(3):
        client.fetch(chart(number))

    assert (Service.UP, 0) == (pool.service().state, pool.service().failures)


def test_a_body_that_fails_alone_is_given_up_after_two_calls() -> None:
    """A body with two 5xx, and a picture of another between them, is final after the second, and opens no outage."""
    clock, log = VirtualClock(), EventLog()
    pool = AccountPool([ACCOUNT], clock=clock, listener=log)

    def other(*_: object) -> Outcome:
        assert ScriptedTransport([PICTURE], clock=clock).client(pool).fetch(chart(next(numbers))).ok
        return BUSY

    numbers = count(1)
    poison = ScriptedTransport([BUSY, other, other, other], clock=clock).client(pool)
    first, second, third = (poison.fetch(chart(0)) for _ in range(3))

    assert [2, 1, 1] == [len(result.attempts) for result in (first, second, third)]
    for result in (first, second, third):
        assert result.error is not None
        assert (FaultKind.SERVICE_UNAVAILABLE, False) == (result.error.kind, result.error.retriable)
        assert "this one is at fault: change its body" in result.error.message
    assert ([], Service.UP) == (log.of(ServiceDown), pool.service().state)


def test_a_person_may_force_the_probe_and_whoever_waits_makes_it() -> None:
    """After ``probe()`` a fetch that waits for the probe makes it at once, in threads and on the loop."""
    for kind in KINDS:

        async def forced(chance: random.Random, kind: str = kind) -> World:
            """Force the probe while a fetch waits for it."""
            world = World(kind, chance, ACCOUNT, 0.0, 3.0, 0.1)
            await asyncio.gather(*(world.ask(900 + number, 0.0, 1.0) for number in range(3)))
            waiting = asyncio.ensure_future(world.ask(1, 4.0, 100.0))
            await asyncio.sleep(1.0)
            world.pool.probe()
            assert (await waiting).ok
            return world

        world = simulate(forced, 3)
        assert [True] == [began < 6.0 for began, _ in world.sent if began > 3.0]


def test_a_fetch_that_gives_its_probe_up_returns_the_turn() -> None:
    """A probe that raises, or whose caller leaves while its claim is waited for, gives its turn back at once."""
    clock = VirtualClock()
    pool = down(clock)
    clock.advance(30.0)

    def raises(*_: object) -> Outcome:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ScriptedTransport([raises], clock=clock).client(pool).fetch(chart(1))
    assert Service.DOWN is pool.service().state
    before = clock.monotonic()
    assert ScriptedTransport([PICTURE], clock=clock).client(pool).fetch(chart(2)).ok
    assert before == clock.monotonic()

    async def left(chance: random.Random) -> World:
        """Cancel the fetch that has the probe, and ask again."""
        world = World("tasks", chance, attrs.evolve(SLOW, requests_per_second=0.1), 0.0, 5.0, 0.1)
        await asyncio.gather(*(world.ask(900 + number, 0.0, 3.0) for number in range(3)))
        await asyncio.sleep(30.0)
        world.pool.claim()
        world.pool.claim()
        world.pool.claim()
        probe = asyncio.ensure_future(world.ask(1, 0.0, 100.0))
        await asyncio.sleep(1.0)
        assert Service.PROBING is world.pool.service().state
        probe.cancel()
        await asyncio.sleep(1.0)
        assert Service.DOWN is world.pool.service().state
        assert (await world.ask(2, 0.0, 100.0)).ok
        return world

    simulate(left, 5)


def test_a_call_that_waited_for_its_moment_is_not_made_in_an_outage() -> None:
    """A claim for later is given back if the service is down when its moment has come."""

    async def paced(chance: random.Random) -> World:
        """Ask for twenty charts of a slow account."""
        world = World("tasks", chance, SLOW, 0.0, 1_000.0, 0.1)
        await asyncio.gather(*(world.ask(number, 0.0, 15.0) for number in range(20)))
        return world

    world = simulate(paced, 11)

    assert 3 == len(world.sent) == world.pool.status()[0].used
    assert Service.DOWN is world.pool.service().state


def test_a_client_that_is_closed_waits_for_no_probe() -> None:
    """A fetch that waits for a probe ends at once when its client is closed."""
    clock = SystemClock()
    pool = down(clock)
    client = ScriptedTransport([]).client(pool, clock=clock)
    ends: list[ChartApiResult] = []
    thread = threading.Thread(target=lambda: ends.append(client.fetch(chart(1), deadline=600.0)))
    thread.start()
    while not pool.watch._waiting:  # noqa: SLF001 (nothing public tells that a thread waits)
        thread.join(0.01)
    client.close()
    thread.join(30.0)

    assert not thread.is_alive()
    assert [FaultKind.STOPPED] == [each.error.kind for each in ends if each.error is not None]


def test_an_outage_that_is_off_changes_nothing() -> None:
    """With ``outage=False`` every fetch makes its calls."""
    clock = VirtualClock()
    pool = AccountPool([ACCOUNT], clock=clock, outage=False)
    transport = ScriptedTransport([BUSY] * 12, clock=clock)
    client = transport.client(pool)
    for number in range(4):
        client.fetch(chart(number))

    assert (12, Service.UP) == (len(transport.calls), pool.service().state)


def test_in_record_mode_nothing_is_called_or_recorded_either(tmp_path: Path) -> None:
    """A missing chart is neither fetched nor recorded in an outage; a recorded one is replayed."""
    clock = VirtualClock()
    pool = down(clock)
    recording = RecordingTransport(ScriptedTransport([], clock=clock), tmp_path, now=clock.now)
    routes = Routes(
        (Route(FixtureTransport(tmp_path)), Route(recording, pool, lock=recording.lock)),
        policy=POLICY,
        clock=clock,
        chance=lambda: 0.5,
        listener=EventLog(),
        resources=ExitStack(),
        checker=Checker(shipped_catalog),
    )
    (tmp_path / f"{stem(chart(1).key)}.png").write_bytes(PNG)
    client = SyncClient(routes)
    recorded, missing = client.fetch(chart(1)), client.fetch(chart(2), deadline=5.0)

    assert recorded.ok
    assert missing.error is not None
    assert FaultKind.SERVICE_DOWN is missing.error.kind
    assert 1 == len(list(tmp_path.glob("*.png")))
    assert [] == list(tmp_path.glob("*.json"))


def test_one_function_call_knows_what_its_pool_knows() -> None:
    """``fetch_with_retries`` over a pool heeds the outage that others have found; over plain accounts it begins anew."""
    clock = VirtualClock()
    pool, policy = down(clock), RetryPolicy(deadline=5.0)
    known = fetch_with_retries(
        transport=ScriptedTransport([]), request=chart(1), accounts=pool, policy=policy, clock=clock
    )
    anew = fetch_with_retries(
        transport=ScriptedTransport([PICTURE]), request=chart(1), accounts=[ACCOUNT], policy=policy, clock=clock
    )

    assert known.error is not None
    assert (FaultKind.SERVICE_DOWN, True) == (known.error.kind, anew.ok)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_finds_the_outage_out_by_itself() -> None:
    """In a forked child the service is up until its own calls have failed; the parent still knows."""
    pool = down(VirtualClock())

    if not (child := os.fork()):
        os._exit(pool.service().state is Service.UP)

    assert 1 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert Service.DOWN is pool.service().state


def test_the_status_is_true_to_the_moment() -> None:
    """The status names the beginning of the outage and the next probe; while one probes there is no next one."""
    clock = VirtualClock()
    pool = down(clock)
    began = clock.now()
    status = pool.service()
    clock.advance(30.0)
    visit = Visit(chart(1))
    assert pool.watch.ask(visit) is None
    probed = pool.service()
    pool.watch.leave(visit)

    assert (Service.DOWN, 3, began) == (status.state, status.failures, status.since)
    assert status.probe_at is not None
    assert timedelta(seconds=24) <= status.probe_at - began <= timedelta(seconds=30)
    assert (Service.PROBING, None, began) == (probed.state, probed.probe_at, probed.since)
    assert clock.now() == pool.service().probe_at


@pytest.mark.parametrize("kind", [CallStarted, CallFinished])
def test_a_fetch_inside_a_probe_does_not_wait_for_it(kind: type[Event]) -> None:
    """A listener that fetches another chart during a probe gets SERVICE_DOWN at once, since the probe waits for the listener."""

    class Again:
        """Fetches once more in the probe."""

        def notify(self, event: Event) -> None:
            """Fetch."""
            pool = client.accounts
            if isinstance(event, kind) and pool is not None and pool.service().state is Service.PROBING and not inner:
                inner.append(client.fetch(chart(2)))

    inner: list[ChartApiResult] = []
    transport = ScriptedTransport([BUSY, BUSY, BUSY, PICTURE, PICTURE])
    with transport.client([ACCOUNT], listener=Again(), policy=POLICY, log=False) as client:
        client.fetch(chart(1), deadline=10.0)
        probe = client.fetch(chart(1))
        after = client.fetch(chart(2))

    assert (True, True) == (probe.ok, after.ok)
    assert [FaultKind.SERVICE_DOWN] == [each.error.kind for each in inner if each.error is not None]


def test_a_probe_over_a_transport_that_raises_has_failed() -> None:
    """If a transport raises during an outage, requests before the end of the next pause make no call."""

    def broken(_: Request, __: Account | None, ___: float | None) -> Outcome:
        raise RuntimeError("broken")

    transport = ScriptedTransport([BUSY, BUSY, BUSY, broken])
    with transport.client([ACCOUNT], policy=POLICY) as client:
        client.fetch(chart(1), deadline=10.0)
        with pytest.raises(RuntimeError, match="broken"):
            client.fetch(chart(2))
        later = [client.fetch(chart(number), deadline=10.0) for number in range(3, 6)]

    assert [FaultKind.SERVICE_DOWN] * 3 == [each.error.kind for each in later if each.error is not None]
    assert 4 == len(transport.calls)
