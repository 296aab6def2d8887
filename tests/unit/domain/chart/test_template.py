"""Templates: a look and a symbol make a request."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart import ChartKey, ChartRequest
from chartimg.domain.chart.template import ChartTemplate, name_problems
from rows import for_each

TEMPLATE = ChartTemplate("t", "a look", "BINANCE:{symbol}", {"theme": "dark", "symbol": "no", "interval": "no"})


@for_each(
    ("symbol", "full"),
    [
        ("BTCUSDT", "BINANCE:BTCUSDT"),
        ("NASDAQ:AAPL", "NASDAQ:AAPL"),
        ("(A:B+C:D)/10", "(A:B+C:D)/10"),
        ("{symbol}", "BINANCE:{symbol}"),
        ("", ""),
    ],
)
def test_a_bare_symbol_goes_through_the_pattern(symbol: str, full: str) -> None:
    """A symbol with an exchange, and an empty one, are not changed."""
    assert ChartRequest(full, "1h", "t", {"theme": "dark"}) == TEMPLATE.request(symbol, "1h")


@given(symbol=st.text(), timeframe=st.text())
def test_symbol_and_interval_never_come_from_the_template(symbol: str, timeframe: str) -> None:
    """Both are those of the request, for any text."""
    body = TEMPLATE.request(symbol, timeframe).body

    assert timeframe == body["interval"]
    assert str(body["symbol"]).endswith(symbol)


def test_a_request_is_filled_and_keeps_its_name() -> None:
    """A request that is filled has the payload of the template, and its own symbol, timeframe and id."""
    request = ChartRequest("BTCUSDT", "1h", "other", {"width": 400})

    assert ChartRequest("BTCUSDT", "1h", "other", {"theme": "dark"}) == TEMPLATE.fill(request)


def test_a_template_is_not_changed_through_its_requests() -> None:
    """A request has a payload of its own."""
    template = ChartTemplate("t", "a look", "BINANCE:{symbol}", {"studies": [{"name": "Volume"}]})
    request = template.request("BTCUSDT", "1h")
    request.body["studies"].append({})  # type: ignore[attr-defined]

    assert {"studies": [{"name": "Volume"}]} == template.payload
    assert template.request("BTCUSDT", "1h") == request


def test_the_template_s_id_is_the_chart_s() -> None:
    """The key of a request has the id of the template."""
    assert ChartKey("BINANCE:BTCUSDT", "1h", "t") == TEMPLATE.request("BTCUSDT", "1h").key


def test_a_template_without_a_payload_asks_for_a_bare_chart() -> None:
    """A payload that is left out is empty, and the text of a template does not show its payload."""
    template = ChartTemplate("t", "a look", "BINANCE:{symbol}")

    assert {} == template.payload == template.request("BTCUSDT", "1h").payload
    assert "dark" not in repr(TEMPLATE)


@for_each(
    ("template_id", "pattern", "file_id", "paths"),
    [
        ("look", "{symbol}", "look", []),
        ("look", "A:{symbol}", None, []),
        ("Look", "A:{symbol}", "look", ["id"]),
        ("Look", "A:B", "look", ["id", "chartImgSymbolTemplate"]),
        (1, None, "look", []),
    ],
)
def test_a_template_bears_the_name_of_its_file_and_has_a_place_for_the_symbol(
    template_id: object, pattern: object, file_id: str | None, paths: list[str]
) -> None:
    """An id unlike the name of the file, and a pattern without a place, are ERRORs; other types have their own."""
    assert paths == [each.path for each in name_problems(template_id, pattern, file_id)]
