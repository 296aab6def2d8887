"""The time of a server that keeps account books, shared by machines with skewed clocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from ..domain.errors import StoreUnavailable

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FRESH_SECONDS: Final = 60.0
_RETRY_SECONDS: Final = 5.0  # a server that did not answer is not asked again before
_STEP_SECONDS: Final = 1.0
_MAX_DRIFT: Final = 0.001
"""Seconds by which two clocks may drift apart each second."""


class ServerClock:
    """A :class:`chartimg.domain.ports.Clock` with the server's time. Machines with skewed clocks agree on it.

    The server answers at some moment between the question and the answer's arrival. So each answer bounds how far the
    server's time is ahead of this machine's monotonic clock, and all together leave narrow bounds. If the server's clock
    steps, the new bounds contradict the old ones, and the old ones are dropped.

    Args:
        ask: asks the server, so that its answer is noted.
        monotonic: this machine's seconds; they never step back.
        wall: this machine's own time; it shows jumps: the clock was set, or the machine has slept.
    """

    def __init__(
        self,
        ask: Callable[[], object],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ask, self._monotonic, self._wall = ask, monotonic, wall
        self._bounds: _Bounds | None = None

    def note(self, server: float, before: float, after: float) -> None:
        """Note that the server's time was *server* (seconds since 1970) at some moment from *before* to *after*."""
        low, high, bounds = server - after, server - before, self._bounds
        if bounds is not None:
            drift = _MAX_DRIFT * abs(after - bounds.at)
            lowest, highest = max(low, bounds.low - drift), min(high, bounds.high + drift)
            low, high = (lowest, highest) if lowest <= highest else (low, high)
        self._bounds = _Bounds(low, high, after, after, self._wall() - after)

    def now(self) -> datetime:
        """Return the server's time (UTC). The server is asked if it was not heard of in the last minute.

        Raises:
            StoreUnavailable: the server can't be reached, and never was.
        """
        return _EPOCH + timedelta(seconds=self._ahead() + self._monotonic())

    def _ahead(self) -> float:
        """Return how many seconds the server's time is ahead of the monotonic clock; ask if that may have changed."""
        bounds, passed = self._bounds, self._monotonic()
        if bounds is None:
            self._ask()  # its answer is noted
            return self._ahead()
        if passed - bounds.asked > _FRESH_SECONDS or abs(self._wall() - passed - bounds.wall) > _STEP_SECONDS:
            # While this thread asks, others use the bounds; without an answer so does this one.
            self._bounds = bounds._replace(asked=passed - _FRESH_SECONDS + _RETRY_SECONDS, wall=self._wall() - passed)
            with suppress(StoreUnavailable):
                self._ask()
            bounds = self._bounds
        return (bounds.low + bounds.high) / 2

    def monotonic(self) -> float:
        """Return this machine's seconds; they never step back."""
        return self._monotonic()

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass."""
        time.sleep(max(0.0, seconds))


class _Bounds(NamedTuple):
    """How far the server's time is ahead of the monotonic clock.

    Attributes:
        low: lower bound in seconds.
        high: upper bound in seconds.
        at: moment of the bounds, on the monotonic clock.
        asked: moment of the last question, on the monotonic clock.
        wall: seconds that this machine's own time was ahead of the monotonic clock.
    """

    low: float
    high: float
    at: float
    asked: float
    wall: float
