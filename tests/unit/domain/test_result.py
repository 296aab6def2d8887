"""Results: a picture, or the reason for its lack."""

from __future__ import annotations

import base64
import inspect
import pickle
from pathlib import Path

import attrs
import pytest

from chartimg.domain.chart.endpoint import Answer
from chartimg.domain.errors import ChartUnavailable
from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import (
    Attempt,
    ChartApiFailure,
    ChartApiSuccess,
    Circumstances,
    JsonSuccess,
    Source,
    pictured,
    refused,
    result_of,
)
from chartimg.testing import picture
from rows import for_each
from samples import NOON

CIRCUMSTANCES = [field.name for field in attrs.fields(Circumstances)]
ERROR = ChartApiError.of(FaultKind.NETWORK, "it broke")
FILE = Path("a.png")
REPLAY = Reply(200, {}, picture(), FILE, taken_at=NOON)


@for_each(
    ("result", "name", "shown"),
    [
        (ChartApiSuccess(png_bytes=b"12"), "png_bytes", "<2 bytes>"),
        (JsonSuccess(body=b"[]"), "body", "<2 bytes>"),
        (ChartApiFailure(error=ERROR), "error", repr(ERROR)),
    ],
)
def test_a_result_is_made_of_circumstances_and_one_value(result: Circumstances, name: str, shown: str) -> None:
    """A result takes all by name; its circumstances may be left out, and the rest of its fields is neither taken nor shown."""
    parameters = inspect.signature(type(result)).parameters.values()

    assert [*CIRCUMSTANCES, name] == [each.name for each in parameters if each.kind is each.KEYWORD_ONLY]
    assert (None, None, None, None, (), None, (), "") == tuple(getattr(result, each) for each in CIRCUMSTANCES)
    assert repr(result).endswith(f", warnings=(), fetch_id='', {name}={shown})")
    with pytest.raises(TypeError):
        Circumstances(200)  # type: ignore[call-arg]


def test_a_picture_is_true_and_unwrapped() -> None:
    """A result of a picture is true, has its bytes, and shows only their number in its repr."""
    result = result_of(REPLAY, None, account_id="a")

    assert isinstance(result, ChartApiSuccess)
    assert result
    assert (True, None, picture(), picture()) == (result.ok, result.error, result.unwrap(), result.png_bytes)
    assert (200, True, FILE, "a") == (result.http_status, result.from_fixture, result.fixture_path, result.account_id)
    assert f"png_bytes=<{len(picture())} bytes>" in repr(result)
    assert attrs.evolve(result, warnings=(Finding("", Severity.WARNING, "odd"),)).ok


def test_a_picture_is_a_data_url() -> None:
    """A result of a picture gives the URL that a vision model or a page takes in its place."""
    head, _, data = pictured(result_of(REPLAY, None)).as_data_url().partition(",")

    assert ("data:image/png;base64", picture()) == (head, base64.b64decode(data))


def test_a_success_knows_its_size_and_takes_each_warning_once() -> None:
    """A picture and a list have the size of their bytes; new warnings come before those that the result has."""
    old, new = (Finding("", Severity.WARNING, text) for text in ("old", "new"))
    result = attrs.evolve(pictured(result_of(REPLAY, None)), warnings=(old,))

    assert isinstance(result, ChartApiSuccess)
    assert len(picture()) == result.size
    assert 2 == JsonSuccess(body=b"[]").size
    assert (new, old) == result.with_warnings([old, new]).warnings
    assert result is result.with_warnings([old])


def test_a_failure_is_false_and_raises_itself() -> None:
    """A result of a failure is false; unwrapping it raises its error with the whole result, also after pickling."""
    result = pictured(result_of(TransportFailure(FaultKind.NETWORK, "it broke"), ERROR, fetch_id="f1"))
    with pytest.raises(ChartUnavailable, match="it broke"):
        result.as_data_url()
    with pytest.raises(ChartUnavailable, match="it broke") as raised:
        result.unwrap()
    again = pickle.loads(pickle.dumps(raised.value))

    assert not result
    assert (False, None, None) == (result.ok, result.png_bytes, result.http_status)
    assert (ERROR, result, ERROR, result) == (raised.value.error, raised.value.result, again.error, again.result)


def test_json_is_a_result_that_is_no_picture() -> None:
    """The answer of an endpoint without a picture is its body, and no picture can be asked of it."""
    result = result_of(Reply(200, {}, b"[]"), None, answer=Answer.LISTING)

    assert JsonSuccess(body=b"[]", http_status=200, source=Source.HTTP) == result
    assert "" == result.fetch_id
    with pytest.raises(AssertionError):
        pictured(result)


def test_a_result_names_its_source() -> None:
    """A call is HTTP, a replay FIXTURE with its file, and a missing fixture is no source but has the place of its file."""
    error = ChartApiError.of(FaultKind.INVALID_REQUEST, "no", http_status=422)
    called = result_of(Reply(422, {}, b"[]"), error)
    replayed = result_of(Reply(422, {}, b"[]", FILE), error)
    missing = result_of(
        TransportFailure(FaultKind.FIXTURE_MISSING, "none", fixture_path=FILE),
        ChartApiError.of(FaultKind.FIXTURE_MISSING, "none"),
    )

    assert ChartApiFailure(error=error, http_status=422, source=Source.HTTP) == called
    assert ChartApiFailure(error=error, http_status=422, source=Source.FIXTURE, fixture_path=FILE) == replayed
    assert ["HTTP", "FIXTURE", "CACHE", "SHARED"] == list(Source)
    assert (None, False, FILE) == (missing.source, missing.from_fixture, missing.fixture_path)


def test_a_picture_tells_when_it_was_taken() -> None:
    """The moment of a picture is that of its reply, or that of its recording; a file without one leaves it open."""
    unknown = attrs.evolve(REPLAY, taken_at=None)
    moments = [
        result_of(each, None, taken_at=NOON.replace(year=2030)).taken_at for each in (Reply(200), REPLAY, unknown)
    ]

    assert [NOON.replace(year=2030), NOON, None] == moments
    assert result_of(Reply(200), None).taken_at is None


def test_a_result_keeps_its_attempts_in_order() -> None:
    """The attempts of a result are those of the fetch; without one there are none, and a refusal has its findings alone."""
    finding = Finding("width", Severity.ERROR, "is odd")
    attempts = (Attempt("a", NOON, 1.5, 503, FaultKind.SERVICE_UNAVAILABLE), Attempt("b", NOON, 0.5, 200, None))

    assert ChartApiFailure(error=ChartApiError.invalid([finding])) == refused([finding])
    assert attempts == result_of(Reply(200, {}, picture()), None, attempts=attempts).attempts
    assert () == result_of(Reply(200, {}, picture()), None).attempts


def test_equal_results_may_have_different_names() -> None:
    """The name of a fetch is no part of what its result says."""
    assert refused([], "f1") == refused([], "f2")
    assert ("f1", "") == (refused([], "f1").fetch_id, refused([]).fetch_id)
