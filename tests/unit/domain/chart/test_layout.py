"""The request for a picture of a layout, and the session that opens a private one."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart import ChartRequest, LayoutRequest, TradingViewSession
from chartimg.domain.chart.file_name import distinct_stem, stem
from chartimg.domain.errors import ConfigError
from chartimg.domain.plan.demand import Demand
from rows import for_each

IDS = st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)
NAMES = st.none() | st.sampled_from(["BINANCE:BTCUSDT", "SP:SPX", "1h", "4h", "a"])
REQUESTS = st.builds(
    LayoutRequest, IDS, NAMES, NAMES, st.dictionaries(st.sampled_from(["width", "zoomIn"]), st.integers())
)

NO_ID = "must be the id in the address of the layout, letters and digits"


def in_payload(name: str) -> str:
    """Return the problem of a name that is in the payload alone."""
    return f"{name}: is in the payload; state it as {name}=, or as --{name} of the command"


@given(layout=IDS, symbol=NAMES, interval=NAMES)
def test_the_body_has_what_is_stated(layout: str, symbol: str | None, interval: str | None) -> None:
    """A symbol and an interval are in the body only if they are stated, beside the payload; the id is in the path."""
    request = LayoutRequest(layout, symbol, interval, {"width": 500})
    stated = {"symbol": symbol, "interval": interval, "width": 500}

    assert {name: value for name, value in stated.items() if value is not None} == request.body
    assert request.body == json.loads(request.encoded)
    assert f"/v2/tradingview/layout-chart/{layout}" == request.path
    assert ((), interval) == (request.problems, request.timeframe)


@given(one=REQUESTS, other=REQUESTS)
def test_a_digest_and_a_file_name_are_of_one_layout(one: LayoutRequest, other: LayoutRequest) -> None:
    """Two requests share a digest exactly if they are equal, and a distinct file name exactly if their keys are."""
    assert (one.body_digest == other.body_digest) == (one == other)
    assert (distinct_stem(one.key) == distinct_stem(other.key)) == (one.key == other.key)


def test_a_digest_is_not_that_of_a_chart_with_the_same_body() -> None:
    """The body alone does not make the picture."""
    chart = ChartRequest("A:B", "1h", "t", {})
    layout = LayoutRequest("abc", "A:B", "1h", {"timezone": "Etc/UTC"})

    assert chart.encoded == layout.encoded
    assert chart.body_digest != layout.body_digest


@pytest.mark.parametrize(
    ("request_", "name", "text"),
    [
        (LayoutRequest("abc"), "abc", "layout abc"),
        (LayoutRequest("abc", "BINANCE:BTCUSDT"), "abc__BINANCE_BTCUSDT", "layout abc BINANCE:BTCUSDT"),
        (LayoutRequest("abc", "A:B", "1h"), "abc__A_B__1h", "layout abc A:B 1h"),
        (LayoutRequest("abc", None, "1h"), "abc____1h", "layout abc 1h"),
    ],
)
def test_a_picture_of_a_layout_has_a_name(request_: LayoutRequest, name: str, text: str) -> None:
    """The file is named after the layout first, and the name for people says what it is."""
    assert (name, text) == (stem(request_.key), str(request_.key))


@for_each(
    ("layout_id", "message", "suggestion"),
    [
        ("", "is empty", None),
        ("a/b", NO_ID, None),
        ("../x", NO_ID, None),
        ("a b", NO_ID, None),
        ("é", NO_ID, None),
        ("a?b", NO_ID, None),
        ("a" * 65, NO_ID, None),
        (5, "must be text, not int", None),
        (None, "must be text, not NoneType", None),
        ("https://www.tradingview.com/chart/AbC123xy/", f"{NO_ID}; did you mean AbC123xy?", "AbC123xy"),
        ("https://de.tradingview.com/chart/AbC123xy/?symbol=X", f"{NO_ID}; did you mean AbC123xy?", "AbC123xy"),
        ("www.tradingview.com/chart/AbC123xy#", f"{NO_ID}; did you mean AbC123xy?", "AbC123xy"),
        ("https://www.tradingview.com/chart/BTCUSD/AbC123xy-An-idea/", NO_ID, None),  # an idea, and no layout
        ("storage", NO_ID, None),  # the path of another endpoint
    ],
)
def test_an_id_is_letters_and_digits(layout_id: Any, message: str, suggestion: str | None) -> None:
    """Anything else is a problem, since it would change the path; the id in an address is suggested."""
    (problem,) = LayoutRequest(layout_id).problems

    assert ("layout_id", message, suggestion) == (problem.path, problem.message, problem.suggestion)


@for_each(
    ("request_", "problems"),
    [
        (LayoutRequest("abc", "", "1h"), ["symbol: is empty"]),
        (LayoutRequest("abc", " A:B", ""), ["symbol: ' A:B' has space around it", "interval: is empty"]),
        (LayoutRequest("abc", payload={"symbol": "A:B"}), [in_payload("symbol")]),
        (
            LayoutRequest("abc", payload={"interval": "1h", "symbol": None}),
            [in_payload("symbol"), in_payload("interval")],
        ),
        (LayoutRequest("abc", payload={"width": float("nan")}), ["width: is nan, which is not a number in JSON"]),
        (LayoutRequest("abc", payload=5), ["the payload must be an object, not int"]),  # type: ignore[arg-type]
    ],
)
def test_problems_are_found_without_a_rule_of_the_provider(request_: LayoutRequest, problems: list[str]) -> None:
    """Empty names, a payload that is not JSON, and names that are in the payload alone are listed."""
    assert problems == [problem.text for problem in request_.problems]


def test_studies_do_not_count_for_a_layout() -> None:
    """The provider draws those that are saved, so only the size and the watermark need a plan."""
    request = LayoutRequest("abc", payload={"width": 900, "studies": [{}] * 9, "watermark": "mine"})

    assert Demand(900, 600, 0, 0, watermark=True) == request.demand
    assert request == request.with_timezone("Europe/Rome")


def test_the_payload_of_a_layout_never_shows() -> None:
    """The text of a request has the layout, the symbol and the interval alone."""
    shown = repr(LayoutRequest("abc", payload={"watermark": "secret"}))

    assert "LayoutRequest(layout_id='abc', symbol=None, interval=None)" == shown


def test_a_request_can_be_copied_and_sent_to_another_process() -> None:
    """A request is equal to its copy, also after its values were read."""
    request = LayoutRequest("abc", "A:B", None, {"width": 500})
    digest = request.body_digest
    again = pickle.loads(pickle.dumps(request))

    assert (request, digest, hash(request)) == (again, again.body_digest, hash(again))


def test_a_session_is_never_shown() -> None:
    """The two cookies are in the headers, and not in the representation."""
    session = TradingViewSession("canary-id", "canary-sign")

    assert "canary" not in repr(session)
    assert "canary" not in str(session)
    assert {"tradingview-session-id": "canary-id", "tradingview-session-id-sign": "canary-sign"} == session.headers
    assert ("canary-id", "canary-sign") == session.secrets


@for_each("wrong", ["", " ", "canary 1", "canary\n", "canary\u00e9", "canary\r\nx: y", 5, None, b"canary"])
def test_a_session_is_two_values_of_cookies(wrong: Any) -> None:
    """A text that can't be a header, an empty one, or another type is refused without being shown."""
    for pair in ((wrong, "sign"), ("id", wrong)):
        with pytest.raises(ConfigError) as caught:
            TradingViewSession(*pair)
        assert "canary" not in str(caught.value)
        assert "session_id" in str(caught.value)


def test_the_digest_of_a_session_names_it_and_does_not_tell_it() -> None:
    """Two sessions have two digests, also if their texts run together alike."""
    sessions = [TradingViewSession("ab", "c"), TradingViewSession("a", "bc"), TradingViewSession("ab", "c")]
    one, other, again = (each.digest for each in sessions)

    assert one == again != other
    assert 64 == len(one)


def test_a_layout_has_no_time_zone_and_takes_another_symbol() -> None:
    """A default time zone leaves it as it is; a symbol and a payload can be replaced."""
    layout = LayoutRequest("abc", "A:B", payload={"width": 400})

    assert layout is layout.with_timezone("Asia/Tokyo")
    assert LayoutRequest("abc", "C:D", payload={"width": 400}) == layout.with_symbol("C:D")
    assert LayoutRequest("abc", "A:B") == layout.with_payload({})
