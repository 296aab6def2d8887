"""Facts for listeners: frozen, named after what happened. Their log names are API (see ``docs/logs.md``)."""

from __future__ import annotations

from datetime import datetime

import attrs

from .faults import FaultKind
from .finding import Finding

__all__ = [
    "AccountExhausted",
    "AccountSuspended",
    "AccountThrottled",
    "CallFinished",
    "CallStarted",
    "Event",
    "FixtureNotRecorded",
    "FixtureRecorded",
    "FixtureStale",
    "LimitExceeded",
    "MockMissing",
    "PictureDoubtful",
    "PlanLimitLearned",
    "RequestDoubtful",
    "RequestRefused",
    "RetryScheduled",
    "StoreFailed",
    "StoreLostWrites",
]


@attrs.frozen
class RequestDoubtful:
    """A request may be wrong, or is and was made all the same; a client tells each finding once."""

    chart: str
    findings: tuple[Finding, ...]


@attrs.frozen
class RequestRefused:
    """A request was not made, since the provider would have refused it and charged for it."""

    chart: str
    findings: tuple[Finding, ...]


@attrs.frozen
class CallStarted:
    """A call is about to be sent: the *attempt*-th of its request, counted from 1."""

    chart: str
    account_id: str
    attempt: int


@attrs.frozen
class CallFinished:
    """A call has ended, after *duration* seconds; *kind* is None when it brought the picture."""

    chart: str
    account_id: str
    attempt: int
    duration: float
    http_status: int | None
    kind: FaultKind | None


@attrs.frozen
class RetryScheduled:
    """Another call will follow in *delay* seconds, because of *kind*."""

    chart: str
    attempt: int
    delay: float
    kind: FaultKind


@attrs.frozen
class AccountThrottled:
    """The provider asked an account to pause to *until* (UTC)."""

    account_id: str
    until: datetime
    reason: str


@attrs.frozen
class AccountExhausted:
    """An account's day is spent, to *until* (UTC)."""

    account_id: str
    until: datetime
    reason: str


@attrs.frozen
class AccountSuspended:
    """An account gets no call until a person reinstates it or its key changes."""

    account_id: str
    reason: str


@attrs.frozen
class PlanLimitLearned:
    """What a chart of an account may ask for, as its refusals have told, to be kept to *until* (UTC); None: nothing of that."""

    account_id: str
    max_width: int | None
    max_height: int | None
    max_parameters: int | None
    custom_watermark: bool | None
    until: datetime


@attrs.frozen
class LimitExceeded:
    """No account was left for a request; *available_at* (UTC) says when one will be, if that is known."""

    chart: str
    exhausted_accounts: tuple[str, ...]
    suspended_accounts: tuple[str, ...]
    available_at: datetime | None


@attrs.frozen
class MockMissing:
    """There is no fixture for a request that may only be answered from fixtures; *path* is where it would be."""

    chart: str
    path: str


@attrs.frozen
class FixtureRecorded:
    """An exchange was saved as a fixture."""

    chart: str
    path: str
    http_status: int


@attrs.frozen
class FixtureNotRecorded:
    """An exchange could not be saved as a fixture in the folder *path*; its outcome was handed on all the same."""

    chart: str
    path: str
    reason: str


@attrs.frozen
class FixtureStale:
    """A fixture was replayed for a request whose body differs from the one it was recorded for."""

    chart: str
    path: str


@attrs.frozen
class PictureDoubtful:
    """A picture has come, from *account_id* or, without one, for free, and may not be the one that was asked for."""

    chart: str
    account_id: str | None
    findings: tuple[Finding, ...]


@attrs.frozen
class StoreFailed:
    """The account store could not be reached: no claim was taken, or, for an account, the outcome of a call not booked.

    A claim whose outcome is not booked stays charged.
    """

    account_id: str | None
    reason: str


@attrs.frozen
class StoreLostWrites:
    """The account store has forgotten what was written; *units* of today may have been spent twice meanwhile.

    What this process knew has been written again.
    """

    account_id: str
    units: int
    version_known: int
    version_kept: int | None


Event = (
    RequestDoubtful
    | RequestRefused
    | CallStarted
    | CallFinished
    | RetryScheduled
    | AccountThrottled
    | AccountExhausted
    | AccountSuspended
    | PlanLimitLearned
    | LimitExceeded
    | MockMissing
    | FixtureNotRecorded
    | FixtureRecorded
    | FixtureStale
    | PictureDoubtful
    | StoreFailed
    | StoreLostWrites
)
