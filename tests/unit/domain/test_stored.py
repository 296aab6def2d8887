"""A picture at an address."""

from __future__ import annotations

import inspect
import json
from datetime import timedelta
from pathlib import Path

import pytest

from chartimg import FaultKind, Finding, Severity, StoredChart
from chartimg.domain.chart.endpoint import Answer
from chartimg.domain.faults import ChartApiError
from chartimg.domain.reply import Reply
from chartimg.domain.result import ChartApiFailure, result_of
from chartimg.domain.stored import stored
from samples import NOON

URL = "https://r2.example/a.png"
BODY = json.dumps({"url": URL, "etag": "e", "expire": NOON.isoformat()}).encode()


def test_an_address_is_true_and_unwrapped_with_the_circumstances_of_its_call() -> None:
    """A stored picture has all that the result of a fetch has, but for the picture."""
    result = result_of(Reply(200, body=BODY), None, taken_at=NOON, account_id="a", fetch_id="f", answer=Answer.ADDRESS)
    found = stored(result, NOON - timedelta(seconds=1))

    assert StoredChart(URL, "e", NOON, http_status=200, source=result.source, account_id="a", taken_at=NOON) == found
    assert found
    assert (URL, "f", (), True, None) == (found.unwrap(), found.fetch_id, found.warnings, found.ok, found.error)


def test_an_address_may_be_all_that_is_known() -> None:
    """The tag, the end, the size and all circumstances may be left out, and the rest of the fields is neither taken nor shown."""
    parameters = inspect.signature(StoredChart).parameters.values()

    assert repr(StoredChart(URL)).endswith(f"fetch_id='', url={URL!r}, etag='', expires_at=None, size=None)")
    assert ["url", "etag", "expires_at", "size"] == [e.name for e in parameters if e.kind is e.POSITIONAL_OR_KEYWORD]


@pytest.mark.parametrize(
    ("path", "words"), [(None, "the address has expired"), (Path("a.json"), "its fixture is stale")]
)
def test_an_address_that_has_expired_has_a_warning(path: Path | None, words: str) -> None:
    """From the moment on at which the picture is gone, the result says so."""
    result = result_of(Reply(200, body=BODY, fixture_path=path), None, answer=Answer.ADDRESS)
    (warning,) = stored(result, NOON).warnings

    assert warning.message.startswith(words)
    assert Finding("", Severity.WARNING, warning.message) == warning


def test_a_failure_is_handed_on() -> None:
    """A call that failed has the same failure as a fetch."""
    error = ChartApiError.of(FaultKind.NETWORK, "it broke")
    failure = ChartApiFailure(error=error)

    assert failure is stored(failure, NOON)
