"""Fetches that an account pays for: one for equal requests at one moment, and none for a body that was refused today."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from operator import itemgetter
from typing import Final, NamedTuple

from ..domain.chart import Request
from ..domain.chart.candle import Grid
from ..domain.chart.endpoint import Answer
from ..domain.chart.freshness import Freshness
from ..domain.fetch import Fetch, Moment
from ..domain.ports import CacheLock, Clock, Listener
from ..domain.result import FetchResult, Source
from ..domain.retry import RetryPolicy
from .cache import CachedAnswers
from .fetch import Steps, fetch_steps
from .flights import Flights, Waiter, without_end
from .pool import Pool
from .refusals import Refusals
from .route import Route

__all__ = ["Metered", "Order"]

_MAX_REMEMBERED_CALLS: Final = 9
_MIN_REMEMBERED_CALLS: Final = 5
_REMEMBERED_SECONDS: Final = 600.0  # so that a slow hour does not turn away all who have less time for ever
_LOCK_SECONDS: Final = 0.1  # between two looks at a lock that another process holds


class Order(NamedTuple):
    """One fetch to pay for.

    Attributes:
        route, pool: send and pay.
        request: the chart.
        waiter: the caller.
        policy: the limits of calls and time.
        started: its beginning (monotonic seconds).
        fresh: how recently a kept picture must have been drawn.
        listener: hears of its calls.
        look: returns an answer that another thread or process has recorded meanwhile.
    """

    route: Route
    pool: Pool
    request: Request
    waiter: Waiter
    policy: RetryPolicy
    started: float
    fresh: Freshness
    listener: Listener
    look: Callable[[], FetchResult | None]

    @property
    def ends(self) -> float:
        """The deadline (monotonic seconds)."""
        return self.started + self.policy.deadline

    @property
    def cache(self) -> CachedAnswers | None:
        """The kept pictures of the route, if they have a part in this fetch."""
        cache = self.route.cache
        return cache if cache is not None and cache.serves(self.fresh) else None


class Metered:
    """Pays for charts. Safe from many threads.

    Args:
        flights: those under way.
        clock: time.
        chance: returns random numbers in [0, 1).
        grid_of: returns the grid of the candles of a symbol.
    """

    def __init__(
        self, flights: Flights, clock: Clock, chance: Callable[[], float], grid_of: Callable[[str | None], Grid]
    ) -> None:
        self._flights = flights
        self._clock = clock
        self._chance = chance
        self._grid_of = grid_of
        self._refusals = Refusals()
        self._paying: dict[str, Request] = {}
        self._durations: deque[tuple[float, float]] = deque(maxlen=_MAX_REMEMBERED_CALLS)  # when, and how long

    def fetch(self, order: Order) -> Steps[FetchResult]:
        """Return a kept picture, share the fetch of an equal request that is under way, or begin one."""
        cache = order.cache
        return self._share(order, cache) if cache is None else self._find_or_share(order, cache)

    def _find_or_share(self, order: Order, cache: CachedAnswers) -> Steps[FetchResult]:
        found = cache.find(order.request, order.fresh, order.waiter.fetch_id)
        if found is not None:
            return found
        result = yield from self._share(order, cache)
        return cache.instead_of(result, order.request)

    def _share(self, order: Order, cache: CachedAnswers | None) -> Steps[FetchResult]:
        return self._flights.share(
            (order.request.path, order.request.encoded, order.request.key if order.route.lock else None),
            order.waiter,
            partial(self._lead, order, cache),
            ends=order.ends,
            max_attempts=order.policy.max_attempts,
            clock=self._clock,
            suits=partial(self._suits, order),
        )

    def _suits(self, order: Order, leaders: Freshness, result: FetchResult) -> bool:
        """Return whether the *result* of an equal request, with the *leaders* wish, is as good as that of a call of its own."""
        fresh, request = order.fresh, order.request
        if not result.ok or result.source is Source.FIXTURE:
            return True
        if not result.attempts or result.taken_at is None:  # it was kept, and fresh enough for the leader
            return fresh == leaders
        if not fresh.by_candle:
            return True
        asked_at = self._clock.now() - timedelta(seconds=self._clock.monotonic() - order.started)
        drawn_at, grid = result.attempts[-1].started_at, self._grid_of(request.symbol)
        return fresh.shares(drawn_at, result.taken_at, asked_at, request.timeframe or "", grid)

    def _lead(self, order: Order, cache: CachedAnswers | None) -> Steps[FetchResult]:
        """Fetch a chart for all who wait for it, unless the provider has refused its body today."""
        route, request, waiter = order.route, order.request, order.waiter
        if self._refusals.any:
            known = self._refusals.final(request, waiter.fetch_id, self._clock.now())
            if known is not None:
                return _at_once(known)
        if route.lock is not None:
            return self._pay_in_turn(order, route.lock)
        if cache is None:
            return self._pay(order)
        pay = partial(self._pay, order)
        ends, stop, waits = order.ends, waiter.stop, not self._is_within(order)
        return cache.alone(request, order.fresh, pay, fetch_id=waiter.fetch_id, ends=ends, stop=stop, waits=waits)

    def _pay_in_turn(self, order: Order, take: Callable[[Request], CacheLock | None]) -> Steps[FetchResult]:
        """Fetch and record a chart, one process at a time, if it has not been recorded meanwhile.

        A fetch that the holder of the lock has begun does not wait for it.
        """
        while (lock := take(order.request)) is None:
            if self._is_within(order):
                return (yield from self._pay(order))
            left = order.ends - self._clock.monotonic()
            if order.waiter.stop.is_set() or left <= 0:
                return without_end(order.waiter, self._clock)
            yield min(_LOCK_SECONDS, left)
        try:
            found = order.look()
            return found if found is not None else (yield from self._pay(order))
        finally:
            lock.release()

    def _pay(self, order: Order) -> Steps[FetchResult]:
        """Fetch a chart from the provider."""
        now, request = self._clock.now(), order.request
        moment = Moment(now, self._clock.monotonic() - order.started, self._chance())
        refused_ids = self._refusals.by_plan(request, now) if self._refusals.any else frozenset()
        fetch_id = order.waiter.fetch_id
        is_list = request.endpoint.answer is Answer.LISTING  # it takes other times than a picture
        seconds = 0.0 if is_list else self._call_seconds()
        self._paying[fetch_id] = request
        try:
            result = yield from fetch_steps(
                Fetch.begin(request, order.policy, moment, fetch_id, call_seconds=seconds, refused_ids=refused_ids),
                transport=order.route.transport,
                pool=order.pool,
                clock=self._clock,
                chance=self._chance,
                listener=order.listener,
                stop=order.waiter.stop,
                started=order.started,
            )
        finally:
            self._paying.pop(fetch_id, None)
        if result.ok and not is_list:
            self._durations.append((self._clock.monotonic(), result.attempts[-1].duration))
        if not result.ok or len(result.attempts) > 1:
            self._refusals.remember(request, result, self._clock.now())
        return result

    def _is_within(self, order: Order) -> bool:
        """Return whether a fetch for the same picture has begun this one, through a listener or its transport."""
        outer = (self._paying.get(fetch_id) for fetch_id in order.waiter.outer)
        names = order.request.key, order.request.body_digest
        return any(each is not None and (each.key == names[0] or each.body_digest == names[1]) for each in outer)

    def _call_seconds(self) -> float:
        """Return half the median of the last pictures' seconds: nine calls of ten take longer.

        0 if there were fewer than five pictures in ten minutes.
        """
        since = self._clock.monotonic() - _REMEMBERED_SECONDS
        recent = tuple(self._durations)
        while recent and recent[0][0] < since:
            recent = recent[1:]
        known = sorted(map(itemgetter(1), recent))
        return known[len(known) // 2] / 2 if len(known) >= _MIN_REMEMBERED_CALLS else 0.0


def _at_once(result: FetchResult) -> Steps[FetchResult]:
    """Return *result* without a wait."""
    yield from ()
    return result
