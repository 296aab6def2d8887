"""What the provider makes of bodies: charts, field errors, symbols and intervals it doesn't know, and noise."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.app.emulator.rules import Chart, Refusal, documented_paths, read_body
from chartimg.domain.plan import PLANS, PlanName

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("symbol", "interval", "width", "timezone", "studies", "drawings", "override", "range", "theme", "format")


def read(**fields: object) -> Chart | Refusal:
    """Read a body of *fields*."""
    return read_body(json.dumps(fields).encode())


def errors(**fields: object) -> list[tuple[object, object]]:
    """Give the place and the text of each field error of a body."""
    refusal = read(**fields)
    assert isinstance(refusal, Refusal)
    assert 422 == refusal.status
    assert isinstance(refusal.content, list)
    assert all({"value", "msg", "param", "location"} == entry.keys() for entry in refusal.content)
    assert {"body"} == {entry["location"] for entry in refusal.content}
    return [(entry["param"], entry["msg"]) for entry in refusal.content]


@pytest.mark.parametrize("content", [b"", b"{}"])
def test_a_body_may_be_missing_altogether(content: bytes) -> None:
    """Missing fields have the provider's defaults, the symbol included."""
    chart = read_body(content)

    assert isinstance(chart, Chart)
    assert ("BINANCE:BTCUSDT", "1D", (800, 600)) == (chart.body["symbol"], chart.body["interval"], chart.size)


@pytest.mark.parametrize(
    "content",
    [b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'{"width": 1e', b"nul", b'{"width": 1e400}', b'["\\ud800"]'],
)
def test_what_is_no_json_is_refused_without_a_word(content: bytes) -> None:
    """The documented 400 has no body."""
    assert Refusal(400) == read_body(content)


@pytest.mark.parametrize("content", [b"[]", b"1", b'"x"', b"null"])
def test_json_that_is_no_object_is_an_invalid_request(content: bytes) -> None:
    """As the documentation words it."""
    assert Refusal(422, {"message": "Invalid Request"}) == read_body(content)


def test_wrong_fields_are_listed_as_documented() -> None:
    """The documented example, word for word."""
    documented = [
        {
            "value": "INVALID",
            "msg": "must be a valid tradingview EXCHANGE:SYMBOL",
            "param": "symbol",
            "location": "body",
        },
        {"value": "INVALID", "msg": "must be a supported interval", "param": "interval", "location": "body"},
    ]
    assert Refusal(422, documented) == read(symbol="INVALID", interval="INVALID")


@pytest.mark.parametrize(
    "symbol",
    [
        "BINANCE:BTCUSDT",
        "BMV:CEMEX/CPO",
        "CME_MINI:NQ1!",
        "NYSE:BRK.B",
        "(NASDAQ:MARA+NASDAQ:RIOT)/10",
        "NASDAQ:MARA/NASDAQ:RIOT",
        "HKEX:700",
    ],
)
def test_symbols_and_formulas_of_known_exchanges_are_served(symbol: str) -> None:
    """Each symbol has its exchange."""
    assert isinstance(read(symbol=symbol), Chart)


@pytest.mark.parametrize("symbol", ["", "BTCUSDT", "BINANCE:", ":BTCUSDT", "BINANCE:BTC USDT:", "A:B\n", 7, [], "(A:B"])
def test_what_is_no_symbol_is_a_field_error(symbol: object) -> None:
    """So is an empty one."""
    assert [("symbol", "must be a valid tradingview EXCHANGE:SYMBOL")] == errors(symbol=symbol)


def test_an_exchange_that_does_not_exist_is_an_invalid_symbol() -> None:
    """Also in the middle of a formula."""
    assert Refusal(422, {"message": "Invalid Symbol"}) == read(symbol="NOWHERE:BTCUSDT")
    assert Refusal(422, {"message": "Invalid Symbol"}) == read(symbol="BINANCE:BTCUSDT+NOWHERE:X")


@pytest.mark.parametrize("interval", ["9h", "1s", "60m", "2W"])
def test_an_interval_that_is_not_offered_is_an_invalid_interval(interval: str) -> None:
    """It looks like one and is none of the provider's."""
    assert Refusal(422, {"message": "Invalid Interval"}) == read(interval=interval)


@pytest.mark.parametrize("interval", ["1H", "", "h1", 60, "1h "])
def test_what_does_not_look_like_an_interval_is_a_field_error(interval: object) -> None:
    """Case matters."""
    assert [("interval", "must be a supported interval")] == errors(interval=interval)


@pytest.mark.parametrize(
    ("fields", "param", "msg"),
    [
        ({"timezone": "UTC"}, "timezone", "must be a supported timezone"),
        ({"timezone": ["Etc/UTC"]}, "timezone", "must be a supported timezone"),
        ({"width": 399}, "width", "must be at least 400"),
        ({"height": 299}, "height", "must be at least 300"),
        ({"width": "800"}, "width", "must be an integer"),
        ({"width": True}, "width", "must be an integer"),
        ({"width": 800.5}, "width", "must be an integer"),
        ({"theme": "Dark"}, "theme", "must be one of light, dark"),
        ({"format": "gif"}, "format", "must be one of png, jpeg"),
        ({"style": 1}, "style", "must be text"),
        ({"scale": "log"}, "scale", "must be one of regular, percent, indexedTo100, logarithmic"),
        ({"session": "night"}, "session", "must be one of regular, extended"),
        ({"range": "2D"}, "range", "must be one of 1D, 5D, 1M, 3M, 6M, 1Y, 5Y, ALL, DTD, WTD, MTD, YTD"),
        ({"range": {"from": "2026-01-01T00:00:00Z"}}, "range.to", "is required"),
        ({"range": {"from": "soon", "to": "2026-01-01"}}, "range.from", "must be a date and time in ISO 8601"),
        ({"shiftLeft": 0}, "shiftLeft", "must be at least 1"),
        ({"shiftRight": 1001}, "shiftRight", "must be at most 1000"),
        ({"watermarkOpacity": 0}, "watermarkOpacity", "must be at least 0.1"),
        ({"override": []}, "override", "must be an object"),
        ({"override": {"showLegend": 1}}, "override.showLegend", "must be a boolean"),
        ({"override": {"priceRange": {"margin": 1}}}, "override.priceRange.margin", "must be at most 0.1"),
        ({"studies": {}}, "studies", "must be an array of objects"),
        ({"studies": ["MACD"]}, "studies[0]", "must be an object"),
        ({"studies": [{"name": "MACD"}, {}]}, "studies[1].name", "is required"),
        ({"studies": [{"name": " "}]}, "studies[0].name", "must not be empty"),
        ({"drawings": [{"name": "Text"}]}, "drawings[0].input", "is required"),
    ],
)
def test_fields_are_held_against_the_documented_tables(fields: dict[str, object], param: str, msg: str) -> None:
    """Type, range and choice of each, with the place of the mistake."""
    assert [(param, msg)] == errors(**fields)


def test_a_field_that_is_null_counts_as_missing() -> None:
    """It has its default."""
    chart = read(symbol=None, width=None, studies=None)

    assert isinstance(chart, Chart)
    assert (("BINANCE:BTCUSDT", 800), 0) == ((chart.body["symbol"], chart.size[0]), chart.parameters)


def test_studies_and_drawings_count_as_parameters() -> None:
    """Together, as the plans count them."""
    chart = read(studies=[{"name": "MACD"}, {"name": "New Study"}], drawings=[{"name": "Text", "input": {}}])

    assert isinstance(chart, Chart)
    assert 3 == chart.parameters
    assert PLANS[PlanName.BASIC].max_parameters == chart.parameters


def test_equal_bodies_are_one_chart() -> None:
    """The order of their fields and their spelling play no part."""
    one, other = (
        read_body(b'{"symbol": "BINANCE:A", "width": 500}'),
        read_body(b'{"width":500,"symbol":"BINANCE:\\u0041"}'),
    )

    assert one == other


@given(st.binary() | st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda value: json.dumps(value).encode()))
def test_any_body_gets_a_chart_or_a_documented_refusal(content: bytes) -> None:
    """Nothing raises, whatever the bytes."""
    meaning = read_body(content)

    assert isinstance(meaning, Chart) or meaning.status in {400, 422}


def test_the_documented_paths_are_known() -> None:
    """Ten of them, each with its method."""
    paths = documented_paths()

    assert (10, "POST") == (len(paths), paths["/v2/tradingview/advanced-chart"])
