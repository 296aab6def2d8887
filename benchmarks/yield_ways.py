"""The ways of spending a day's quota that ``quota_yield.py`` compares: chartimg, the ideal, and what people write instead.

All are held to the same policy, chartimg's own: so many calls a chart, the same backoff after a fault of the service,
and a deadline that begins when the fetch does. Hand-made ways keep their state in the process.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Final, assert_never

from benchmarks.yield_world import (
    BURST,
    DAY,
    SECOND,
    UNITS,
    Answer,
    Call,
    Chart,
    Fetching,
    Verdict,
    VirtualTime,
    Way,
)

from chartimg import Account, ChartApiResult, ChartRequest, FaultKind, RetryPolicy
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.pool import Pool
from chartimg.domain.account import WINDOW, window_of
from chartimg.domain.events import Event
from chartimg.domain.fetch import (
    Answered,
    Booked,
    ConfirmClaim,
    Confirmed,
    Feedback,
    Fetch,
    Finish,
    LookAhead,
    Moment,
    Pause,
    Report,
    Send,
    TakeClaim,
    Woken,
)
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import picture

POLICY: Final = RetryPolicy()
DEADLINE: Final = round(POLICY.deadline * SECOND)
REQUEST: Final = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {})

_OUTCOMES: Final[dict[Answer, Reply | TransportFailure]] = {
    Answer.PICTURE: Reply(200, body=picture(1, 1)),
    Answer.ERROR: Reply(500, body=b'{"message": "Internal Server Error"}'),
    Answer.TIMEOUT: TransportFailure(FaultKind.NETWORK, "the read timed out"),
    Answer.THROTTLED: Reply(429, body=b'{"message": "Too Many Requests"}'),
    Answer.SPENT: Reply(429, body=b'{"message": "Limit Exceeded"}'),
}
_REFUSALS: Final = frozenset({Answer.THROTTLED, Answer.SPENT})


class _Nobody:
    """Listens to nothing."""

    def notify(self, event: Event) -> None:
        """Drop the event."""


class Chartimg:
    """The real pool and the real fetch machine; one pool a process, all over one store."""

    def __init__(self, time: VirtualTime, keys: int, processes: int) -> None:
        self._time, self._processes = time, processes
        self.accounts = [Account(f"a{place:04}", f"key-{place}", daily_limit=UNITS) for place in range(keys)]
        self._place = {account.id: place for place, account in enumerate(self.accounts)}
        self._store = MemoryAccountStore()
        self.restart()

    def restart(self) -> None:
        """Open the pools anew over the store; claims that are held are values, and go on."""
        self._pools = [Pool(self.accounts, self._store, self._time, _Nobody()) for _ in range(self._processes)]

    def fetch(self, chart: Chart) -> Fetching:
        """Do what ``chartimg.app.fetch`` does, but for the sleeping and the threads."""
        clock = self._time
        started = clock.monotonic()
        step = Fetch.begin(REQUEST, POLICY, clock.now())
        feedback: Feedback
        while True:
            pool = self._pools[chart.process]
            match step.action:
                case TakeClaim(latest, need):
                    feedback = pool.claim(latest=latest, need=need)
                case Pause(seconds):
                    yield round(seconds * SECOND)
                    feedback = Woken()
                case ConfirmClaim(claim):
                    feedback = Confirmed(claim, pool.confirm(claim))
                case Send(claim, timeout):
                    answer = yield Call(self._place[claim.account_id], round(timeout * SECOND))
                    assert answer is not None
                    feedback = Answered(claim, _OUTCOMES[answer])
                case Report(claim, error):
                    pool.report(claim, error)
                    feedback = Booked()
                case LookAhead(need):
                    feedback = pool.outlook(need=need)
                case Finish(result):
                    if step.unused is not None:
                        pool.refund(step.unused)
                    return self._verdict(result)
                case _:
                    assert_never(step.action)
            step = step.next(feedback, Moment(clock.now(), clock.monotonic() - started, chart.chance()))

    def booked(self) -> list[int]:
        """Return the units of today in the books of each account."""
        window, books = window_of(self._time.now()), self._store.read([account.id for account in self.accounts])
        return [kept.used if kept is not None and kept.window == window else 0 for kept in books]

    def _verdict(self, result: ChartApiResult) -> Verdict:
        """Tell a want of quota that was known beforehand from everything else."""
        if result.error is None:
            return Verdict.DELIVERED
        if result.attempts:
            return Verdict.FAILED
        known = result.error.kind is FaultKind.NO_ACCOUNT
        return (
            Verdict.KNOWN
            if known and result.error.available_at == window_of(self._time.now()) + WINDOW
            else Verdict.REFUSED
        )


@dataclass(slots=True)
class _Known:
    """A key as the ideal knows it: the provider's bucket as GCRA's arrival time, and the units left."""

    arrival: int = 0
    left: int = UNITS


class Ideal:
    """Knows the bucket and the quota of every key, over all processes, and serves at the earliest moment there is.

    Of the keys that have a token it takes the one whose bucket is fullest, and of those the one with the most units
    left: so no bucket overflows while another is drained, and the last burst of a day still finds every key. It does not
    wait after a fault, for it knows that it is over.
    """

    def __init__(self, time: VirtualTime, keys: int) -> None:
        self._time = time
        self._keys = [_Known() for _ in range(keys)]
        self._day = 0
        self._soonest = [(0, -UNITS, place) for place in range(keys)]

    def restart(self) -> None:
        """Know everything again."""

    def fetch(self, chart: Chart) -> Fetching:
        """Reserve the earliest token, and call when it is there."""
        ends = self._time.passed + DEADLINE
        for _ in range(POLICY.max_attempts):
            place, moment = self._reserve()
            if place is None:
                return Verdict.FAILED if chart.calls else Verdict.KNOWN
            if moment > self._time.passed:
                yield moment - self._time.passed
            if (yield Call(place, ends - self._time.passed)) is Answer.PICTURE:
                return Verdict.DELIVERED
        return Verdict.FAILED

    def _reserve(self) -> tuple[int | None, int]:
        """Take a unit and a token of the best key."""
        now = self._time.passed
        if now // DAY != self._day:
            self._day = now // DAY
            for key in self._keys:
                key.left = UNITS
            self._soonest = [(key.arrival, -UNITS, place) for place, key in enumerate(self._keys)]
            heapify(self._soonest)
        if not self._soonest:
            return None, 0
        arrival, _, place = heappop(self._soonest)
        moment = max(now, arrival - (BURST - 1) * SECOND)
        key = self._keys[place]
        key.arrival, key.left = max(arrival, moment) + SECOND, key.left - 1
        if key.left:
            heappush(self._soonest, (key.arrival, -key.left, place))
        return place, moment


@dataclass(slots=True)
class _Day:
    """The memory of a process of a hand-made way.

    Attributes:
        day: the day that it is of.
        alive: the accounts not yet taken for spent, in order.
        turn: the account to call next.
        rests: until when an account is left alone.
        free: accounts with the moments at which they may be called.
        counted: calls made on an account.
    """

    day: int
    alive: list[int]
    turn: int = 0
    rests: dict[int, int] = field(default_factory=dict)
    free: list[tuple[int, int]] = field(default_factory=list)
    counted: dict[int, int] = field(default_factory=dict)


class _HandMade:
    """A hand-made way: state in the process, forgotten when it restarts."""

    def __init__(self, time: VirtualTime, keys: int, processes: int) -> None:
        self._time, self._keys, self._processes = time, keys, processes
        self.restart()

    def restart(self) -> None:
        """Begin with empty memories."""
        self._days = [self._fresh() for _ in range(self._processes)]

    def _fresh(self) -> _Day:
        now, places = self._time.passed, range(self._keys)
        return _Day(now // DAY, list(places), free=[(now, place) for place in places])

    def _today(self, chart: Chart) -> _Day:
        """Return the memory of the process of a chart; each day begins with a new one."""
        if self._days[chart.process].day != self._time.passed // DAY:
            self._days[chart.process] = self._fresh()
        return self._days[chart.process]

    def _call(self, place: int, ends: int) -> Generator[Call, Answer | None, Answer]:
        answer = yield Call(place, ends - self._time.passed)
        assert answer is not None
        return answer

    def _backoff(self, chart: Chart) -> int:
        return round(POLICY.backoff(chart.calls, chart.chance()) * SECOND)


class FirstInOrder(_HandMade):
    """The first account in order; every 429 is taken for its day's end."""

    def fetch(self, chart: Chart) -> Fetching:
        """Call, and go on to the next account after a 429."""
        ends = self._time.passed + DEADLINE
        while chart.calls < POLICY.max_attempts and self._time.passed < ends:
            alive = self._today(chart).alive
            if not alive:
                return Verdict.FAILED if chart.calls else Verdict.REFUSED
            place = alive[0]
            answer = yield from self._call(place, ends)
            if answer is Answer.PICTURE:
                return Verdict.DELIVERED
            if answer in _REFUSALS:
                alive = self._today(chart).alive
                if place in alive:
                    alive.remove(place)
            else:
                yield self._backoff(chart)
        return Verdict.FAILED


class RoundRobin(_HandMade):
    """One account after the other; a failed call is tried again on the next one after an exponential pause."""

    def fetch(self, chart: Chart) -> Fetching:
        """Call, pause, call."""
        ends = self._time.passed + DEADLINE
        while chart.calls < POLICY.max_attempts and self._time.passed < ends:
            today = self._today(chart)
            place, today.turn = today.turn, (today.turn + 1) % self._keys
            if (yield from self._call(place, ends)) is Answer.PICTURE:
                return Verdict.DELIVERED
            if chart.calls < POLICY.max_attempts:
                yield self._backoff(chart)
        return Verdict.FAILED


class CooldownRouter(_HandMade):
    """One account after the other, but for those that gave a 429 in the last minute; without any, it gives up."""

    _REST: Final = 60 * SECOND

    def fetch(self, chart: Chart) -> Fetching:
        """Call, and go on to the next account that does not rest."""
        ends = self._time.passed + DEADLINE
        while chart.calls < POLICY.max_attempts and self._time.passed < ends:
            today, now = self._today(chart), self._time.passed
            turns = (place % self._keys for place in range(today.turn, today.turn + self._keys))
            place = next((place for place in turns if today.rests.get(place, 0) <= now), None)
            if place is None:
                return Verdict.FAILED if chart.calls else Verdict.REFUSED
            today.turn = (place + 1) % self._keys
            answer = yield from self._call(place, ends)
            if answer is Answer.PICTURE:
                return Verdict.DELIVERED
            if answer in _REFUSALS:
                self._today(chart).rests[place] = self._time.passed + self._REST
            else:
                yield self._backoff(chart)
        return Verdict.FAILED


class Limiter(_HandMade):
    """A limiter per key, one call a second and so many a day; each process has its own."""

    def fetch(self, chart: Chart) -> Fetching:
        """Wait for the key that is free soonest, and call."""
        ends = self._time.passed + DEADLINE
        while chart.calls < POLICY.max_attempts and self._time.passed < ends:
            today, now = self._today(chart), self._time.passed
            if not today.free or today.free[0][0] >= ends:
                return Verdict.FAILED if chart.calls else Verdict.REFUSED
            free, place = heappop(today.free)
            moment = max(free, now)
            today.counted[place] = today.counted.get(place, 0) + 1
            if today.counted[place] < UNITS:
                heappush(today.free, (moment + SECOND, place))
            if moment > now:
                yield moment - now
            answer = yield from self._call(place, ends)
            if answer is Answer.PICTURE:
                return Verdict.DELIVERED
            if answer is Answer.SPENT:
                today = self._today(chart)
                today.free = [entry for entry in today.free if entry[1] != place]
                heapify(today.free)
            elif chart.calls < POLICY.max_attempts:
                yield self._backoff(chart)
        return Verdict.FAILED


NAMES: Final = ("first in order", "round-robin", "cooldown", "limiter per key", "ideal", "chartimg")


def way_of(name: str, time: VirtualTime, keys: int, processes: int) -> Way:
    """Make the way of a *name* of :data:`NAMES`."""
    match name:
        case "chartimg":
            return Chartimg(time, keys, processes)
        case "ideal":
            return Ideal(time, keys)
        case "first in order":
            return FirstInOrder(time, keys, processes)
        case "round-robin":
            return RoundRobin(time, keys, processes)
        case "cooldown":
            return CooldownRouter(time, keys, processes)
        case "limiter per key":
            return Limiter(time, keys, processes)
        case _:
            raise ValueError(f"there is no way called {name!r}")
