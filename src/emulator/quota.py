"""The provider's books of one key: a bucket of tokens, a quota for the day, and a tally of what became of its calls.

Both limits work as an API gateway's do: the throttle comes first, and a call that passes it is charged, whatever
becomes of it. Written on its own, and not with the client's ledger, so that one can test the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum, auto
from typing import Final

import attrs

from ..domain.plan import CallLimits

__all__ = ["AccountTallies", "Admission", "KeyQuota", "Tallies", "Tally"]

_SLACK: Final = 1e-6  # of a token; what rounding may take


class Admission(StrEnum):
    """Whether a call may pass."""

    CHARGED = auto()
    THROTTLED = auto()
    REFUSED = auto()


@attrs.frozen
class Tally:
    """What became of calls: of *asked*, so many were throttled, charged, or refused because the quota was spent."""

    asked: int = 0
    throttled: int = 0
    charged: int = 0
    refused: int = 0

    def plus(self, admission: Admission) -> Tally:
        """Count one more call."""
        return Tally(
            self.asked + 1,
            self.throttled + (admission is Admission.THROTTLED),
            self.charged + (admission is Admission.CHARGED),
            self.refused + (admission is Admission.REFUSED),
        )


@attrs.frozen
class AccountTallies:
    """The tally of one account, in all and for each UTC day (``2026-01-05``)."""

    total: Tally
    days: Mapping[str, Tally]


@attrs.frozen
class Tallies:
    """The provider's books at a moment (UTC): each account by its id, and the calls with a key that nobody has."""

    now: datetime
    accounts: Mapping[str, AccountTallies]
    unknown_key: int = 0


class KeyQuota:
    """Admits the calls of one key. The time of the call is an argument and may step back, which earns no tokens."""

    def __init__(self, limits: CallLimits) -> None:
        self._limits = limits
        self._tokens = float(limits.burst)
        self._filled_at: datetime | None = None
        self._days: dict[str, Tally] = {}

    def admit(self, now: datetime) -> Admission:
        """Decide about a call at *now* (aware), and count it."""
        day = now.astimezone(UTC).date().isoformat()
        tally = self._days.get(day, Tally())
        if not self._take_token(now):
            admission = Admission.THROTTLED
        elif tally.charged < self._limits.daily_limit:
            admission = Admission.CHARGED
        else:
            admission = Admission.REFUSED
        self._days[day] = tally.plus(admission)
        return admission

    def ledger(self) -> AccountTallies:
        """Give the tally."""
        columns = zip(*(attrs.astuple(tally) for tally in self._days.values()), strict=True)
        return AccountTallies(Tally(*map(sum, columns)), dict(sorted(self._days.items())))

    def _take_token(self, now: datetime) -> bool:
        """Fill the bucket up to *now* and take a token, if there is one."""
        passed = 0.0 if self._filled_at is None else (now - self._filled_at).total_seconds()
        self._filled_at = now
        self._tokens = min(self._limits.burst, self._tokens + max(0.0, passed) * self._limits.requests_per_second)
        if self._tokens < 1 - _SLACK:
            return False
        self._tokens -= 1
        return True
