"""Templates: a look and a symbol make a request."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart import ChartKey, ChartRequest
from chartimg.domain.chart.template import ChartTemplate, name_problems
from chartimg.domain.errors import ConfigError
from chartimg.domain.finding import Finding, Severity
from rows import for_each

RENAMED = Finding("id", Severity.ERROR, "'Look' differs from the file's name; rename one of them", "look")
WITHOUT_PLACE = Finding(
    "chartImgSymbolTemplate",
    Severity.ERROR,
    "'A:B' has no {symbol}; write it like \"BINANCE:{symbol}\"",
    "BINANCE:{symbol}",
)
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
    ("template_id", "pattern", "file_id", "problems"),
    [
        ("look", "{symbol}", "look", []),
        ("look", "A:{symbol}", None, []),
        ("Look", "A:{symbol}", "look", [RENAMED]),
        ("Look", "A:B", "look", [RENAMED, WITHOUT_PLACE]),
        (1, None, "look", []),
    ],
)
def test_a_template_bears_the_name_of_its_file_and_has_a_place_for_the_symbol(
    template_id: object, pattern: object, file_id: str | None, problems: list[Finding]
) -> None:
    """An id unlike the name of the file, and a pattern without a place, are ERRORs; other types have their own."""
    assert problems == list(name_problems(template_id, pattern, file_id))


@for_each(
    ("method", "arguments", "message"),
    [
        (TEMPLATE.request, (5, "1h"), "symbol must be text, not int"),
        (TEMPLATE.request, ("BTCUSDT", 5), "timeframe must be text, not int"),
        (TEMPLATE.fill, (5,), "request must be a ChartRequest, not int"),
    ],
)
def test_an_argument_of_another_type_is_refused_by_name(
    method: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    """A symbol, a timeframe or a request of another type raises with the name of the argument."""
    with pytest.raises(ConfigError, match=f"^{message}$"):
        method(*arguments)
