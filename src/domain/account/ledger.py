"""The ledger: what each event does to the snapshot of an account.

Every function takes a snapshot and returns the next one, or the same one without a change. Each expects a snapshot that
:func:`current` has brought up to date. The window only moves forward: if the clock steps back, no day is reopened and no
count is reset.

Pacing is GCRA, the generic cell rate algorithm (ITU-T I.371). A call is in order from ``arrival - tolerance`` on, and moves
``arrival`` one emission interval further. So grants in any span t never exceed burst + rate * t.

The provider counts calls on arrival. The first call of a burst may travel longer than the next, since it has to connect. A
call sent exactly when a token is due may then arrive too early. Calls that need a refill are granted :data:`MARGIN` later. That
shifts the schedule once, and costs no rate.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final

import attrs

from ..faults import ChartApiError, FaultKind
from ..plan import UNKNOWN, ChartLimits
from .settings import MARGIN, Account
from .snapshot import LONG_AGO, AccountSnapshot, Claim
from .states import AccountEvent, AccountState, advance
from .window import window_of

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
    "reset",
    "restore",
    "suspend",
    "throttle",
]

_MAX_REFUNDABLE: Final = 1024
"""Refunds are remembered for the last claims only; older claims stay charged."""

_FIELDS: Final = tuple(field.name for field in attrs.fields(AccountSnapshot))
_values: Final = attrgetter(*_FIELDS)

_MIN_PAUSE: Final = timedelta(seconds=1)
"""The pause after a throttle without ``Retry-After``: every plan earns a token in that time."""


def fresh(account: Account, now: datetime) -> AccountSnapshot:
    """Return the first snapshot of an account."""
    return AccountSnapshot(account.id, window=window_of(now), arrival=LONG_AGO, key_digest=account.key_digest)


def current(snapshot: AccountSnapshot | None, account: Account, now: datetime) -> AccountSnapshot:
    """Apply the end of a pause, a new window and a new key; without a snapshot return the first one."""
    if snapshot is None:
        return fresh(account, now)
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
            learned_limits=UNKNOWN,
            reason="" if snapshot.state is AccountState.EXHAUSTED else snapshot.reason,
        )
    if snapshot.state is AccountState.THROTTLED and snapshot.until is not None and snapshot.until <= now:
        snapshot = _next(snapshot, AccountEvent.COOL, until=None, reason="")
    return snapshot


def left(snapshot: AccountSnapshot, account: Account) -> int:
    """Count the units that the window still has."""
    return 0 if snapshot.spent else max(0, account.calls.daily_limit - snapshot.used)


def ready_at(snapshot: AccountSnapshot, account: Account) -> datetime | None:
    """Return the earliest moment (UTC) of the next call, also in the past; None if the account can't be called."""
    if snapshot.state is AccountState.SUSPENDED or account.calls.daily_limit == 0:
        return None
    ready = snapshot.arrival - account.tolerance + _lag(snapshot, account)
    if snapshot.state is AccountState.THROTTLED and snapshot.until is not None:
        ready = max(ready, snapshot.until)
    return ready if left(snapshot, account) else max(ready, snapshot.window_end)


def grant(snapshot: AccountSnapshot, account: Account, at: datetime) -> tuple[AccountSnapshot, Claim]:
    """Take and charge one unit for the moment *at*, which is not before :func:`ready_at`."""
    # A bucket that fills up loses the time by which a call is late. A burst as long as the margin bears that; calls of a
    # shorter one are further apart instead.
    behind = timedelta() if account.tolerance >= MARGIN else _lag(snapshot, account)
    is_full = at - behind >= snapshot.arrival + MARGIN
    after = _next(
        snapshot,
        AccountEvent.CLAIM,
        arrival=(at if is_full else max(at - behind, snapshot.arrival)) + account.emission,
        used=snapshot.used + 1,
        serial=snapshot.serial + 1,
        full_at=at if is_full else snapshot.full_at,
    )
    return after, Claim(account.id, after.serial, snapshot.window, snapshot.epoch, at)


def confirm(snapshot: AccountSnapshot, claim: Claim) -> bool:
    """Return whether a claim may still be used after a wait."""
    return (
        _is_of(claim, snapshot)
        and snapshot.state is AccountState.AVAILABLE
        and claim.serial <= snapshot.serial
        and claim.serial not in snapshot.refunded
    )


def refund(snapshot: AccountSnapshot, claim: Claim) -> AccountSnapshot:
    """Return the unit of an unused claim: at most once, only in its own window, never to a spent day."""
    oldest = snapshot.serial - _MAX_REFUNDABLE
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


def restore(kept: AccountSnapshot | None, remembered: AccountSnapshot) -> AccountSnapshot:
    """Merge the snapshot *kept* by a store that lost writes with the one *remembered*.

    Each count becomes the larger of the two, and a suspension that either side knows stays. Claims that other processes
    took on the older snapshot may be counted short, so a person has to know.
    """
    if kept is None:
        return attrs.evolve(remembered, version=remembered.version + 1)
    earlier, later = sorted((remembered, kept), key=lambda snapshot: (snapshot.window, snapshot.version))
    same_key = kept.key_digest == remembered.key_digest
    merged = attrs.evolve(
        later,
        arrival=max(kept.arrival, remembered.arrival),
        serial=max(kept.serial, remembered.serial),
        epoch=max(kept.epoch, remembered.epoch),
    )
    if kept.window == remembered.window:
        merged = attrs.evolve(
            merged,
            used=max(kept.used, remembered.used),
            refunded=kept.refunded | remembered.refunded,
            learned_limits=later.learned_limits.tightened(earlier.learned_limits) if same_key else later.learned_limits,
        )
        if earlier.spent and not later.spent:
            merged = _spend(merged, merged.used, earlier.reason)
    was_reinstated = later.epoch > earlier.epoch
    if earlier.state is AccountState.SUSPENDED and later.state is not earlier.state and same_key and not was_reinstated:
        merged = suspend(merged, earlier.reason)
    return attrs.evolve(merged, version=max(kept.version, remembered.version) + 1)


def throttle(snapshot: AccountSnapshot, account: Account, until: datetime, reason: str = "") -> AccountSnapshot:
    """Pause the account to *until* (UTC), with an empty bucket then. The day is not spent."""
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
    """Mark the whole window as spent. Idempotent. The count rises to the limit and never beyond."""
    return snapshot if snapshot.spent else _spend(snapshot, max(snapshot.used, account.calls.daily_limit), reason)


def suspend(snapshot: AccountSnapshot, reason: str) -> AccountSnapshot:
    """Stop all calls until a person reinstates the account or its key changes."""
    if snapshot.state is AccountState.SUSPENDED and snapshot.reason == reason:
        return snapshot
    return _next(snapshot, AccountEvent.SUSPEND, reason=reason, until=None)


def reinstate(snapshot: AccountSnapshot) -> AccountSnapshot:
    """Allow calls of a suspended account again; units spent stay spent."""
    if snapshot.state is not AccountState.SUSPENDED:
        return snapshot
    event = AccountEvent.REINSTATE_SPENT if snapshot.spent else AccountEvent.REINSTATE
    return _next(snapshot, event, epoch=snapshot.epoch + 1, reason="the day is spent" if snapshot.spent else "")


def reset(snapshot: AccountSnapshot, now: datetime) -> AccountSnapshot:
    """Begin the books anew at *now* (UTC), as a person asks after the clock was wrong; a suspension stays.

    No earlier claim changes the new books: reports of it are of an earlier epoch, and its serial is too old for a refund.
    """
    return _next(
        snapshot,
        AccountEvent.RESET,
        window=window_of(now),
        arrival=LONG_AGO,
        used=0,
        until=None,
        reason=snapshot.reason if snapshot.state is AccountState.SUSPENDED else "",
        spent=False,
        refunded=frozenset(),
        serial=snapshot.serial + _MAX_REFUNDABLE,
        epoch=snapshot.epoch + 1,
        full_at=LONG_AGO,
        learned_limits=UNKNOWN,
    )


def learn(snapshot: AccountSnapshot, stated: ChartLimits | None) -> AccountSnapshot:
    """Keep limits that the provider has *stated* to the end of the window; the smaller of two counts."""
    limits = snapshot.learned_limits if stated is None else snapshot.learned_limits.tightened(stated)
    if limits == snapshot.learned_limits:
        return snapshot
    return attrs.evolve(snapshot, learned_limits=limits, version=snapshot.version + 1)


def apply_report(
    snapshot: AccountSnapshot, account: Account, claim: Claim, error: ChartApiError | None, now: datetime
) -> AccountSnapshot:
    """Book the outcome of the call of *claim*.

    A claim is charged when it is granted, so only some outcomes change the snapshot. A report from an earlier window or
    epoch is ignored.
    """
    if error is not None and error.kind is FaultKind.NOT_SENT:
        return refund(snapshot, claim)
    if error is None or not _is_of(claim, snapshot):
        return snapshot
    match error.kind:
        case FaultKind.THROTTLED:
            asked = timedelta(seconds=error.retry_after or 0.0)
            return throttle(snapshot, account, now + max(asked, _MIN_PAUSE, account.emission), error.message)
        case FaultKind.QUOTA_EXCEEDED:
            return exhaust(snapshot, account, error.message)
        case FaultKind.CREDENTIAL_REJECTED:
            return suspend(snapshot, error.message)
        case FaultKind.PLAN_LIMIT:
            return learn(snapshot, ChartLimits.stated_in(error.message))
        case _:
            return snapshot


def _lag(snapshot: AccountSnapshot, account: Account) -> timedelta:
    """Return by how much grants run behind the bucket: MARGIN from the first call that needs a refill, until it is full."""
    return MARGIN if snapshot.arrival - snapshot.full_at > account.tolerance else timedelta()


def _is_of(claim: Claim, snapshot: AccountSnapshot) -> bool:
    """Return whether *claim* was taken in the window and epoch of *snapshot*."""
    return claim.window == snapshot.window and claim.epoch == snapshot.epoch


def _spend(snapshot: AccountSnapshot, used: int, reason: str) -> AccountSnapshot:
    """Mark the window as spent after *used* units; a suspension stays, with its own reason."""
    suspended = snapshot.state is AccountState.SUSPENDED
    reason = snapshot.reason if suspended else reason
    return _next(snapshot, AccountEvent.EXHAUST, spent=True, used=used, until=None, reason=reason)


def _with_key(snapshot: AccountSnapshot, account: Account) -> AccountSnapshot:
    """Switch to a new key: clear the suspension and learned limits, keep the units spent."""
    return attrs.evolve(
        reinstate(snapshot),
        key_digest=account.key_digest,
        version=snapshot.version + 1,
        epoch=snapshot.epoch + 1,
        learned_limits=UNKNOWN,
    )


def _next(snapshot: AccountSnapshot, event: AccountEvent, **changes: object) -> AccountSnapshot:
    """Advance the state by the table and return the next snapshot, quicker than attrs.evolve: each claim does."""
    fields = dict(zip(_FIELDS, _values(snapshot), strict=True))
    changes |= {"state": advance(snapshot.state, event), "version": snapshot.version + 1}
    return AccountSnapshot(**{**fields, **changes})
