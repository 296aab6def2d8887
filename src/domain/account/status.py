"""The status of an account, for people and programs."""

from __future__ import annotations

from datetime import datetime
from shlex import quote

import attrs

from ..plan import PlanName
from .ledger import left, ready_at
from .settings import Account
from .snapshot import AccountSnapshot
from .states import AccountState

__all__ = ["AccountStatus", "status_of"]


@attrs.frozen
class AccountStatus:
    """The state of an account and the units it has left.

    Attributes:
        account_id: its id.
        state: EXHAUSTED also when claims hold all units of the window.
        used: units taken in this window.
        limit: units a window.
        left: units that can still be taken.
        reason: a phrase that explains the state.
        available_at: earliest moment (UTC) of the next call; None for a suspended account.
        window_end: end (UTC) of the window.
        plan: the provider's plan, if known.
    """

    account_id: str
    state: AccountState
    used: int
    limit: int
    left: int
    reason: str
    available_at: datetime | None
    window_end: datetime
    plan: PlanName | str | None


def status_of(account: Account, snapshot: AccountSnapshot, now: datetime) -> AccountStatus:
    """Return the status of *account* from its *snapshot* as it stands *now* (UTC)."""
    units, ready = left(snapshot, account), ready_at(snapshot, account)
    spent = not units and snapshot.state is not AccountState.SUSPENDED
    return AccountStatus(
        account.id,
        AccountState.EXHAUSTED if spent else snapshot.state,
        snapshot.used,
        account.calls.daily_limit,
        units,
        _reason(account, snapshot, now, spent=spent),
        None if ready is None else max(ready, now),
        snapshot.window_end,
        account.plan,
    )


def _reason(account: Account, snapshot: AccountSnapshot, now: datetime, *, spent: bool) -> str:
    """Explain the state in a phrase."""
    if snapshot.window > now:
        return (
            f"its books are of {snapshot.window:%Y-%m-%d}, which is to come: was the clock wrong? "
            f"chartimg accounts reset {quote(account.id)} begins them anew"
        )
    return snapshot.reason or ("all units of the day are taken" if spent else "")
