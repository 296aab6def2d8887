"""The findings of the check: their places, severities and suggestions."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart import ChartRequest
from chartimg.domain.chart.endpoint import ADVANCED_CHART, LAYOUT_CHART, ChartEndpoint
from chartimg.domain.chart.template import ChartTemplate
from chartimg.domain.check.catalog import Catalog, Entry, Parameter, ValueType
from chartimg.domain.check.check import check_body, check_payload, check_request, check_template
from chartimg.domain.finding import Finding, Severity
from chartimg.domain.plan import PlanName
from rows import for_each

CATALOG = shipped_catalog()
BASE: Mapping[str, object] = {"symbol": "BINANCE:BTCUSDT", "interval": "1h"}


def found(**body: object) -> list[Finding]:
    """Check a right body with *body* added."""
    return check_body({**BASE, **body}, CATALOG)


def only(**body: object) -> tuple[str, Severity, str, str | None]:
    """Return the parts of the single finding."""
    (finding,) = found(**body)
    return attrs.astuple(finding)


@for_each(
    ("wrong", "path", "phrase", "suggestion"),
    [
        ({"interval": "1H"}, "interval", 'did you mean "1h"?', "1h"),
        ({"interval": "9h"}, "interval", '"9h" is not an interval; use one of 1m, 3m, 5m', None),
        ({"interval": 60}, "interval", 'must be text, not the number 60; did you mean "1h"?', "1h"),
        ({"timezone": "UTC"}, "timezone", 'did you mean "Etc/UTC"?', "Etc/UTC"),
        ({"timezone": "Mars/Olympus"}, "timezone", "use one like America/New_York", None),
        ({"width": "800"}, "width", 'must be a whole number, not the text "800"', None),
        ({"width": True}, "width", "must be a whole number, not true", None),
        ({"width": 399}, "width", "399 is not 400 or more", None),
        ({"height": 299}, "height", "299 is not 300 or more", None),
        ({"width": 2049}, "width", "2049 is more than any plan allows (2048)", None),
        ({"studies": [{"name": "MACD"}] * 51}, "studies", "more than any plan allows (50)", None),
        ({"format": "jpeg"}, "format", '"jpeg" is served, but chartimg accepts only png; leave it out', "png"),
        ({"format": "gif"}, "format", '"gif" is not one of png, jpeg', None),
        ({"symbol": "BTCUSDT"}, "symbol", '"BTCUSDT" has no exchange;', "BINANCE:BTCUSDT"),
        ({"symbol": "AAPL"}, "symbol", '"AAPL" has no exchange; write it like BINANCE:BTCUSDT;', None),
        ({"symbol": "BTC/USDT"}, "symbol", 'did you mean "BINANCE:BTCUSDT"?', "BINANCE:BTCUSDT"),
        ({"symbol": "binance:btcusdt"}, "symbol", 'the exchange "binance" is written BINANCE', "BINANCE:BTCUSDT"),
        ({"symbol": " BINANCE:BTCUSDT"}, "symbol", '" BINANCE:BTCUSDT" has space around it;', "BINANCE:BTCUSDT"),
        ({"symbol": None}, "symbol", "is missing; without it the provider draws its own default", "BINANCE:BTCUSDT"),
        ({"symbol": 5}, "symbol", "must be text", None),
        ({"theme": "Dark"}, "theme", 'did you mean "dark"?', "dark"),
        ({"watermarkSize": 20}, "watermarkSize", "20 is not one of 16, 32, 64, 128", None),
        ({"shiftLeft": 0}, "shiftLeft", "0 is not from 1 to 1,000", None),
        ({"range": {"to": "2024-01-01"}}, "range.from", "is required", None),
        ({"range": {"from": "2024-01-01"}}, "range.to", "is required", None),
        (
            {"range": {"from": "soon", "to": "2024-01-01"}},
            "range.from",
            'must be text, a date and time in ISO 8601, not the text "soon"',
            None,
        ),
        ({"range": "2D"}, "range", '"2D" is not one of 1D, 5D,', None),
        ({"range": "12M"}, "range", 'did you mean "1Y"?', "1Y"),
        ({"interval": "4H"}, "interval", 'did you mean "4h"?', "4h"),
        ({"interval": "1d"}, "interval", 'did you mean "1D"?', "1D"),
        ({"interval": "60"}, "interval", 'did you mean "1h"?', "1h"),
        ({"studies": [{"name": "SMA"}]}, "studies[0].name", 'did you mean "Moving Average"?', "Moving Average"),
        ({"studies": [{"name": "macd"}]}, "studies[0].name", 'did you mean "MACD"?', "MACD"),
        ({"studies": [{"name": "Newest"}]}, "studies[0].name", "name it in CHARTS_CATALOG", None),
        (
            {"studies": [{"name": "RSI@tv-basicstudies"}]},
            "studies[0].name",
            'did you mean "Relative Strength Index"?',
            "Relative Strength Index",
        ),
        (
            {"studies": [{"name": "EMA:200"}]},
            "studies[0].name",
            '"EMA:200" is not in the catalog, and its numbers belong in input;',
            "Moving Average Exponential",
        ),
        (
            {"drawings": [{"name": "hline", "input": {}}]},
            "drawings[0].name",
            '"hline" is not in the catalog;',
            "Horizontal Line",
        ),
        ({"drawings": [{"name": "Line", "input": {}}]}, "drawings[0].name", '"Line" is not in the catalog;', None),
        (
            {"override": {"style": {"candleStyle.upColor": "#fff"}}},
            "override.style.candleStyle.upColor",
            '"#fff" is not a colour of the provider; write rgb(r,g,b)',
            None,
        ),
        (
            {"studies": [{"name": "MACD", "override": {"MACD.color": "rgba(1,2,3,0.25)"}}]},
            "studies[0].override.MACD.color",
            "with an alpha of one decimal, as in rgba(33,150,243,0.5)",
            None,
        ),
        ({"range": 5}, "range", "must be text or an object, not the number 5", None),
        ({"override": []}, "override", "must be an object, not an array", None),
        ({"override": {"priceRange": {"margin": 1}}}, "override.priceRange.margin", "from 0.001 to 0.1", None),
        ({"override": {"showLegend": 1}}, "override.showLegend", "must be true or false", None),
        ({"studies": {}}, "studies", "must be an array of objects, not an object", None),
        ({"studies": [{"name": "MACD", "override": []}]}, "studies[0].override", "must be an object", None),
        ({"studies": ["MACD"]}, "studies[0]", 'must be an object, not the text "MACD"', None),
        ({"studies": [{"name": "MACD"}, {}]}, "studies[1].name", "is required", None),
        ({"studies": [{"name": " "}]}, "studies[0].name", "is empty", None),
        ({"studies": [{"name": None}]}, "studies[0].name", "is required", None),
        ({"studies": [{"name": "MACD", "input": []}]}, "studies[0].input", "must be an object", None),
        ({"studies": [{"name": "MACD", "input": {"in_0": 1.5}}]}, "studies[0].input.in_0", "not the number 1.5", None),
        ({"drawings": [{"name": "Horizontal Line"}]}, "drawings[0].input", "is required", None),
        (
            {"drawings": [{"name": "Horizontal Line", "input": {}}]},
            "drawings[0].input.price",
            "is required",
            None,
        ),
        (
            {"drawings": [{"name": "Horizontal Line", "input": {"price": 1}, "zOrder": "middle"}]},
            "drawings[0].zOrder",
            "not one of top, bottom",
            None,
        ),
    ],
)
def test_a_documented_refusal_is_an_error(
    wrong: dict[str, object], path: str, phrase: str, suggestion: str | None
) -> None:
    """A single finding has the place in the body, the mistake, and its correction."""
    where, severity, message, instead = only(**wrong)

    assert (path, Severity.ERROR, suggestion) == (where, severity, instead)
    assert message.startswith(phrase) or message.endswith(phrase)


@for_each(
    ("doubtful", "path", "phrase", "suggestion"),
    [
        ({"symbol": "BINANC:BTCUSDT"}, "symbol", 'the exchange "BINANC" is not in the catalog', "BINANCE:BTCUSDT"),
        ({"symbol": "ARCA:SPY"}, "symbol", 'did you mean "AMEX:SPY"?', "AMEX:SPY"),
        ({"symbol": "CRYPTO:BTCUSD"}, "symbol", 'the exchange "CRYPTO" is not in the catalog', None),
        ({"symbol": "BATS:AAPL"}, "symbol", "write the one that lists the symbol: NASDAQ, NYSE or AMEX", None),
        ({"symbol": "BINANCE:BTC/USDT"}, "symbol", '"BINANCE:BTC/USDT" is read as a formula;', "BINANCE:BTCUSDT"),
        ({"indicators": []}, "indicators", '"indicators" is not a key here;', "studies"),
        ({"symbol": "NSEKE:SCOM"}, "symbol", '"NSEKE" is documented as not available', None),
        ({"symbol": "BINANCE:AAPL"}, "symbol", '"AAPL" is evidently not a pair, and BINANCE lists only pairs', None),
        ({"interval": "2m"}, "interval", '"2m" appears only in the change log of the documentation', None),
        ({"heigth": 5}, "heigth", '"heigth" is not a key here', "height"),
        ({"overrides": {}}, "overrides", '"overrides" is not a key here;', "override"),
        ({"studies": [{"name": "MACD", "inputs": {}}]}, "studies[0].inputs", '"inputs" is not a key here;', "input"),
        (
            {"studies": [{"name": "MACD", "input": {"in_9": 1}}]},
            "studies[0].input.in_9",
            "keys are in_0, in_1, in_2, in_3",
            None,
        ),
        (
            {"studies": [{"name": "Accumulation/Distribution", "input": {"q": 1}}]},
            "studies[0].input.q",
            "no keys are documented",
            None,
        ),
        (
            {"studies": [{"name": "MACD", "input": {"in_0": 0}}]},
            "studies[0].input.in_0",
            "0 is not from 1 to 2,000",
            None,
        ),
        (
            {"studies": [{"name": "MACD", "input": {"in_3": "clos"}}]},
            "studies[0].input.in_3",
            '"clos" is not one of open, high, low, close, hl2, hlc3, ohlc4;',
            "close",
        ),
        (
            {"override": {"style": {"candleStyle.up": 1}}},
            "override.style.candleStyle.up",
            '"candleStyle.up" is not a key here;',
            None,
        ),
        ({"shiftLeft": 5, "shiftRight": 5}, "shiftRight", "contradicts shiftLeft", None),
        ({"range": {"from": "2024-02-01", "to": "2024-01-01"}}, "range.to", "is before range.from", None),
        (
            {"override": {"priceRange": {"from": 2, "to": 1}}},
            "override.priceRange.to",
            "is not above override.priceRange.from",
            None,
        ),
        (
            {"override": {"priceRange": {"from": 1, "to": 1}}},
            "override.priceRange.to",
            "is not above override.priceRange.from",
            None,
        ),
        (
            {"override": {"priceRange": {"from": None, "to": 1}}},
            "override.priceRange.from",
            "null is not documented; leave it out",
            None,
        ),
        ({"theme": None}, "theme", "null is not documented; leave it out", None),
        ({"\x1b[31m": 1}, "'\\x1b[31m'", "is not a key here", None),
    ],
)
def test_a_doubtful_value_is_a_warning(
    doubtful: dict[str, object], path: str, phrase: str, suggestion: str | None
) -> None:
    """Unknown names, and values outside ranges that the documentation contradicts, are less sure."""
    where, severity, message, instead = only(**doubtful)

    assert (path, Severity.WARNING) == (where, severity)
    assert message.startswith(phrase) or message.endswith(phrase)
    assert suggestion is None or suggestion == instead


@for_each(
    "right",
    [
        {"width": 800.0, "height": 600},
        {"symbol": "(NASDAQ:MARA+NASDAQ:RIOT)/10"},
        {"range": {"from": "2024-01-01", "to": "2024-01-01T00:00:00+00:00"}},
        {"range": {"from": "2024-01-01T00:00:00Z", "to": "2024-02-01T00:00:00.000Z"}, "interval": "1D"},
        {"range": "5D", "shiftRight": 10},
        {"range": {"from": "2024-01-01", "to": "2024-01-01"}},
        {"override": {"priceRange": {"from": 1}, "style": {}}},
        {"override": {"priceRange": {"from": 1, "to": 2}}},
        {"studies": ({"name": "MACD"},), "drawings": []},
        {"studies": [{"name": "MACD", "override": {"Histogram.plottype": "column"}}]},
        {"drawings": [{"name": "Order Line", "input": {"text": "", "quantity": " "}}]},
        {"watermark": "mine", "watermarkSize": 64, "watermarkOpacity": 0.5},
    ],
)
def test_a_documented_value_passes(right: dict[str, object]) -> None:
    """A whole number may be a float, and contradictions of the page are allowed on both sides."""
    assert [] == found(**right)


def test_all_findings_are_listed_at_once() -> None:
    """A body with several mistakes has a finding for each."""
    several = found(interval="1H", timezone="UTC", width=5, studies=[{"name": "RSI"}, 5, {}], height=1921)

    paths = ["interval", "timezone", "width", "studies[0].name", "studies[1]", "studies[2].name", "height"]
    assert paths == [each.path for each in several]


@for_each(
    ("body", "plan", "paths", "larger"),
    [
        ({"width": 801}, "BASIC", ["width"], "PRO"),
        ({"width": 801, "height": 1081}, "BASIC", ["width", "height"], "MEGA"),
        ({"studies": [{"name": "MACD"}] * 3, "drawings": []}, "BASIC", [], None),
        ({"studies": [{"name": "MACD"}] * 4}, "BASIC", ["studies"], "PRO"),
        ({"watermark": "mine"}, "PRO", ["watermark"], "ULTRA"),
        ({"watermark": "mine"}, "ULTRA", [], None),
        ({"width": 2048, "height": 1920}, "ULTRA", [], None),
    ],
)
def test_an_exceeded_plan_is_an_error_with_the_smallest_larger_plan(
    body: dict[str, object], plan: str, paths: list[str], larger: str | None
) -> None:
    """A plan limits the size, studies and drawings together, and the watermark."""
    beyond = check_body({**BASE, **body}, CATALOG, CATALOG.plan_by_name[PlanName(plan)])

    assert paths == [each.path for each in beyond]
    assert all(f"{larger} is the smallest plan that allows this chart" in each.message for each in beyond)


def test_a_catalog_without_plans_limits_nothing() -> None:
    """Without plans, any size is allowed."""
    assert [] == check_body({**BASE, "width": 9_999}, attrs.evolve(CATALOG, plans=()))


def test_a_request_is_checked_as_the_body_it_is_posted_as() -> None:
    """Symbol, interval and time zone are checked with the payload, and the problems of JSON come first."""
    good = ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"theme": "dark"})
    bad = ChartRequest("BTCUSDT", "1H", "t", {"timezone": "UTC"})

    assert [] == check_request(good, CATALOG)
    assert ["timezone", "symbol", "interval"] == [each.path for each in check_request(bad, CATALOG)]
    assert ["symbol", "a[0]"] == [
        each.path for each in check_request(ChartRequest("", "1H", "t", {"a": [b"x"]}), CATALOG)
    ]


def test_a_part_of_a_body_needs_no_symbol() -> None:
    """A study alone is checked as in a body, and values that are not JSON are found."""
    assert [] == check_payload({"studies": [{"name": "MACD"}]}, CATALOG)
    assert ["studies[0].name"] == [each.path for each in check_payload({"studies": [{"name": b"MACD"}]}, CATALOG)]
    assert ["a"] == [each.path for each in check_payload({"a": float("nan")}, Catalog())]


@for_each("body", [None, True, False, 5, 1.5, "text", b"bytes", [], (), {1, 2}, object()])
def test_a_body_that_is_not_an_object_is_an_error(body: object) -> None:
    """Any other value has a single finding."""
    (finding,) = check_body(body, CATALOG)

    assert ("", Severity.ERROR) == (finding.path, finding.severity)
    assert finding.message.startswith("the body must be an object, not ")


def nested(levels: int) -> object:
    """Put a list into a list, many times."""
    value: object = []
    for _ in range(levels):
        value = [value]
    return value


@for_each(
    "hostile",
    [
        {"a": float("nan")},
        {"width": float("inf")},
        {"studies": nested(100_000)},
        {"studies": [{"name": b"MACD"}]},
        {"theme": "\ud800"},
        {"x": 10**5000},
        {"a": {b"k": 1}},
    ],
)
def test_a_value_that_is_not_json_is_an_error(hostile: dict[str, object]) -> None:
    """NaN, depth, bytes, lone surrogates and long numbers give findings and never an exception."""
    assert {Severity.ERROR} == {each.severity for each in found(**hostile)}


@for_each(
    "huge",
    [
        {"studies": [{"name": f"Study {number}"} for number in range(60_000)]},
        {"studies": [{"name": "MACD", "input": {f"in_{number}": number for number in range(60_000)}}]},
        {"studies": [{"name": "M" * 1_000_000}]},
        {"k" * 1_000_000: "v" * 1_000_000},
        {"timezone": "Z" * 1_000_000, "interval": "1" * 1_000_000, "symbol": "A:" + "B" * 1_000_000},
        {"symbol": "A:B+" * 250_000},
    ],
)
def test_a_megabyte_is_checked_in_time_that_grows_with_its_size(huge: dict[str, object]) -> None:
    """Few names are compared with all others, and no message is long."""
    started = time.process_time()

    findings = found(**huge)

    assert findings
    assert 500 > max(len(str(each)) for each in findings)
    assert 20 > time.process_time() - started  # seconds; quadratic would be hours


def test_few_suggestions_are_looked_for() -> None:
    """The first 16 of many unknown names have one."""
    findings = found(studies=[{"name": "MACDs"}] * 40)

    assert 16 == sum(each.suggestion == "MACD" for each in findings)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
keys = st.sampled_from([*CATALOG.parameter_by_name, "overrides", "x"])


@given(body=st.dictionaries(keys, json_values) | st.dictionaries(st.text(), json_values))
def test_any_body_gives_findings_with_a_place_in_it(body: dict[str, Any]) -> None:
    """The check never raises, has the same findings for equal bodies, and each fits one line."""
    findings = check_body(body, CATALOG)

    assert findings == check_body(json.loads(json.dumps(body)), CATALOG)
    assert all(each.message and str(each).isprintable() for each in findings)


@given(body=st.dictionaries(keys, json_values))
def test_a_larger_plan_never_finds_more(body: dict[str, Any]) -> None:
    """A larger plan allows as much, and no plan allows as much as the largest."""
    errors = [check_body(body, CATALOG, plan) for plan in CATALOG.plans]

    assert all(len(small) >= len(large) for small, large in itertools.pairwise(errors))
    assert len(errors[-1]) >= len(check_body(body, CATALOG))


def test_a_template_has_no_findings_about_the_interval_and_the_default_time_zone() -> None:
    """Only a time zone in its file is checked."""
    catalog = CATALOG.extended(Catalog(intervals=("9h",), timezones=("Mars/Base",), replace=("intervals", "timezones")))
    template = ChartTemplate("t", "", "BINANCE:{symbol}", {"theme": "dark"})

    assert [] == check_template(template, catalog)
    stated = attrs.evolve(template, payload={"timezone": "Etc/UTC"})
    assert ["request.timezone"] == [each.path for each in check_template(stated, catalog)]


def test_each_exchange_of_a_formula_is_reported_once() -> None:
    """A second mention gives no second finding."""
    assert ["symbol", "symbol"] == [each.path for each in found(symbol="(NOWHERE:A+NOWHERE:B)/NOWHERE2:C")]


def test_a_host_s_catalog_decides() -> None:
    """A host's own study is checked by its types, ranges and choices."""
    rows = tuple(Parameter(kind.name.lower(), kind) for kind in ValueType)
    limited = Parameter("most", ValueType.FLOAT, max=5)
    listed = Parameter("many", ValueType.STRING, enum=tuple("abcdefghijklmn"))
    catalog = CATALOG.extended(Catalog(studies=(Entry("Mine", (*rows, limited, listed)),), parameters=(rows[0],)))
    right = {
        "string": "", "integer": 1, "float": 1, "boolean": False, "colour": "rgba(1,2,3,0.5)", "moment": "2024-01-01",
        "object": {}, "objects": [{}], "string_or_object": {}, "most": 5, "many": "a",
    }  # fmt: skip
    body = {**BASE, "string": "x", "studies": [{"name": "Mine", "input": right}]}

    assert [] == check_body(body, catalog)
    for name in right:
        wrong = {**BASE, "studies": [{"name": "Mine", "input": {name: 5.5 if name != "float" else "5"}}]}
        assert [f"studies[0].input.{name}"] == [each.path for each in check_body(wrong, catalog)]
    (beyond,) = check_body({**BASE, "studies": [{"name": "Mine", "input": {"many": "z"}}]}, catalog)
    assert "a, b, c, d, e, f, g, h, i, j, k, l …" in beyond.message


def test_symbol_interval_and_time_zone_need_no_table() -> None:
    """A catalog with lists alone checks these three."""
    lists = Catalog(intervals=("1h",), timezones=("Etc/UTC",), exchanges=("BINANCE",))
    wrong = {"symbol": "A:B", "interval": "1H", "timezone": "UTC", "width": "wide"}

    assert [] == check_body(BASE, lists)
    assert ["symbol", "interval", "timezone"] == [each.path for each in check_body(wrong, lists)]
    assert [] == check_body(wrong, Catalog())


@pytest.mark.parametrize(("keys", "end"), [(12, "; keys are k0, k1, k2"), (13, "")])
def test_up_to_12_keys_are_listed_for_an_unknown_one(keys: int, end: str) -> None:
    """Up to 12 keys are listed for an unknown one; of 13 or more, none is."""
    rows = tuple(Parameter(f"k{number}", ValueType.STRING) for number in range(keys))
    (finding, *_) = check_payload({"other": 1}, Catalog(parameters=rows))

    assert f'"other" is not a key here{end}' == finding.message[: 25 + len(end)]
    assert bool(end) is (";" in finding.message)


def test_a_host_s_catalog_may_require_and_nest_what_it_likes() -> None:
    """A required override, a required key of a style, and an array of objects below an input are checked."""
    point = Parameter("point", ValueType.OBJECTS, fields=(Parameter("x", ValueType.INTEGER, max=5),))
    plain = Parameter("plain", ValueType.OBJECTS)
    must = Parameter("must", ValueType.STRING, required=True)
    catalog = Catalog(
        parameters=CATALOG.parameters,
        studies=(Entry("Mine", (point, plain), (must,)),),
        styles=(Entry("s", (), (must,)),),
    )
    study = {"name": "Mine", "input": {"point": [{"x": 6}, 5], "plain": [{}]}, "override": {}}
    body = {**BASE, "studies": [study], "override": {"style": {"must": ""}}}

    assert [
        ("studies[0].input.point[0].x", "WARNING"),
        ("studies[0].input.point[1]", "ERROR"),
        ("studies[0].override.must", "ERROR"),
    ] == [(each.path, each.severity) for each in check_body(body, catalog)]
    (missing,) = check_body({**BASE, "override": {"style": {}}}, catalog)
    assert "override.style.must" == missing.path


@given(
    payload=st.dictionaries(st.sampled_from(["symbol", "interval", "theme"]), st.sampled_from(["1h", "1D", "light"]))
)
def test_no_key_of_a_payload_is_dropped_in_silence(payload: dict[str, object]) -> None:
    """A symbol or an interval in the payload that is not posted is a WARNING that names the one that counts."""
    request = ChartRequest("BINANCE:BTCUSDT", "1h", "t", payload)
    lost = {name for name, value in payload.items() if request.body[name] != value}
    found = [each for each in check_request(request, CATALOG) if "payload" in each.message]

    assert lost == {each.path for each in found}
    assert all(
        each.severity is Severity.WARNING and json.dumps(request.body[each.path]) in each.message for each in found
    )


def test_a_template_is_checked_as_the_requests_it_will_make() -> None:
    """Places are those of its file, and a template without an exchange is checked with one."""
    payload = {"width": 801, "theme": "Dark", "symbol": "never used"}
    template = ChartTemplate("my id", "", "BINANC:{symbol}", payload)
    bare = ChartTemplate("t", "", "{symbol}", {"a": float("nan")})

    assert {"request.symbol", "request.theme", "request.width", "chartImgSymbolTemplate"} == {
        each.path for each in check_template(template, CATALOG, CATALOG.plan_by_name[PlanName.BASIC])
    }
    assert ["request.a"] == [each.path for each in check_template(bare, CATALOG)]
    assert [] == check_template(attrs.evolve(bare, payload={}), CATALOG)
    assert ["id"] == [each.path for each in check_template(attrs.evolve(bare, id="", payload={}), CATALOG)]
    named = attrs.evolve(bare, payload={"chart_template_id": 1})
    assert ["request.chart_template_id"] == [each.path for each in check_template(named, CATALOG)]
    odd = attrs.evolve(bare, payload=MappingProxyType({"a": nested(700)}))
    assert {"request.a" + "[0]" * 200, "request"} & {each.path for each in check_template(odd, CATALOG)}


PATTERN = "chartImgSymbolTemplate"
IGNORED = "is not used: it comes with each chart request; leave it out"


@for_each(
    ("pattern", "payload", "place", "message", "suggestion"),
    [
        ("BINANC:{symbol}", {}, PATTERN, 'did you mean "BINANCE:{symbol}"?', "BINANCE:{symbol}"),
        ("NOWHERE:{symbol}", {}, PATTERN, 'the exchange "NOWHERE" is not in the catalog', None),
        ("BINANCE:{symbol}:", {}, PATTERN, '"BINANCE:BTCUSDT:" is not written EXCHANGE:SYMBOL', None),
        ("BINANCE:{symbol}", {"theme": "Dark"}, "request.theme", 'did you mean "dark"?', "dark"),
        ("BINANCE:{symbol}", {"symbol": "A:B"}, "request.symbol", IGNORED, None),
        ("BINANCE:{symbol}", {"interval": "1h"}, "request.interval", IGNORED, None),
    ],
)
def test_a_finding_of_a_template_is_about_its_file(
    pattern: str, payload: Mapping[str, object], place: str, message: str, suggestion: str | None
) -> None:
    """A symbol is suggested as a pattern, and a key that each request states is not used."""
    (finding,) = check_template(ChartTemplate("t", "", pattern, payload), CATALOG)

    assert (place, suggestion) == (finding.path, finding.suggestion)
    assert finding.message == message or finding.message.endswith(f"; {message}")


@for_each(
    ("one", "other", "endpoint"),
    [
        ("shiftLeft", "shiftRight", ADVANCED_CHART),
        ("moveLeft", "moveRight", LAYOUT_CHART),
        ("zoomIn", "zoomOut", LAYOUT_CHART),
    ],
)
def test_two_opposite_moves_contradict_each_other(one: str, other: str, endpoint: ChartEndpoint) -> None:
    """Each alone is allowed, and the two together are a WARNING at the second one."""
    both = {**(BASE if endpoint is ADVANCED_CHART else {}), one: 5, other: 5}

    assert [] == check_body({name: value for name, value in both.items() if name != other}, CATALOG, None, endpoint)
    assert [Finding(other, Severity.WARNING, f"contradicts {one}; the two together are not documented")] == check_body(
        both, CATALOG, None, endpoint
    )


class Name(str):
    """A text of a class of the host's own, as a member of a StrEnum is."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ({"theme": Name("dark")}, {"theme": Name("Dark")}),
        ({"format": Name("png")}, {"format": Name("gif")}),
        (
            {"studies": [{"name": "Aroon", "override": {"Upper.color": Name("rgb(1,2,3)")}}]},
            {"studies": [{"name": "Aroon", "override": {"Upper.color": Name("red")}}]},
        ),
    ],
    ids=["choice", "format", "colour"],
)
def test_a_text_of_a_class_of_its_own_is_checked_as_its_text(
    right: Mapping[str, object], wrong: Mapping[str, object]
) -> None:
    """A member of a StrEnum passes if its text is right, and is found if its text is wrong."""
    assert [] == found(**right)
    assert 1 == len(found(**wrong))


def test_a_key_that_a_layout_lacks_is_a_warning_whatever_its_value() -> None:
    """A time zone in the body of a layout is a key that its table lacks: a WARNING, and no ERROR for its value."""
    found = check_body({"symbol": "BINANCE:BTCUSDT", "timezone": ""}, CATALOG, None, LAYOUT_CHART)

    assert [("timezone", Severity.WARNING)] == [(each.path, each.severity) for each in found]
