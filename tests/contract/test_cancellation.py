"""Callers who leave: thousands of schedules of the asynchronous client in virtual time, each found again by its seed."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from contextlib import ExitStack
from itertools import count

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import Account, AccountPool, ChartApiResult, ChartRequest, RetryPolicy
from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.async_client import AsyncClient
from chartimg.app.checking import Checker
from chartimg.app.client import SyncClient
from chartimg.app.route import Route
from chartimg.app.routes import Routes
from chartimg.domain.events import CallFinished, CallStarted, Event, PictureKept
from chartimg.domain.faults import FaultKind
from chartimg.domain.fetch import STOPPED
from chartimg.domain.ports import Clock, Listener
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import Source
from chartimg.testing import EventLog, Outcome, ScriptedTransport, VirtualClock, picture
from simulation import SimulatedClock, SimulatedWorkers, simulate

GRACE = 0.5 + 1e-9  # rounding
REQUESTS = [ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"width": 800 + number}) for number in range(3)]
ACCOUNTS = [
    Account("a", "key-of-a", daily_limit=9, requests_per_second=2.0, burst=1),
    Account("b", "key-of-b", daily_limit=5, requests_per_second=1.0, burst=2),
]
POLICY = RetryPolicy(max_attempts=3, base_delay=1.0, max_delay=4.0, deadline=20.0)
FAILURES: list[Outcome] = [
    Reply(503),
    Reply(429, {"retry-after": "2"}, b'{"message":"Too Many Requests"}'),
    Reply(403, body=b'{"message":"Forbidden"}'),
    Reply(422, body=b'{"message":"Invalid Symbol"}'),
    TransportFailure(FaultKind.NETWORK, "read timed out"),
]


def routes(transport: object, accounts: AccountPool, clock: Clock, listener: Listener, chance: random.Random) -> Routes:
    """Build the routes of a client of either kind."""
    return Routes(
        (Route(transport, accounts),),  # type: ignore[arg-type]
        policy=POLICY,
        clock=clock,
        chance=chance.random,
        listener=listener,
        resources=ExitStack(),
        checker=Checker(shipped_catalog),
    )


class Quarters(random.Random):
    """Random numbers that add up without rounding."""

    def random(self) -> float:
        """Return 0, a quarter, a half or three quarters."""
        return int(super().random() * 4) / 4


class Provider:
    """Answers after up to six seconds, one time of two with a picture that it draws once."""

    def __init__(self, clock: SimulatedClock, chance: random.Random) -> None:
        """Draw nothing yet."""
        self.clock, self.chance = clock, chance
        self.drawn: list[bytes] = []
        self.sizes = count(1)
        self.sent: Counter[str] = Counter()

    def send(self, request: ChartRequest, account: Account | None, *, timeout: float | None = None) -> Outcome:
        """Answer, or fail when the time is over."""
        assert account is not None
        assert timeout is not None
        self.sent[account.id] += 1
        seconds = self.chance.uniform(0.1, 6.0)
        self.clock.sleep(min(seconds, timeout))
        if seconds >= timeout:
            return TransportFailure(FaultKind.NETWORK, "read timed out")
        if self.chance.random() < 0.5:
            return self.chance.choice(FAILURES)
        self.drawn.append(picture(8, next(self.sizes)))
        return Reply(200, body=self.drawn[-1])


@attrs.define
class Seen:
    """What happened to the callers of one run."""

    returned: list[ChartApiResult] = attrs.field(factory=list)
    asked: dict[str, tuple[str, float]] = attrs.field(factory=dict)
    gone: dict[str, float] = attrs.field(factory=dict)
    late: list[float] = attrs.field(factory=list)

    def has_waiter(self, chart: str, at: float) -> bool:
        """Return whether somebody waited at this moment for a chart with the body of *chart*."""
        body, _ = self.asked[chart]
        return any(
            other == body and begun <= at <= self.gone.get(name, at) for name, (other, begun) in self.asked.items()
        )


class Watch:
    """Keeps events with the moment of each, and which task's fetch each belongs to."""

    def __init__(self, clock: SimulatedClock) -> None:
        """Keep no event yet."""
        self.clock = clock
        self.events: list[tuple[float, Event]] = []

    def notify(self, event: Event) -> None:
        """Keep the event."""
        self.events.append((self.clock.monotonic(), event))


def check_calls(watch: Watch, seen: Seen) -> None:
    """Check that at each moment there is one call for a body, and somebody who waits for it, but for calls given up."""
    under_way: dict[str, str] = {}
    for at, event in watch.events:
        if isinstance(event, CallStarted):
            body, _ = seen.asked[event.chart]
            other = under_way.get(body)
            assert other is None or seen.gone[other] <= at, "one call for one body at a moment, but for those given up"
            under_way[body] = event.chart
        if isinstance(event, CallFinished) and under_way.get(seen.asked[event.chart][0]) == event.chart:
            del under_way[seen.asked[event.chart][0]]
        if isinstance(event, CallStarted):
            assert seen.has_waiter(event.chart, at), "no call follows when all who asked for its body have gone"


async def bad_day(chance: random.Random) -> None:
    """Let one to seven callers ask, leave and leave again at random, close the client at random, and check the invariants."""
    workers = SimulatedWorkers(chance, latency=0.3)
    clock = SimulatedClock(workers)
    watch, seen = Watch(clock), Seen()
    accounts = AccountPool(ACCOUNTS, MemoryAccountStore(), clock, listener=watch)
    provider = Provider(clock, chance)
    client = AsyncClient(routes(provider, accounts, clock, watch, chance), workers)

    async def caller(number: int) -> None:
        """Ask for one chart at some moment, and leave at another."""
        await asyncio.sleep(chance.uniform(0, 5))
        begun, deadline = clock.monotonic(), chance.choice([None, 1.0, 4.0, 12.0])
        request = attrs.evolve(chance.choice(REQUESTS), chart_template_id=f"t{number}")
        seen.asked[str(request.key)] = request.body_digest, begun
        try:
            seen.returned.append(await client.fetch(request, deadline=deadline))
        except ValueError:
            assert closing.done() or not closing.cancelled()
        finally:
            seen.gone[str(request.key)] = clock.monotonic()
        seen.late.append(clock.monotonic() - begun - (POLICY.deadline if deadline is None else deadline))

    async def close() -> None:
        """Close the client at some moment."""
        await asyncio.sleep(chance.choice([3.0, 8.0, 60.0]))
        closed.append(clock.monotonic())
        await client.aclose(drain=1_000.0)

    closed: list[float] = []
    callers = [asyncio.create_task(caller(number)) for number in range(chance.randint(1, 7))]
    closing = asyncio.create_task(close())
    for task in callers:
        for _ in range(chance.choice([0, 1, 1, 2])):
            asyncio.get_running_loop().call_later(chance.uniform(0, 12), task.cancel)
    await asyncio.gather(*callers, return_exceptions=True)
    if chance.random() < 0.2:
        closing.cancel()
        await asyncio.wait({closing})
    await client.aclose(drain=1_000.0)

    returned = [result.png_bytes for result in seen.returned if result.source is Source.HTTP and result.ok]
    shared = {result.png_bytes for result in seen.returned if result.source is Source.SHARED and result.ok}
    orphaned = shared - set(returned)  # by leaders who left, to those who waited with them
    again = [result.png_bytes for result in seen.returned if result.source is Source.CACHE and result.ok]
    kept = [event for _, event in watch.events if isinstance(event, PictureKept)]
    assert len(provider.drawn) == len(returned) + len(orphaned) + len(kept), (
        "each paid picture is returned or kept, exactly once"
    )
    assert set(returned) | set(again) | shared <= set(provider.drawn)
    assert len(returned + again) == len(set(returned + again))
    assert len(again) <= len(kept)
    for status in accounts.status():
        assert provider.sent[status.account_id] == status.used, (
            "granted units less refunded ones are those that were sent"
        )
    stopped = [result for result in seen.returned if result.error is not None and result.error.message == STOPPED]
    assert closed or not stopped, "no one who leaves ends the fetch of another"
    assert not any(result.attempts for result in seen.returned if result.source is Source.SHARED)
    check_calls(watch, seen)
    assert all(late <= GRACE for late in seen.late), "no caller waits past the deadline"


@pytest.mark.parametrize("seeds", [range(250), pytest.param(range(250, 2_000), marks=pytest.mark.gate)], ids=str)
def test_whoever_leaves_no_unit_and_no_picture_is_lost(seeds: range) -> None:
    """In every schedule each paid picture is returned or kept once, units are those of calls sent, and nobody waits too long."""
    for seed in seeds:
        try:
            simulate(bad_day, seed)
        except BaseException as error:
            error.add_note(f"again: simulate(bad_day, {seed})")
            raise


@given(st.lists(st.sampled_from([*FAILURES, Reply(200, body=picture())]), min_size=3, max_size=3), st.integers(0, 99))
def test_both_drivers_do_the_same(script: list[Outcome], seed: int) -> None:
    """For the same script both clients make the same calls at the same moments, and have the same events, books and results."""

    def synchronous() -> object:
        random.seed(seed)
        chance, clock, log = Quarters(seed), VirtualClock(), EventLog()
        accounts = AccountPool(ACCOUNTS, MemoryAccountStore(), clock, listener=log)
        transport = ScriptedTransport(script, clock=clock, duration=1.5)
        result = SyncClient(routes(transport, accounts, clock, log, chance)).fetch(REQUESTS[0])
        return result, log.events, accounts.status(), [call.timeout for call in transport.calls]

    async def asynchronous(_: random.Random) -> object:
        """Fetch on a simulated loop."""
        chance, workers, log = Quarters(seed), SimulatedWorkers(random.Random(0)), EventLog()
        clock, left = SimulatedClock(workers), iter(script)
        accounts = AccountPool(ACCOUNTS, MemoryAccountStore(), clock, listener=log)
        timeouts: list[float | None] = []

        class Slow:
            """Plays the script."""

            def send(self, _: object, __: object, *, timeout: float | None = None) -> Outcome:
                """Take as long as the other transport."""
                timeouts.append(timeout)
                clock.sleep(1.5)
                return next(left)

        client = AsyncClient(routes(Slow(), accounts, clock, log, chance), workers)
        result = await client.fetch(REQUESTS[0])
        return result, log.events, accounts.status(), timeouts

    assert repr(synchronous()) == repr(simulate(asynchronous, seed))


def test_no_thread_is_left_of_a_simulation() -> None:
    """Runs need no more threads than the first one, whose idle threads carry the next one out."""
    simulate(bad_day, 1)
    before = threading.active_count()
    for _ in range(3):
        simulate(bad_day, 1)

    assert before == threading.active_count()
