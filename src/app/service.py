"""The service as the calls of this process show it: the outage, kept for all fetches of a pool of accounts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from datetime import timedelta

from ..domain.events import Event, ServiceDown, ServiceUp
from ..domain.faults import ChartApiError
from ..domain.fetch import Barred, Booked
from ..domain.outage import Outage, Service, ServiceStatus
from ..domain.ports import Clock, Listener
from ..fork import begin_in_children

__all__ = ["ServiceWatch"]


class ServiceWatch:
    """Keeps the outage. Safe from many threads; a forked child begins anew.

    Args:
        clock: time.
        listener: hears when the service is down, and when it is up again.
        chance: returns random numbers in [0, 1).
        is_on: whether an outage is heeded at all.
    """

    def __init__(
        self,
        clock: Clock,
        listener: Listener,
        chance: Callable[[], float] = lambda: 0.0,
        *,
        is_on: bool = True,
    ) -> None:
        self._clock = clock
        self._listener = listener
        self._chance = chance
        self._is_on = is_on
        self.begin()
        begin_in_children(self)

    def begin(self) -> None:
        """Know of no outage: at first, and in a forked child."""
        self._lock = threading.Lock()
        self._outage = Outage()
        self._since = 0.0

    def ask(self, turn: Hashable) -> Barred | None:
        """Return why the fetch *turn* may not call now; None if it may."""
        if not self._is_on or self._outage.state is Service.UP:
            return None
        now = self._clock.monotonic()
        with self._lock:
            self._outage, again = self._outage.asked(turn, now)
            failures = self._outage.failures
        return None if again is None else Barred(self._clock.now() + timedelta(seconds=again - now), failures)

    def is_probe(self, turn: Hashable) -> bool:
        """Return whether the fetch *turn* probes."""
        outage = self._outage
        return outage.state is Service.PROBING and outage.turn is turn

    def failed(self, turn: Hashable, error: ChartApiError, body: str) -> Booked:
        """Count a failed call for *body*."""
        if not self._is_on:
            return Booked()
        now, jitter = self._clock.monotonic(), self._chance()
        with self._lock:
            before = self._outage
            self._outage, is_at_fault = before.failed(turn, error, body, now, jitter)
            event = self._told(before, self._outage, now, error.message)
            outage = self._outage
        if event is not None:
            self._listener.notify(event)
        until = self._clock.now() + timedelta(seconds=outage.until - now) if outage.state is Service.DOWN else None
        return Booked(is_at_fault, until)

    def answered(self, body: str) -> None:
        """Count a picture of *body*."""
        if not self._is_on:
            return
        now = self._clock.monotonic()
        with self._lock:
            before = self._outage
            self._outage = before.answered(body)
            event = self._told(before, self._outage, now, "")
        if event is not None:
            self._listener.notify(event)

    def leave(self, turn: Hashable) -> None:
        """Take back the turn of a fetch that has ended."""
        if self.is_probe(turn):
            with self._lock:
                self._outage = self._outage.given_up(turn, self._clock.monotonic())

    def probe(self) -> None:
        """Let the next request probe at once."""
        with self._lock:
            self._outage = self._outage.forced(self._clock.monotonic())

    def status(self) -> ServiceStatus:
        """Return the state of the service."""
        outage, now, ago = self._outage, self._clock.monotonic(), self._clock.now()
        if outage.state is Service.UP:
            return ServiceStatus(failures=outage.failures)
        probe_at = ago + timedelta(seconds=max(0.0, outage.until - now)) if outage.state is Service.DOWN else None
        return ServiceStatus(outage.state, outage.failures, ago - timedelta(seconds=now - self._since), probe_at)

    def _told(self, before: Outage, after: Outage, now: float, reason: str) -> Event | None:
        """Return the event of a change. Each pause is one: its end differs."""
        if after.state is Service.DOWN and before.state is not Service.DOWN:
            if before.state is Service.UP:
                self._since = now
            until = self._clock.now() + timedelta(seconds=after.until - now)
            return ServiceDown(after.failures, until, reason)
        if after.state is Service.UP and before.state is not Service.UP:
            return ServiceUp(now - self._since)
        return None
