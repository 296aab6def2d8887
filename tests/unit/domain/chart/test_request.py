"""The chart request: what is posted, and what is wrong with it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart import ChartKey, ChartRequest
from chartimg.domain.finding import Severity

payloads = st.dictionaries(
    st.text(max_size=8),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=6),
    max_size=4,
)


@pytest.mark.parametrize("payload", [None, 7, "x", [1]])
def test_a_payload_that_is_no_object_is_a_problem(payload: Any) -> None:
    """It is told with the others, and raises nowhere."""
    symbol, whole = ChartRequest("", "1h", "t", payload).problems

    assert ("symbol", "") == (symbol.path, whole.path)
    assert f"the payload must be an object, not {type(payload).__name__}" == whole.message


@given(payload=payloads)
def test_the_body_is_the_payload_with_symbol_and_interval(payload: dict[str, Any]) -> None:
    """Symbol and interval are the request's own, whatever the payload says; a time zone is there if none is named."""
    request = ChartRequest("A:B", "1h", "t", {**payload, "symbol": "X", "interval": "Y"})
    expected = {"timezone": "Etc/UTC", **payload, "symbol": "A:B", "interval": "1h"}

    assert expected == request.body == json.loads(request.encoded)


def test_nobody_changes_a_request_from_outside() -> None:
    """Neither the host's own payload nor a body it was given is the request's."""
    payload: dict[str, Any] = {"studies": [{"name": "Volume"}]}
    request = ChartRequest("A:B", "1h", "t", payload)
    payload["studies"][0]["name"] = "changed"
    request.body["studies"][0]["name"] = "changed"  # type: ignore[index]

    assert [{"name": "Volume"}] == request.body["studies"]


def test_equal_bodies_have_equal_bytes() -> None:
    """The order of a payload's fields plays no part in its digest; its values do."""
    one = ChartRequest("A:B", "1h", "t", {"a": 1, "b": 2})
    two = ChartRequest("A:B", "1h", "t", {"b": 2, "a": 1})
    three = ChartRequest("A:B", "1h", "t", {"b": 2, "a": 3})

    assert (one, one.encoded, one.body_digest) == (two, two.encoded, two.body_digest)
    assert one.body_digest != three.body_digest
    assert 1 == len({one, two})


def test_a_time_zone_is_set_only_where_there_is_none() -> None:
    """What the payload names wins over the host's default."""
    plain, zoned = ChartRequest("A:B", "1h", "t"), ChartRequest("A:B", "1h", "t", {"timezone": "Asia/Tokyo"})

    assert "Europe/Berlin" == plain.with_timezone("Europe/Berlin").body["timezone"]
    assert plain is plain.with_timezone("Etc/UTC")
    assert zoned is zoned.with_timezone("Europe/Berlin")


def test_the_key_names_the_chart() -> None:
    """Symbol, timeframe and template; the payload plays no part."""
    assert ChartKey("A:B", "1h", "t") == ChartRequest("A:B", "1h", "t", {"a": 1}).key
    assert "A:B 1h t" == str(ChartRequest("A:B", "1h", "t").key)


def test_a_usual_request_has_no_problems() -> None:
    """Also not with a formula, a dot, or letters beyond ASCII."""
    for symbol in ("BINANCE:BTCUSDT", "(NASDAQ:MARA+NASDAQ:RIOT)/10", "BMV:CEMEX/CPO", "CME_MINI:NQ1!", "ü:ß"):
        assert () == ChartRequest(symbol, "1h", "t").problems


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("", "is empty"),
        (" \t", "is empty"),
        (" A:B", "space around"),
        ("A:B\n", "space around"),
        ("A\nB", "control character"),
        ("A\x00B", "control character"),
        ("A\x7fB", "control character"),
        ("A\ud800B", "a lone surrogate"),
        (None, "must be text, not NoneType"),
        (b"A:B", "must be text, not bytes"),
    ],
)
def test_each_text_is_looked_at(text: Any, phrase: str) -> None:
    """Symbol, timeframe and template id follow the same rules, and the problem names its place in the body."""
    for place, name in enumerate(("symbol", "interval", "chart_template_id")):
        fields = ["A:B", "1h", "t"]
        fields[place] = text
        problem, *_ = ChartRequest(*fields).problems  # type: ignore[arg-type]

        assert (name, Severity.ERROR) == (problem.path, problem.severity)
        assert phrase in problem.message


def circle() -> dict[str, object]:
    """Make a payload that holds itself."""
    payload: dict[str, object] = {}
    payload["self"] = [payload]
    return payload


@pytest.mark.parametrize(
    "payload", [{"a": float("nan")}, {"a": float("inf")}, {"a": b"bytes"}, {"a": {1, 2}}, {"a": object}, circle()]
)
def test_a_payload_that_is_no_json_is_a_problem(payload: dict[str, object]) -> None:
    """It is said before any call, and nothing is raised."""
    (problem,) = ChartRequest("A:B", "1h", "t", payload).problems

    assert problem.path in {"a", "self[0]", ""}
    assert any(word in problem.message for word in ("is nan", "is inf", "is bytes", "no form", "can't be written"))


def test_every_problem_is_told() -> None:
    """Four mistakes, four lines."""
    assert 4 == len(ChartRequest("", "", "", {"a": b""}).problems)


def nested(depth: int) -> object:
    """Make a list in a list, *depth* times."""
    value: object = None
    for _ in range(depth):
        value = [value]
    return value


def generator() -> Iterator[int]:
    """Yield once."""
    yield 1


@pytest.mark.parametrize("value", [nested(700), nested(100_000), generator(), threading.Lock()])
def test_a_payload_that_can_not_even_be_copied_is_a_problem(value: object) -> None:
    """A request that is wrong is a value, told before any call, also when it is nested too deep or holds no data."""
    (problem,) = ChartRequest("A:B", "1h", "t", {"a": value}).problems

    assert any(word in problem.message for word in ("nested", "no form"))


@given(payload=payloads)
def test_the_bytes_are_canonical(payload: dict[str, Any]) -> None:
    """Sorted names, no space, ASCII only; the digest is that of the bytes."""
    request = ChartRequest("ü:ß", "1h", "t", payload)

    assert json.dumps(request.body, sort_keys=True, separators=(",", ":")).encode() == request.encoded
    assert request.encoded.isascii()
    assert hashlib.sha256(request.encoded).hexdigest() == request.body_digest


@given(payload=payloads)
def test_every_body_is_a_new_one(payload: dict[str, Any]) -> None:
    """Emptying one changes neither the next nor the bytes that are posted."""
    request = ChartRequest("A:B", "1h", "t", payload)
    before, encoded = request.body, request.encoded
    request.body.clear()

    assert (before, encoded) == (request.body, request.encoded)
    assert request.body is not request.body


def test_upper_and_lower_case_name_different_charts() -> None:
    """A minute is no month."""
    assert ChartRequest("A:B", "1m", "t").key != ChartRequest("A:B", "1M", "t").key


def test_the_payload_never_shows() -> None:
    """The repr of a request names the chart and nothing else."""
    assert "ChartRequest(symbol='A:B', timeframe='1h', chart_template_id='t')" == repr(
        ChartRequest("A:B", "1h", "t", {"a": "secret"})
    )


def test_half_a_character_in_the_payload_is_a_problem_and_a_whole_one_is_none() -> None:
    """JSON would carry it, and who reads it would refuse the whole body."""
    (problem,) = ChartRequest("A:B", "1h", "t", {"watermark": "\ud83d"}).problems

    assert ("watermark", True) == (problem.path, "a lone surrogate" in problem.message)
    assert () == ChartRequest("A:B", "1h", "t", {"watermark": "\U0001f600"}).problems


def test_the_parts_are_the_body_without_a_copy() -> None:
    """For looking at it: equal to the body, sharing what is in the payload."""
    request = ChartRequest("A:B", "1h", "t", {"studies": [{"name": "MACD"}]})

    assert request.body == request.parts
    assert request.payload["studies"] is request.parts["studies"]
