"""The books of an account: what each event does to its snapshot.

Every function takes a snapshot and gives the next, or the same one when there is nothing to change. They all begin
with :func:`current`, which applies the time that has passed. The window only ever moves forward: a clock that steps back
neither reopens a day nor resets a count.

Pacing is GCRA, the generic cell rate algorithm (ITU-T I.371): a call is in order from ``arrival - tolerance`` on, and
moves ``arrival`` one emission interval further. So grants in any span t never exceed burst + rate * t.

What counts for the provider is when a call arrives. The first of a burst may be under way longer than a later one, for
which the connection is there already; then a call that comes just when a token should be back comes too soon. So every
call that needs a refill is granted a :data:`MARGIN` later. That delays a busy time once, and takes nothing off the rate.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from ..faults import ChartApiError, FaultKind
from ..plan import UNKNOWN, ChartLimits
from ..plan.demand import Demand
from .settings import Account
from .snapshot import LONG_AGO, AccountSnapshot, Claim, window_of
from .states import AccountEvent, AccountState, advance

__all__ = [
    "MARGIN",
    "apply_report",
    "confirm",
    "current",
    "exhaust",
    "fresh",
    "grant",
    "learn",
    "left",
    "ready_at",
    "refund",
    "reinstate",
    "restore",
    "suspend",
    "throttle",
]

MARGIN: Final = timedelta(milliseconds=100)
"""How much longer one call may be under way to the provider than another."""

_REFUNDABLE: Final = 1024
"""A claim that so many others have followed stays charged: what has to be remembered of refunds is bounded."""

_LEAST_PAUSE: Final = timedelta(seconds=1)
"""After a throttle without a ``Retry-After``: what any of the provider's plans needs to earn a token."""


def fresh(account: Account, now: datetime) -> AccountSnapshot:
    """Open the books of an account that has none, and so no pace to keep."""
    return AccountSnapshot(account.id, window=window_of(now), arrival=LONG_AGO, key_digest=account.key_digest)


def current(snapshot: AccountSnapshot, account: Account, now: datetime) -> AccountSnapshot:
    """Apply what time and the settings have changed: a pause that is over, a new window, a new key."""
    if snapshot.key_digest != account.key_digest:
        snapshot = _with_key(snapshot, account)
    if now >= snapshot.window_end:
        snapshot = _next(
            snapshot,
            AccountEvent.NEW_WINDOW,
            window=window_of(now),
            used=0,
            spent=False,
            refunded=frozenset(),
            told=UNKNOWN,
            reason="" if snapshot.state is AccountState.EXHAUSTED else snapshot.reason,
        )
    if snapshot.state is AccountState.THROTTLED and snapshot.until is not None and snapshot.until <= now:
        snapshot = _next(snapshot, AccountEvent.COOL, until=None, reason="")
    return snapshot


def left(snapshot: AccountSnapshot, account: Account) -> int:
    """Count the units the rest of the window still has."""
    return 0 if snapshot.spent else max(0, account.daily_limit - snapshot.used)


def ready_at(snapshot: AccountSnapshot, account: Account) -> datetime | None:
    """Give the earliest moment (UTC) of the next call, which may lie in the past; None for an account that has none."""
    if snapshot.state is AccountState.SUSPENDED or account.daily_limit == 0:
        return None
    ready = snapshot.arrival - account.tolerance
    if snapshot.arrival - snapshot.full_at > account.tolerance:
        ready += MARGIN
    if snapshot.state is AccountState.THROTTLED and snapshot.until is not None:
        ready = max(ready, snapshot.until)
    return ready if left(snapshot, account) else max(ready, snapshot.window_end)


def grant(snapshot: AccountSnapshot, account: Account, at: datetime) -> tuple[AccountSnapshot, Claim]:
    """Take one unit for the moment *at*, which is not before :func:`ready_at`, and charge it."""
    serial = snapshot.serial + 1
    after = AccountSnapshot(  # in full: every call comes through here, and evolve takes three times as long
        snapshot.account_id,
        snapshot.window,
        max(at, snapshot.arrival) + account.emission,
        snapshot.key_digest,
        snapshot.version + 1,
        advance(snapshot.state, AccountEvent.CLAIM),
        snapshot.used + 1,
        snapshot.until,
        snapshot.reason,
        snapshot.spent,
        snapshot.refunded,
        serial,
        snapshot.epoch,
        at if at >= snapshot.arrival + MARGIN else snapshot.full_at,
        snapshot.told,
    )
    return after, Claim(account.id, serial, snapshot.window, snapshot.epoch, at)


def confirm(snapshot: AccountSnapshot, claim: Claim) -> bool:
    """Whether a claim that was waited for may still be used, on a snapshot that is :func:`current`."""
    return (
        _speaks_of(claim, snapshot)
        and snapshot.state is AccountState.AVAILABLE
        and claim.serial not in snapshot.refunded
    )


def refund(snapshot: AccountSnapshot, claim: Claim) -> AccountSnapshot:
    """Give back a claim that was never used; at most once, only in its own window, and never to a spent day."""
    oldest = snapshot.serial - _REFUNDABLE
    if (
        snapshot.spent
        or claim.window != snapshot.window
        or claim.serial in snapshot.refunded
        or not oldest < claim.serial <= snapshot.serial
    ):
        return snapshot
    return _next(
        snapshot,
        AccountEvent.REFUND,
        used=max(0, snapshot.used - 1),
        refunded=frozenset(serial for serial in snapshot.refunded if serial > oldest) | {claim.serial},
    )


def restore(kept: AccountSnapshot | None, known: AccountSnapshot) -> AccountSnapshot:
    """Put together what a store that lost writes still keeps and what is known to have been in it.

    Of each count the larger is taken, so that nothing is forgotten; what others did on the older books may be counted
    short, which is for a person to know.
    """
    version = max(known.version, -1 if kept is None else kept.version) + 1
    if kept is None or kept.window < known.window:
        return attrs.evolve(known, version=version)
    never_back = {
        "version": version,
        "arrival": max(kept.arrival, known.arrival),
        "serial": max(kept.serial, known.serial),
        "epoch": max(kept.epoch, known.epoch),
    }
    if kept.window > known.window:
        return attrs.evolve(kept, **never_back)  # type: ignore[arg-type]
    latest, older = (known, kept) if known.version > kept.version else (kept, known)
    spent = kept.spent or known.spent
    return attrs.evolve(
        latest,
        used=max(kept.used, known.used),
        spent=spent,
        state=AccountState.EXHAUSTED if spent and latest.state is not AccountState.SUSPENDED else latest.state,
        refunded=kept.refunded | known.refunded,
        told=latest.told.tightened(older.told) if older.key_digest == latest.key_digest else latest.told,
        **never_back,  # type: ignore[arg-type]
    )


def throttle(snapshot: AccountSnapshot, account: Account, until: datetime, reason: str = "") -> AccountSnapshot:
    """Pause the account to *until* (UTC), after which its bucket is taken to be empty; the day is not spent."""
    if snapshot.state not in {AccountState.AVAILABLE, AccountState.THROTTLED}:
        return snapshot
    until = max(until, snapshot.until) if snapshot.until is not None else until
    return _next(
        snapshot,
        AccountEvent.THROTTLE,
        until=until,
        reason=reason,
        arrival=max(snapshot.arrival, until + account.tolerance - MARGIN),  # the pause itself is the margin
    )


def exhaust(snapshot: AccountSnapshot, account: Account, reason: str = "") -> AccountSnapshot:
    """Take the whole window as spent. Once is enough; the count goes up to the limit and never beyond."""
    if snapshot.spent:
        return snapshot
    suspended = snapshot.state is AccountState.SUSPENDED
    return _next(
        snapshot,
        AccountEvent.EXHAUST,
        spent=True,
        used=max(snapshot.used, account.daily_limit),
        until=None,
        reason=snapshot.reason if suspended else reason,
    )


def suspend(snapshot: AccountSnapshot, reason: str) -> AccountSnapshot:
    """Stop using the account until a person reinstates it or its key changes."""
    if snapshot.state is AccountState.SUSPENDED and snapshot.reason == reason:
        return snapshot
    return _next(snapshot, AccountEvent.SUSPEND, reason=reason, until=None)


def reinstate(snapshot: AccountSnapshot) -> AccountSnapshot:
    """Use a suspended account again; what its window has spent stays spent."""
    if snapshot.state is not AccountState.SUSPENDED:
        return snapshot
    event = AccountEvent.REINSTATE_SPENT if snapshot.spent else AccountEvent.REINSTATE
    return _next(snapshot, event, epoch=snapshot.epoch + 1, reason="the day is spent" if snapshot.spent else "")


def learn(snapshot: AccountSnapshot, told: ChartLimits | None) -> AccountSnapshot:
    """Keep to the end of the window what the provider has *told* of the limits of a chart; None tells nothing.

    What was refused stays refused: of two tellings the smaller counts, whichever comes later.
    """
    known = snapshot.told if told is None else snapshot.told.tightened(told)
    return snapshot if known == snapshot.told else attrs.evolve(snapshot, told=known, version=snapshot.version + 1)


def apply_report(
    snapshot: AccountSnapshot,
    account: Account,
    claim: Claim,
    error: ChartApiError | None,
    now: datetime,
    demand: Demand | None = None,
) -> AccountSnapshot:
    """Book the outcome of the call that *claim* was taken for; *demand* is what its chart asked for, if that is known.

    A claim is charged when it is granted, so most outcomes change nothing; and none changes anything in a window later than
    its claim's, nor, but for a refund, in a later epoch.
    """
    if error is not None and error.kind is FaultKind.NOT_SENT:
        return refund(snapshot, claim)
    if error is None or not _speaks_of(claim, snapshot):
        return snapshot
    match error.kind:
        case FaultKind.THROTTLED:
            asked = timedelta(seconds=error.retry_after or 0.0)
            return throttle(snapshot, account, now + max(asked, _LEAST_PAUSE, account.emission), error.message)
        case FaultKind.QUOTA_EXCEEDED:
            return exhaust(snapshot, account, error.message)
        case FaultKind.CREDENTIAL_REJECTED:
            return suspend(snapshot, error.message)
        case FaultKind.PLAN_LIMIT:
            return learn(snapshot, ChartLimits.told_by(error.message, demand))
        case _:
            return snapshot


def _speaks_of(claim: Claim, snapshot: AccountSnapshot) -> bool:
    """Whether *claim* was taken in the window and epoch that *snapshot* is in."""
    return claim.window == snapshot.window and claim.epoch == snapshot.epoch


def _with_key(snapshot: AccountSnapshot, account: Account) -> AccountSnapshot:
    """Go on with another key: what was wrong with the last one is over, and so is what was told of it; what it spent is not."""
    return attrs.evolve(
        reinstate(snapshot),
        key_digest=account.key_digest,
        version=snapshot.version + 1,
        epoch=snapshot.epoch + 1,
        told=UNKNOWN,
    )


def _next(snapshot: AccountSnapshot, event: AccountEvent, **changes: object) -> AccountSnapshot:
    """Advance the state and make the next snapshot; the table decides whether *event* may happen at all."""
    state = advance(snapshot.state, event)
    return attrs.evolve(snapshot, state=state, version=snapshot.version + 1, **changes)  # type: ignore[arg-type]
