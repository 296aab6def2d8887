"""The error table."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest

from chartimg.domain.faults import MEANINGS, ChartApiError, ErrorCode, FaultKind, Scope
from chartimg.domain.finding import Finding, Severity

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def test_every_kind_has_its_row() -> None:
    """And each code and scope occurs, but for the code of requests that are wrong before any call."""
    assert set(FaultKind) == set(MEANINGS)
    assert set(ErrorCode) - {ErrorCode.VALIDATION_FAILED} == {meaning.code for meaning in MEANINGS.values()}
    assert set(Scope) == {meaning.scope for meaning in MEANINGS.values()}


def test_codes_and_kinds_are_their_own_text() -> None:
    """A host may compare with text."""
    assert all(code == code.name for code in ErrorCode)
    assert all(kind == kind.name for kind in FaultKind)


def test_a_request_that_is_wrong_is_told_in_full() -> None:
    """Each finding is a detail, and the message holds the first of them with their places."""
    findings = [Finding("symbol", Severity.ERROR, "is empty"), Finding("", Severity.ERROR, "it is odd")]

    error = ChartApiError.invalid(findings)

    assert (ErrorCode.VALIDATION_FAILED, FaultKind.INVALID_REQUEST, False) == (error.code, error.kind, error.retriable)
    assert tuple(finding.detail for finding in findings) == error.details
    assert "symbol: is empty; it is odd" in error.message


def test_a_request_with_many_mistakes_has_a_message_that_fits_a_line() -> None:
    """Five are told in words, all are in the details."""
    error = ChartApiError.invalid([Finding(f"a[{number}]", Severity.ERROR, "is odd") for number in range(5_000)])

    assert 5_000 == len(error.details)
    assert error.message.endswith("a[4]: is odd; and 4,995 more")


TABLE = {
    FaultKind.BAD_IMAGE: (ErrorCode.CHART_API_FAILED, False, Scope.REQUEST),
    FaultKind.UNEXPECTED_REPLY: (ErrorCode.CHART_API_FAILED, False, Scope.REQUEST),
    FaultKind.INVALID_REQUEST: (ErrorCode.CHART_API_FAILED, False, Scope.REQUEST),
    FaultKind.CREDENTIAL_REJECTED: (ErrorCode.CHART_API_FAILED, False, Scope.ACCOUNT),
    FaultKind.PLAN_LIMIT: (ErrorCode.CHART_API_FAILED, False, Scope.PLAN),
    FaultKind.THROTTLED: (ErrorCode.CHART_API_LIMIT_EXCEEDED, True, Scope.ACCOUNT),
    FaultKind.QUOTA_EXCEEDED: (ErrorCode.CHART_API_LIMIT_EXCEEDED, True, Scope.ACCOUNT),
    FaultKind.SERVICE_UNAVAILABLE: (ErrorCode.CHART_API_FAILED, True, Scope.SERVICE),
    FaultKind.NOT_SENT: (ErrorCode.CHART_API_FAILED, True, Scope.SERVICE),
    FaultKind.NETWORK: (ErrorCode.CHART_API_FAILED, True, Scope.SERVICE),
    FaultKind.FIXTURE_MISSING: (ErrorCode.CHART_API_MOCK_MISSING, False, Scope.FIXTURES),
    FaultKind.NO_ACCOUNT: (ErrorCode.CHART_API_LIMIT_EXCEEDED, False, Scope.ACCOUNTS),
}


@pytest.mark.parametrize("kind", FaultKind)
def test_an_error_is_what_its_row_says(kind: FaultKind) -> None:
    """Code, retriability and scope of every kind are the documented ones."""
    error = ChartApiError.of(kind, "it failed")

    assert TABLE[kind] == (error.code, error.retriable, error.scope)


def test_an_error_keeps_all_it_is_told() -> None:
    """Status, pause, moment and details are the caller's, and none of them is made up."""
    details = ({"param": "width"},)
    full = ChartApiError.of(
        FaultKind.THROTTLED, "slow", http_status=429, retry_after=2.0, available_at=NOON, details=details
    )
    bare = ChartApiError.of(FaultKind.THROTTLED, "slow")

    assert ("slow", 429, 2.0, NOON, details) == (
        full.message,
        full.http_status,
        full.retry_after,
        full.available_at,
        full.details,
    )
    assert (None, None, None, ()) == (bare.http_status, bare.retry_after, bare.available_at, bare.details)


def test_nobody_changes_the_table_or_an_error() -> None:
    """Both are frozen."""
    with pytest.raises(TypeError):
        MEANINGS[FaultKind.NETWORK] = MEANINGS[FaultKind.BAD_IMAGE]  # type: ignore[index]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        ChartApiError.of(FaultKind.NETWORK, "reset").retriable = False  # type: ignore[misc]
