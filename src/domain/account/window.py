"""The window: the quota day of an account, from its start to its end in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["WINDOW", "window_of"]

WINDOW: Final = timedelta(days=1)


def window_of(now: datetime) -> datetime:
    """Return the start (UTC) of the quota day of *now* (aware, any zone).

    The day is taken to be the UTC day; the API page does not say.
    """
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
