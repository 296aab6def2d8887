"""What the domain says of a mistake, word for word: hosts show it to people."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date

import pytest

from chartimg import Account, ChartRequest, ConfigError, LayoutRequest, RetryPolicy, TradingViewSession
from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart.freshness import Freshness
from chartimg.domain.check.check import check_body
from rows import for_each

CATALOG = shipped_catalog()
CHART = {"symbol": "BINANCE:BTCUSDT", "interval": "1h"}


@for_each(
    ("body", "told"),
    [
        ('{"symbol": "BINANCE:"}', ['symbol: ERROR: "BINANCE:" is not written EXCHANGE:SYMBOL']),
        ('{"symbol": "NOWHERE:BTCUSDT"}', ['symbol: WARNING: the exchange "NOWHERE" is not in the catalog']),
        (
            '{"symbol": "Binance:BTCUSDT"}',
            ['symbol: ERROR: the exchange "Binance" is written BINANCE; did you mean "BINANCE:BTCUSDT"?'],
        ),
        (
            '{"symbol": "BINANCE:AAPL"}',
            [
                'symbol: WARNING: "AAPL" is evidently not a pair, and BINANCE lists only pairs; a symbol without an exchange gets that of its template (BINANCE:{symbol}), so write its own, as in NASDAQ:AAPL, SP:SPX or FX:EURUSD'
            ],
        ),
        (
            '{"symbol":"BTC/USDT"}',
            [
                'symbol: ERROR: "BTC/USDT" has no exchange; write it like BINANCE:BTCUSDT; did you mean "BINANCE:BTCUSDT"?'
            ],
        ),
        (
            '{"symbol":"BTCUSDT"}',
            [
                'symbol: ERROR: "BTCUSDT" has no exchange; write it like BINANCE:BTCUSDT; did you mean "BINANCE:BTCUSDT"?'
            ],
        ),
        (
            '{"symbol":"AAPL:NASDAQ"}',
            ['symbol: WARNING: the exchange "AAPL" is not in the catalog; did you mean "NASDAQ:AAPL"?'],
        ),
        (
            '{"symbol":"ARCA:SPY"}',
            ['symbol: WARNING: the exchange "ARCA" is not in the catalog; did you mean "AMEX:SPY"?'],
        ),
        (
            '{"timezone": "Etc/UT"}',
            ['timezone: ERROR: "Etc/UT" is not a time zone of the provider; did you mean "Etc/UTC"?'],
        ),
        (
            '{"timezone":"Mars/Base"}',
            ['timezone: ERROR: "Mars/Base" is not a time zone of the provider; use one like America/New_York'],
        ),
        (
            '{"timezone":"EST"}',
            ['timezone: ERROR: "EST" is not a time zone of the provider; did you mean "America/New_York"?'],
        ),
        ('{"width": 50}', ["width: ERROR: 50 is not 400 or more"]),
        ('{"width": 99999}', ["width: ERROR: 99999 is more than any plan allows (2048)"]),
        ('{"width": "800"}', ['width: ERROR: must be a whole number, not the text "800"']),
        ('{"width": true}', ["width: ERROR: must be a whole number, not true"]),
        ('{"width": 800.5}', ["width: ERROR: must be a whole number, not the number 800.5"]),
        ('{"theme": "drak"}', ['theme: ERROR: "drak" is not one of light, dark; did you mean "dark"?']),
        ('{"theme": 1}', ["theme: ERROR: must be text, not the number 1"]),
        ('{"format": "jpeg"}', ['format: ERROR: "jpeg" is served, but chartimg accepts only png; leave it out']),
        ('{"widht": 800}', ['widht: WARNING: "widht" is not a key here; did you mean "width"?']),
        ('{"nothing": 1}', ['nothing: WARNING: "nothing" is not a key here']),
        (
            '{"style": "candles"}',
            [
                'style: ERROR: "candles" is not one of bar, candle, line, area, heikinAshi, hollowCandle, baseline, hiLo, column; did you mean "candle"?'
            ],
        ),
        ('{"studies": {}}', ["studies: ERROR: must be an array of objects, not an object"]),
        ('{"studies": [1]}', ["studies[0]: ERROR: must be an object, not the number 1"]),
        ('{"studies": [{}]}', ["studies[0].name: ERROR: is required"]),
        ('{"studies": [{"name": ""}]}', ["studies[0].name: ERROR: is empty"]),
        (
            '{"studies": [{"name": "macd"}]}',
            ['studies[0].name: ERROR: "macd" is not in the catalog; did you mean "MACD"?'],
        ),
        (
            '{"studies": [{"name": "RSI@tv-basicstudies"}]}',
            [
                'studies[0].name: ERROR: "RSI@tv-basicstudies" is not in the catalog; did you mean "Relative Strength Index"?'
            ],
        ),
        (
            '{"studies": [{"name": "EMA:200"}]}',
            [
                'studies[0].name: ERROR: "EMA:200" is not in the catalog, and its numbers belong in input; did you mean "Moving Average Exponential"?'
            ],
        ),
        (
            '{"studies": [{"name": "Nothing Like It At All"}]}',
            [
                'studies[0].name: ERROR: "Nothing Like It At All" is not in the catalog; if the provider has added it, name it in CHARTS_CATALOG'
            ],
        ),
        (
            '{"studies": [{"name": "MACD", "input": {"in_0": 0}}]}',
            ["studies[0].input.in_0: WARNING: 0 is not from 1 to 2,000"],
        ),
        (
            '{"studies": [{"name": "MACD", "input": {"in_9": 5}}]}',
            ['studies[0].input.in_9: WARNING: "in_9" is not a key here; keys are in_0, in_1, in_2, in_3'],
        ),
        (
            '{"studies": [{"name": "MACD", "input": {"in_3": "closed"}}]}',
            [
                'studies[0].input.in_3: WARNING: "closed" is not one of open, high, low, close, hl2, hlc3, ohlc4; did you mean "close"?'
            ],
        ),
        (
            '{"studies": [{"name": "MACD", "override": {"Histogram.color.0": "reddish"}}]}',
            [
                'studies[0].override.Histogram.color.0: ERROR: "reddish" is not a colour of the provider; write rgb(r,g,b) or rgba(r,g,b,a), with an alpha of one decimal, as in rgba(33,150,243,0.5)'
            ],
        ),
        (
            '{"studies": [{"name": "MACD", "override": {"Histogram.color.0": "rgba(1,2,3,0.25)"}}]}',
            [
                'studies[0].override.Histogram.color.0: ERROR: "rgba(1,2,3,0.25)" is not a colour of the provider; write rgb(r,g,b) or rgba(r,g,b,a), with an alpha of one decimal, as in rgba(33,150,243,0.5)'
            ],
        ),
        (
            '{"studies": [{"name": "MACD", "forceOverlay": 1}]}',
            ["studies[0].forceOverlay: ERROR: must be true or false, not the number 1"],
        ),
        (
            '{"drawings": [{"name": "Circle"}]}',
            [
                "drawings[0].input: ERROR: is required",
                'drawings[0].name: ERROR: "Circle" is not in the catalog; if the provider has added it, name it in CHARTS_CATALOG',
            ],
        ),
        ('{"drawings": [{"name": "Vertical Line"}]}', ["drawings[0].input: ERROR: is required"]),
        (
            '{"drawings": [{"name": "Vertical Line", "input": {"datetime": "soon"}}]}',
            ['drawings[0].input.datetime: ERROR: must be text, a date and time in ISO 8601, not the text "soon"'],
        ),
        ('{"indicators": []}', ['indicators: WARNING: "indicators" is not a key here; did you mean "studies"?']),
        (
            '{"shiftLeft": 1, "shiftRight": 1}',
            ["shiftRight: WARNING: contradicts shiftLeft; the two together are not documented"],
        ),
        (
            '{"moveLeft": 1, "moveRight": 1}',
            [
                'moveLeft: WARNING: "moveLeft" is not a key here',
                'moveRight: WARNING: "moveRight" is not a key here',
                "moveRight: WARNING: contradicts moveLeft; the two together are not documented",
            ],
        ),
        (
            '{"zoomIn": 1, "zoomOut": 1}',
            [
                'zoomIn: WARNING: "zoomIn" is not a key here',
                'zoomOut: WARNING: "zoomOut" is not a key here',
                "zoomOut: WARNING: contradicts zoomIn; the two together are not documented",
            ],
        ),
        ('{"shiftLeft": 1, "moveRight": 1}', ['moveRight: WARNING: "moveRight" is not a key here']),
        (
            '{"range": {"from": "2024-01-02T00:00:00.000Z", "to": "2024-01-01T00:00:00.000Z"}}',
            ["range.to: WARNING: is before range.from"],
        ),
        (
            '{"range": "1DD"}',
            [
                'range: ERROR: "1DD" is not one of 1D, 5D, 1M, 3M, 6M, 1Y, 5Y, ALL, DTD, WTD, MTD, YTD; did you mean "1D"?'
            ],
        ),
        ('{"range": 5}', ["range: ERROR: must be text or an object, not the number 5"]),
        (
            '{"override": {"priceRange": {"from": 2, "to": 1}}}',
            ["override.priceRange.to: WARNING: is not above override.priceRange.from"],
        ),
        ('{"override": {"mainPaneHeight": 1}}', ["override.mainPaneHeight: ERROR: 1 is not from 100 to 1,800"]),
        (
            '{"override": {"showStudyLastVal": true}}',
            [
                'override.showStudyLastVal: WARNING: "showStudyLastVal" is not a key here; did you mean "showStudyLastValue"?'
            ],
        ),
        ('{"override": []}', ["override: ERROR: must be an object, not an array"]),
    ],
)
def test_a_finding_of_the_check_says(body: str, told: list[str]) -> None:
    """Each names the place, what is wrong there, and what is right."""
    assert told == [str(finding) for finding in check_body({**CHART, **json.loads(body)}, CATALOG)]


def test_a_body_that_is_none_says_so() -> None:
    """A body without a symbol, and one that is not an object, are one finding each."""
    without = "symbol: ERROR: is missing; without it the provider draws its own default"

    assert [without] == [str(finding) for finding in check_body({}, CATALOG)][:1]
    assert ["ERROR: the body must be an object, not an array"] == [str(finding) for finding in check_body([], CATALOG)]


@for_each(
    ("request_", "told"),
    [
        (ChartRequest("", "1h", "t"), ["symbol: ERROR: is empty"]),
        (ChartRequest(" A:B", "1h", "t"), ["symbol: ERROR: ' A:B' has space around it"]),
        (ChartRequest("A\nB", "1h", "t"), ["symbol: ERROR: 'A\\nB' holds a control character"]),
        (
            ChartRequest("A\ud800", "1h", "t"),
            ["symbol: ERROR: 'A\\ud800' holds a lone surrogate; was it cut, or read in the wrong encoding?"],
        ),
        (ChartRequest("A:B", 1, "t"), ["interval: ERROR: must be text, not int"]),  # type: ignore[arg-type]
        (ChartRequest("A:B", "1h", ""), ["chart_template_id: ERROR: is empty"]),
        (ChartRequest("A:B", "1h", "t", []), ["ERROR: the payload must be an object, not list"]),  # type: ignore[arg-type]
        (ChartRequest("A:B", "1h", "t", {"a": b"x"}), ["a: ERROR: is bytes and not text; decode it"]),
        (
            ChartRequest("A:B", "1h", "t", {"a": date(2026, 1, 5)}),
            ["a: ERROR: is date; write it as text, with isoformat()"],
        ),
        (ChartRequest("A:B", "1h", "t", {"a": math.inf}), ["a: ERROR: is inf, which is not a number in JSON"]),
        (ChartRequest("A:B", "1h", "t", {"a": [10**5000]}), ["a[0]: ERROR: is a number with thousands of digits"]),
        (ChartRequest("A:B", "1h", "t", {"a": {1: 2, "b": 3}}), ["a: ERROR: has keys that are not all text"]),
        (ChartRequest("A:B", "1h", "t", {"a": {"\ud800": 2}}), ["a: ERROR: the key '\\ud800' holds a lone surrogate"]),
        (ChartRequest("A:B", "1h", "t", {"a": object()}), ["a: ERROR: is object and not a JSON value"]),
        (
            ChartRequest("A:B", "1h", "t", {"a": "\ud800"}),
            ["a: ERROR: holds a lone surrogate; was it cut, or read in the wrong encoding?"],
        ),
        (LayoutRequest(""), ["layout_id: ERROR: is empty"]),
        (LayoutRequest("a/b"), ["layout_id: ERROR: must be the id in the address of the layout, letters and digits"]),
        (
            LayoutRequest("https://www.tradingview.com/chart/abcd1234/"),
            [
                "layout_id: ERROR: must be the id in the address of the layout, letters and digits; did you mean abcd1234?"
            ],
        ),
        (LayoutRequest("abc", "", "1h"), ["symbol: ERROR: is empty"]),
        (LayoutRequest("abc", None, 5), ["interval: ERROR: must be text, not int"]),  # type: ignore[arg-type]
        (
            LayoutRequest("abc", payload={"symbol": "A:B", "interval": "1h"}),
            [
                "symbol: ERROR: is in the payload; state it as symbol=, or as --symbol of the command",
                "interval: ERROR: is in the payload; state it as interval=, or as --interval of the command",
            ],
        ),
    ],
)
def test_a_problem_of_a_request_says(request_: ChartRequest | LayoutRequest, told: list[str]) -> None:
    """Each names the argument or the place in the payload, and no value that may be long."""
    assert told == [str(finding) for finding in request_.problems]


@for_each(
    ("make", "told"),
    [
        (lambda: RetryPolicy(max_attempts=0), ["max_attempts must be at least 1, not 0"]),
        (lambda: RetryPolicy(base_delay=-1), ["base_delay must be a number of seconds from 0 to a year, not -1"]),
        (lambda: RetryPolicy(max_delay=math.nan), ["max_delay must be a number of seconds from 0 to a year, not nan"]),
        (lambda: RetryPolicy(deadline=math.inf), ["deadline must be a number of seconds from 0 to a year, not inf"]),
        (lambda: RetryPolicy(deadline="x"), ["deadline must be a number, not str"]),  # type: ignore[arg-type]
        (
            lambda: Freshness.of("daily", where="fresh"),
            ["fresh must be off, candle or seconds from 0 to 31622400, not 'daily'"],
        ),
        (lambda: Freshness.of(-1, where="fresh"), ["fresh must be off, candle or seconds from 0 to 31622400, not -1"]),
        (
            lambda: Freshness.of(10**300, where="fresh"),
            ["fresh must be off, candle or seconds from 0 to 31622400, not a larger number"],
        ),
        (
            lambda: TradingViewSession("", "a b"),
            [
                "session_id must be the value of a cookie: printable ASCII without spaces, not empty",
                "session_id_sign must be the value of a cookie: printable ASCII without spaces, not empty",
            ],
        ),
        (lambda: Account("", ""), ["id is empty", "api_key is empty"]),
        (lambda: Account("a", "k", requests_per_second=0), ["requests_per_second must be more than 0, not 0"]),
        (lambda: Account("a", "k", burst=0), ["burst must be at least 1, not 0"]),
        (lambda: Account(1, "k"), ["id must be text"]),  # type: ignore[arg-type]
        (lambda: Account("a\nb", "k"), ["id holds a control character or a lone surrogate"]),
    ],
)
def test_a_wrong_argument_says(make: Callable[[], object], told: list[str]) -> None:
    """Each problem names the argument and its right values."""
    with pytest.raises(ConfigError) as raised:
        make()

    assert told == list(raised.value.problems)
