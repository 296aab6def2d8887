"""Time as a Redis server tells it, so that machines whose own clocks disagree share one."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from ...domain.errors import StoreUnavailable

__all__ = ["RedisClock"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FRESH: Final = 60.0  # seconds
_AGAIN: Final = 5.0  # seconds to the next question after one without an answer
_STEP: Final = 1.0  # seconds
_DRIFT: Final = 0.001
"""How much two clocks may run apart while both are being set right."""


class RedisClock:
    """Time as the server tells it; a :class:`chartimg.domain.ports.Clock` on which machines with skewed clocks agree.

    The server's time was somewhere between the moments a script was sent and answered; so each run leaves two bounds for
    how far the server's time is ahead of this machine's monotonic clock, and all runs together leave narrow ones. A step
    of the server's clock puts the next bounds beside the last, which are then dropped.

    Args:
        ask: runs a script, so that its answer is noted.
        monotonic: this machine's seconds that never step back.
        wall: this machine's own time, which is only looked at for jumps: it was set, or the machine has slept.
    """

    def __init__(
        self,
        ask: Callable[[], object],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._ask, self._monotonic, self._wall = ask, monotonic, wall
        self._known: _Bounds | None = None

    def note(self, server: float, before: float, after: float) -> None:
        """Take note that the server's time was *server* (seconds since 1970) at some moment from *before* to *after*."""
        low, high, known = server - after, server - before, self._known
        if known is not None:
            drift = _DRIFT * abs(after - known.at)
            lowest, highest = max(low, known.low - drift), min(high, known.high + drift)
            low, high = (lowest, highest) if lowest <= highest else (low, high)
        self._known = _Bounds(low, high, after, after, self._wall() - after)

    def now(self) -> datetime:
        """Give the server's time in UTC, without asking it if it was heard of in the last minute.

        Raises:
            StoreUnavailable: the server can't be reached, and never was.
        """
        return _EPOCH + timedelta(seconds=self._ahead() + self._monotonic())

    def _ahead(self) -> float:
        """Give the seconds the server's time is ahead of the monotonic clock; ask it if that may have changed."""
        known, passed = self._known, self._monotonic()
        if known is None:
            self._ask()  # and what it answers is noted
            return self._ahead()
        if passed - known.asked > _FRESH or abs(self._wall() - passed - known.wall) > _STEP:
            # Others go on with what is known while this thread asks; so does it itself, should nobody answer.
            self._known = known._replace(asked=passed - _FRESH + _AGAIN, wall=self._wall() - passed)
            with suppress(StoreUnavailable):
                self._ask()
            known = self._known
        return (known.low + known.high) / 2

    def monotonic(self) -> float:
        """Give this machine's seconds that never step back."""
        return self._monotonic()

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass; none when there are none."""
        time.sleep(max(0.0, seconds))


class _Bounds(NamedTuple):
    """How far the server's time is ahead of the monotonic clock.

    Attributes:
        low: at least so many seconds.
        high: at most so many.
        at: when that was found out, on the monotonic clock.
        asked: when the server was last asked.
        wall: how far this machine's own time was ahead of it.
    """

    low: float
    high: float
    at: float
    asked: float
    wall: float
