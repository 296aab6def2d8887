"""Flights: equal requests at one moment share one fetch.

The first caller leads: its thread, or its task on the loop, carries out the fetch. The others wait for the end of the flight,
each up to its own deadline. If a caller leaves, the flight goes on for the others. The last one who leaves gives the flight
up, and no request joins it from then on.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Final

import attrs

from ..domain.chart import Request
from ..domain.chart.freshness import Freshness
from ..domain.faults import ChartApiError, FaultKind
from ..domain.fetch import STOPPED
from ..domain.ports import Clock
from ..domain.result import ChartApiFailure, FetchResult, Source
from ..fork import begin_in_children
from .fetch import Steps, Until

__all__ = ["Flights", "Waiter", "without_end"]

_OFF: Final = Freshness()
_MIN_SECONDS_MORE: Final = 0.5  # than the leader had; less would hardly change the outcome, and could cost a unit


@attrs.define(eq=False)
class Waiter:
    """One caller of a fetch.

    Attributes:
        stop: ends its fetch at once: no further call, no further wait.
        wake: ends its wait, after *stop* was set.
        fetch_id: the name of its fetch.
        fresh: how recently a kept picture must have been drawn.
        outer: the names of the fetches whose listeners or transports began this one; empty for most.
        flight: the flight that it leads or waits for.
        is_counted: whether it may still get the result of that flight.
        sent: the request that was sent in place of the caller's, if the caller allowed a change.
    """

    stop: threading.Event
    wake: Callable[[], object] = tuple
    fetch_id: str = ""
    fresh: Freshness = _OFF
    outer: tuple[str, ...] = ()
    flight: Flight | None = None
    is_counted: bool = False
    sent: Request | None = None


@attrs.define(eq=False)
class Flight:
    """One fetch under way, and those who wait for it.

    Attributes:
        key: equal for requests that may share it.
        leader: carries it out; None when it is over, so that no cycle of objects holds its picture.
        fresh: the wish of the leader.
        ends: its deadline (monotonic seconds).
        max_attempts: the calls that it may make.
        waiters: callers who may still get its result, with the leader.
        is_paused: whether the leader waits, so that no call is under way.
        is_over: whether it has ended: with a result, with an error, or with neither if the leader was interrupted.
        is_told: whether a caller has the result, or the picture is kept.
    """

    key: Hashable
    leader: Waiter | None
    fresh: Freshness
    ends: float
    max_attempts: int
    waiters: int = 1
    is_paused: bool = False
    is_over: bool = False
    is_told: bool = False
    result: FetchResult | None = None
    error: Exception | None = None
    _event: threading.Event | None = None
    _callbacks: list[Callable[[], object]] = attrs.field(factory=list)

    def join(self) -> None:
        """Count one waiter more."""
        self.waiters += 1
        if self._event is None:
            self._event = threading.Event()

    def wait(self, timeout: float) -> object:
        """Return when the flight is over, or after *timeout* seconds."""
        assert self._event is not None  # noqa: S101 (only those who have joined wait)
        return self._event.wait(timeout)

    def then(self, callback: Callable[[], object]) -> None:
        """Call *callback* when the flight is over, in any thread; at once if it is over."""
        if not self.is_over:
            self._callbacks.append(callback)
        if self.is_over:
            callback()

    def tell(self) -> None:
        """Wake all waiters."""
        if self._event is not None:
            self._event.set()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def lacked_time(self, ends: float, clock: Clock) -> bool:
        """Return whether the flight has failed for want of time, so that a waiter whose deadline is *ends* may try again."""
        now, result = clock.monotonic(), self.result
        if result is None or result.error is None or not result.error.retriable:
            return False
        if ends - max(now, self.ends) < _MIN_SECONDS_MORE:
            return False
        at = result.error.available_at
        if at is not None and (at - clock.now()).total_seconds() >= ends - now:
            return False
        return len(result.attempts) < self.max_attempts or self.ends - now < _MIN_SECONDS_MORE


class Flights:
    """The flights of a client. Safe from many threads."""

    def __init__(self) -> None:
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Have no flight: at first, and in a forked child, where no thread leads one."""
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, Flight] = {}

    def share(
        self,
        key: Hashable,
        waiter: Waiter,
        fetch: Callable[[], Steps[FetchResult]],
        *,
        ends: float,
        max_attempts: int,
        clock: Clock,
        suits: Callable[[Freshness, FetchResult], bool],
    ) -> Steps[FetchResult]:
        """Lead a flight that carries out *fetch*, or wait up to *ends* (monotonic seconds) for one with an equal *key*.

        An exception of the leader is raised for all. If the leader was interrupted (as by Ctrl-C), or had too little time, or its
        result does not suit a waiter, the waiter begins another flight.
        """
        while True:
            flight = self._board(key, waiter, ends, max_attempts)
            if flight.leader is waiter:
                return (yield from self._lead(flight, fetch()))
            try:
                while not (flight.is_over or waiter.stop.is_set()) and (left := ends - clock.monotonic()) > 0:
                    yield Until(left, flight)
            except BaseException:
                self._part(waiter)
                raise
            if self._parts_early(waiter, flight):
                return without_end(waiter, clock, is_paused=flight.is_paused)
            if flight.error is not None:
                raise flight.error
            result = flight.result
            is_good = result is not None and suits(flight.fresh, result) and not flight.lacked_time(ends, clock)
            if result is not None and (is_good or waiter.stop.is_set()):
                return attrs.evolve(result, source=Source.SHARED, attempts=(), fetch_id=waiter.fetch_id)
            self._part(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Let a caller go before its end. Its flight goes on as long as others wait for it."""
        with self._lock:
            flight = waiter.flight
            stopped = [] if flight is not None and flight.leader is waiter else [waiter]
            stopped += self._without(waiter)
            for each in stopped:
                each.stop.set()
        for each in stopped:
            each.wake()

    def told(self, waiter: Waiter) -> None:
        """Take note that the caller has its result."""
        with self._lock:
            if waiter.is_counted and waiter.flight is not None:
                waiter.flight.is_told = True
                self._without(waiter)

    def is_left_over(self, waiter: Waiter) -> bool:
        """Return, once, whether all callers of the flight of *waiter* have gone without its result."""
        flight = waiter.flight
        if flight is None:
            return True
        with self._lock:
            is_first = not flight.waiters and not flight.is_told
            flight.is_told = flight.is_told or is_first
        return is_first

    def wake(self) -> None:
        """Wake all waiters of a client that is closed."""
        with self._lock:
            flights = list(self._under_way.values())
        for flight in flights:
            flight.tell()

    def _board(self, key: Hashable, waiter: Waiter, ends: float, max_attempts: int) -> Flight:
        """Join the flight with this *key*, or begin one."""
        with self._lock:
            flight = self._under_way.get(key)
            leader = None if flight is None else flight.leader
            is_free = (leader is None or leader.stop.is_set()) and not waiter.stop.is_set()
            if flight is None or leader is None or leader.stop.is_set() or leader.fetch_id in waiter.outer:
                flight = Flight(key, waiter, waiter.fresh, ends, max_attempts)
                if is_free:
                    self._under_way[key] = flight
            else:
                flight.join()
            waiter.flight, waiter.is_counted = flight, True
        return flight

    def _lead(self, flight: Flight, steps: Steps[FetchResult]) -> Steps[FetchResult]:
        """Carry out *steps*, and tell their end to the waiters."""
        result: FetchResult | None = None
        error: Exception | None = None
        try:
            while True:
                try:
                    wait = next(steps)
                except StopIteration as end:
                    result = end.value
                    break
                flight.is_paused = True
                yield wait
                flight.is_paused = False
        except Exception as raised:
            error = raised
            raise
        finally:
            steps.close()
            with self._lock:
                self._forget(flight)
                flight.result, flight.error, flight.is_over, flight.leader = result, error, True, None
            flight.tell()
        assert result is not None  # noqa: S101 (steps end with a result)
        return result

    def _part(self, waiter: Waiter) -> None:
        """Let *waiter* leave its flight, to end or to begin another one."""
        with self._lock:
            stopped = self._without(waiter)
        for each in stopped:
            each.wake()

    def _parts_early(self, waiter: Waiter, flight: Flight) -> bool:
        """Let *waiter* leave *flight* if it is not over; return whether it has left."""
        with self._lock:
            if flight.is_over:
                return False
            stopped = self._without(waiter)
        for each in stopped:
            each.wake()
        return True

    def _without(self, waiter: Waiter) -> list[Waiter]:
        """Count *waiter* no longer. If it was the last one of a flight under way, stop the leader, and return it."""
        flight, is_counted, waiter.is_counted = waiter.flight, waiter.is_counted, False
        if flight is None or not is_counted:
            return []
        flight.waiters -= 1
        if flight.waiters or flight.leader is None:
            return []
        self._forget(flight)
        flight.leader.stop.set()
        return [flight.leader]

    def _forget(self, flight: Flight) -> None:
        """Let no request join *flight*."""
        if self._under_way.get(flight.key) is flight:
            del self._under_way[flight.key]


def without_end(waiter: Waiter, clock: Clock, *, is_paused: bool = False) -> ChartApiFailure:
    """Return the result of a waiter that was stopped, or had too little time, before the end of an equal fetch."""
    if waiter.stop.is_set():
        error = ChartApiError.of(FaultKind.STOPPED, STOPPED)
    elif is_paused:
        message = "no call could begin within the deadline, for an equal request that this one waited for"
        error = ChartApiError.of(FaultKind.NO_ACCOUNT, message, available_at=clock.now())
    else:
        message = "no reply came within the deadline, to an equal request that this one waited for"
        error = ChartApiError.of(FaultKind.NETWORK, message)
    return ChartApiFailure(error=error, fetch_id=waiter.fetch_id)
