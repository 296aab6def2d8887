"""The request for an address, and the reading of its answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart import ChartRequest, LayoutRequest
from chartimg.domain.chart.storage import Address, StorageRequest, read_address
from chartimg.domain.classification import classify
from chartimg.domain.faults import FaultKind
from chartimg.domain.reply import Reply
from chartimg.testing import picture
from rows import for_each
from samples import NOON

CHART = ChartRequest("BINANCE:BTCUSDT", "1h", "mine", {"width": 640})
LAYOUT = LayoutRequest("abc", "BINANCE:BTCUSDT")
URL = "https://r2.example/a.png"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just(URL),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["url", "etag", "expire", "size"]), inner)
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("of", "path"),
    [
        (CHART, "/v2/tradingview/advanced-chart/storage"),
        (LAYOUT, "/v2/tradingview/layout-chart/storage/abc"),
    ],
)
def test_a_picture_is_stored_by_the_body_that_draws_it(of: ChartRequest | LayoutRequest, path: str) -> None:
    """The request has the body, the name, the demand and the time zone of its picture, and a digest of its own."""
    request = StorageRequest(of)

    assert (path, of.encoded, of.key, of.demand) == (request.path, request.encoded, request.key, request.demand)
    assert StorageRequest(of.with_timezone("Asia/Tokyo")) == request.with_timezone("Asia/Tokyo")
    assert of.body_digest != request.body_digest


@pytest.mark.parametrize(
    ("body", "address"),
    [
        (
            {"url": URL, "etag": "e", "expire": "2026-03-01T10:00:00.000Z"},
            Address(URL, "e", datetime(2026, 3, 1, 10, tzinfo=UTC)),
        ),
        (
            {"url": URL, "etag": "e", "size": 7, "expireAt": "2026-03-01"},
            Address(URL, "e", datetime(2026, 3, 1, tzinfo=UTC), 7),
        ),
        ({"url": "http://a", "size": 0}, Address("http://a", size=0)),
        ({"url": URL, "size": 2**53 - 1}, Address(URL, size=2**53 - 1)),
        ({"url": URL, "size": 2**53}, Address(URL)),
        ({"url": URL, "etag": None, "size": True, "expire": "soon"}, Address(URL)),
        ({"url": URL, "size": -1, "expire": "0001-01-01T00:00:00+10:00"}, Address(URL)),
    ],
)
def test_an_address_is_read_with_what_the_answer_says(body: object, address: Address) -> None:
    """Both names of the moment are read, and a field that can't be read is left out."""
    assert address == read_address(json.dumps(body).encode())


@for_each("body", [[], {}, {"url": None}, {"url": "ftp://a"}, {"url": "https://a\n"}])
def test_a_body_without_a_url_that_can_be_opened_and_shown_is_a_reason(body: object) -> None:
    """The url is that of a web page, on one line."""
    assert 'it is not an object with "url"' == read_address(json.dumps(body).encode())


@given(st.binary(max_size=20) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_address_or_an_error_that_says_why(body: bytes) -> None:
    """A reply with status 200 is an answer only if it has an address; a picture is none."""
    read = read_address(body)
    error = classify(Reply(200, body=body), now=NOON, request=StorageRequest(CHART))

    assert isinstance(read, Address) is (error is None)
    if error is not None:
        assert (FaultKind.UNEXPECTED_REPLY, False) == (error.kind, error.retriable)
        assert f"without the address of a picture, as JSON: {read}" in error.message


def test_a_picture_is_no_address_and_an_address_no_picture() -> None:
    """What answers one request never answers the other."""
    address = json.dumps({"url": URL}).encode()

    assert classify(Reply(200, body=picture()), now=NOON, request=StorageRequest(CHART)) is not None
    assert classify(Reply(200, body=address), now=NOON, request=CHART) is not None
    assert classify(Reply(200, body=address), now=NOON, request=StorageRequest(CHART)) is None


def test_a_request_to_store_shows_what_that_for_the_picture_shows() -> None:
    """Symbol, interval, payload and problems are those of the picture."""
    shown = ("symbol", "timeframe", "payload", "problems", "parts")
    for of in (CHART, LAYOUT, ChartRequest("", "1h", "t")):
        request = StorageRequest(of)

        assert [getattr(of, name) for name in shown] == [getattr(request, name) for name in shown]
        assert (None, "it is not JSON") == (of.problem_of(b"{"), request.problem_of(b"{"))
