"""The snapshot: an account at one moment. And the claim: one unit taken from its day."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import attrs

from ..plan import UNKNOWN, ChartLimits
from .states import AccountState
from .window import WINDOW

__all__ = ["LONG_AGO", "AccountSnapshot", "Claim"]

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


@attrs.frozen
class AccountSnapshot:
    """An account at one moment; stores keep and swap whole snapshots.

    Attributes:
        account_id: id of the account.
        window: start (UTC) of the quota day that the counts belong to.
        arrival: GCRA's theoretical arrival time (UTC): the provider's bucket in one number.
        key_digest: digest of the API key.
        version: one more than that of the snapshot before.
        state: the state.
        used: units taken from the window.
        until: end (UTC) of a pause that the provider asked for; meaningful while THROTTLED.
        reason: a phrase that explains the state.
        spent: the provider called the window spent, at any count.
        refunded: serials of refunded claims of this window, for as long as they could be refunded again.
        serial: serial of the last claim.
        epoch: number of reinstatements and key changes; reports from an earlier epoch are ignored.
        full_at: moment (UTC) when the bucket was last full; a burst from then on needs no refill.
        learned_limits: limits of one chart that the provider has stated in this window.
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
    learned_limits: ChartLimits = UNKNOWN

    @property
    def window_end(self) -> datetime:
        """End (UTC) of the window."""
        return self.window + WINDOW


@attrs.frozen
class Claim:
    """One unit of an account's day, charged when it is granted.

    Attributes:
        account_id: id of the account.
        serial: number of the claim among those of the account.
        window: start (UTC) of the quota day it was taken from.
        epoch: epoch of the snapshot it was taken from.
        not_before: moment (UTC) it is granted for; the caller waits for it.
    """

    account_id: str
    serial: int
    window: datetime
    epoch: int
    not_before: datetime
