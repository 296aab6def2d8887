"""Results: a picture, or the reason for its lack."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from chartimg.domain.errors import ChartUnavailable
from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import Attempt, ChartApiResult
from chartimg.testing import picture
from samples import NOON

ERROR = ChartApiError.of(FaultKind.NETWORK, "it broke")
FILE = Path("a.png")


def test_a_picture_is_unwrapped() -> None:
    """A result of a picture has its bytes, and only their number in its repr."""
    result = ChartApiResult.of(Reply(200, {}, picture(), FILE), None, "a")

    assert result.ok
    assert picture() == result.unwrap()
    assert (200, True, FILE, "a") == (result.http_status, result.from_fixture, result.fixture_path, result.account_id)
    assert f"png_bytes=<{len(picture())} bytes>, " in repr(result)
    assert attrs.evolve(result, warnings=(Finding("", Severity.WARNING, "odd"),)).ok


def test_an_error_is_raised_by_unwrap() -> None:
    """A result of a failure raises its error when it is unwrapped; one that a host builds without content raises, too."""
    result = ChartApiResult.of(TransportFailure(FaultKind.NETWORK, "it broke"), ERROR)
    with pytest.raises(ChartUnavailable, match="it broke") as raised:
        result.unwrap()
    with pytest.raises(ChartUnavailable, match=r"the result holds neither a picture nor an error$"):
        ChartApiResult().unwrap()

    assert ERROR is raised.value.error
    assert (False, None, None) == (result.ok, result.png_bytes, result.http_status)
    assert "png_bytes=None, " in repr(result)


def test_only_a_missing_fixture_was_not_replayed() -> None:
    """A result names the file of a replayed error, or the place of a missing fixture, and tells the two apart."""
    error = ChartApiError.of(FaultKind.INVALID_REQUEST, "no", http_status=422)
    replayed = ChartApiResult.of(Reply(422, {}, b"[]", FILE), error)
    missing = ChartApiResult.of(
        TransportFailure(FaultKind.FIXTURE_MISSING, "none", fixture_path=FILE),
        ChartApiError.of(FaultKind.FIXTURE_MISSING, "none"),
    )

    assert ChartApiResult(None, error, 422, from_fixture=True, fixture_path=FILE) == replayed
    assert (False, FILE) == (missing.from_fixture, missing.fixture_path)


def test_a_result_keeps_its_attempts_in_order() -> None:
    """The attempts of a result are those of the fetch; without one there are none, and a refusal has its findings alone."""
    finding = Finding("width", Severity.ERROR, "is odd")
    attempts = (Attempt("a", NOON, 1.5, 503, FaultKind.SERVICE_UNAVAILABLE), Attempt("b", NOON, 0.5, 200, None))

    assert ChartApiResult(error=ChartApiError.invalid([finding])) == ChartApiResult.refused([finding])
    assert attempts == ChartApiResult.of(Reply(200, {}, picture()), None, "b", attempts).attempts
    assert ChartApiResult(picture(), None, 200, attempts=(), warnings=()) == ChartApiResult.of(
        Reply(200, {}, picture()), None
    )
