"""The provider accepts a body or refuses it as documented."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.catalog import Catalog, Entry, Parameter, ValueType
from chartimg.emulator.rules import AcceptedChart, Refusal, read_body
from rows import for_each

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ("symbol", "interval", "width", "timezone", "studies", "drawings", "override", "range", "theme", "format")
LINE: dict[str, object] = {
    "startDatetime": "2026-01-01",
    "startPrice": 1,
    "endDatetime": "2026-01-02T12:00:00Z",
    "endPrice": 2.5,
}
LATER = {**LINE, "endDatetime": "later"}


def read(**fields: object) -> AcceptedChart | Refusal:
    """Return the reading of a body with *fields*."""
    return read_body(json.dumps(fields).encode())


def told(refusal: AcceptedChart | Refusal) -> Any:
    """Return the content of a refusal with 422."""
    assert isinstance(refusal, Refusal)
    assert 422 == refusal.status
    return json.loads(refusal.body)


def errors(**fields: object) -> list[tuple[object, object]]:
    """Return the place and the text of each field error of a body."""
    content = told(read(**fields))
    assert isinstance(content, list)
    assert all({"value", "msg", "param", "location"} == entry.keys() for entry in content)
    assert {"body"} == {entry["location"] for entry in content}
    return [(entry["param"], entry["msg"]) for entry in content]


@pytest.mark.parametrize("content", [b"", b"{}", b'{"symbol": null, "width": null, "studies": null}'])
def test_a_body_may_be_empty(content: bytes) -> None:
    """Missing fields and null ones have the provider's defaults, the symbol included."""
    chart = read_body(content)

    assert isinstance(chart, AcceptedChart)
    assert ("BINANCE:BTCUSDT", "1D", (800, 600)) == (chart.body["symbol"], chart.body["interval"], chart.size)
    assert (0, False) == (chart.parameters, chart.watermark)


@for_each(
    ("fields", "parameters", "watermark"),
    [
        (
            {"studies": [{"name": "MACD"}] * 2, "drawings": [{"name": "Horizontal Line", "input": {"price": 1}}]},
            3,
            False,
        ),
        ({"watermark": "mine"}, 0, True),
        ({"watermark": ""}, 0, False),
        ({"watermark": None}, 0, False),
        *(({"interval": each}, 0, False) for each in shipped_catalog().unconfirmed_intervals),
    ],
)
def test_a_chart_is_counted_as_plans_count_it(fields: dict[str, object], parameters: int, *, watermark: bool) -> None:
    """Studies and drawings count together, a text is a watermark, and intervals that only the change log names are served."""
    chart = read(**fields)

    assert isinstance(chart, AcceptedChart)
    assert (parameters, watermark) == (chart.parameters, chart.watermark)


@for_each(
    "content",
    [b"{", b"\xff", b'{"a": NaN}', b"[" * 100_000, b'{"width": 1e', b"nul", b'{"width": 1e400}', b'["\\ud800"]'],
)
def test_a_body_that_is_not_json_is_refused(content: bytes) -> None:
    """A body that is not JSON is the documented 400 with an empty body."""
    assert Refusal(400) == read_body(content)


MOMENT = "must be a date and time in ISO 8601"
BAD_SYMBOL, BAD_INTERVAL = "must be a valid tradingview EXCHANGE:SYMBOL", "must be a supported interval"


REQUEST, SYMBOL, INTERVAL = ({"message": f"Invalid {noun}"} for noun in ("Request", "Symbol", "Interval"))


@for_each(
    ("content", "refusal"),
    [
        ([], REQUEST),
        (1, REQUEST),
        ("x", REQUEST),
        (None, REQUEST),
        ({"symbol": "NOWHERE:BTCUSDT"}, SYMBOL),
        ({"symbol": "BINANCE:BTCUSDT+NOWHERE:X"}, SYMBOL),
        ({"interval": "9h"}, INTERVAL),
        ({"interval": "1s"}, INTERVAL),
        ({"interval": "60m"}, INTERVAL),
        ({"interval": "2W"}, INTERVAL),
        (
            {"symbol": "INVALID", "interval": "INVALID"},
            [
                {"value": "INVALID", "msg": BAD_SYMBOL, "param": "symbol", "location": "body"},
                {"value": "INVALID", "msg": BAD_INTERVAL, "param": "interval", "location": "body"},
            ],
        ),
    ],
)
def test_refusals_have_the_documented_words(content: object, refusal: object) -> None:
    """JSON without an object, an exchange or interval outside the lists, and the documented example are answered word for word."""
    assert refusal == told(read_body(json.dumps(content).encode()))


@for_each(
    "symbol",
    [
        *("BINANCE:BTCUSDT", "BMV:CEMEX/CPO", "CME_MINI:NQ1!", "NYSE:BRK.B", "HKEX:700"),
        *("BITGET:币安人生USDT", "MOEX:ГАЗПРОМ", "NASDAQ:MARA/NASDAQ:RIOT"),
        *("(NASDAQ:MARA+NASDAQ:RIOT)/10", "((NASDAQ:MARA) + NASDAQ:RIOT)^2"),
    ],
)
def test_symbols_and_formulas_of_known_exchanges_are_served(symbol: str) -> None:
    """A symbol is accepted in any script, and a formula if each symbol in it names a known exchange."""
    assert isinstance(read(symbol=symbol), AcceptedChart)


MALFORMED: tuple[tuple[str, str, tuple[object, ...]], ...] = (
    ("symbol", BAD_SYMBOL, ("", "BTCUSDT", "币安人生USDT", "币:BTCUSDT", "BINANCE:", ":BTCUSDT", "BINANCE:BTC USDT:")),
    ("symbol", BAD_SYMBOL, ("BINANCE::BTCUSDT", "A:B\n", "A:B$", "A:B#", "A:B\u200b", "(A:B", "A:B)", ")A:B(")),
    ("symbol", BAD_SYMBOL, (7, [], True)),
    ("interval", BAD_INTERVAL, ("1H", "", "h1", 60, "1h ", "\u0661h", "1h\n", ["1h"])),
)


@for_each(("param", "msg", "value"), [(param, msg, value) for param, msg, values in MALFORMED for value in values])
def test_a_malformed_symbol_or_interval_is_a_field_error(param: str, msg: str, value: object) -> None:
    """A text without the form of a symbol or interval, an empty text or another type is a field error; case counts."""
    assert [(param, msg)] == errors(**{param: value})


@for_each(
    ("fields", "param", "msg"),
    [
        ({"timezone": "UTC"}, "timezone", "must be a supported timezone"),
        ({"timezone": ["Etc/UTC"]}, "timezone", "must be a supported timezone"),
        ({"width": 399}, "width", "must be at least 400"),
        ({"width": True}, "width", "must be an integer"),
        ({"width": 800.5}, "width", "must be an integer"),
        ({"theme": "Dark"}, "theme", "must be one of light, dark"),
        ({"style": 1}, "style", "must be text"),
        ({"range": "2D"}, "range", "must be one of 1D, 5D, 1M, 3M, 6M, 1Y, 5Y, ALL, DTD, WTD, MTD, YTD"),
        ({"range": ["1D"]}, "range", "must be text or an object"),
        ({"range": {"from": "2026-01-01T00:00:00Z"}}, "range.to", "is required"),
        ({"range": {"from": "2026-01-01", "to": None}}, "range.to", "is required"),
        ({"range": {"from": "soon", "to": "2026-01-01"}}, "range.from", MOMENT),
        ({"range": {"from": "12:00", "to": "2026-01-01"}}, "range.from", MOMENT),
        ({"range": {"from": 1767225600, "to": "2026-01-01"}}, "range.from", MOMENT),
        ({"shiftRight": 1001}, "shiftRight", "must be at most 1000"),
        ({"watermarkSize": 17}, "watermarkSize", "must be one of 16, 32, 64, 128"),
        ({"watermarkOpacity": 0}, "watermarkOpacity", "must be at least 0.1"),
        ({"watermarkOpacity": False}, "watermarkOpacity", "must be a number"),
        ({"override": []}, "override", "must be an object"),
        ({"override": {"showLegend": 1}}, "override.showLegend", "must be a boolean"),
        ({"override": {"mainPaneHeight": 99}}, "override.mainPaneHeight", "must be at least 100"),
        ({"override": {"priceRange": {"margin": 1}}}, "override.priceRange.margin", "must be at most 0.1"),
        ({"override": {"priceRange": {"from": "1"}}}, "override.priceRange.from", "must be a number"),
        ({"override": {"style": {"barStyle.upColor": 1}}}, "override.style.barStyle.upColor", "must be text"),
        ({"studies": {}}, "studies", "must be an array of objects"),
        ({"studies": ["MACD"]}, "studies[0]", "must be an object"),
        ({"studies": [None]}, "studies[0]", "must be an object"),
        ({"studies": [{"name": "MACD"}, {}]}, "studies[1].name", "is required"),
        ({"studies": [{"name": " "}]}, "studies[0].name", "must not be empty"),
        ({"studies": [{"name": ["MACD"]}]}, "studies[0].name", "must be text"),
        ({"studies": [{"name": "MACD", "input": []}]}, "studies[0].input", "must be an object"),
        ({"studies": [{"name": "macd"}]}, "studies[0].name", "must be a supported name"),
        ({"studies": [{"name": "New", "input": {"in_0": "x"}}]}, "studies[0].name", "must be a supported name"),
        ({"drawings": [{"name": "New", "input": {"price": "x"}}]}, "drawings[0].name", "must be a supported name"),
        *(
            (
                {"studies": [{"name": "MACD", "override": {"MACD.color": text}}]},
                "studies[0].override.MACD.color",
                "must be a valid rgb/rgba color",
            )
            for text in (
                "rgba(1,2,3,0.25)",
                "rgb(1,2,256)",
                "rgba(1,2,3,1.1)",
                "rgb(1,2)",
                "rgb(1,2,3,0.5)",
                "#fff",
                "",
            )
        ),
        (
            {"override": {"style": {"barStyle.upColor": "no colour"}}},
            "override.style.barStyle.upColor",
            "must be a valid rgb/rgba color",
        ),
        ({"studies": [{"name": "MACD", "input": {"in_0": "12"}}]}, "studies[0].input.in_0", "must be an integer"),
        ({"studies": [{"name": "MACD", "input": {"in_0": 1.5}}]}, "studies[0].input.in_0", "must be an integer"),
        ({"studies": [{"name": "MACD", "input": {"in_3": 1}}]}, "studies[0].input.in_3", "must be text"),
        (
            {"studies": [{"name": "MACD", "override": {"MACD.linewidth": True}}]},
            "studies[0].override.MACD.linewidth",
            "must be an integer",
        ),
        ({"drawings": [{"name": "Text"}]}, "drawings[0].input", "is required"),
        (
            {"drawings": [{"name": "Horizontal Line", "input": {"price": 1}, "zOrder": "up"}]},
            "drawings[0].zOrder",
            "must be one of top, bottom",
        ),
        ({"drawings": [{"name": "Horizontal Line", "input": {}}]}, "drawings[0].input.price", "is required"),
        (
            {"drawings": [{"name": "Horizontal Line", "input": {"price": "1"}}]},
            "drawings[0].input.price",
            "must be a number",
        ),
        ({"drawings": [{"name": "Trend Line", "input": LATER}]}, "drawings[0].input.endDatetime", MOMENT),
        (
            {"drawings": [{"name": "Fib Retracement", "input": LINE, "override": {"level2": {"visible": 1}}}]},
            "drawings[0].override.level2.visible",
            "must be a boolean",
        ),
    ],
)
def test_fields_are_checked_by_the_documented_tables(fields: dict[str, object], param: str, msg: str) -> None:
    """A wrong type, range or choice is one error with its place."""
    assert [(param, msg)] == errors(**fields)


@for_each(
    "fields",
    [
        {"width": 800.0, "height": 600, "watermarkSize": 32.0, "watermarkOpacity": 1},
        {"new": {"deep": []}, "override": {"new": 1, "priceRange": {"new": 1}, "style": {"new": 1}}},
        {"range": {"from": "20260101", "to": "2026-01-02T00:00:00+01:00", "new": 1}},
        {"range": {"from": "2026-02-01", "to": "2026-01-01"}, "shiftLeft": 1, "shiftRight": 1},
        {"override": {"priceRange": None, "style": None, "showLegend": None}, "watermark": ""},
        {"override": {"style": {"barStyle.upColor": "rgba( 0, 0,255, .5 )"}}},
        {"studies": [{"name": "MACD", "override": {"Plot.color": 1}, "new": 1}]},
        {"studies": [{"name": "MACD", "input": {"new": [], "in_0": 10**9, "in_1": None, "in_3": "best"}}]},
        {"studies": [{"name": "MACD", "override": {"MACD.linewidth": 99, "MACD.plottype": "dots"}}]},
        {"drawings": [{"name": "Text", "input": {"datetime": "2026-01-01", "price": 1, "text": ""}}]},
        {"drawings": [{"name": "Trend Line", "input": LINE, "override": {"fontSize": 1, "horzLabelAlign": "up"}}]},
        {"drawings": [{"name": "Fib Retracement", "input": LINE, "override": {"level2": {"coeff": 1, "new": 1}}}]},
    ],
)
def test_everything_the_catalog_leaves_open_is_served(fields: dict[str, object]) -> None:
    """Unknown keys, values of studies, drawings and styles, and null are accepted."""
    assert isinstance(read(**fields), AcceptedChart)


def test_equal_bodies_are_one_chart() -> None:
    """The order of fields and the spelling of JSON make no difference."""
    one = read_body(b'{"symbol": "BINANCE:A", "width": 500}')

    assert one == read_body(b'{"width":500,"symbol":"BINANCE:\\u0041"}')


OWN = shipped_catalog().extended(
    Catalog(
        timezones=("UTC",),
        parameters=(Parameter("width", ValueType.INTEGER, min=10),),
        studies=(Entry("Own", (Parameter("length", ValueType.INTEGER, required=True),)),),
    )
)


def test_a_given_catalog_decides() -> None:
    """Names, tables and required inputs are those of the given catalog, also for a body read before by another one."""
    content = b'{"timezone": "UTC", "width": 10, "studies": [{"name": "Own", "input": {"new": 1}}]}'

    assert ["width", "timezone", "studies[0].name"] == [entry["param"] for entry in told(read_body(content))]
    assert ["studies[0].input.length"] == [entry["param"] for entry in told(read_body(content, OWN))]


@pytest.mark.parametrize("study", [{}, {"input": None}, {"input": {}}])
def test_a_required_input_is_missing_without_any_input(study: dict[str, object]) -> None:
    """A required key is reported at its own place, even if the study has no input."""
    content = json.dumps({"studies": [{"name": "MACD"}, {"name": "Own", **study}]}).encode()

    assert [("studies[1].input.length", "is required")] == [
        (entry["param"], entry["msg"]) for entry in told(read_body(content, OWN))
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"{}",
        b'{"symbol": "NOWHERE:X", "interval": "9h", "timezone": "UTC", "width": 1, "new": []}',
        b'{"symbol": 1, "interval": [], "timezone": {}, "width": "x", "studies": 1, "override": {"style": 1}}',
    ],
)
def test_an_empty_catalog_accepts_everything(content: bytes) -> None:
    """A body is accepted if no list and no table covers it."""
    assert isinstance(read_body(content, Catalog()), AcceptedChart)


@for_each(
    "body",
    [
        {"studies": [{}] * 100_000},
        {"studies": [{"name": "MACD", "input": {"in_0": "x"}}] * 20_000},
        {"symbol": "BINANCE:" + "A" * 1_000_000},
        {"symbol": "A:" * 500_000},
        {"symbol": "(" * 1_000_000},
        {"interval": "1" * 1_000_000},
        {"drawings": [[]] * 200_000},
    ],
)
@pytest.mark.gate
def test_a_body_of_a_megabyte_is_answered_in_brief(body: dict[str, object]) -> None:
    """At most a hundred errors are listed, and the answer is hardly longer than the body."""
    content = json.dumps(body).encode()
    reading = read_body(content)

    assert isinstance(reading, AcceptedChart) or len(reading.body) < len(content) + 20_000
    assert isinstance(reading, AcceptedChart) or len(json.loads(reading.body)) <= 100


def test_a_deeply_nested_body_is_refused() -> None:
    """A body that is barely shallow enough to be read is refused, and writing the refusal does not raise."""
    for depth in range(900, 1000):
        reading = read_body(b'{"override": ' + b"[" * depth + b"]" * depth + b"}")

        assert isinstance(reading, Refusal)
        assert reading.status in {400, 422}


@given(
    st.binary() | st.dictionaries(st.sampled_from(FIELDS), JSON).map(lambda value: json.dumps(value).encode()),
    st.sampled_from([None, Catalog(), Catalog(parameters=shipped_catalog().parameters)]),
)
def test_any_body_gets_a_chart_or_a_documented_refusal(content: bytes, catalog: Catalog | None) -> None:
    """Any bytes are accepted or refused by any catalog, and reading never raises."""
    reading = read_body(content, catalog)

    assert isinstance(reading, AcceptedChart) or reading.status in {400, 422}
    assert isinstance(reading, AcceptedChart) or reading.status == 400 or json.loads(reading.body)
