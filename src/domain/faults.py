"""Why a chart request failed: the error table as data, and the error a host is given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum, auto
from types import MappingProxyType
from typing import Final

import attrs

from .finding import Finding

__all__ = ["MEANINGS", "ChartApiError", "ErrorCode", "FaultKind", "Meaning", "Scope"]


_MOST_TOLD: Final = 5  # findings, in one line for a person


class ErrorCode(StrEnum):
    """What went wrong, in the four words a host switches on."""

    CHART_API_FAILED = "CHART_API_FAILED"
    CHART_API_LIMIT_EXCEEDED = "CHART_API_LIMIT_EXCEEDED"
    CHART_API_MOCK_MISSING = "CHART_API_MOCK_MISSING"
    VALIDATION_FAILED = "VALIDATION_FAILED"


class FaultKind(StrEnum):
    """What went wrong, exactly."""

    BAD_IMAGE = "BAD_IMAGE"
    UNEXPECTED_REPLY = "UNEXPECTED_REPLY"
    INVALID_REQUEST = "INVALID_REQUEST"
    CREDENTIAL_REJECTED = "CREDENTIAL_REJECTED"
    PLAN_LIMIT = "PLAN_LIMIT"
    THROTTLED = "THROTTLED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    NOT_SENT = "NOT_SENT"
    NETWORK = "NETWORK"
    FIXTURE_MISSING = "FIXTURE_MISSING"
    NO_ACCOUNT = "NO_ACCOUNT"


class Scope(StrEnum):
    """What an error belongs to, and so what another try would have to change."""

    REQUEST = auto()
    ACCOUNT = auto()
    PLAN = auto()
    SERVICE = auto()
    FIXTURES = auto()
    ACCOUNTS = auto()


@attrs.frozen
class Meaning:
    """The row of a kind: its code, whether the same request may succeed later or on another account, its scope."""

    code: ErrorCode
    retriable: bool
    scope: Scope


MEANINGS: Final[Mapping[FaultKind, Meaning]] = MappingProxyType(
    {
        FaultKind.BAD_IMAGE: Meaning(ErrorCode.CHART_API_FAILED, retriable=False, scope=Scope.REQUEST),
        FaultKind.UNEXPECTED_REPLY: Meaning(ErrorCode.CHART_API_FAILED, retriable=False, scope=Scope.REQUEST),
        FaultKind.INVALID_REQUEST: Meaning(ErrorCode.CHART_API_FAILED, retriable=False, scope=Scope.REQUEST),
        FaultKind.CREDENTIAL_REJECTED: Meaning(ErrorCode.CHART_API_FAILED, retriable=False, scope=Scope.ACCOUNT),
        FaultKind.PLAN_LIMIT: Meaning(ErrorCode.CHART_API_FAILED, retriable=False, scope=Scope.PLAN),
        FaultKind.THROTTLED: Meaning(ErrorCode.CHART_API_LIMIT_EXCEEDED, retriable=True, scope=Scope.ACCOUNT),
        FaultKind.QUOTA_EXCEEDED: Meaning(ErrorCode.CHART_API_LIMIT_EXCEEDED, retriable=True, scope=Scope.ACCOUNT),
        FaultKind.SERVICE_UNAVAILABLE: Meaning(ErrorCode.CHART_API_FAILED, retriable=True, scope=Scope.SERVICE),
        FaultKind.NOT_SENT: Meaning(ErrorCode.CHART_API_FAILED, retriable=True, scope=Scope.SERVICE),
        FaultKind.NETWORK: Meaning(ErrorCode.CHART_API_FAILED, retriable=True, scope=Scope.SERVICE),
        FaultKind.FIXTURE_MISSING: Meaning(ErrorCode.CHART_API_MOCK_MISSING, retriable=False, scope=Scope.FIXTURES),
        FaultKind.NO_ACCOUNT: Meaning(ErrorCode.CHART_API_LIMIT_EXCEEDED, retriable=False, scope=Scope.ACCOUNTS),
    }
)


@attrs.frozen
class ChartApiError:
    """Why there is no picture. A value, not an exception: ``result.unwrap()`` raises for those who prefer that.

    Attributes:
        code: what a host switches on.
        kind: what exactly happened.
        message: one line for a person: what happened, where, what to do. Never a key.
        retriable: whether the same request may succeed at a later time or on another account.
        http_status: the status of the last reply, if there was one.
        retry_after: seconds the provider asked to wait, if it did.
        available_at: when (UTC) it is worth asking again, if that is known.
        details: what the provider, or the fixtures folder, said in particular.
    """

    code: ErrorCode
    kind: FaultKind
    message: str
    retriable: bool
    http_status: int | None = None
    retry_after: float | None = None
    available_at: datetime | None = None
    details: tuple[Mapping[str, object], ...] = ()

    @classmethod
    def of(
        cls,
        kind: FaultKind,
        message: str,
        *,
        http_status: int | None = None,
        retry_after: float | None = None,
        available_at: datetime | None = None,
        details: tuple[Mapping[str, object], ...] = (),
    ) -> ChartApiError:
        """Build the error of a *kind*; code and retriability come from the table."""
        meaning = MEANINGS[kind]
        return cls(meaning.code, kind, message, meaning.retriable, http_status, retry_after, available_at, details)

    @classmethod
    def invalid(cls, findings: Sequence[Finding]) -> ChartApiError:
        """Build the error of a request that is wrong before any call; one detail for each of *findings*."""
        told = [f"{each.path}: {each.message}" if each.path else each.message for each in findings[:_MOST_TOLD]]
        if (more := len(findings) - len(told)) > 0:
            told.append(f"and {more:,} more")
        message = f"The chart request is wrong: {'; '.join(told)}"
        details = tuple(each.detail for each in findings)
        return cls(ErrorCode.VALIDATION_FAILED, FaultKind.INVALID_REQUEST, message, retriable=False, details=details)

    @property
    def scope(self) -> Scope:
        """What the error belongs to."""
        return MEANINGS[self.kind].scope
