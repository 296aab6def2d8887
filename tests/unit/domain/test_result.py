"""Results: a picture, or the reason why there is none."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import attrs
import pytest

from chartimg.domain.errors import ChartUnavailable
from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import Attempt, ChartApiResult
from chartimg.testing import picture

ERROR = ChartApiError.of(FaultKind.NETWORK, "it broke")
FILE = Path("a.png")


def test_a_picture_is_unwrapped() -> None:
    """The bytes are the result, and repr tells their number."""
    result = ChartApiResult.of(Reply(200, {}, picture(), FILE), None, "a")

    assert result.ok
    assert picture() == result.unwrap()
    assert (200, True, FILE, "a") == (result.http_status, result.from_fixture, result.fixture_path, result.account_id)
    assert f"<{len(picture())} bytes>" in repr(result)


def test_an_error_is_raised_by_unwrap() -> None:
    """The exception carries the error."""
    result = ChartApiResult.of(TransportFailure(FaultKind.NETWORK, "it broke"), ERROR)
    with pytest.raises(ChartUnavailable, match="it broke") as raised:
        result.unwrap()

    assert ERROR is raised.value.error
    assert (False, None, None) == (result.ok, result.png_bytes, result.http_status)
    assert "png_bytes=None" in repr(result)


def test_a_missing_fixture_was_not_replayed() -> None:
    """Its path is where it was looked for."""
    error = ChartApiError.of(FaultKind.FIXTURE_MISSING, "none")
    result = ChartApiResult.of(TransportFailure(FaultKind.FIXTURE_MISSING, "none", fixture_path=FILE), error)

    assert (False, FILE) == (result.from_fixture, result.fixture_path)


def test_a_result_of_nothing_can_not_be_unwrapped() -> None:
    """One that a host builds with neither picture nor error raises all the same."""
    with pytest.raises(ChartUnavailable, match="neither"):
        ChartApiResult().unwrap()


def test_a_result_is_never_changed() -> None:
    """Neither it nor an attempt of it."""
    attempt = Attempt("a", datetime(2026, 1, 5, tzinfo=UTC), 1.5, 200, None)
    for value in (attempt, ChartApiResult(picture(), attempts=(attempt,))):
        for field in attrs.fields(type(value)):
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(value, field.name, None)


def test_every_attempt_is_told_in_order() -> None:
    """They are those of the fetch, as they are."""
    start = datetime(2026, 1, 5, tzinfo=UTC)
    attempts = (Attempt("a", start, 1.5, 503, FaultKind.SERVICE_UNAVAILABLE), Attempt("b", start, 0.5, 200, None))

    assert attempts == ChartApiResult.of(Reply(200, {}, picture()), None, "b", attempts).attempts


def test_a_replayed_error_was_replayed() -> None:
    """Its file and status are told as for a picture, but for the bytes."""
    error = ChartApiError.of(FaultKind.INVALID_REQUEST, "no", http_status=422)
    result = ChartApiResult.of(Reply(422, {}, b"[]", FILE), error)

    assert (True, FILE, 422, None) == (
        result.from_fixture,
        result.fixture_path,
        result.http_status,
        result.png_bytes,
    )


def test_a_warning_takes_nothing_away() -> None:
    """A picture with a warning is a picture; without one there are none."""
    doubtful = attrs.evolve(
        ChartApiResult.of(Reply(200, {}, picture()), None),
        warnings=(Finding("", Severity.WARNING, "the picture is of one colour"),),
    )

    assert doubtful.ok
    assert picture() == doubtful.unwrap()
    assert () == ChartApiResult.of(Reply(200, {}, picture()), None).warnings
