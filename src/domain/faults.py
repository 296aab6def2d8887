"""The reasons of a failed chart request: the error table as data, and the error a host gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum, auto
from types import MappingProxyType
from typing import Final

import attrs

from .argument import require, typed
from .finding import Finding

__all__ = ["ERRORS_PAGE", "MEANINGS", "ChartApiError", "ErrorCode", "FaultKind", "Meaning", "Remedy", "Retriable"]


ERRORS_PAGE: Final = "docs/errors.md"
"""The address of the page about errors: a file of the clone. Those who publish the site name its page here."""
_MAX_FINDINGS_IN_MESSAGE: Final = 5


class ErrorCode(StrEnum):
    """The error in one of the four words a host switches on."""

    CHART_API_FAILED = "CHART_API_FAILED"
    CHART_API_LIMIT_EXCEEDED = "CHART_API_LIMIT_EXCEEDED"
    CHART_API_MOCK_MISSING = "CHART_API_MOCK_MISSING"
    VALIDATION_FAILED = "VALIDATION_FAILED"


class FaultKind(StrEnum):
    """The error exactly: a row of the table."""

    BAD_IMAGE = "BAD_IMAGE"
    UNEXPECTED_REPLY = "UNEXPECTED_REPLY"
    INVALID_REQUEST = "INVALID_REQUEST"
    SESSION_REJECTED = "SESSION_REJECTED"
    CREDENTIAL_REJECTED = "CREDENTIAL_REJECTED"
    PLAN_LIMIT = "PLAN_LIMIT"
    THROTTLED = "THROTTLED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    NOT_SENT = "NOT_SENT"
    NETWORK = "NETWORK"
    SERVICE_DOWN = "SERVICE_DOWN"
    FIXTURE_MISSING = "FIXTURE_MISSING"
    NO_ACCOUNT = "NO_ACCOUNT"
    STOPPED = "STOPPED"
    INVALID_BEFORE_CALL = "INVALID_BEFORE_CALL"

    @property
    def help(self) -> str:
        """The address of the section that says what to do about this kind."""
        return f"{ERRORS_PAGE}#{self.lower()}"


class Retriable(StrEnum):
    """Whether the same request may succeed later, without a change by a person."""

    NO = "no"
    YES = "yes"
    IF_DATED = "yes, if `available_at` is known"


class Remedy(StrEnum):
    """The change that may let another call of the same fetch succeed."""

    NONE = auto()
    OTHER_ACCOUNT = auto()
    WAIT = auto()


@attrs.frozen
class Meaning:
    """The row of a kind."""

    code: ErrorCode
    retriable: Retriable
    remedy: Remedy


MEANINGS: Final[Mapping[FaultKind, Meaning]] = MappingProxyType(
    {
        FaultKind.BAD_IMAGE: Meaning(ErrorCode.CHART_API_FAILED, Retriable.NO, Remedy.NONE),
        FaultKind.UNEXPECTED_REPLY: Meaning(ErrorCode.CHART_API_FAILED, Retriable.NO, Remedy.NONE),
        FaultKind.INVALID_REQUEST: Meaning(ErrorCode.CHART_API_FAILED, Retriable.NO, Remedy.NONE),
        FaultKind.SESSION_REJECTED: Meaning(ErrorCode.CHART_API_FAILED, Retriable.NO, Remedy.NONE),
        FaultKind.CREDENTIAL_REJECTED: Meaning(ErrorCode.CHART_API_FAILED, Retriable.NO, Remedy.OTHER_ACCOUNT),
        FaultKind.PLAN_LIMIT: Meaning(ErrorCode.CHART_API_FAILED, Retriable.NO, Remedy.OTHER_ACCOUNT),
        FaultKind.THROTTLED: Meaning(ErrorCode.CHART_API_LIMIT_EXCEEDED, Retriable.YES, Remedy.OTHER_ACCOUNT),
        FaultKind.QUOTA_EXCEEDED: Meaning(ErrorCode.CHART_API_LIMIT_EXCEEDED, Retriable.YES, Remedy.OTHER_ACCOUNT),
        FaultKind.SERVICE_UNAVAILABLE: Meaning(ErrorCode.CHART_API_FAILED, Retriable.YES, Remedy.WAIT),
        FaultKind.NOT_SENT: Meaning(ErrorCode.CHART_API_FAILED, Retriable.YES, Remedy.WAIT),
        FaultKind.NETWORK: Meaning(ErrorCode.CHART_API_FAILED, Retriable.YES, Remedy.WAIT),
        FaultKind.SERVICE_DOWN: Meaning(ErrorCode.CHART_API_FAILED, Retriable.YES, Remedy.NONE),
        FaultKind.FIXTURE_MISSING: Meaning(ErrorCode.CHART_API_MOCK_MISSING, Retriable.NO, Remedy.NONE),
        FaultKind.NO_ACCOUNT: Meaning(ErrorCode.CHART_API_LIMIT_EXCEEDED, Retriable.IF_DATED, Remedy.NONE),
        FaultKind.STOPPED: Meaning(ErrorCode.CHART_API_FAILED, Retriable.YES, Remedy.NONE),
        FaultKind.INVALID_BEFORE_CALL: Meaning(ErrorCode.VALIDATION_FAILED, Retriable.NO, Remedy.NONE),
    }
)


@attrs.frozen(field_transformer=typed)
class ChartApiError:
    """The reason for a missing picture. A value, not an exception: ``result.unwrap()`` raises for those who prefer that.

    Attributes:
        code: the word a host switches on.
        kind: the row of the table.
        message: one line for a person: what happened, where, what to do. Never a key.
        retriable: whether the same request may succeed later, without a change by a person.
        http_status: the status of the last reply, if there was one.
        retry_after: seconds the provider asked to wait, if it did.
        available_at: when (UTC) to ask again, if that is known.
        details: one mapping for each thing that was wrong.
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
        require("kind", kind, FaultKind)
        row = MEANINGS[kind]
        retriable = row.retriable is Retriable.YES or (row.retriable is Retriable.IF_DATED and available_at is not None)
        return cls(row.code, kind, message, retriable, http_status, retry_after, available_at, details)

    @classmethod
    def invalid(cls, findings: Sequence[Finding]) -> ChartApiError:
        """Build the error of a request that was found wrong before any call; each of *findings* is a detail, ERRORs first."""
        require("findings", findings, Sequence[Finding])
        findings = sorted(findings, key=lambda each: each.severity)  # ERROR before WARNING
        shown = [each.text for each in findings[:_MAX_FINDINGS_IN_MESSAGE]]
        if (more := len(findings) - len(shown)) > 0:
            shown.append(f"and {more:,} more")
        message = f"The chart request is wrong: {'; '.join(shown)}"
        return cls.of(FaultKind.INVALID_BEFORE_CALL, message, details=tuple(each.detail for each in findings))

    @property
    def help(self) -> str:
        """The address of the section that says what this error means, and what to do."""
        return self.kind.help

    @property
    def remedy(self) -> Remedy:
        """The change that may let another call succeed."""
        return MEANINGS[self.kind].remedy
