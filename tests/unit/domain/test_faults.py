"""The error table."""

from __future__ import annotations

from chartimg.domain.faults import MEANINGS, ChartApiError, ErrorCode, FaultKind, Scope


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
    """Each problem is a detail, and the message holds them all."""
    error = ChartApiError.invalid(("symbol is empty", "timeframe is empty"))

    assert (ErrorCode.VALIDATION_FAILED, FaultKind.INVALID_REQUEST, False) == (error.code, error.kind, error.retriable)
    assert ({"msg": "symbol is empty"}, {"msg": "timeframe is empty"}) == error.details
    assert "symbol is empty; timeframe is empty" in error.message
