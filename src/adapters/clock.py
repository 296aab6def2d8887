"""The time of the machine."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from ..domain.ports import Signal

__all__ = ["SystemClock"]


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the date and time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds from some fixed point; never steps back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass; return at once for a negative number."""
        time.sleep(max(0.0, seconds))

    def wait(self, seconds: float, signal: Signal) -> None:
        """Let *seconds* pass, or fewer if *signal* is given before."""
        signal.wait(max(0.0, seconds))
