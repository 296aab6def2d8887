"""The quota of one key: a bucket of tokens, the units of a day, and tallies of its calls.

As in an API gateway, the throttle comes first. A call that passes it is charged, even if it fails afterwards. The client's
ledger is not used here, so that each can test the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum, auto
from typing import Final

import attrs

from ..domain.plan import CallLimits

_SLACK: Final = 1e-6  # rounding loses up to this share of a token


class Admission(StrEnum):
    """The decision about a call: served for a unit, over the rate, or over the day's quota."""

    CHARGED = auto()
    THROTTLED = auto()
    REFUSED = auto()


@attrs.frozen
class Tally:
    """Numbers of calls: *asked* is the sum of the others; *refused* are those after the quota was spent."""

    asked: int = 0
    throttled: int = 0
    charged: int = 0
    refused: int = 0

    def plus(self, admission: Admission) -> Tally:
        """Return the tally with one more call."""
        column = admission.value
        return attrs.evolve(self, asked=self.asked + 1, **{column: getattr(self, column) + 1})


@attrs.frozen
class AccountTallies:
    """The tallies of one account: in total, and for each UTC day (``2026-01-05``)."""

    total: Tally
    days: Mapping[str, Tally]


@attrs.frozen
class Tallies:
    """All tallies at a moment (UTC): those of each account by its id, and the number of calls with an unknown key."""

    now: datetime
    accounts: Mapping[str, AccountTallies]
    unknown_key: int = 0


class KeyQuota:
    """Admits the calls of one key. Time is an argument; a step back adds no tokens."""

    def __init__(self, limits: CallLimits) -> None:
        self._limits = limits
        self._tokens = float(limits.burst)
        self._filled_at: datetime | None = None
        self._days: dict[str, Tally] = {}

    def admit(self, now: datetime) -> Admission:
        """Return the decision about a call at *now* (aware), and count the call."""
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

    def tallies(self) -> AccountTallies:
        """Return the tallies so far."""
        columns = zip(*(attrs.astuple(tally) for tally in self._days.values()), strict=True)
        return AccountTallies(Tally(*map(sum, columns)), dict(sorted(self._days.items())))

    def _take_token(self, now: datetime) -> bool:
        """Fill the bucket up to *now* and take a token; return whether there was one."""
        passed = 0.0 if self._filled_at is None else (now - self._filled_at).total_seconds()
        self._filled_at = now
        self._tokens = min(self._limits.burst, self._tokens + max(0.0, passed) * self._limits.requests_per_second)
        if self._tokens < 1 - _SLACK:
            return False
        self._tokens -= 1
        return True
