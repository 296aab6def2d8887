"""The chart request: its body and its problems."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart import ChartKey, ChartRequest, LayoutRequest, ListRequest, Request
from chartimg.domain.errors import ConfigError
from chartimg.domain.finding import Severity
from chartimg.domain.plan.demand import Demand
from rows import for_each

payloads = st.dictionaries(
    st.text(max_size=8),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=6),
    max_size=4,
)


@pytest.mark.parametrize("payload", [None, 7, "x", [1]])
def test_a_payload_that_is_not_an_object_is_a_problem(payload: Any) -> None:
    """It is listed with the others and raises nothing."""
    symbol, whole = ChartRequest("", "1h", "t", payload).problems

    assert ("symbol", "") == (symbol.path, whole.path)
    assert f"the payload must be an object, not {type(payload).__name__}" == whole.message


@given(payload=payloads)
def test_the_body_is_the_payload_with_symbol_and_interval(payload: dict[str, Any]) -> None:
    """Symbol and interval are those of the request, and a payload without a time zone gets one."""
    request = ChartRequest("A:B", "1h", "t", {**payload, "symbol": "X", "interval": "Y"})
    expected = {"timezone": "Etc/UTC", **payload, "symbol": "A:B", "interval": "1h"}

    assert expected == request.body == json.loads(request.encoded)


def test_a_request_can_not_be_changed_from_outside() -> None:
    """The host's payload and the returned body are copies."""
    payload: dict[str, Any] = {"studies": [{"name": "Volume"}]}
    request = ChartRequest("A:B", "1h", "t", payload)
    payload["studies"][0]["name"] = "changed"
    request.body["studies"][0]["name"] = "changed"  # type: ignore[index]

    assert [{"name": "Volume"}] == request.body["studies"]


def test_equal_bodies_have_equal_bytes() -> None:
    """The digest depends on the values of a payload, not on the order of its fields."""
    one = ChartRequest("A:B", "1h", "t", {"a": 1, "b": 2})
    two = ChartRequest("A:B", "1h", "t", {"b": 2, "a": 1})
    three = ChartRequest("A:B", "1h", "t", {"b": 2, "a": 3})

    assert (one, one.encoded, one.body_digest) == (two, two.encoded, two.body_digest)
    assert one.body_digest != three.body_digest
    assert 1 == len({one, two})


def test_a_time_zone_is_set_only_where_there_is_none() -> None:
    """The time zone of the payload wins over the default of the host."""
    plain, zoned = ChartRequest("A:B", "1h", "t"), ChartRequest("A:B", "1h", "t", {"timezone": "Asia/Tokyo"})

    assert "Europe/Berlin" == plain.with_timezone("Europe/Berlin").body["timezone"]
    assert plain is plain.with_timezone("Etc/UTC")
    assert zoned is zoned.with_timezone("Europe/Berlin")


@for_each("request_", [ChartRequest("A:B", "1h", "t"), LayoutRequest("abc"), ListRequest()])
def test_a_time_zone_is_text(request_: Request) -> None:
    """Every request refuses a time zone of another type, also one that has none."""
    with pytest.raises(ConfigError, match=r"^timezone must be text, not int$"):
        request_.with_timezone(5)  # type: ignore[arg-type]


def test_a_request_for_another_symbol_or_payload_is_a_new_one() -> None:
    """A symbol or a payload is replaced in a copy; the demand is that of the payload, and no text stands for a picture."""
    request = ChartRequest("A:B", "1h", "t", {"width": 640})

    assert ChartRequest("C:D", "1h", "t", {"width": 640}) == request.with_symbol("C:D")
    assert ChartRequest("A:B", "1h", "t", {"height": 9}) == request.with_payload({"height": 9})
    assert (Demand(640), None) == (request.demand, request.problem_of(b"{}"))


def test_the_key_names_the_chart() -> None:
    """The key is symbol, timeframe and template, without the payload."""
    assert ChartKey("A:B", "1h", "t") == ChartRequest("A:B", "1h", "t", {"a": 1}).key
    assert "A:B 1h t" == str(ChartRequest("A:B", "1h", "t").key)


def test_a_usual_request_has_no_problems() -> None:
    """Formulas, dots and letters beyond ASCII are allowed."""
    for symbol in ("BINANCE:BTCUSDT", "(NASDAQ:MARA+NASDAQ:RIOT)/10", "BMV:CEMEX/CPO", "CME_MINI:NQ1!", "ü:ß"):
        assert () == ChartRequest(symbol, "1h", "t").problems


@for_each(
    ("text", "message"),
    [
        ("", "is empty"),
        (" \t", "is empty"),
        (" A:B", "' A:B' has space around it"),
        ("A:B\n", "'A:B\\n' has space around it"),
        ("A\nB", "'A\\nB' holds a control character"),
        ("A\x00B", "'A\\x00B' holds a control character"),
        ("A\x7fB", "'A\\x7fB' holds a control character"),
        ("A\ud800B", "'A\\ud800B' holds a lone surrogate; was it cut, or read in the wrong encoding?"),
        (None, "must be text, not NoneType"),
        (b"A:B", "must be text, not bytes"),
    ],
)
def test_each_text_is_looked_at(text: Any, message: str) -> None:
    """Symbol, timeframe and template id follow the same rules, and a problem names its place in the body."""
    for place, name in enumerate(("symbol", "interval", "chart_template_id")):
        fields = ["A:B", "1h", "t"]
        fields[place] = text
        problem, *_ = ChartRequest(*fields).problems  # type: ignore[arg-type]

        assert (name, Severity.ERROR, message) == (problem.path, problem.severity, problem.message)


def circle() -> dict[str, object]:
    """Make a payload that holds itself."""
    payload: dict[str, object] = {}
    payload["self"] = [payload]
    return payload


def nested(depth: int) -> object:
    """Make a list in a list, *depth* times."""
    value: object = None
    for _ in range(depth):
        value = [value]
    return value


@for_each(
    ("payload", "problem"),
    [
        ({"a": float("nan")}, "a: is nan, which is not a number in JSON"),
        ({"a": float("inf")}, "a: is inf, which is not a number in JSON"),
        ({"a": b"bytes"}, "a: is bytes and not text; decode it"),
        ({"a": {1, 2}}, "a: is set and not a JSON value"),
        ({"a": object}, "a: is type and not a JSON value"),
        ({"a": (each for each in "")}, "a: is generator and not a JSON value"),
        ({"a": threading.Lock()}, "a: is lock and not a JSON value"),
        (circle(), "can't be written as JSON (Circular reference detected)"),
        ({"a": nested(700)}, "the payload can't be copied; it is nested too deep"),
        ({"a": nested(100_000)}, f"a{'[0]' * 99}[0…: is nested more than 200 levels deep"),
        ({"watermark": "\ud83d"}, "watermark: holds a lone surrogate; was it cut, or read in the wrong encoding?"),
    ],
)
def test_a_payload_that_is_not_json_is_a_problem(payload: dict[str, object], problem: str) -> None:
    """It is found before any call, even if it can't be copied, and nothing is raised."""
    assert [problem] == [each.text for each in ChartRequest("A:B", "1h", "t", payload).problems]


def test_a_whole_character_beyond_16_bits_is_no_problem() -> None:
    """JSON escapes it as two surrogates."""
    assert () == ChartRequest("A:B", "1h", "t", {"watermark": "\U0001f600"}).problems


def test_every_problem_is_listed() -> None:
    """Each of four mistakes has a finding."""
    assert 4 == len(ChartRequest("", "", "", {"a": b""}).problems)


@given(payload=payloads)
def test_the_bytes_are_canonical(payload: dict[str, Any]) -> None:
    """The bytes are sorted ASCII without spaces, and the digest is that of the bytes."""
    request = ChartRequest("ü:ß", "1h", "t", payload)

    assert json.dumps(request.body, sort_keys=True, separators=(",", ":")).encode() == request.encoded
    assert request.encoded.isascii()
    assert hashlib.sha256(request.encoded).hexdigest() == request.body_digest


def test_the_digest_of_a_layout_covers_its_path() -> None:
    """A line with the path comes before the body, so that a kept picture is never that of another layout."""
    covered = b'/v2/tradingview/layout-chart/abc\n{"symbol":"A:B"}'

    assert hashlib.sha256(covered).hexdigest() == LayoutRequest("abc", "A:B").body_digest


@given(payload=payloads)
def test_every_body_is_a_new_one(payload: dict[str, Any]) -> None:
    """A change to one body changes neither the next one nor the posted bytes."""
    request = ChartRequest("A:B", "1h", "t", payload)
    before, encoded = request.body, request.encoded
    request.body.clear()

    assert (before, encoded) == (request.body, request.encoded)
    assert request.body is not request.body


def test_upper_and_lower_case_name_different_charts() -> None:
    """A minute is not a month."""
    assert ChartRequest("A:B", "1m", "t").key != ChartRequest("A:B", "1M", "t").key


def test_the_payload_never_shows() -> None:
    """The repr of a request is the name of the chart alone."""
    assert "ChartRequest(symbol='A:B', timeframe='1h', chart_template_id='t')" == repr(
        ChartRequest("A:B", "1h", "t", {"a": "secret"})
    )


def test_the_parts_are_the_body_without_a_copy() -> None:
    """The parts equal the body and share the values of the payload."""
    request = ChartRequest("A:B", "1h", "t", {"studies": [{"name": "MACD"}]})

    assert request.body == request.parts
    assert request.payload["studies"] is request.parts["studies"]
