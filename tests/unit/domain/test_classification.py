"""The meaning of a reply: the table of replies, row by row, and any reply at all."""

from __future__ import annotations

import io
import json
import random
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from PIL import Image

from chartimg.domain.chart.listing import ListRequest
from chartimg.domain.classification import classify, refused_paths, refuses_body, refuses_symbol, retry_after_seconds
from chartimg.domain.errors import ConfigError
from chartimg.domain.faults import MEANINGS, ChartApiError, FaultKind, Retriable
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import picture
from rows import for_each
from samples import NOON

PNG = picture()
K = FaultKind
RATE, QUOTA = {"x-amzn-errortype": "TooManyRequestsException"}, {"x-amzn-errortype": "LimitExceededException"}


def said(text: str) -> bytes:
    """Write an error as the API does."""
    return json.dumps({"message": text}).encode()


FIELD = {"value": "INVALID", "msg": "must be a supported interval", "param": "interval", "location": "body"}
OF_A_RATE = (
    "rate_limit_exceeded",
    "RateLimitExceeded",
    "rate-limit exceeded",
    "Rate Limit Exceeded",
    "rates are limited",
    "3 per second",
    "Please slow down",
    "too many requests for today",
)
OF_THROTTLING = ("Throttling", "ThrottlingException", "THROTTLED")
OF_A_QUOTA = ("the quota", "your usage", "daily", "50 per day", "monthly", "Limit Exceeded for now")
OF_NO_RATE = ("Please generate less", "Be accurate", "A separate plan", "Try the pirate's", "?")

ROWS: list[tuple[int, Mapping[str, str], bytes, FaultKind]] = [
    (200, {}, b"", K.BAD_IMAGE),
    (200, {}, PNG[:-1], K.BAD_IMAGE),
    (200, {}, said("all is well"), K.BAD_IMAGE),
    (200, {}, b"<html></html>", K.BAD_IMAGE),
    (201, {}, PNG, K.UNEXPECTED_REPLY),
    (204, {}, b"", K.UNEXPECTED_REPLY),
    (301, {"location": "https://elsewhere.example"}, b"", K.UNEXPECTED_REPLY),
    (304, {}, PNG, K.UNEXPECTED_REPLY),
    (100, {}, b"", K.UNEXPECTED_REPLY),
    (600, {}, b"", K.UNEXPECTED_REPLY),
    (400, {}, b"", K.INVALID_REQUEST),
    (401, {}, said("Invalid Request"), K.INVALID_REQUEST),
    (404, {}, b"", K.INVALID_REQUEST),
    (404, {}, said("Route not found."), K.INVALID_REQUEST),
    (405, {}, b"", K.INVALID_REQUEST),
    (409, {}, said("Session Disconnected"), K.SESSION_REJECTED),
    (413, {}, b"", K.INVALID_REQUEST),
    (422, {}, said("Invalid Symbol"), K.INVALID_REQUEST),
    (422, {}, b'{"error":"Invalid symbol."}', K.INVALID_REQUEST),
    (422, {}, said("Invalid Interval"), K.INVALID_REQUEST),
    (422, {}, said("Invalid Request"), K.INVALID_REQUEST),
    (422, {}, json.dumps([FIELD, FIELD]).encode(), K.INVALID_REQUEST),
    (422, {}, json.dumps({"errors": [FIELD | {"location": "query"}]}).encode(), K.INVALID_REQUEST),
    (451, {}, b"", K.INVALID_REQUEST),
    (403, {}, said("Forbidden"), K.CREDENTIAL_REJECTED),
    (403, {}, said("forbidden"), K.CREDENTIAL_REJECTED),
    (403, {}, said("Layout Forbidden"), K.SESSION_REJECTED),
    (403, {}, b"", K.INVALID_REQUEST),
    (403, {}, b"<h1>Forbidden</h1><p>by a firewall</p>", K.INVALID_REQUEST),
    (401, {}, said("Forbidden"), K.INVALID_REQUEST),
    (403, {}, said("Exceed Max Usage Resolution Limit (800x600)"), K.PLAN_LIMIT),
    (403, {}, said("Exceed Max Usage Parameter Limit (3)"), K.PLAN_LIMIT),
    (422, {}, said("Exceed Max Usage Parameter Limit (3)"), K.INVALID_REQUEST),
    (429, {}, said("Too Many Requests"), K.THROTTLED),
    (429, QUOTA, said("Too Many Requests"), K.THROTTLED),
    (429, RATE, b"", K.THROTTLED),
    (429, {"x-amzn-errortype": "TooManyRequestsException:http://internal/"}, b"", K.THROTTLED),
    (429, RATE, said("daily quota"), K.THROTTLED),
    (429, {}, said("Rate limit exceeded, slow down"), K.THROTTLED),
    (429, {}, said("Request was throttled."), K.THROTTLED),
    *((429, {}, said(text), K.THROTTLED) for text in (*OF_A_RATE, *OF_THROTTLING)),
    (429, {}, b"<html>Too many requests per second</html>", K.THROTTLED),
    (429, {"retry-after": "60"}, b"", K.THROTTLED),
    (429, {"retry-after": "0"}, said("try later"), K.THROTTLED),
    (429, {"retry-after": "Mon, 05 Jan 2026 12:00:30 GMT"}, b"", K.THROTTLED),
    (429, {"retry-after": "61"}, b"", K.QUOTA_EXCEEDED),
    (429, {"retry-after": "soon"}, b"", K.QUOTA_EXCEEDED),
    *((429, {"retry-after": "5"}, said(text), K.QUOTA_EXCEEDED) for text in OF_A_QUOTA),
    (429, QUOTA | {"retry-after": "5"}, b"", K.QUOTA_EXCEEDED),
    (429, {}, said("Limit Exceeded"), K.QUOTA_EXCEEDED),
    (429, RATE, said("Limit Exceeded"), K.QUOTA_EXCEEDED),
    (429, QUOTA, b"", K.QUOTA_EXCEEDED),
    (429, QUOTA, said("the rate of something"), K.QUOTA_EXCEEDED),
    (429, {}, b"", K.QUOTA_EXCEEDED),
    *((429, {}, said(text), K.QUOTA_EXCEEDED) for text in OF_NO_RATE),
    (403, {}, said("Limit Exceeded"), K.QUOTA_EXCEEDED),
    (500, {}, said("limit exceeded."), K.QUOTA_EXCEEDED),
    (500, {}, said("Limit Exceeded by far"), K.SERVICE_UNAVAILABLE),
    (408, {}, b"", K.SERVICE_UNAVAILABLE),
    (500, {}, said("Something Went Wrong"), K.SERVICE_UNAVAILABLE),
    (500, {}, b'{"error":"Server error."}', K.SERVICE_UNAVAILABLE),
    (502, {}, b"<html>Bad gateway</html>", K.SERVICE_UNAVAILABLE),
    (503, {}, b"", K.SERVICE_UNAVAILABLE),
    (503, {"retry-after": "5"}, b"", K.SERVICE_UNAVAILABLE),
    (504, {}, b'{"error":"Process timeout."}', K.SERVICE_UNAVAILABLE),
    (504, {}, said("External Request Timeout"), K.SERVICE_UNAVAILABLE),
    (504, {}, said("Endpoint request timed out"), K.SERVICE_UNAVAILABLE),
    (599, {}, b"", K.SERVICE_UNAVAILABLE),
]


@for_each(("status", "headers", "body", "kind"), ROWS)
def test_each_row_of_the_table(status: int, headers: Mapping[str, str], body: bytes, kind: FaultKind) -> None:
    """The error of a reply is of the documented kind and has the reply's status and pause."""
    error = classify(Reply(status, headers, body), now=NOON)

    assert error is not None
    assert (kind, status) == (error.kind, error.http_status)
    assert retry_after_seconds(headers, NOON) == error.retry_after
    assert "retry-after" in headers or error.retry_after is None


def test_an_outcome_of_another_type_is_refused() -> None:
    """A transport of the host's own that returns neither a reply nor a failure is named in a ConfigError."""
    nonsense: Any = b"a picture"
    with pytest.raises(
        ConfigError, match="the outcome of a transport must be a Reply or a TransportFailure, not bytes"
    ):
        classify(nonsense, now=NOON)


def test_a_whole_picture_is_no_error() -> None:
    """A 200 with a whole PNG has no error."""
    assert classify(Reply(200, {}, PNG), now=NOON) is None


@pytest.mark.parametrize("kind", [K.NOT_SENT, K.NETWORK, K.FIXTURE_MISSING, K.UNEXPECTED_REPLY])
def test_a_transport_failure_keeps_its_kind_and_message(kind: FaultKind) -> None:
    """The failure of a transport becomes an error of the same kind, message and details."""
    error = classify(TransportFailure(kind, "it broke", details=({"a": 1},)), now=NOON)

    assert error is not None
    assert (kind, "it broke", ({"a": 1},), None) == (error.kind, error.message, error.details, error.http_status)


@for_each(
    ("reply", "message"),
    [
        (Reply(422, {}, said("Invalid Symbol")), "HTTP 422: Invalid Symbol"),
        (Reply(422, {}, b"[]"), "HTTP 422"),
        (Reply(299, {}, b""), "HTTP 299"),
        (Reply(300, {}, b""), "HTTP 300: redirects are not followed; check CHARTS_API_BASE_URL"),
        (Reply(399, {}, b""), "HTTP 399: redirects are not followed; check CHARTS_API_BASE_URL"),
        (
            Reply(200, {}, b"{}"),
            "HTTP 200 without a whole PNG: it does not begin with the PNG signature (body length 2)",
        ),
        (Reply(200, {}, b""), "HTTP 200 without a whole PNG: it is empty (body length 0)"),
    ],
)
def test_a_message_says_what_happened(reply: Reply, message: str) -> None:
    """The message has the status and the provider's text, the advice about redirects, or the fault of the PNG."""
    error = classify(reply, now=NOON)

    assert error is not None
    assert message == error.message


@for_each(
    ("body", "message"),
    [
        (b"[" + b" " * 1_500, "HTTP 200 without a list, as JSON: it is not JSON (body length 1,501)"),
        (b'{"payload": []}', None),
    ],
)
def test_an_answer_in_json_is_what_its_request_can_read(body: bytes, message: str | None) -> None:
    """A reply with status 200 is an error only if the request finds a problem in it, which the message names."""
    error = None if message is None else ChartApiError.of(K.UNEXPECTED_REPLY, message, http_status=200)

    assert error == classify(Reply(200, body=body), now=NOON, request=ListRequest())


def test_each_field_error_is_kept() -> None:
    """Each entry of an array of errors is a detail, and the message names the fields."""
    fields = [
        {"value": "9h", "msg": "Invalid value", "param": "interval", "location": "body"},
        {"value": "-1", "msg": "Too small", "param": "width", "location": "body"},
    ]
    error = classify(Reply(422, {}, json.dumps(fields).encode()), now=NOON)

    assert error is not None
    assert tuple(fields) == error.details
    assert "HTTP 422: interval: Invalid value; width: Too small" == error.message


WORDS = st.sampled_from(["Too Many Requests", "Limit Exceeded", "Forbidden", "rate", "quota", "Exceed Max Usage (1)"])
BODIES = st.one_of(
    st.binary(max_size=80), WORDS.map(said), WORDS.map(str.encode), st.just(PNG), st.binary().map(lambda b: PNG + b)
)
HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "x-amzn-errortype", "content-type"]),
    st.one_of(
        *(st.text(), st.floats().map(str), st.integers().map(str)),
        st.sampled_from(["30", "TooManyRequestsException", "1e400", "nan"]),
    ),
)


@given(status=st.one_of(st.integers(), st.integers(100, 599)), headers=HEADERS, body=BODIES)
def test_any_reply_means_exactly_one_thing(status: int, headers: dict[str, str], body: bytes) -> None:
    """Any status, headers and bytes mean one kind, or a picture under 200 alone, without an exception; code and kind agree."""
    error = classify(Reply(status, headers, body), now=NOON)
    event("a picture" if error is None else error.kind)
    if error is None:
        assert (200, PNG) == (status, body)
    else:
        meaning = MEANINGS[error.kind]
        assert (meaning.code, meaning.retriable is Retriable.YES) == (error.code, error.retriable)
        assert error.retry_after is None or 0 <= error.retry_after <= 86_400
        assert error.message.isprintable()


SEEDS = [
    *(body for *_, body, _ in ROWS),
    *map(said, (*OF_A_RATE, *OF_THROTTLING, *OF_A_QUOTA, *OF_NO_RATE, "Forbidden", "Exceed Max Usage (800x600)")),
    *[said("Layout Forbidden"), said("Session Disconnected")] * 4,
    json.dumps([FIELD, FIELD]).encode(),
    json.dumps({"errors": [FIELD, 5, None, []], "error": {"message": "Bad"}}).encode(),
    b"<html><style>p{}</style><body>502 Bad Gateway</body></html>",
    b"[" * 2_000,
    '\ufeff{"message": "\u2028\ud7ff"}'.encode(),
    picture(3, 2),
    picture(17, 5),
]
PIECES = [
    b"",
    b"\x00",
    b"\xff",
    b"\r\n",
    b'"',
    b"{",
    b"}",
    b"IEND",
    b"IDAT",
    b"\x00\x00\x00\x00",
    b"Limit Exceeded",
    b"rate",
]
VALUES = [
    "0",
    "5",
    "-1",
    "61",
    "1e9",
    "nan",
    "\u0663",
    "9" * 400,
    "soon",
    "Mon, 05 Jan 2026 12:01:00 GMT",
    "Mon Jan  5 12:01:00 2026",
]
TYPES = ["TooManyRequestsException", "LimitExceededException:http://x", "", "Other"]
KINDS_OF = {
    1: {K.UNEXPECTED_REPLY},
    2: {K.UNEXPECTED_REPLY},
    3: {K.UNEXPECTED_REPLY},
    4: {K.INVALID_REQUEST},
    5: {K.SERVICE_UNAVAILABLE},
    200: {K.BAD_IMAGE},
    403: {K.INVALID_REQUEST, K.CREDENTIAL_REJECTED, K.PLAN_LIMIT, K.SESSION_REJECTED},
    409: {K.INVALID_REQUEST, K.SESSION_REJECTED},
    408: {K.SERVICE_UNAVAILABLE},
    429: {K.THROTTLED},
}


def invented(chance: random.Random) -> Reply:
    """Invent a reply: one that is known, with some of its bytes cut, doubled, changed, or joined with those of another."""
    body = bytearray(chance.choice(SEEDS))
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        start, end = sorted(chance.choices(range(len(body) + 1), k=2))
        other = chance.choice(SEEDS)
        instead = (
            chance.choice(PIECES),
            chance.randbytes(chance.randrange(4)),
            bytes(body[start:end] * 2),
            other[start:end],
        )
        body[start : chance.choice((start, start + 1, end))] = chance.choice(instead)
    headers = {
        "Retry-After": chance.choice(VALUES),
        "Date": chance.choice(VALUES),
        "X-Amzn-ErrorType": chance.choice(TYPES),
    }
    sent = {name: headers[name] for name in chance.sample(sorted(headers), chance.randrange(4))}
    status = chance.choice((200, 200, 403, 408, 409, 422, 429, 429, 500, chance.randrange(100, 600)))
    return Reply(status, sent, bytes(body))


@pytest.mark.parametrize(
    "replies", [5_000, pytest.param(1_000_000, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
def test_invented_replies_mean_exactly_one_thing_each(replies: int) -> None:
    """Each of many invented replies has one kind that its status allows, or is a picture that another library reads, too."""
    chance, seen = random.Random(replies), Counter[str]()
    for _ in range(replies):
        reply = invented(chance)
        error = classify(reply, now=NOON)
        if error is None:
            assert 200 == reply.status
            with Image.open(io.BytesIO(reply.body)) as image:
                image.load()
        else:
            known = KINDS_OF.get(reply.status) or KINDS_OF[reply.status // 100]
            assert error.kind in known | {K.QUOTA_EXCEEDED}, reply
            assert ChartApiError.of(error.kind, "", available_at=error.available_at).code is error.code
            assert error.message.isprintable(), reply
            assert len(error.message) < 400, reply
            assert error.retry_after is None or 0 <= error.retry_after <= 86_400, reply
            assert all(isinstance(detail, Mapping) for detail in error.details), reply
        seen["PICTURE" if error is None else error.kind] += 1

    assert {"PICTURE"}.union(*KINDS_OF.values(), {K.QUOTA_EXCEEDED}) == seen.keys()


@for_each(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("-3", None),
        ("+3", None),
        ("1_0", None),
        ("\u0663", None),
        ("1e3", None),
        ("9" * 400, None),
        ("Monday, 05-Jan-26 12:01:00 GMT", 60.0),
        ("Mon Jan  5 12:01:00 2026", 60.0),
        ("1000000", 86_400.0),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("tomorrow", None),
        ("Mon, 05 Jan 2026 12:01:00 GMT", 60.0),
        ("Mon, 05 Jan 2026 11:00:00 GMT", 0.0),
        ("Mon, 05 Foo 2026 11:00:00 GMT", None),
        ("Mon, 32 Jan 2026 11:00:00 GMT", None),
        ("Mon, 05 Jan 2126 11:00:00 GMT", 86_400.0),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, seconds: float | None) -> None:
    """Seconds and HTTP dates are read and capped at a day; other text is ignored."""
    assert seconds == retry_after_seconds({"retry-after": value}, NOON)


@pytest.mark.parametrize(
    "value", ["Mon, 05 Jan 2026 13:00:05 GMT", "Monday, 05-Jan-26 13:00:05 GMT", "Mon Jan  5 13:00:05 2026"]
)
def test_a_date_is_measured_against_the_date_of_the_reply(value: str) -> None:
    """With a clock an hour slow, a pause of five seconds is five seconds, and so a throttle."""
    headers = {"retry-after": value, "date": "Mon, 05 Jan 2026 13:00:00 GMT"}
    error = classify(Reply(429, headers, b"{}"), now=NOON)

    assert 5.0 == retry_after_seconds(headers, NOON)
    assert error is not None
    assert FaultKind.THROTTLED is error.kind


@given(status=st.integers(), headers=HEADERS)
def test_a_whole_message_of_limit_exceeded_spends_the_day_under_any_status(
    status: int, headers: dict[str, str]
) -> None:
    """A reply whose whole message is Limit Exceeded is of a spent quota, with any status and headers."""
    error = classify(Reply(status, headers, said("Limit Exceeded")), now=NOON)

    assert error is not None
    assert FaultKind.QUOTA_EXCEEDED is error.kind


@given(moment=st.datetimes(NOON.replace(tzinfo=None), NOON.replace(tzinfo=None) + timedelta(days=2)))
def test_an_http_date_gives_the_seconds_to_it(moment: datetime) -> None:
    """A date in the form of RFC 9110 gives the whole seconds up to it, and a day at most."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    seconds = retry_after_seconds({"retry-after": format_datetime(moment, usegmt=True)}, NOON)

    assert min((moment - NOON).total_seconds(), 86_400.0) == seconds


COOKIES = "; check the two cookies in CHARTS_TRADINGVIEW_SESSION_JSON, and then the key of the account"
SHARE = "; share the layout at TradingView, or give the session of its owner in CHARTS_TRADINGVIEW_SESSION_JSON"
OWNER = "; the TradingView session may not see this layout; use that of its owner, or share the layout"
SIGN_IN = "; sign in to TradingView again, and renew the two cookies in CHARTS_TRADINGVIEW_SESSION_JSON"


@for_each(
    ("status", "message", "with_session", "kind", "remedy"),
    [
        (403, "Forbidden", True, K.SESSION_REJECTED, COOKIES),
        (403, "Forbidden", False, K.CREDENTIAL_REJECTED, ""),
        (403, "Layout Forbidden", False, K.SESSION_REJECTED, SHARE),
        (403, "Layout Forbidden", True, K.SESSION_REJECTED, OWNER),
        (409, "Session Disconnected", True, K.SESSION_REJECTED, SIGN_IN),
        (409, "session disconnected.", False, K.SESSION_REJECTED, SIGN_IN),
        (409, "Conflict", True, K.INVALID_REQUEST, ""),
        (403, "Exceed Max Usage Parameter Limit (3)", True, K.PLAN_LIMIT, ""),
        (401, "Forbidden", True, K.INVALID_REQUEST, ""),
    ],
)
def test_a_refused_session_is_told_apart_from_a_refused_key(
    status: int, message: str, kind: K, remedy: str, *, with_session: bool
) -> None:
    """A session is blamed if the words name it, or if it was sent with a request that is forbidden; the message ends with the remedy."""
    error = classify(Reply(status, body=said(message), with_session=with_session), now=NOON)

    assert error is not None
    assert (kind, False) == (error.kind, error.retriable)
    assert f"HTTP {status}: {message}{remedy}" == error.message


@for_each(
    ("reply", "expected"),
    [
        (Reply(422, body=b'{"message":"Invalid Symbol"}'), True),
        (Reply(422, body=b'{"error":"Invalid symbol."}'), True),
        (Reply(422, body=b'[{"value":"x","msg":"must be a symbol","param":"symbol"}]'), True),
        (Reply(422, body=b'{"message":"Invalid Interval"}'), False),
        (Reply(422, body=b'[{"value":"x","msg":"bad","param":"interval"}]'), False),
        (Reply(503, body=b'{"message":"Invalid Symbol"}'), False),
        (Reply(429, body=b'{"message":"Limit Exceeded"}'), False),
    ],
)
def test_a_refusal_is_that_of_a_symbol_if_it_names_it(reply: Reply, expected: bool) -> None:  # noqa: FBT001
    """Only a final refusal that names the symbol holds for all charts of the symbol."""
    error = classify(reply, now=NOON)
    assert error is not None

    assert expected is refuses_symbol(error)


@pytest.mark.parametrize(
    ("reply", "paths", "is_final"),
    [
        (Reply(422, body=b'{"message":"Invalid Symbol"}'), ("symbol",), True),
        (Reply(422, body=b'{"error":"Invalid symbol."}'), ("symbol",), True),
        (Reply(422, body=b'{"message":"Invalid Interval"}'), ("interval",), True),
        (Reply(422, body=b'{"message":"Invalid Request"}'), (), True),
        (
            Reply(422, body=b'[{"msg":"bad","param":"studies[0].name"},{"msg":"bad","param":"theme"},{"param":5},"x"]'),
            ("studies[0].name", "theme"),
            True,
        ),
        (Reply(403, body=b'{"message":"Exceed Max Usage Resolution Limit (800x600)"}'), ("width", "height"), True),
        (Reply(403, body=b'{"message":"Exceed Max Usage Parameter Limit (3)"}'), ("studies",), True),
        (Reply(403, body=b'{"message":"Exceed Max Usage Watermark Limit"}'), ("watermark",), True),
        (Reply(403, body=b'{"message":"Exceed Max Usage Something"}'), (), True),
        (Reply(401, body=b'{"message":"Invalid Request"}'), (), False),
        (
            Reply(403, body=b'{"message":"Exceed Max Usage Parameter Limit (3)","errors":[{"param":"drawings"}]}'),
            ("drawings", "studies"),
            True,
        ),
        *((Reply(status), (), status not in {401, 403, 407}) for status in (*range(400, 408), 409, 422)),
        (Reply(403, body=b'{"message":"Forbidden"}'), (), False),
        (Reply(409, body=b'{"message":"Session Disconnected"}'), (), False),
        (Reply(429, body=b'{"message":"Limit Exceeded"}'), (), False),
        (Reply(500), (), False),
    ],
)
def test_a_refusal_names_the_places_that_it_speaks_of(reply: Reply, paths: tuple[str, ...], is_final: bool) -> None:  # noqa: FBT001
    """Field errors, a word of the symbol or the interval, and the limit of a plan do; only a refusal of the body is final."""
    error = classify(reply, now=NOON)
    assert error is not None

    assert (paths, is_final) == (refused_paths(error), refuses_body(error))
