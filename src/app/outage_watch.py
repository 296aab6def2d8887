"""The service as the calls of this process show it: the outage, kept for all fetches of a pool of accounts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta

import attrs

from ..domain.chart import Request
from ..domain.events import Event, ServiceDown, ServiceUp
from ..domain.faults import ChartApiError
from ..domain.fetch import Barred, Booked
from ..domain.outage import Outage, Service, ServiceStatus
from ..domain.ports import Clock, Listener
from ..fork import begin_in_children

__all__ = ["OutageWatch", "Visit"]


class OutageWatch:
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
        self.clock = clock
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
        self._waiting: set[Visit] = set()

    def ask(self, visit: Visit) -> Barred | None:
        """Return why the fetch of *visit* may not call now; None if it may. A change of state wakes those who may not."""
        visit.began = self.clock.monotonic()
        if not self._is_on or self._outage.is_quiet:
            return None
        visit.rest()
        with self._lock:
            now = self.clock.monotonic()
            self._outage, again = self._outage.asked(visit, now, visit.request.body_digest)
            outage = self._outage
            if again is not None:
                self._waiting.add(visit)
        if again is None:
            return None
        at = self.clock.now() + timedelta(seconds=again - now)
        is_probed, turn = outage.state is Service.PROBING, outage.turn
        is_within = is_probed and isinstance(turn, Visit) and turn.fetch_id in visit.outer
        return Barred(at, outage.failures, is_probed, is_within, is_at_fault=outage.state is Service.UP)

    def is_probe(self, visit: Visit) -> bool:
        """Return whether the fetch of *visit* probes."""
        outage = self._outage
        return outage.state is Service.PROBING and outage.turn is visit

    def failed(self, visit: Visit, error: ChartApiError) -> Booked:
        """Count a failed call of *visit*."""
        if not self._is_on:
            return Booked()
        jitter, body = self._chance(), visit.request.body_digest
        with self._lock:
            before, now = self._outage, self.clock.monotonic()
            self._outage, is_at_fault = before.failed(visit, error, body, now, jitter, began=visit.began)
            event, woken = self._changed(before, now, error.message)
            outage = self._outage
        self._tell(event, woken)
        until = self.clock.now() + timedelta(seconds=outage.until - now) if outage.state is Service.DOWN else None
        return Booked(is_at_fault, until)

    def answered(self, visit: Visit) -> None:
        """Count the picture that a call of *visit* has brought."""
        if not self._is_on or self._outage.is_quiet:
            return
        with self._lock:
            before, now = self._outage, self.clock.monotonic()
            self._outage = before.answered(visit, visit.request.body_digest, now=now, began=visit.began)
            event, woken = self._changed(before, now, "")
        self._tell(event, woken)

    def leave(self, visit: Visit) -> None:
        """Take back the turn of a fetch that has ended, and wake it no more."""
        woken = []
        if visit in self._waiting or self.is_probe(visit):
            with self._lock:
                self._waiting.discard(visit)
                before = self._outage
                self._outage = before.given_up(visit, self.clock.monotonic())
                woken = [] if self._outage is before else self._take_waiting()
        self._tell(None, woken)

    def probe(self) -> None:
        """Let the next request probe at once."""
        with self._lock:
            self._outage = self._outage.forced(self.clock.monotonic())
            woken = self._take_waiting()
        self._tell(None, woken)

    def wake(self) -> None:
        """Wake all who wait: their client is closed."""
        with self._lock:
            woken = self._take_waiting()
        self._tell(None, woken)

    def status(self) -> ServiceStatus:
        """Return the state of the service."""
        outage, now, ago = self._outage, self.clock.monotonic(), self.clock.now()
        if outage.state is Service.UP:
            return ServiceStatus(failures=outage.failures)
        probe_at = ago + timedelta(seconds=max(0.0, outage.until - now)) if outage.state is Service.DOWN else None
        return ServiceStatus(outage.state, outage.failures, ago - timedelta(seconds=now - self._since), probe_at)

    def _take_waiting(self) -> list[Visit]:
        woken, self._waiting = list(self._waiting), set()
        return woken

    def _changed(self, before: Outage, now: float, reason: str) -> tuple[Event | None, list[Visit]]:
        """Return the event of a change, and those whom it wakes. Each pause is one: its end differs."""
        after = self._outage
        if after.state is before.state:
            return None, []
        if after.state is Service.UP:
            return ServiceUp(now - self._since), self._take_waiting()
        if before.state is Service.UP:
            self._since = now
        until = self.clock.now() + timedelta(seconds=after.until - now)
        return ServiceDown(after.failures, until, reason), self._take_waiting()

    def _tell(self, event: Event | None, woken: list[Visit]) -> None:
        for visit in woken:
            visit.wake()
        if event is not None:
            self._listener.notify(event)


@attrs.define(eq=False)
class Visit:
    """One fetch, which asks before each call, and may wait for a change of the service.

    Attributes:
        request: its request.
        fetch_id: its name.
        outer: the names of the fetches whose listeners or transports began it.
        began: the moment when its last call was allowed (monotonic seconds).
    """

    request: Request
    fetch_id: str = ""
    outer: Sequence[str] = ()
    began: float = 0.0
    _changed: threading.Event = attrs.field(init=False)
    _callback: Callable[[], object] = attrs.field(init=False)

    def rest(self) -> None:
        """Prepare for a wait."""
        self._changed, self._callback = threading.Event(), tuple

    def wait(self, timeout: float) -> object:
        """Return when the state of the service has changed, or after *timeout* seconds."""
        return self._changed.wait(timeout)

    def then(self, callback: Callable[[], object]) -> None:
        """Call *callback* when the state has changed, in any thread; at once if it has."""
        self._callback = callback
        if self._changed.is_set():
            callback()

    def wake(self) -> None:
        """End the wait."""
        self._changed.set()
        self._callback()
