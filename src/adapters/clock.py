"""Time, as the machine tells it."""

from __future__ import annotations

import time
from datetime import UTC, datetime

__all__ = ["SystemClock"]


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Give the date and time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Give seconds that never step back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let *seconds* pass; none when there are none."""
        time.sleep(max(0.0, seconds))
