"""The ways of spending a day's quota that ``quota_yield.py`` compares: chartimg, the ideal, and those made by hand.

All ways keep the policy of chartimg: the calls for one chart, the backoff after a fault of the service, and a deadline
that begins with the fetch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import Final, assert_never

from benchmarks.yield_by_hand import DEADLINE, POLICY, CooldownRouter, FirstInOrder, Limiter, RoundRobin
from benchmarks.yield_world import (
    BURST,
    DAY,
    SECOND,
    UNITS,
    Answer,
    Call,
    Chart,
    Fetching,
    Outage,
    Verdict,
    VirtualTime,
    Way,
)

from chartimg import Account, ChartApiResult, ChartRequest, FaultKind
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.outage_watch import OutageWatch, Visit
from chartimg.app.pool import Pool
from chartimg.domain.account import WINDOW, window_of
from chartimg.domain.account.turn import Granted
from chartimg.domain.events import Event
from chartimg.domain.fetch import (
    Answered,
    Await,
    ConfirmClaim,
    Confirmed,
    Feedback,
    Fetch,
    Finish,
    LookAhead,
    Moment,
    Pause,
    ProbeGranted,
    Report,
    Send,
    TakeClaim,
    Woken,
)
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import pictured
from chartimg.testing import picture

_OUTCOMES: Final[dict[Answer, Reply | TransportFailure]] = {
    Answer.PICTURE: Reply(200, body=picture(1, 1)),
    Answer.ERROR: Reply(500, body=b'{"message": "Internal Server Error"}'),
    Answer.TIMEOUT: TransportFailure(FaultKind.NETWORK, "the read timed out"),
    Answer.THROTTLED: Reply(429, body=b'{"message": "Too Many Requests"}'),
    Answer.SPENT: Reply(429, body=b'{"message": "Limit Exceeded"}'),
}


class _Deaf:
    """A listener that drops every event."""

    def notify(self, event: Event) -> None:
        """Drop the event."""


class Chartimg:
    """The real pool, fetch machine and watch over the service: one of each for each process, and one store for all.

    Args:
        time: the time.
        keys: the number of accounts.
        processes: the number of processes.
        outage: whether an outage stops the calls.
    """

    def __init__(self, time: VirtualTime, keys: int, processes: int, *, outage: bool = True) -> None:
        self._outage = outage
        self._time, self._processes = time, processes
        self.accounts = [Account(f"a{place:04}", f"key-{place}", daily_limit=UNITS) for place in range(keys)]
        self._place = {account.id: place for place, account in enumerate(self.accounts)}
        self._store = MemoryAccountStore()
        self.restart()

    def restart(self) -> None:
        """Open the pools anew over the store; a claim under way is a value and stays valid."""
        watches = [OutageWatch(self._time, _Deaf(), is_on=self._outage) for _ in range(self._processes)]
        self._pools = [Pool(self.accounts, self._store, self._time, _Deaf(), watch=watch) for watch in watches]

    def fetch(self, chart: Chart) -> Fetching:  # noqa: C901, PLR0912 (a case for each action)
        """Drive the machine as ``chartimg.app.fetch`` does, without sleep and threads.

        A fetch that waits for the service looks once a second.
        """
        clock = self._time
        started = clock.monotonic()
        request = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"shiftRight": chart.number})
        step = Fetch.begin(request, POLICY, Moment(clock.now(), 0.0, 0.0))
        watch, visit = self._pools[chart.process].watch, Visit(request)
        feedback: Feedback
        while True:
            pool = self._pools[chart.process]
            match step.action:
                case TakeClaim(latest, need):
                    feedback = watch.ask(visit) or pool.claim(latest=latest, need=need)
                    if watch.is_probe(visit) and isinstance(feedback, Granted):
                        feedback = ProbeGranted(feedback.claim)
                    elif watch.is_probe(visit):
                        watch.leave(visit)
                case Pause(seconds):
                    yield round(seconds * SECOND)
                    feedback = Woken()
                case Await(seconds):
                    yield math.ceil(min(seconds, 1.0) * SECOND)
                    feedback = Woken()
                case ConfirmClaim(claim):
                    barred = watch.ask(visit)
                    if barred is not None:
                        pool.refund(claim)
                    feedback = barred or Confirmed(claim, pool.confirm(claim))
                case Send(claim, timeout):
                    answer = yield Call(self._place[claim.account_id], round(timeout * SECOND))
                    assert answer is not None
                    feedback = Answered(claim, _OUTCOMES[answer])
                case Report(claim, error):
                    feedback = watch.failed(visit, error)
                    pool.report(claim, error)
                case LookAhead(need):
                    feedback = pool.outlook(need=need)
                case Finish(result):
                    if result.ok:
                        watch.answered(visit)
                    watch.leave(visit)
                    if step.unused is not None:
                        pool.refund(step.unused)
                    return self._verdict(pictured(result))
                case _:
                    assert_never(step.action)
            step = step.next(feedback, Moment(clock.now(), clock.monotonic() - started, chart.chance()))

    def booked(self) -> list[int]:
        """Return the units of each account that were used today, by the books."""
        window, books = window_of(self._time.now()), self._store.read([account.id for account in self.accounts])
        return [kept.used if kept is not None and kept.window == window else 0 for kept in books]

    def _verdict(self, result: ChartApiResult) -> Verdict:
        """Return the verdict; a refusal for want of quota counts as dated if it names the end of the day."""
        if result.error is None:
            return Verdict.DELIVERED
        if result.attempts:
            return Verdict.FAILED
        if result.error.kind is FaultKind.SERVICE_DOWN:
            return Verdict.DOWN
        midnight = window_of(self._time.now()) + WINDOW
        is_dated = result.error.kind is FaultKind.NO_ACCOUNT and result.error.available_at == midnight
        return Verdict.DATED if is_dated else Verdict.REFUSED


@dataclass(slots=True)
class _Key:
    """The provider's bucket of a key as GCRA's arrival time, and the units left."""

    arrival: int = 0
    left: int = UNITS


class Ideal:
    """Knows the bucket and the quota of every key, over all processes, and serves at the earliest possible moment.

    The key with the fullest bucket goes first; of several, the key with the most units left. So no bucket overflows while
    another is drained, and the last burst of a day still finds every key. After a fault the ideal does not wait. It knows all
    outages beforehand, and makes no call in one.
    """

    def __init__(self, time: VirtualTime, keys: int, outages: Sequence[Outage] = ()) -> None:
        self._time, self._outages = time, tuple(outages)
        self._keys = [_Key() for _ in range(keys)]
        self._day = 0
        self._soonest = [(0, -UNITS, place) for place in range(keys)]

    def restart(self) -> None:
        """Keep everything, since a restart costs the ideal nothing."""

    def fetch(self, chart: Chart) -> Fetching:
        """Reserve the earliest token, and call as soon as it is there."""
        ends = self._time.passed + DEADLINE
        for _ in range(POLICY.max_attempts):
            if (down := self._seconds_down()) > 0:
                if self._time.passed + down >= ends:
                    return Verdict.DOWN
                yield down
            place, moment = self._reserve()
            if place is None:
                return Verdict.FAILED if chart.calls else Verdict.DATED
            if moment > self._time.passed:
                yield moment - self._time.passed
            if (yield Call(place, ends - self._time.passed)) is Answer.PICTURE:
                return Verdict.DELIVERED
        return Verdict.FAILED

    def _seconds_down(self) -> int:
        """Return the microseconds to the end of an outage."""
        now = self._time.passed
        return next((each.ends - now for each in self._outages if each.begins <= now < each.ends), 0)

    def _reserve(self) -> tuple[int | None, int]:
        """Take a unit and a token of the best key; return its place, None if the day is spent, and the moment."""
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


NAMES: Final = ("first in order", "round-robin", "cooldown", "limiter per key", "ideal", "chartimg")
BLIND: Final = "chartimg, CHARTS_OUTAGE=off"


def way_of(name: str, time: VirtualTime, keys: int, processes: int, outages: Sequence[Outage] = ()) -> Way:
    """Return the way with a *name* of :data:`NAMES`, or :data:`BLIND`; the ideal knows the *outages* beforehand."""
    match name:
        case "chartimg":
            return Chartimg(time, keys, processes)
        case "chartimg, CHARTS_OUTAGE=off":
            return Chartimg(time, keys, processes, outage=False)
        case "ideal":
            return Ideal(time, keys, outages)
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
