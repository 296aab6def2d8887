"""Facts for listeners: frozen, each named after an event. Their log names are API (see ``docs/logs.md``).

One file because the union ``Event`` names them all, and a listener is checked against it.
"""

from __future__ import annotations

from datetime import datetime

import attrs

from .faults import FaultKind
from .finding import Finding

__all__ = [
    "AccountDoubtful",
    "AccountExhausted",
    "AccountReinstated",
    "AccountSuspended",
    "AccountThrottled",
    "BooksAhead",
    "CacheFailed",
    "CallFinished",
    "CallStarted",
    "Event",
    "FetchFinished",
    "FetchStarted",
    "FixtureNotRecorded",
    "FixtureRecorded",
    "FixtureStale",
    "LimitExceeded",
    "MockMissing",
    "PictureDoubtful",
    "PictureKept",
    "PlanLimitLearned",
    "RequestDoubtful",
    "RequestRefused",
    "RetryScheduled",
    "ServiceDown",
    "ServiceUp",
    "StoreFailed",
    "StoreLostWrites",
]


@attrs.frozen
class _Fact:
    """What all events have.

    Attributes:
        fetch_id: the name of the fetch in which it happened; None outside of any.
    """

    fetch_id: str | None = attrs.field(default=None, kw_only=True, eq=False)


@attrs.frozen
class FetchStarted(_Fact):
    """A chart is asked for."""

    chart: str


@attrs.frozen
class FetchFinished(_Fact):
    """A fetch has ended after *duration* seconds and so many *calls*.

    *ok* tells whether it has a picture, *source* where its answer came from. Without *ok* and *kind* it ended with an exception.
    """

    chart: str
    duration: float
    calls: int
    ok: bool
    source: str | None
    kind: FaultKind | None


@attrs.frozen
class PictureKept(_Fact):
    """A picture of *size* bytes came after its caller had gone; the next equal request within a minute gets it."""

    chart: str
    account_id: str | None
    size: int


@attrs.frozen
class RequestDoubtful(_Fact):
    """A request has *findings* and was not refused for them. A client reports each finding once."""

    chart: str
    findings: tuple[Finding, ...]


@attrs.frozen
class RequestRefused(_Fact):
    """A request was not made: the provider would have refused it and charged for it."""

    chart: str
    findings: tuple[Finding, ...]


@attrs.frozen
class CallStarted(_Fact):
    """A call is about to be sent: the *attempt*-th of its request, counted from 1. *method* and *path* are those of HTTP."""

    chart: str
    account_id: str
    attempt: int
    method: str = attrs.field(default="POST", kw_only=True, eq=False)
    path: str = attrs.field(default="", kw_only=True, eq=False)


@attrs.frozen
class CallFinished(_Fact):
    """A call has ended after *duration* seconds; *kind* is None if it returned the picture."""

    chart: str
    account_id: str
    attempt: int
    duration: float
    http_status: int | None
    kind: FaultKind | None


@attrs.frozen
class RetryScheduled(_Fact):
    """Another call will follow in *delay* seconds, because call *attempt* failed with *kind*."""

    chart: str
    attempt: int
    delay: float
    kind: FaultKind


@attrs.frozen
class AccountDoubtful(_Fact):
    """An account states limits that its plan does not have."""

    account_id: str
    findings: tuple[Finding, ...]


@attrs.frozen
class AccountThrottled(_Fact):
    """The provider asked an account to pause to *until* (UTC)."""

    account_id: str
    until: datetime
    reason: str


@attrs.frozen
class AccountExhausted(_Fact):
    """An account's day is spent, to *until* (UTC)."""

    account_id: str
    until: datetime
    reason: str


@attrs.frozen
class BooksAhead(_Fact):
    """The books of an account are of a window that begins at *window* (UTC), in the future: the clock was wrong."""

    account_id: str
    window: datetime


@attrs.frozen
class AccountReinstated(_Fact):
    """A suspended account may be called again: a person reinstated it, or its key has changed."""

    account_id: str


@attrs.frozen
class AccountSuspended(_Fact):
    """An account gets no call until a person reinstates it or its key changes."""

    account_id: str
    reason: str


@attrs.frozen
class PlanLimitLearned(_Fact):
    """The limits of a chart that an account's refusals stated, kept to *until* (UTC); None: not stated."""

    account_id: str
    max_width: int | None
    max_height: int | None
    max_parameters: int | None
    custom_watermark: bool | None
    until: datetime


@attrs.frozen
class LimitExceeded(_Fact):
    """No account was left for a request; *available_at* (UTC) is the moment when one is free, if that is known."""

    chart: str
    exhausted_accounts: tuple[str, ...]
    suspended_accounts: tuple[str, ...]
    available_at: datetime | None


@attrs.frozen
class MockMissing(_Fact):
    """A request that may only be answered from fixtures has no fixture; *path* is its place."""

    chart: str
    path: str


@attrs.frozen
class FixtureRecorded(_Fact):
    """An exchange was saved as a fixture."""

    chart: str
    path: str
    http_status: int


@attrs.frozen
class FixtureNotRecorded(_Fact):
    """An exchange could not be saved as a fixture in the folder *path*; its outcome was returned all the same."""

    chart: str
    path: str
    reason: str


@attrs.frozen
class FixtureStale(_Fact):
    """A fixture was replayed for a request with another body than at its recording."""

    chart: str
    path: str


@attrs.frozen
class PictureDoubtful(_Fact):
    """A picture may not be the requested one. *account_id* paid for it; without one it was free."""

    chart: str
    account_id: str | None
    findings: tuple[Finding, ...]


@attrs.frozen
class CacheFailed(_Fact):
    """The cache of pictures can't be used; charts are fetched without it. A client reports it once."""

    reason: str


@attrs.frozen
class ServiceDown(_Fact):
    """The service has failed *failures* times in a row. No call is made before *until* (UTC), but for a forced probe."""

    failures: int
    until: datetime
    reason: str


@attrs.frozen
class ServiceUp(_Fact):
    """The service answers again, after so many *seconds*."""

    seconds: float


@attrs.frozen
class StoreFailed(_Fact):
    """The account store could not be reached.

    Without *account_id*: no claim was taken. With it: the outcome of a call was not booked, and its claim stays charged.
    """

    account_id: str | None
    reason: str


@attrs.frozen
class StoreLostWrites(_Fact):
    """The account store lost writes; up to *units* of today may have been spent twice meanwhile.

    This process has written its own books again.
    """

    account_id: str
    units: int
    version_known: int
    version_kept: int | None


Event = (
    FetchStarted
    | FetchFinished
    | PictureKept
    | RequestDoubtful
    | RequestRefused
    | CallStarted
    | CallFinished
    | RetryScheduled
    | AccountDoubtful
    | AccountThrottled
    | AccountExhausted
    | AccountSuspended
    | AccountReinstated
    | BooksAhead
    | CacheFailed
    | PlanLimitLearned
    | LimitExceeded
    | MockMissing
    | FixtureNotRecorded
    | FixtureRecorded
    | FixtureStale
    | PictureDoubtful
    | ServiceDown
    | ServiceUp
    | StoreFailed
    | StoreLostWrites
)
