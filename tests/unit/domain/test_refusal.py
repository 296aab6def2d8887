"""Final refusals as values."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg import ChartApiError, ChartRequest, FaultKind, LayoutRequest
from chartimg.domain.refusal import Refusal, merged
from samples import NOON

REQUEST = ChartRequest("NYSE:AAPL", "1h", "price_v1", {"studies": [{"name": "RSI"}]})
ERROR = ChartApiError.of(FaultKind.INVALID_REQUEST, "HTTP 422: Invalid Symbol", http_status=422)
KEY = "canary-key-7f3a9-of-thirty-characters"


def refusal(request: ChartRequest | LayoutRequest = REQUEST, error: ChartApiError = ERROR) -> Refusal:
    """Return the refusal of a call at noon."""
    return Refusal.of(request, error, ("symbol",), now=NOON, secrets=[KEY])


def test_a_refusal_has_the_request_and_the_words_of_the_provider() -> None:
    """It names the chart, the status, the message, the place, the moment, and the body with its digest."""
    assert refusal() == Refusal(
        symbol="NYSE:AAPL",
        interval="1h",
        template="price_v1",
        http_status=422,
        message="HTTP 422: Invalid Symbol",
        paths=("symbol",),
        refused_at=NOON,
        body_sha256=REQUEST.body_digest,
        body=REQUEST.body,
    )


@pytest.mark.parametrize(
    ("request_", "expected"),
    [(REQUEST, "NYSE:AAPL 1h price_v1"), (LayoutRequest("abc", "NYSE:AAPL"), "layout abc NYSE:AAPL")],
)
def test_a_refusal_names_its_chart_or_layout(request_: ChartRequest | LayoutRequest, expected: str) -> None:
    """People read the key of the request."""
    assert expected == refusal(request_).chart == str(request_.key)


def test_a_refusal_without_a_key_is_named_by_its_file() -> None:
    """A fixture that was put there by hand has no other name, and a refusal without all parts of a key has none."""
    unnamed = Refusal("NYSE:AAPL", None, "price_v1", 422, "")

    assert "a__422.json" == attrs.evolve(unnamed, fixture="a__422.json").chart
    assert "" == unnamed.chart
    assert Refusal("NYSE:AAPL", None, "price_v1", 422, "", (), None, None, None, None, None) == unnamed


def test_no_secret_is_in_a_refusal() -> None:
    """A key that a host has put into a request, or that the provider repeats, is masked."""
    leaking = ChartRequest(f"NYSE:{KEY}", "1h", KEY, {KEY: [KEY, {"name": f"x{KEY}"}]})
    error = attrs.evolve(ERROR, message=f"bad {KEY}")
    made = Refusal.of(leaking, error, (f"studies.{KEY}",), now=NOON, secrets=[KEY])
    of_layout = Refusal.of(LayoutRequest(KEY), error, (), now=NOON, secrets=[KEY])

    assert "canary" not in repr((made, of_layout))
    assert "NYSE:[key]" == made.symbol


def test_a_long_body_is_left_out() -> None:
    """A body of more than 16 KiB is left out; its digest stays."""
    rest = 16_384 - len(attrs.evolve(REQUEST, payload={"studies": [""]}).encoded)
    whole, long = (attrs.evolve(REQUEST, payload={"studies": ["x" * (rest + more)]}) for more in (0, 1))

    assert whole.body == refusal(whole).body
    assert (None, long.body_digest) == (refusal(long).body, refusal(long).body_sha256)


refusals = st.builds(
    Refusal,
    symbol=st.sampled_from(["A", "B"]),
    interval=st.just("1h"),
    template=st.just("t"),
    http_status=st.sampled_from([403, 422]),
    message=st.just("no"),
    refused_at=st.none() | st.integers(0, 9).map(lambda hours: NOON + timedelta(hours=hours)),
    body_sha256=st.sampled_from(["x", "y"]),
)


@given(
    st.lists(refusals.map(lambda each: attrs.evolve(each, body={"a": 1}))),
    st.lists(refusals.map(lambda each: attrs.evolve(each, fixture="f.json"))),
)
def test_equal_refusals_are_one_and_the_newest_comes_first(calls: list[Refusal], fixtures: list[Refusal]) -> None:
    """Each body and message is there once, with its newest moment, its body and its fixture; without a moment it comes last."""
    found = merged(calls, fixtures)
    names = [(each.chart, each.body_sha256, each.http_status) for each in found]
    moments = [each.refused_at for each in found]
    known = [each for each in moments if each is not None]

    assert len(set(names)) == len(names) == len({(e.chart, e.body_sha256, e.http_status) for e in calls + fixtures})
    assert known == sorted(known, reverse=True) == moments[: len(known)]
    for each, name in zip(found, names, strict=True):
        alike = [e for e in calls + fixtures if (e.chart, e.body_sha256, e.http_status) == name]
        assert each.refused_at == max((e.refused_at for e in alike if e.refused_at), default=None)
        assert (any(e.body for e in alike), any(e.fixture for e in alike)) == (bool(each.body), bool(each.fixture))
