"""A clock for tests: time passes when a test says so."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Final

from ..domain.argument import require
from ..domain.errors import ConfigError

_MAX_SECONDS: Final = 1_000 * 366 * 86_400
_NOON: Final = datetime(2026, 1, 5, 12, tzinfo=UTC)


class VirtualClock:
    """A :class:`chartimg.domain.ports.Clock` that never waits. Safe from many threads.

    Args:
        start: the first date and time, aware; noon of a Monday by default.

    Attributes:
        slept: the seconds of each pause, in order.

    Raises:
        ConfigError: *start* is not a datetime.
        ValueError: *start* has no time zone.
    """

    def __init__(self, start: datetime = _NOON) -> None:
        require("start", start, datetime)
        if start.tzinfo is None:
            raise ValueError(f"start must be aware, not {start.isoformat()}")
        self.slept: list[float] = []
        self._lock = threading.Lock()
        self._start = start.astimezone(UTC)
        self._passed = 0.0
        self._stepped = 0.0

    def now(self) -> datetime:
        """Return the date and time in UTC."""
        with self._lock:
            return self._start + timedelta(seconds=self._stepped) + timedelta(seconds=self._passed)

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        with self._lock:
            return self._passed

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass at once, and keep them in :attr:`slept`; negative ones do not move the clock."""
        _require_finite(seconds)
        with self._lock:
            self.slept.append(seconds)
            self._passed += max(0.0, seconds)

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass without a pause, as a slow call does.

        Raises:
            ValueError: *seconds* is negative; :meth:`step` sets the wall clock back.
        """
        _require_finite(seconds)
        if seconds < 0:
            raise ValueError(f"time can't pass backwards ({seconds} s); step() sets the wall clock back")
        with self._lock:
            self._passed += seconds

    def step(self, seconds: float) -> None:
        """Set the wall clock *seconds* forward, or back if they are negative; no time passes."""
        _require_finite(seconds)
        with self._lock:
            self._stepped += seconds


def _require_finite(seconds: float) -> None:
    """Check that a clock can count *seconds*.

    Raises:
        ConfigError: they are not a number, or too many.
    """
    require("seconds", seconds, float)
    if not abs(seconds) <= _MAX_SECONDS:  # also NaN
        raise ConfigError(f"seconds must be a number of at most {_MAX_SECONDS:,} (a thousand years)")
