"""The lists of exchanges and symbols."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chartimg import Finding, Severity
from chartimg.domain.chart.file_name import stem
from chartimg.domain.chart.listing import Exchange, ListRequest, Rows, Symbol, matching, read_exchanges, read_symbols
from chartimg.domain.plan.demand import Demand
from rows import for_each

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)
NO_EXCHANGE = "must be the id of an exchange, as in NASDAQ:AAPL the part before the colon"
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["payload", "symbol", "updatedAt", "type"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def written(payload: object, **more: object) -> bytes:
    """Return the body of a reply."""
    return json.dumps({"updatedAt": "2026-01-05T00:00:00.000Z", "payload": payload, **more}).encode()


def test_the_exchanges_of_a_list_are_read_in_order() -> None:
    """Each exchange is there once, in upper case, with the moment of the list."""
    read = read_exchanges(written(["BINANCE", "nasdaq", "NASDAQ"]))

    assert Rows((Exchange("BINANCE"), Exchange("NASDAQ")), MIDNIGHT) == read
    assert "NASDAQ" == str(Exchange("NASDAQ"))


def test_the_symbols_of_a_list_are_read_with_what_is_known_of_them() -> None:
    """A symbol has the exchange that was asked for, and of its row the texts alone."""
    rows = [
        {"symbol": "AAPL", "description": "Apple\u202e Inc.\n", "type": "stock", "exchange": "Nasdaq Stock Market"},
        {"symbol": "NASDAQ:BRK.B", "currency_code": "USD", "type": 7, "typespecs": ["common"]},
    ]
    read = read_symbols(written(rows, updatedAt=None), "NASDAQ")

    assert Rows((Symbol("NASDAQ", "AAPL", "Apple Inc.", "stock"), Symbol("NASDAQ", "BRK.B", "", "", "USD"))) == read
    assert isinstance(read, Rows)
    assert ["NASDAQ:AAPL", "NASDAQ:BRK.B"] == list(map(str, read.rows))


def test_a_name_and_a_text_of_a_symbol_have_at_most_300_characters() -> None:
    """A symbol with a longer name is left out, and a longer description is cut."""
    read = read_symbols(written([{"symbol": "A" * size, "description": "é" * size} for size in (300, 301)]), "NASDAQ")

    assert isinstance(read, Rows)
    assert (Symbol("NASDAQ", "A" * 300, "é" * 300),) == read.rows
    assert ["payload[1]"] == [each.path for each in read.problems]


def test_a_row_without_a_name_is_left_out_and_reported() -> None:
    """The first rows that can't be read are named, and the others counted."""
    read = read_symbols(written([{"symbol": "AAPL"}, 7, *[{}] * 6]), "NASDAQ")

    assert isinstance(read, Rows)
    assert (Symbol("NASDAQ", "AAPL"),) == read.rows
    assert [*(f"payload[{number}]" for number in range(1, 6)), "payload"] == [each.path for each in read.problems]
    assert "has no name, and was left out" == read.problems[0].message
    assert "2 more rows have no name, and were left out" == read.problems[-1].message


def test_a_list_may_be_empty() -> None:
    """The documentation allows null for the rows and for the moment."""
    assert Rows((), None) == read_exchanges(b'{"updatedAt": null, "payload": null}')
    assert Rows((), None) == read_symbols(written([], updatedAt="yesterday"), "NASDAQ")
    assert Rows((), None) == read_symbols(written([], updatedAt="2026-01-05T00:00:00"), "NASDAQ")


@for_each(
    ("body", "reason"),
    [
        (b"", "it is not JSON"),
        (b"\xff", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", 'it is not an object with "payload"'),
        (b'{"message": "Forbidden"}', 'it is not an object with "payload"'),
        (b'{"payload": {}}', "its payload is not an array"),
        (b'{"payload": [7, {}]}', "no row of it can be read"),
    ],
)
def test_a_body_without_a_list_is_a_reason(body: bytes, reason: str) -> None:
    """A body of another form is one phrase, not an exception."""
    assert reason == read_exchanges(body) == read_symbols(body, "NASDAQ")


@given(st.binary(max_size=30) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_can_be_read(body: bytes) -> None:
    """Any bytes are rows or a reason, and a row has a name."""
    for read in (read_exchanges(body), read_symbols(body, "A")):
        assert isinstance(read, str) or all(map(str, read.rows))


def test_a_search_begins_with_the_nearest() -> None:
    """The same ticker comes first, then its beginning, then a part of it, and then the description."""
    listed = [
        Symbol("A", *each) for each in (("WBT", "Wrapped BTC"), ("XBTC",), ("BTCUSDT",), ("ETH", "Ether"), ("BTC",))
    ]

    assert ["BTC", "BTCUSDT", "XBTC", "WBT"] == [symbol.ticker for symbol in matching(listed, " btc")]
    assert len(listed) == len(matching(listed, ""))


@for_each(
    ("request_", "path", "name", "text"),
    [
        (ListRequest(), "list", "exchanges", "exchanges"),
        (ListRequest("nasdaq "), "nasdaq", "symbols__NASDAQ", "symbols NASDAQ"),
        (ListRequest("FX_IDC"), "fx_idc", "symbols__FX_IDC", "symbols FX_IDC"),
    ],
)
def test_a_request_for_a_list_has_a_path_and_a_name(request_: ListRequest, path: str, name: str, text: str) -> None:
    """The id of the exchange is in the path, in lower case as documented; the body is empty, and demands nothing of a plan."""
    assert f"/v3/tradingview/exchange/{path}" == request_.path
    assert (name, text) == (stem(request_.key), str(request_.key))
    assert ({}, (), Demand()) == (request_.body, request_.problems, request_.demand)
    assert request_.symbol is request_.timeframe is None
    assert request_ == ListRequest(None if request_.exchange is None else request_.exchange.lower())


def test_each_list_has_a_digest_of_its_own() -> None:
    """The digest is over the path."""
    assert 3 == len({ListRequest(each).body_digest for each in (None, "NASDAQ", "NYSE")})


@for_each(
    ("exchange", "message"),
    [
        *((text, NO_EXCHANGE) for text in ("A/B", "..", "NASDAQ:AAPL", "NEW YORK", "É", "A" * 65, "list")),
        ("", "is empty"),
        (" ", "is empty"),
        ("A\nB", "'A\\nB' holds a control character"),
        (7, "must be text, not int"),
    ],
)
def test_a_text_that_is_not_an_exchange_is_a_problem(exchange: Any, message: str) -> None:
    """It is found before a call, and never part of a path."""
    assert (Finding("exchange", Severity.ERROR, message),) == ListRequest(exchange).problems


def test_a_request_reads_its_own_reply() -> None:
    """The exchanges are read as such, and the symbols as those of the exchange that was asked for."""
    assert Rows((Exchange("A"),), MIDNIGHT) == ListRequest().read(written(["a"]))
    assert Rows((Symbol("A", "B"),), MIDNIGHT) == ListRequest("a").read(written([{"symbol": "B"}]))


def test_a_body_that_is_no_list_is_no_answer() -> None:
    """What can't be read is the problem of the reply; a list without rows is an answer."""
    for request in (ListRequest(), ListRequest("NASDAQ")):
        assert "it is not JSON" == request.problem_of(b"{")
        assert request.problem_of(b'{"payload": []}') is None
