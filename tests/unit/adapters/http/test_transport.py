"""The HTTP transport over real sockets on loopback: its request, and the outcome of every kind of reply."""

from __future__ import annotations

import base64
import gzip
import json
import os
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import attrs
import pytest
import trustme
import urllib3
from opentelemetry.instrumentation.urllib3 import RequestInfo, URLLib3Instrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from chartimg import RetryPolicy, fetch_with_retries
from chartimg.adapters.http import Urllib3Transport
from chartimg.adapters.http.connections import connection_pool
from chartimg.adapters.http.dialer import Dialer
from chartimg.domain.account import Account
from chartimg.domain.chart import ChartRequest, LayoutRequest, TradingViewSession
from chartimg.domain.errors import ConfigError
from chartimg.domain.faults import FaultKind
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.testing import picture
from chartimg.version import __version__
from command import eventually
from loopback import Exchange, LoopbackServer, answer, chunked, cut, raw, reset, serving, stall
from patience import LONG, with_patience

if TYPE_CHECKING:
    from opentelemetry.trace import Span

KEY = "canary-key-1f6b"
SECRET = "s3cret-pass"
ACCOUNT = Account("main", KEY)
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark", "studies": [{"name": "Volume"}]})
PNG = picture()
NOISE = random.Random(7).randbytes(300_000)
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n"
WHOLE = answer(200, PNG, content_type="image/png")
NOT_SENT, NETWORK, UNEXPECTED = FaultKind.NOT_SENT, FaultKind.NETWORK, FaultKind.UNEXPECTED_REPLY


Connect = Callable[..., Urllib3Transport]
"""Makes a transport that is closed at the end of the test."""


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the proxies of the machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """A server that plays the script of a test, then answers with the picture."""
    with serving(otherwise=WHOLE) as running:
        yield running


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make transports, and close them at the end."""
    with ExitStack() as stack:

        def make(base_url: str, **settings: Any) -> Urllib3Transport:
            defaults = {"connect_timeout": LONG, "read_timeout": LONG, "max_body": 2 * len(NOISE)}
            return stack.enter_context(Urllib3Transport(base_url, **(defaults | settings)))

        yield make


@attrs.frozen
class Authority:
    """A certificate authority outside those of the system, and the TLS settings of servers with its certificates.

    Attributes:
        path: the file of the authority.
        server: a good certificate.
        stranger: one for another name.
        expired: one that is too old.
        early: one that is not valid yet.
    """

    path: Path
    server: ssl.SSLContext
    stranger: ssl.SSLContext
    expired: ssl.SSLContext
    early: ssl.SSLContext


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """One authority for all tests."""
    ca, path = trustme.CA(), tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    here, now, day = ("127.0.0.1", "localhost", "api.example.invalid"), datetime.now(UTC), timedelta(days=1)
    contexts = []
    for names, begin, end in (
        (here, None, None),
        (("elsewhere.example",), None, None),
        (here, now - 2 * day, now - day),
        (here, now + day, now + 2 * day),
    ):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(*names, not_before=begin, not_after=end).configure_cert(context)
        contexts.append(context)
    return Authority(path, *contexts)


def got(outcome: Reply | TransportFailure) -> Reply:
    """Check that *outcome* is a reply, and return it."""
    assert isinstance(outcome, Reply), outcome
    return outcome


def lost(outcome: Reply | TransportFailure) -> TransportFailure:
    """Check that *outcome* is a failure with one line and without a key, and return it."""
    assert isinstance(outcome, TransportFailure), outcome
    assert KEY not in repr(outcome)
    assert "\n" not in outcome.message
    return outcome


def drip(before: bytes, piece: bytes) -> Exchange:
    """Send *before*, then *piece* again and again."""

    def play(connection: socket.socket, closing: threading.Event) -> bool:
        connection.sendall(before)
        while not closing.wait(0.03):
            connection.sendall(piece)
        return False

    return play


def sip(connection: socket.socket, closing: threading.Event) -> bool:
    """Read a little of a request now and then."""
    while not closing.wait(0.03):
        for _ in range(12):
            connection.recv(16_384)
    return False


# The request


def test_the_request_is_the_documented_one(server: LoopbackServer, connect: Connect) -> None:
    """A call is one POST to the documented path with the documented headers and the chart as canonical JSON."""
    connect(server.url).send(REQUEST, ACCOUNT)

    (received,) = server.requests
    assert ("POST", "/v2/tradingview/advanced-chart") == (received.method, received.target)
    assert {
        "host": f"127.0.0.1:{server.port}",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(REQUEST.encoded)),
        "user-agent": f"chartimg/{__version__}",
        "x-api-key": KEY,
    } == received.headers
    assert REQUEST.body == json.loads(received.body)
    assert REQUEST.encoded == received.body


def test_the_host_is_named_as_in_the_base_address(server: LoopbackServer, connect: Connect) -> None:
    """The host header has the name of the base address in lower case, with its port."""
    connect(f"http://LocalHost:{server.port}/base").send(REQUEST, ACCOUNT)

    assert f"localhost:{server.port}" == server.requests[0].headers["host"]


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("https://API.chart-img.com:443", "api.chart-img.com"),
        ("https://api.chart-img.com.", "api.chart-img.com"),
        ("https://api.chart-img.com:80", "api.chart-img.com:80"),
        ("http://[::1]:80", "[::1]"),
        ("https://[2606:4700::1]:8443", "[2606:4700::1]:8443"),
    ],
)
def test_the_host_header_names_no_default_port(address: str, named: str, connect: Connect) -> None:
    """The host header leaves out the default port and the dot of the root, which a server may not know itself by."""
    transport = connect(address)

    assert named == transport._host  # noqa: SLF001 (no test can listen at the default ports)


@pytest.mark.parametrize("value", ["a\r\nx-api-key: other", "a\0b", "a\x7f"])
def test_a_header_with_a_control_character_is_not_sent(value: str, server: LoopbackServer) -> None:
    """A header that would end early is a mistake of the caller, and no request is sent."""
    pool = connection_pool(urlsplit(server.url), 1, None, 1_000)
    with pytest.raises(ValueError, match="control character"):
        pool.urlopen("POST", "/", body=b"", headers={"x": value}, timeout=1.0)

    assert (0, []) == (server.connections, server.requests)


def test_a_length_that_is_stated_twice_alike_is_one(server: LoopbackServer, connect: Connect) -> None:
    """A reply that repeats its length is whole (RFC 9110, section 8.6)."""
    server.script.append(raw(HEAD + b"content-length: 2\r\ncontent-length: 2\r\n\r\nok"))

    assert b"ok" == got(connect(server.url).send(REQUEST, ACCOUNT)).body


def test_a_request_goes_out_whole(connect: Connect) -> None:
    """The headers and the body of a request reach the server in one piece, so that no packet waits for another."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        transport = connect(f"http://127.0.0.1:{listening.getsockname()[1]}")
        caller = threading.Thread(target=transport.send, args=(REQUEST, ACCOUNT))
        caller.start()
        connection, _ = listening.accept()
        with connection:
            received = connection.recv(65_536)
        caller.join()

    assert received.startswith(b"POST /v2/")
    assert received.endswith(b"\r\n\r\n" + REQUEST.encoded)


SESSION = TradingViewSession("canary-session-4d", "canary-sign-9a")


@pytest.mark.parametrize("request_", [REQUEST, LayoutRequest("AbC12345", "SP:SPX")])
def test_a_session_travels_in_its_two_headers_only(
    server: LoopbackServer, connect: Connect, request_: ChartRequest | LayoutRequest
) -> None:
    """A session is in the two documented headers of charts and layouts, and nowhere else; without one they are absent."""
    connect(f"{server.url}/base/", session=SESSION).send(request_, ACCOUNT)
    connect(server.url).send(request_, ACCOUNT)

    first, second = server.requests
    assert (f"/base{request_.path}", request_.encoded) == (first.target, first.body)
    assert SESSION.headers.items() <= first.headers.items()
    assert not set(SESSION.headers) & set(second.headers)
    assert {"canary-session-4d", "canary-sign-9a", KEY} == {text for text in first.headers.values() if "canary" in text}


def test_a_session_that_the_provider_repeats_is_masked(server: LoopbackServer, connect: Connect) -> None:
    """A reply that repeats both cookies is handed on without them, and says that a session was sent."""
    server.script.append(answer(403, b'{"message": "no canary-session-4d", "of": "canary-sign-9a"}'))
    reply = connect(server.url, session=SESSION).send(REQUEST, ACCOUNT)

    assert isinstance(reply, Reply)
    assert reply.with_session
    assert b"canary" not in reply.body


def test_the_key_travels_in_its_header_only(server: LoopbackServer, connect: Connect) -> None:
    """The bytes of a call hold the key once, in its header."""
    connect(server.url).send(REQUEST, ACCOUNT)

    (received,) = server.requests
    assert received.wire.endswith(received.body)
    assert 1 == received.wire.count(KEY.encode())
    assert f"\r\nx-api-key: {KEY}\r\n".encode() in received.wire


def test_each_call_carries_the_key_of_its_account(server: LoopbackServer, connect: Connect) -> None:
    """Each call over one connection carries the key of its own account."""
    transport = connect(server.url)
    for name in ("one", "two", "one"):
        transport.send(REQUEST, Account(name, f"key-of-{name}"))

    assert ["key-of-one", "key-of-two", "key-of-one"] == server.keys


def test_a_path_in_the_base_address_is_kept(server: LoopbackServer, connect: Connect) -> None:
    """The path of the base address goes before that of the API."""
    connect(f"{server.url}/gateway/").send(REQUEST, ACCOUNT)

    assert "/gateway/v2/tradingview/advanced-chart" == server.requests[0].target


def test_a_call_without_an_account_is_a_mistake_of_the_caller(server: LoopbackServer, connect: Connect) -> None:
    """A call without an account is a ValueError, and no request is sent."""
    with pytest.raises(ValueError, match="needs an account"):
        connect(server.url).send(REQUEST, None)

    assert [] == server.requests


@pytest.mark.parametrize("address", ["http://api.chart-img.com", "ftp://127.0.0.1"])
def test_a_base_address_that_can_not_be_used_is_refused(address: str) -> None:
    """A base address that is malformed, or would send the key in the clear, is a ConfigError."""
    with pytest.raises(ConfigError, match="the base address"):
        Urllib3Transport(address)


def test_another_library_in_the_place_of_urllib3_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transport over urllib3.future is a ConfigError of one line with the command that mends it."""
    monkeypatch.setattr(urllib3, "__version__", "2.25.904")
    with pytest.raises(ConfigError, match=r"^urllib3\.future .* URLLIB3_NO_OVERRIDE=1 pip install .*$"):
        Urllib3Transport()


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Let OpenTelemetry see the calls of urllib3, with all their headers."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    def keep_headers(span: Span, _: object, request: RequestInfo) -> None:
        """Note all headers of a call, which not every version does by itself."""
        for name, value in (request.headers or {}).items():
            span.set_attribute(f"header.{name}", str(value))

    instrumentor = URLLib3Instrumentor()
    instrumentor.instrument(
        tracer_provider=provider,
        request_hook=keep_headers,
        captured_request_headers=[".*"],
        captured_response_headers=[".*"],
    )
    yield exporter
    instrumentor.uninstrument()


def test_the_key_is_in_no_span(spans: InMemorySpanExporter, server: LoopbackServer, connect: Connect) -> None:
    """OpenTelemetry sees no call of the transport, and still sees the others of the process."""
    with urllib3.PoolManager() as others:
        others.request("GET", server.url, headers={"x-other": "seen"})
        assert PNG == got(connect(server.url).send(REQUEST, ACCOUNT)).body
        others.request("GET", server.url, headers={"x-other": "seen"})

    finished = spans.get_finished_spans()
    assert 2 == len(finished)
    assert all("seen" in span.to_json() and KEY not in span.to_json() for span in finished)
    assert "traceparent" not in server.requests[1].headers


# Whole replies


def test_a_picture_is_a_reply(server: LoopbackServer, connect: Connect) -> None:
    """A reply has the status, the headers that mean something with names in lower case, and the whole body."""
    server.script.append(answer(200, PNG, Content_Type="image/png", X_Amzn_RequestId="r1", Via="1.1 a-cache"))
    reply = got(connect(server.url).send(REQUEST, ACCOUNT))

    assert (200, PNG, None) == (reply.status, reply.body, reply.fixture_path)
    assert {"content-type": "image/png", "x-amzn-requestid": "r1"} == reply.headers


@pytest.mark.parametrize("status", [200, 201, 204, 304, 400, 403, 404, 408, 422, 429, 500, 503, 504])
def test_every_status_is_a_reply(status: int, server: LoopbackServer, connect: Connect) -> None:
    """A reply with any status is returned, and is never retried, even if it has Retry-After."""
    body = b"" if status in {204, 304} else b'{"message":"Limit Exceeded"}'
    server.script.append(answer(status, body, retry_after="1"))
    reply = got(connect(server.url).send(REQUEST, ACCOUNT))

    assert (status, body, "1") == (reply.status, reply.body, reply.headers["retry-after"])
    assert 1 == len(server.requests)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int, server: LoopbackServer, connect: Connect) -> None:
    """A redirect is returned, and its target gets no request."""
    with serving(otherwise=WHOLE) as elsewhere:
        server.script.append(answer(status, location=f"{elsewhere.url}/v2/tradingview/advanced-chart"))
        reply = got(connect(server.url).send(REQUEST, ACCOUNT))

        assert status == reply.status
        assert [] == elsewhere.requests
        assert 1 == len(server.requests)


@pytest.mark.parametrize(
    "exchange",
    [
        answer(200, NOISE),
        chunked(200, [NOISE[:1], NOISE[1:70_000], NOISE[70_000:]]),
        raw(HEAD + b"\r\n" + NOISE, keep=False),
        answer(200, gzip.compress(NOISE), content_encoding="gzip"),
        raw(HEAD + b"content-encoding: gzip\r\n\r\n" + gzip.compress(NOISE), keep=False),
    ],
    ids=["by length", "in chunks", "to the end", "gzip by length", "gzip to the end"],
)
def test_a_large_body_is_read_whole(exchange: Exchange, server: LoopbackServer, connect: Connect) -> None:
    """A large body is read whole in every framing and encoding."""
    server.script.append(exchange)
    reply = got(connect(server.url).send(REQUEST, ACCOUNT))

    assert len(NOISE) == len(reply.body)
    assert NOISE == reply.body


def test_a_body_that_was_compressed_to_almost_nothing_is_read_whole(server: LoopbackServer, connect: Connect) -> None:
    """A body that decodes to many times its size is read whole."""
    server.script.append(answer(200, gzip.compress(b"x" * 500_000), content_encoding="gzip"))

    assert 500_000 == len(got(connect(server.url).send(REQUEST, ACCOUNT)).body)


@pytest.mark.parametrize("chunks", [False, True])
def test_a_compressed_picture_is_decoded(chunks: bool, server: LoopbackServer, connect: Connect) -> None:  # noqa: FBT001
    """A compressed picture is decoded."""
    packed = gzip.compress(PNG)
    head = HEAD + b"content-encoding: gzip\r\n"
    framed = (
        b"transfer-encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(packed), packed)
        if chunks
        else b"content-length: %d\r\n\r\n%s" % (len(packed), packed)
    )
    server.script.append(raw(head + framed))

    assert PNG == got(connect(server.url).send(REQUEST, ACCOUNT)).body


def test_a_body_of_exactly_the_cap_is_read(server: LoopbackServer, connect: Connect) -> None:
    """A body of max_body bytes is read, and one byte more is a failure."""
    server.script += [answer(200, b"x" * 1000), answer(200, b"x" * 1001)]
    transport = connect(server.url, max_body=1000)

    assert 1000 == len(got(transport.send(REQUEST, ACCOUNT)).body)
    assert UNEXPECTED is lost(transport.send(REQUEST, ACCOUNT)).kind


def test_a_provisional_reply_is_passed_over(server: LoopbackServer, connect: Connect) -> None:
    """A reply of status 100 is skipped."""
    server.script.append(raw(b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"content-length: 2\r\n\r\nok"))

    assert b"ok" == got(connect(server.url).send(REQUEST, ACCOUNT)).body


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_has_no_chunks(status: int, server: LoopbackServer, connect: Connect) -> None:
    """A reply whose status has no body ends with its headers, even if they announce chunks."""
    server.script.append(raw(b"HTTP/1.1 %d Scripted\r\ntransfer-encoding: chunked\r\n\r\n" % status))

    reply = got(connect(server.url, read_timeout=5).send(REQUEST, ACCOUNT))

    assert (status, b"") == (reply.status, reply.body)


# Replies that never become whole

BROKEN: dict[str, tuple[Exchange, FaultKind, str]] = {
    "reset before the headers": (reset(), NETWORK, "broke"),
    "reset in the headers": (reset(b"HTTP/1.1 200 OK\r\ncontent-"), NETWORK, "broke"),
    "closed in the headers": (raw(HEAD, keep=False), NETWORK, "connection"),
    "reset in the body": (reset(HEAD + b"content-length: 5000\r\n\r\n" + PNG[:20]), NETWORK, "broke"),
    "closed before the headers": (raw(b"", keep=False), NETWORK, "broke"),
    "stalled before the headers": (stall(), NETWORK, "in time"),
    "stalled in the headers": (stall(HEAD), NETWORK, "in time"),
    "stalled in the body": (stall(HEAD + b"content-length: 5000\r\n\r\n" + PNG[:20]), NETWORK, "in time"),
    "stalled in a chunk": (stall(HEAD + b"transfer-encoding: chunked\r\n\r\n10\r\nabc"), NETWORK, "in time"),
    "cut at once": (cut(200, PNG, 0), NETWORK, "connection"),
    "cut in the middle": (cut(200, PNG, len(PNG) // 2), NETWORK, "connection"),
    "cut before the last byte": (cut(200, PNG, len(PNG) - 1), NETWORK, "connection"),
    "cut in a chunk": (
        raw(HEAD + b"transfer-encoding: chunked\r\n\r\n10\r\nabc", keep=False),
        NETWORK,
        "connection",
    ),
    "cut between chunks": (
        raw(HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", keep=False),
        NETWORK,
        "connection",
    ),
    "a chunk size that is not a number": (
        raw(HEAD + b"transfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n"),
        NETWORK,
        "connection",
    ),
    "a chunk size below zero": (
        raw(HEAD + b"transfer-encoding: chunked\r\n\r\n-5\r\nabc\r\n0\r\n\r\n", keep=False),
        NETWORK,
        "connection",
    ),
    "a chunk size of minus one": (
        stall(HEAD + b"transfer-encoding: chunked\r\n\r\n-1\r\n" + b"x" * 700_000),
        NETWORK,
        "connection",
    ),
    "a chunk size with a prefix": (
        raw(HEAD + b"transfer-encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n"),
        NETWORK,
        "connection",
    ),
    "an empty chunk size": (
        raw(HEAD + b"transfer-encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n"),
        NETWORK,
        "connection",
    ),
    "another protocol": (raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", keep=False), NETWORK, "broke"),
    "garbage": (raw(bytes(range(256)) * 4, keep=False), NETWORK, "broke"),
    "a status that is not a number": (raw(b"HTTP/1.1 fine OK\r\n\r\n", keep=False), NETWORK, "broke"),
    "an endless header": (raw(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n", keep=False), NETWORK, "broke"),
    "too many headers": (raw(HEAD + b"x: y\r\n" * 200 + b"\r\n", keep=False), NETWORK, "broke"),
    "two lengths": (raw(HEAD + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd"), NETWORK, "connection broke"),
    "not gzip": (answer(200, PNG, content_encoding="gzip"), UNEXPECTED, "encoding"),
    "gzip damaged inside": (
        answer(200, gzip.compress(PNG)[:-6] + b"\x00" * 6, content_encoding="gzip"),
        UNEXPECTED,
        "encoding",
    ),
    "encoded twice": (
        answer(200, gzip.compress(gzip.compress(PNG)), content_encoding="gzip, gzip"),
        UNEXPECTED,
        "encoding",
    ),
    "too large by length": (answer(200, b"x" * 700_000), UNEXPECTED, "larger than 600,000 bytes"),
    "too large by chunks": (chunked(200, [b"x" * 50_000] * 14), UNEXPECTED, "larger than 600,000 bytes"),
    "too large without end": (
        raw(HEAD + b"\r\n" + b"x" * 700_000, keep=False),
        UNEXPECTED,
        "larger than 600,000 bytes",
    ),
    "too large once decoded": (
        answer(200, gzip.compress(b"x" * 700_000), content_encoding="gzip"),
        UNEXPECTED,
        "larger than 600,000 bytes",
    ),
}


@pytest.mark.parametrize(("exchange", "kind", "phrase"), BROKEN.values(), ids=BROKEN)
def test_a_reply_that_is_not_whole_is_a_failure_and_the_next_call_works(
    exchange: Exchange, kind: FaultKind, phrase: str, connect: Connect
) -> None:
    """A reply that is not whole is a failure within the read timeout, never NOT_SENT, and breaks no later call."""

    def check(read: float) -> None:
        with serving(exchange, otherwise=WHOLE) as server:
            transport = connect(server.url, read_timeout=read)
            started = time.monotonic()
            failure = lost(transport.send(REQUEST, ACCOUNT))
            took = time.monotonic() - started

            assert kind is failure.kind
            assert phrase in failure.message
            assert f"127.0.0.1:{server.port}" in failure.message
            assert took < 2 * read
            assert PNG == got(transport.send(REQUEST, ACCOUNT)).body
            assert 2 == len(server.requests)

    with_patience(check)


@pytest.mark.parametrize(
    "exchange",
    [
        drip(HEAD + b"content-length: 5000\r\n\r\n", b"x"),
        drip(HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        drip(HEAD + b"transfer-encoding: chunked\r\n\r\n1", b"0"),
        drip(HEAD + b"content-encoding: gzip\r\n\r\n" + gzip.compress(b"")[:3], b"\x00"),
        drip(HEAD + b"x-slow: ", b"x"),
        drip(HEAD, b"x: y\r\n"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["body", "chunks", "chunk size", "gzip head", "header", "headers", "provisional replies"],
)
def test_a_byte_now_and_then_does_not_stretch_the_read_timeout(exchange: Exchange, connect: Connect) -> None:
    """A reply that drips ends at the read timeout, in every part of it."""

    def check(read: float) -> None:
        with serving(exchange) as server:
            transport = connect(server.url, read_timeout=read)
            started = time.monotonic()
            failure = lost(transport.send(REQUEST, ACCOUNT))
            took = time.monotonic() - started

        assert NETWORK is failure.kind
        assert "in time" in failure.message
        assert 0.75 * read < took < 2 * read

    with_patience(check)


# The deadline

LIMIT = 0.3  # seconds, the deadline of the tests below
TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"
RECORD = b"\x16\x03\x03\x3f\xff"  # the beginning of a long piece of a handshake
NAMED = "https://api.example.invalid"
LARGE = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"x": "y" * 12_000_000})  # no buffer of a system holds it


@contextmanager
def silent_port() -> Iterator[int]:
    """Yield a port that neither accepts nor refuses a connection."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, ExitStack() as knocks:
        for _ in range(16):
            knock = knocks.enter_context(socket.socket())
            knock.settimeout(0.05)
            try:
                knock.connect(full.getsockname())
            except TimeoutError:
                break
        else:
            pytest.skip("the queue of this system can't be filled")
        yield full.getsockname()[1]


def ends_at_the_deadline(kind: FaultKind, transport: Urllib3Transport, request: ChartRequest = REQUEST) -> None:
    """Fetch with a deadline, and check that it held, and the kind of the failure."""

    def check(limit: float) -> None:
        started = time.monotonic()
        result = fetch_with_retries(
            transport=transport, request=request, accounts=[ACCOUNT], policy=RetryPolicy(deadline=limit)
        )

        assert 0.75 * limit < time.monotonic() - started < 2 * limit
        assert result.error is not None
        assert kind is result.error.kind

    with_patience(check, LIMIT)


@pytest.fixture
def look_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., list[str]]]:
    """Give names the addresses that a test chooses, or none until its end; return the names that were looked up."""
    ended, asked, known = threading.Event(), list[str](), socket.getaddrinfo

    def give(*ports: int) -> list[str]:
        def answer(host: str, port: int, family: int = 0, kind: int = 0, proto: int = 0, flags: int = 0) -> list[Any]:
            if flags & socket.AI_NUMERICHOST or host == "127.0.0.1":
                return known(host, port, family, kind, proto, flags)
            asked.append(host)
            if not ports:
                ended.wait(LONG)
            return [entry for port in ports for entry in known("127.0.0.1", port, family, kind)]

        monkeypatch.setattr(socket, "getaddrinfo", answer)
        return asked

    yield give
    ended.set()


Names = Callable[..., list[str]]


def test_the_look_up_of_a_name_is_inside_the_deadline(look_up: Names, connect: Connect) -> None:
    """A slow look-up ends at the deadline of the fetch, and fetches for one name share it."""
    asked, transport = look_up(), connect(NAMED)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: ends_at_the_deadline(NOT_SENT, transport), range(8)))

    assert ["api.example.invalid"] == asked


def test_a_name_is_looked_up_again_for_the_next_connection(
    look_up: Names, server: LoopbackServer, connect: Connect
) -> None:
    """A look-up that has ended is not used for a later connection."""
    asked, transport = look_up(server.port), connect(NAMED)
    for _ in range(3):
        lost(transport.send(REQUEST, ACCOUNT))

    assert 3 == len(asked)


def test_a_look_up_needs_no_thread(
    look_up: Names, server: LoopbackServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is looked up even where the system has no further thread."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    asked, transport = look_up(server.port), connect(NAMED)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        patch.setattr(server, "process_request", server.finish_request)
        started = time.monotonic()
        lost(transport.send(REQUEST, ACCOUNT, timeout=LIMIT))

    assert time.monotonic() - started < LONG / 2
    assert ["api.example.invalid"] == asked


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_looks_names_up_itself(look_up: Names, connect: Connect) -> None:
    """A child that is forked during a look-up of its parent does not wait for it."""
    asked, transport = look_up(), connect(NAMED)
    with ThreadPoolExecutor(1) as pool:
        parents = pool.submit(transport.send, REQUEST, ACCOUNT, timeout=LIMIT)
        eventually(lambda: bool(asked))
        pid = os.fork()
        if not pid:
            failed = True
            try:
                with socket.create_server(("127.0.0.1", 0)) as closed:
                    look_up(closed.getsockname()[1])
                message = lost(transport.send(REQUEST, ACCOUNT, timeout=LONG)).message
                failed = "no connection could be made" not in message
            finally:
                os._exit(failed)

        assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert "in time" in lost(parents.result()).message


def test_all_addresses_of_a_name_are_inside_the_deadline(look_up: Names, connect: Connect) -> None:
    """Six addresses that do not answer end together at the deadline of the fetch."""
    with silent_port() as port:
        look_up(*[port] * 6)

        ends_at_the_deadline(NOT_SENT, connect(NAMED))


def test_an_address_that_answers_is_found_among_those_that_do_not(
    look_up: Names, authority: Authority, connect: Connect
) -> None:
    """A name's one good address brings the picture, after one that is silent and one that refuses."""
    with silent_port() as silent, serving(otherwise=WHOLE, tls=authority.server) as server:
        with socket.create_server(("127.0.0.1", 0)) as closed:
            refusing = closed.getsockname()[1]
        look_up(refusing, silent, refusing, server.port)
        transport = connect(NAMED, ca_certs=str(authority.path))

        assert PNG == got(transport.send(REQUEST, ACCOUNT)).body


def test_a_name_without_an_address_is_not_sent(look_up: Names, connect: Connect) -> None:
    """A name with none but addresses that refuse is NOT_SENT."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        look_up(*[closed.getsockname()[1]] * 3)
    failure = lost(connect(NAMED).send(REQUEST, ACCOUNT))

    assert (NOT_SENT, True) == (failure.kind, "no connection could be made" in failure.message)


def dripping_handshake(connection: socket.socket, closing: threading.Event) -> bool:
    """Grant a CONNECT, and let the handshake at its other end drip."""
    connection.sendall(TUNNEL)
    connection.recv(65_536)
    return drip(RECORD, b"x")(connection, closing)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("exchange", [drip(TUNNEL[:-2], b"x: y\r\n"), dripping_handshake], ids=["tunnel", "handshake"])
def test_what_drips_through_a_proxy_is_inside_the_deadline(
    secure: bool,  # noqa: FBT001
    exchange: Exchange,
    authority: Authority,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A tunnel that drips, and a handshake that drips through a tunnel, end at the deadline of the fetch."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with serving(otherwise=exchange, tls=authority.server if secure else None) as server:
        monkeypatch.setenv("https_proxy", server.url)

        ends_at_the_deadline(NOT_SENT, connect(NAMED))
        assert ["CONNECT"] == [received.method for received in server.requests]


def test_a_handshake_that_drips_is_inside_the_deadline(server: LoopbackServer, connect: Connect) -> None:
    """A handshake that drips ends at the deadline of the fetch."""
    server.unasked = drip(RECORD, b"x")

    ends_at_the_deadline(NOT_SENT, connect(server.url.replace("http:", "https:")))


def test_a_reply_through_a_slow_tunnel_is_inside_the_deadline(
    authority: Authority, server: LoopbackServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time that a proxy took for the tunnel is not given to the reply again."""
    inside = tunnel(authority.server, [], stall())
    monkeypatch.setenv("https_proxy", behind(server))
    transport = connect(NAMED, ca_certs=str(authority.path))

    def check(limit: float) -> None:
        def slowly(connection: socket.socket, closing: threading.Event) -> bool:
            closing.wait(0.75 * limit)
            return inside(connection, closing)

        server.otherwise = slowly
        started = time.monotonic()

        assert NETWORK is lost(transport.send(REQUEST, ACCOUNT, timeout=limit)).kind
        assert time.monotonic() - started < 1.5 * limit

    with_patience(check, LIMIT)


@pytest.mark.parametrize("secure", [False, True])
def test_a_request_that_is_taken_slowly_is_inside_the_deadline(
    secure: bool,  # noqa: FBT001
    authority: Authority,
    connect: Connect,
) -> None:
    """A request that the server takes byte by byte ends at the deadline of the fetch."""
    with serving(tls=authority.server if secure else None) as server:
        server.unasked = sip

        ends_at_the_deadline(NETWORK, connect(server.url, ca_certs=str(authority.path)), LARGE)


def test_a_reply_that_drips_is_inside_the_deadline(server: LoopbackServer, connect: Connect) -> None:
    """A reply that drips ends at the deadline of the fetch."""
    server.otherwise = drip(HEAD + b"content-length: 5000\r\n\r\n", b"x")

    ends_at_the_deadline(NETWORK, connect(server.url))


def test_a_read_timeout_that_is_over_at_once_is_a_failure(server: LoopbackServer, connect: Connect) -> None:
    """A read timeout that is over at once is a failure, and the next call works."""
    failure = lost(connect(server.url, read_timeout=1e-9).send(REQUEST, ACCOUNT))

    assert NETWORK is failure.kind
    assert "in time" in failure.message
    assert PNG == got(connect(server.url).send(REQUEST, ACCOUNT)).body


def test_a_layout_has_a_minute_at_least(server: LoopbackServer, connect: Connect) -> None:
    """The documented minimum of the endpoint replaces a shorter read timeout; the deadline clips both."""
    transport = connect(server.url, read_timeout=1e-9)

    assert isinstance(transport.send(LayoutRequest("abc"), ACCOUNT), Reply)
    assert FaultKind.NOT_SENT is lost(transport.send(LayoutRequest("abc"), ACCOUNT, timeout=0.0)).kind


def test_what_is_left_of_the_deadline_clips_the_read_timeout(server: LoopbackServer, connect: Connect) -> None:
    """A call ends at its timeout, even if the read timeout is longer."""
    transport = connect(server.url)

    def check(limit: float) -> None:
        server.script[:] = [stall(), drip(HEAD + b"content-length: 5000\r\n\r\n", b"x")]
        for _ in range(2):
            started = time.monotonic()
            failure = lost(transport.send(REQUEST, ACCOUNT, timeout=limit))

            assert NETWORK is failure.kind
            assert 0.75 * limit < time.monotonic() - started < 2 * limit

    with_patience(check)


def test_a_longer_deadline_does_not_stretch_the_read_timeout(server: LoopbackServer, connect: Connect) -> None:
    """A call ends at the read timeout, even if its own timeout is longer."""
    server.script.append(stall())
    started = time.monotonic()
    lost(connect(server.url, read_timeout=0.1).send(REQUEST, ACCOUNT, timeout=LONG))

    assert time.monotonic() - started < LONG / 2


@pytest.mark.parametrize("left", [0.0, -1.0])
def test_a_call_whose_deadline_is_over_is_not_sent(left: float, server: LoopbackServer, connect: Connect) -> None:
    """A call whose deadline is over is a failure, and no request is sent."""
    assert NOT_SENT is lost(connect(server.url).send(REQUEST, ACCOUNT, timeout=left)).kind
    assert [] == server.requests


# Calls that never reach the provider


def test_a_refused_connection_is_not_sent(connect: Connect) -> None:
    """A refused connection is NOT_SENT, with the address."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    failure = lost(connect(f"http://127.0.0.1:{port}").send(REQUEST, ACCOUNT))

    assert NOT_SENT is failure.kind
    assert f"127.0.0.1:{port}" in failure.message


def test_a_name_that_is_not_found_is_not_sent(connect: Connect) -> None:
    """An unknown host name is NOT_SENT, with the name."""
    failure = lost(connect("https://nowhere.invalid").send(REQUEST, ACCOUNT))

    assert NOT_SENT is failure.kind
    assert "nowhere.invalid: the name of the server was not found" in failure.message


def test_a_connection_that_is_not_made_in_time_is_not_sent(connect: Connect) -> None:
    """A connection that a server does not accept in time is NOT_SENT."""
    with silent_port() as port:
        failure = lost(connect(f"http://127.0.0.1:{port}", connect_timeout=0.1).send(REQUEST, ACCOUNT))

    assert NOT_SENT is failure.kind
    assert "no connection was made in time" in failure.message


# TLS


@pytest.mark.parametrize(
    ("server_of", "known", "told"),
    [
        (
            "server",
            False,
            "is of an unknown issuer; install the issuer's certificate here, or name its file in SSL_CERT_FILE",
        ),
        ("stranger", True, "is for another"),
        ("expired", True, "has expired; check the clock"),
        ("early", True, "is not valid yet; check the clock"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_not_sent(
    server_of: str,
    known: bool,  # noqa: FBT001
    told: str,
    authority: Authority,
    connect: Connect,
) -> None:
    """A certificate that is not trusted is NOT_SENT, and the message says why, and what to do."""
    with serving(otherwise=WHOLE, tls=getattr(authority, server_of)) as server:
        failure = lost(connect(server.url, ca_certs=str(authority.path) if known else None).send(REQUEST, ACCOUNT))

        assert NOT_SENT is failure.kind
        assert f"the certificate of the server {told}" in failure.message
        assert [] == server.requests


def test_a_certificate_of_a_proxy_that_is_not_trusted_is_told_as_the_proxys(
    authority: Authority, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message tells the certificate of a proxy from that of the server."""
    with serving(tls=authority.server) as server:
        monkeypatch.setenv("https_proxy", server.url)
        failure = lost(connect(NAMED).send(REQUEST, ACCOUNT))

        assert NOT_SENT is failure.kind
        assert "the certificate of the proxy is of an unknown issuer" in failure.message
        assert [] == server.requests


def test_an_issuer_named_in_the_environment_is_trusted(
    authority: Authority, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remedy that the message names, SSL_CERT_FILE, brings the picture."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with serving(otherwise=WHOLE, tls=authority.server) as server:
        assert PNG == got(connect(server.url).send(REQUEST, ACCOUNT)).body


def test_a_trusted_certificate_brings_the_picture(authority: Authority, connect: Connect) -> None:
    """Calls with a trusted certificate bring the picture over one connection."""
    with serving(otherwise=WHOLE, tls=authority.server) as server:
        transport = connect(server.url, ca_certs=str(authority.path))
        for _ in range(3):
            assert PNG == got(transport.send(REQUEST, ACCOUNT)).body

        assert 1 == server.connections


def test_a_file_without_authorities_is_a_mistake_in_the_settings(tmp_path: Path) -> None:
    """A file of authorities that is missing or malformed is a ConfigError that names it."""
    (tmp_path / "empty.pem").write_text("nothing")
    for name in ("missing.pem", "empty.pem"):
        with pytest.raises(ConfigError, match=name):
            Urllib3Transport(ca_certs=str(tmp_path / name))


def test_a_server_without_tls_behind_https_is_not_sent(server: LoopbackServer, connect: Connect) -> None:
    """A server that does not speak TLS is NOT_SENT."""
    failure = lost(connect(server.url.replace("http:", "https:")).send(REQUEST, ACCOUNT))

    assert NOT_SENT is failure.kind
    assert [] == server.requests


def test_a_handshake_that_stalls_is_not_sent(connect: Connect) -> None:
    """A handshake that does not end in time is NOT_SENT."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"https://127.0.0.1:{silent.getsockname()[1]}"
        failure = lost(connect(address, connect_timeout=0.1).send(REQUEST, ACCOUNT))

    assert NOT_SENT is failure.kind
    assert "in time" in failure.message


def under_tls(connection: socket.socket, _: threading.Event) -> bool:
    """Begin a reply over TLS, and go on without encryption."""
    connection.sendall(HEAD + b"content-length: 5000\r\n\r\n")
    with socket.socket(fileno=os.dup(connection.fileno())) as beneath:
        beneath.sendall(b"\x00" * 64)
    return False


@pytest.mark.parametrize("exchange", [under_tls, cut(200, PNG, 20), reset()], ids=["noise", "cut", "reset"])
def test_an_encrypted_reply_that_breaks_is_a_failure_of_the_network(
    exchange: Exchange, authority: Authority, connect: Connect
) -> None:
    """An encrypted reply that breaks is NETWORK, and the next call works."""
    with serving(exchange, otherwise=WHOLE, tls=authority.server) as server:
        transport = connect(server.url, ca_certs=str(authority.path))

        assert NETWORK is lost(transport.send(REQUEST, ACCOUNT)).kind
        assert PNG == got(transport.send(REQUEST, ACCOUNT)).body


# Connections


def test_a_body_of_two_framings_ends_its_connection(server: LoopbackServer, connect: Connect) -> None:
    """A connection whose reply states a length and any transfer encoding has no further reply (RFC 9112, section 6.3)."""
    framed = b"content-length: 2\r\ntransfer-encoding: %s\r\n\r\nok"
    server.script += [raw(HEAD + framed % encoding) for encoding in (b"identity", b"\r\n chunked")]
    transport = connect(server.url)

    assert [b"ok", b"ok", PNG] == [got(transport.send(REQUEST, ACCOUNT)).body for _ in range(3)]
    assert 3 == server.connections


def test_calls_one_after_the_other_share_a_connection(server: LoopbackServer, connect: Connect) -> None:
    """Calls with whole replies of every kind share one connection."""
    server.script += [
        answer(422, b'{"message":"no"}'),
        chunked(200, [PNG]),
        answer(200, gzip.compress(PNG), content_encoding="gzip"),
        answer(204),
        answer(302, b"moved", location="/"),
        answer(500),
    ]
    transport = connect(server.url)
    for _ in range(20):
        got(transport.send(REQUEST, ACCOUNT))

    assert (20, 1) == (len(server.requests), server.connections)


def test_a_connection_the_server_has_closed_is_made_anew(server: LoopbackServer, connect: Connect) -> None:
    """A connection that the server has closed is replaced without a failure."""
    whole = HEAD + b"content-length: 2\r\n\r\nok"
    server.script += [raw(whole, keep=False)] * 3
    transport = connect(server.url)
    for _ in range(3):
        assert b"ok" == got(transport.send(REQUEST, ACCOUNT)).body
        eventually(lambda: server.connections == server.ended)

    assert 3 == server.connections


def test_many_threads_may_send_at_once(server: LoopbackServer, connect: Connect) -> None:
    """Calls of many threads are each made once, over at most one connection a thread."""
    transport = connect(server.url)

    def calls(thread: int) -> list[bool]:
        requests = [ChartRequest(f"T:{thread}", str(call), "t") for call in range(10)]
        return [PNG == got(transport.send(request, ACCOUNT)).body for request in requests]

    with ThreadPoolExecutor(8) as pool:
        assert [[True] * 10] * 8 == list(pool.map(calls, range(8)))
    assert 80 == len({received.body for received in server.requests})
    assert server.connections <= 8


def test_closing_ends_the_connections(server: LoopbackServer) -> None:
    """Closing the transport ends its idle connections."""
    ended = threading.Event()

    def watch(connection: socket.socket, closing: threading.Event) -> bool:
        WHOLE(connection, closing)
        connection.settimeout(LONG)
        if connection.recv(1) == b"":
            ended.set()
        return False

    server.script.append(watch)
    with Urllib3Transport(server.url, read_timeout=LONG) as transport:
        got(transport.send(REQUEST, ACCOUNT))
        assert not ended.is_set()

    assert ended.wait(LONG)


@pytest.mark.parametrize("stage", ["connection", "handshake", "head", "body", "last body", "encrypted body"])
def test_closing_cuts_a_call_under_way_off(stage: str, authority: Authority, connect: Connect) -> None:
    """A call in another thread fails at once when the transport is closed; if it was sent, its outcome is unknown."""
    begun, part = threading.Event(), b"content-length: 5000\r\n\r\n" + PNG[:20]
    last = HEAD + b"connection: close\r\n" + part
    sent = {"head": b"", "body": HEAD + part, "encrypted body": HEAD + part, "last body": last}

    def played(connection: socket.socket, closing: threading.Event) -> bool:
        connection.sendall(sent[stage])
        begun.set()
        closing.wait(LONG)
        return False

    with ExitStack() as stack:
        if stage == "connection":
            address = f"http://127.0.0.1:{stack.enter_context(silent_port())}"
        elif stage == "handshake":
            silent = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            address = f"https://127.0.0.1:{silent.getsockname()[1]}"
        else:
            tls = authority.server if stage == "encrypted body" else None
            address = stack.enter_context(serving(played, tls=tls)).url
        transport = connect(address, ca_certs=str(authority.path))
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(transport.send, REQUEST, ACCOUNT)
            begun.wait(LONG if stage in sent else 0.0)
            time.sleep(0.05)  # up to the next read
            started = time.monotonic()
            transport.close()
            kind = lost(call.result(LONG)).kind

    assert (NETWORK if stage in sent else NOT_SENT) is kind
    assert time.monotonic() - started < LONG / 2


def test_closing_ends_the_wait_for_a_name(look_up: Names, connect: Connect) -> None:
    """A call that waits for the look-up of a name ends when the transport is closed, and so does one that begins then."""
    asked, transport = look_up(), connect(NAMED)
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(transport.send, REQUEST, ACCOUNT)
        eventually(lambda: bool(asked))
        transport.close()

        assert NOT_SENT is lost(call.result(LONG / 2)).kind


def test_a_connection_that_is_made_after_closing_is_refused() -> None:
    """A dialer that has cut off makes no connection, neither to an address nor to a name."""
    dialer = Dialer()
    dialer.cut_off()
    with socket.create_server(("127.0.0.1", 0)) as server:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(ConnectionAbortedError):
                dialer.connect(host, server.getsockname()[1], time.monotonic() + LONG, ())


def test_a_call_after_closing_is_a_failure_and_no_exception(server: LoopbackServer) -> None:
    """A call after closing is a failure, and closing again does no harm."""
    transport = Urllib3Transport(server.url)
    transport.close()
    transport.close()

    assert NOT_SENT is lost(transport.send(REQUEST, ACCOUNT)).kind
    assert [] == server.requests


# Proxies


def tunnel(tls: ssl.SSLContext, played: list[bytes], exchange: Exchange = WHOLE) -> Exchange:
    """Grant a CONNECT, and answer with the picture at its other end."""

    def play(connection: socket.socket, closing: threading.Event) -> bool:
        connection.sendall(TUNNEL)
        with tls.wrap_socket(connection, server_side=True) as inner:
            played.append(inner.recv(65536))
            while REQUEST.encoded not in played[-1]:
                played[-1] += inner.recv(65536)
            exchange(inner, closing)
        return False

    return play


def relay(port: int, pause: float = 0) -> Exchange:
    """Grant a CONNECT, and carry the bytes of both sides to the other, that on *port*; gather them for *pause* seconds."""

    def carry(source: socket.socket, target: socket.socket) -> None:
        while data := source.recv(65_536):
            if pause and b"\x17\x03" == data[:2]:
                time.sleep(pause)
                source.settimeout(0)
                with suppress(BlockingIOError, ssl.SSLWantReadError):
                    data += source.recv(65_536)
                source.settimeout(None)
            target.sendall(data)

    def carry_back(far: socket.socket, near: socket.socket) -> None:
        with suppress(OSError, ValueError):  # one side has gone
            carry(far, near)

    def play(connection: socket.socket, closing: threading.Event) -> bool:
        connection.sendall(TUNNEL)
        with socket.create_connection(("127.0.0.1", port)) as far:
            threading.Thread(target=carry_back, args=(far, connection), daemon=True).start()
            carry(connection, far)
        return False

    return play


def behind(server: LoopbackServer, login: str = "") -> str:
    """Return the address of *server* as a proxy."""
    return f"http://{login}127.0.0.1:{server.port}"


@pytest.mark.parametrize("variable", ["https_proxy", "HTTPS_PROXY", "all_proxy"])
@pytest.mark.parametrize("scheme", [True, False])
def test_the_proxy_of_the_environment_is_asked_for_a_tunnel(
    variable: str,
    scheme: bool,  # noqa: FBT001
    server: LoopbackServer,
    authority: Authority,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A call goes through a tunnel of the proxy, and the proxy never sees the key."""
    inside: list[bytes] = []
    server.script.append(tunnel(authority.server, inside))
    address = behind(server)
    monkeypatch.setenv(variable, address if scheme else address.removeprefix("http://"))
    transport = connect("https://api.example.invalid", ca_certs=str(authority.path))

    assert PNG == got(transport.send(REQUEST, ACCOUNT)).body
    (received,) = server.requests
    assert ("CONNECT", "api.example.invalid:443") == (received.method, received.target)
    assert KEY.encode() not in received.wire
    assert f"x-api-key: {KEY}".encode() in inside[0]
    assert b"\r\nhost: api.example.invalid\r\n" in inside[0]


def test_calls_through_an_encrypted_proxy_bring_pictures_over_one_connection(
    authority: Authority, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An https proxy is asked for one tunnel, and never sees the key."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with serving(otherwise=answer(200, NOISE), tls=authority.server) as server:
        with serving(otherwise=relay(server.port), tls=authority.server) as proxy:
            monkeypatch.setenv("https_proxy", proxy.url)
            transport = connect(NAMED)

            assert [NOISE] * 3 == [got(transport.send(REQUEST, ACCOUNT)).body for _ in range(3)]
            transport.close()
        assert ["CONNECT"] == [received.method for received in proxy.requests]
        assert [KEY] * 3 == server.keys


def twice(connection: socket.socket, _: threading.Event) -> bool:
    """Answer one request with two replies, each in a record of its own."""
    WHOLE(connection, _)
    answer(200, b"unasked")(connection, _)
    return True


def test_a_second_reply_through_an_encrypted_proxy_answers_no_later_request(
    authority: Authority, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second reply that came together with the first one, through an https proxy, is never that to the next request."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    with (
        serving(twice, otherwise=WHOLE, tls=authority.server) as server,
        serving(otherwise=relay(server.port, pause=0.05), tls=authority.server) as proxy,
    ):
        monkeypatch.setenv("https_proxy", proxy.url)
        transport = connect(NAMED)

        assert [PNG] * 2 == [got(transport.send(REQUEST, ACCOUNT)).body for _ in range(2)]
        transport.close()


@pytest.mark.parametrize(
    ("login", "shown"),
    [
        (f"user:{SECRET}@", f"user:{SECRET}"),
        ("user@", "user:"),
        (f"us%40er:{SECRET}%2F%3A@", f"us@er:{SECRET}/:"),
    ],
)
@pytest.mark.parametrize(
    ("status", "told"),
    [
        (407, "the proxy wants another login; set HTTPS_PROXY to http://user:password@host:port"),
        (403, "the proxy forbids this server; have it allowed there, or name the server in NO_PROXY"),
        (502, "the proxy could not reach the server; check the name of the server"),
        (503, "the proxy could not reach the server"),
        (504, "the proxy could not reach the server"),
        (400, "the proxy refused; check HTTPS_PROXY"),
    ],
)
def test_a_proxy_that_refuses_is_not_sent_and_its_password_not_shown(
    login: str,
    shown: str,
    status: int,
    told: str,
    server: LoopbackServer,
    connect: Connect,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A proxy that refuses is NOT_SENT with the reason and the remedy; only the proxy gets the decoded login."""
    server.otherwise = answer(status)
    monkeypatch.setenv("https_proxy", behind(server, login))
    failure = lost(connect("https://api.example.invalid").send(REQUEST, ACCOUNT))

    assert NOT_SENT is failure.kind
    assert told in failure.message
    assert f"(HTTP {status})" in failure.message
    assert SECRET not in repr(failure)
    expected = base64.b64encode(shown.encode()).decode()
    assert f"Basic {expected}" == server.requests[0].headers["proxy-authorization"]


@pytest.mark.parametrize("exchange", [stall(), reset(), raw(b"garbage\r\n\r\n", keep=False)])
def test_a_proxy_that_fails_is_not_sent(
    exchange: Exchange, server: LoopbackServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proxy that fails before the tunnel stands is NOT_SENT."""
    server.script.append(exchange)
    monkeypatch.setenv("https_proxy", behind(server, f"user:{SECRET}@"))
    failure = lost(connect("https://api.example.invalid", connect_timeout=0.2).send(REQUEST, ACCOUNT))

    assert NOT_SENT is failure.kind
    assert SECRET not in repr(failure)


def test_a_proxy_that_is_down_is_not_sent(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is down is NOT_SENT; the message names the proxy without its password."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://user:{SECRET}@127.0.0.1:{port}")
    failure = lost(connect("https://api.example.invalid").send(REQUEST, ACCOUNT))

    assert NOT_SENT is failure.kind
    assert "proxy" in failure.message
    assert SECRET not in repr(failure)


def test_a_proxy_whose_name_can_not_be_one_is_not_sent(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy with a label that is too long for a name is NOT_SENT."""
    monkeypatch.setenv("https_proxy", f"http://{'a' * 70}:3128")
    failure = lost(connect(NAMED).send(REQUEST, ACCOUNT))

    assert (NOT_SENT, True) == (failure.kind, "the proxy could not be reached" in failure.message)


@pytest.mark.parametrize("exempt", ["api.example.invalid", "*.example.invalid", "a, api.example.invalid:443", "*"])
def test_a_host_that_is_exempt_from_the_proxy_is_called_directly(
    exempt: str, server: LoopbackServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host in no_proxy is called directly."""
    monkeypatch.setenv("https_proxy", behind(server))
    monkeypatch.setenv("no_proxy", exempt)
    failure = lost(connect("https://api.example.invalid").send(REQUEST, ACCOUNT))

    assert "name of the server was not found" in failure.message
    assert [] == server.requests


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_no_proxy_is_used_for_this_machine(
    host: str, server: LoopbackServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls to this machine never go through a proxy."""
    with serving() as proxy:
        for variable in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(variable, behind(proxy))

        assert PNG == got(connect(f"http://{host}:{server.port}").send(REQUEST, ACCOUNT)).body
        assert [] == proxy.requests


@pytest.mark.parametrize(
    "proxy",
    [
        f"socks5://user:{SECRET}@127.0.0.1:1080",
        f"ftp://user:{SECRET}@127.0.0.1",
        "http://",
        f"http://user:{SECRET}@127.0.0.1:port",
        f"http://user:{SECRET}@[::1",
    ],
)
def test_a_proxy_that_can_not_be_used_is_a_mistake_in_the_settings(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A malformed proxy is a ConfigError that does not repeat its password."""
    monkeypatch.setenv("https_proxy", proxy)
    with pytest.raises(ConfigError, match="proxy") as refusal:
        Urllib3Transport("https://api.example.invalid")

    assert SECRET not in str(refusal.value)
