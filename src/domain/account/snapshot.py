"""What is known of an account at one moment, and one unit taken from it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

from ..plan import UNKNOWN, ChartLimits
from .states import AccountState

__all__ = ["LONG_AGO", "WINDOW", "AccountSnapshot", "Claim", "window_of"]

WINDOW: Final = timedelta(days=1)
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class AccountSnapshot:
    """What is known of an account at one moment; the unit that stores keep and swap.

    Attributes:
        account_id: whose it is.
        window: the start (UTC) of the quota day the counts belong to.
        arrival: GCRA's theoretical arrival time (UTC), the provider's bucket in one number.
        key_digest: which key it was made with.
        version: one more than its predecessor's.
        state: the state.
        used: units taken from the window.
        until: when (UTC) a pause the provider asked for is over; meaningful while THROTTLED.
        reason: why it is in its state, in a phrase.
        spent: the provider said so: the window is spent whatever the count.
        refunded: serials of this window's claims that were given back, as far as they might be given back again.
        serial: the serial of the last claim.
        epoch: counts reinstatements and new keys; a report of an earlier epoch speaks of what is over.
        full_at: when (UTC) the bucket was last full; the burst of calls from then on needs no refill.
        told: what the provider has said in this window that one chart may ask for, where it refused more.
    """

    account_id: str
    window: datetime
    arrival: datetime
    key_digest: str
    version: int = 0
    state: AccountState = AccountState.AVAILABLE
    used: int = 0
    until: datetime | None = None
    reason: str = ""
    spent: bool = False
    refunded: frozenset[int] = frozenset()
    serial: int = 0
    epoch: int = 0
    full_at: datetime = LONG_AGO
    told: ChartLimits = UNKNOWN

    @property
    def window_end(self) -> datetime:
        """When (UTC) the window is over."""
        return self.window + WINDOW


@attrs.frozen
class Claim:
    """One unit of an account's day, charged when it is granted.

    Attributes:
        account_id: whose.
        serial: which of the account's claims.
        window: the quota day (UTC) it was taken from.
        epoch: the epoch of the snapshot it was taken from.
        not_before: the moment (UTC) it is granted for; the caller waits it out.
    """

    account_id: str
    serial: int
    window: datetime
    epoch: int
    not_before: datetime


def window_of(now: datetime) -> datetime:
    """Give the start of the quota day of *now* (aware, any zone), in UTC."""
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
