"""The limits of a gateway: heads, queries, sessions of callers, and what strangers may learn and cost."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator

import pytest

from chartimg.testing import EmulatedAccount, EmulatedSession, Emulator, Rule, emulator
from gateway import Served, gateway
from places import FIXTURES

CHART = "/v2/tradingview/advanced-chart"
BODY = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "width": 400, "height": 300}
PICTURE = "/charts/BINANCE:BTCUSDT/1h/price_psar_adi_v1.png"
SESSION = EmulatedSession("canary-session", "canary-sign")
HOSTS = {"tradingview_session_id": "canary-session", "tradingview_session_id_sign": "canary-sign"}
CALLERS = {"tradingview_session_id": "canary-caller", "tradingview_session_id_sign": "canary-callers-sign"}
TOKEN = "canary-token-of-node"
SECRETS = {"x-api-key": "canary-key", "tradingview-session-id": ["canary-session", "canary-sign"]}


@pytest.fixture(scope="module")
def mocked() -> Iterator[Served]:
    """Yield a gateway in mock mode."""
    with gateway({"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(FIXTURES)}) as served:
        yield served


@pytest.fixture(scope="module")
def provider() -> Iterator[Emulator]:
    """Yield a provider that knows a session."""
    account = EmulatedAccount("main", "canary-key", 20, "BASIC", 1000.0, 1000)
    with emulator(account, sessions=[SESSION]) as running:
        yield running


def sent(served: Served, data: bytes) -> bytes:
    """Send *data*, and return all that comes until the gateway closes the connection."""
    with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), 30) as caller:
        caller.sendall(data)
        return b"".join(iter(lambda: caller.recv(65536), b""))


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("frehs=candle", "no parameter 'frehs'; did you mean fresh?"),
        ("_=1732800000", "no parameter '_'; the one parameter is fresh"),
        ("fresh=candle&fresh=off", "fresh more than once"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_misspelt_query_is_refused(mocked: Served, method: str, query: str, words: str) -> None:
    """A parameter that the gateway would ignore is a 422 with the nearest name, for HEAD too."""
    reply = mocked.ask(method, f"{PICTURE}?{query}")

    assert 422 == reply.status
    assert method == "HEAD" or words in reply.json()["message"]


def test_a_misspelt_header_is_refused(mocked: Served) -> None:
    """A header of the gateway's own that it would ignore is a 422 with the nearest name."""
    near = mocked.ask("POST", CHART, BODY, x_chartimg_frehs="candle")
    other = mocked.ask("POST", f"{CHART}/storage", BODY, x_chartimg_source="HTTP")

    assert (422, "there is no header 'x-chartimg-frehs'; did you mean x-chartimg-fresh?") == (
        near.status,
        near.json()["message"],
    )
    assert (422, "there is no header 'x-chartimg-source'; the one header is x-chartimg-fresh") == (
        other.status,
        other.json()["message"],
    )


@pytest.mark.parametrize("bytes_of_head", [17_000, 60_000])
@pytest.mark.parametrize("path", ["/healthz", CHART, "/nowhere"])
def test_a_large_head_is_a_431(mocked: Served, bytes_of_head: int, path: str) -> None:
    """A head over 16 KiB is a 431 in the provider's shape on each path, whether it comes whole or in parts."""
    reply = mocked.ask("GET", path, x_filler="a" * bytes_of_head)

    assert (431, {"message": "the head is larger than 16,384 bytes"}) == (reply.status, reply.json())


def test_a_long_address_is_a_431(mocked: Served) -> None:
    """An address counts as a part of the head."""
    assert 431 == mocked.ask("GET", f"/charts/{'A' * 17_000}/1h/x.png").status


@pytest.mark.parametrize(
    "data", [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nhost: x\r\nfiller: ".ljust(64 * 1024 + 1, b"a")]
)
def test_a_head_that_cannot_be_read_is_a_400(mocked: Served, data: bytes) -> None:
    """A head that is not HTTP/1.1 or does not end is a 400 in the provider's shape, and the connection is closed."""
    head, _, body = sent(mocked, data).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/json" in head
    assert {"message": "Invalid HTTP request received."} == json.loads(body)


def test_a_session_of_a_caller_is_refused_with_words(provider: Emulator) -> None:
    """A caller's own session is refused without a call and not shown; that of the gateway itself passes."""
    own = json.dumps({"sessionId": "canary-session", "sessionIdSign": "canary-sign"})
    with (
        gateway(provider.environ) as plain,
        gateway({**provider.environ, "CHARTS_TRADINGVIEW_SESSION_JSON": own}) as signed_in,
    ):
        refused = [
            each.ask("POST", CHART, BODY, **session)
            for each, session in (
                (plain, CALLERS),
                (plain, HOSTS),
                (signed_in, CALLERS),
                (signed_in, {**HOSTS, "tradingview_session_id": "x"}),
            )
        ]
        refused.append(plain.ask("GET", PICTURE, **CALLERS))
        before = provider.ledger().accounts["main"].total.charged
        passed = signed_in.ask("POST", CHART, BODY, **HOSTS)

    assert [(403, "SESSION_REJECTED")] * 5 == [(each.status, each.headers["x-chartimg-kind"]) for each in refused]
    assert all("CHARTS_TRADINGVIEW_SESSION_JSON" in each.json()["message"] for each in refused)
    assert not any("canary" in each.data.decode() + str(each.headers) for each in refused)
    assert (0, 200) == (before, passed.status)


@pytest.mark.parametrize("status", [403, 422, 500])
def test_no_answer_and_no_log_holds_a_key_or_a_session(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """If the provider repeats the key and the session in an error, no path answers them, and no line of the log has them."""
    caplog.set_level(logging.DEBUG)
    told = {
        "message": "key canary-key, session canary-session canary-sign",
        "errors": [{"msg": "canary-key", "value": SECRETS}],
    }
    own = json.dumps({"sessionId": "canary-session", "sessionIdSign": "canary-sign"})
    settings = {"CHARTS_TRADINGVIEW_SESSION_JSON": own, "CHARTS_OUTAGE": "off", "CHARTS_MAX_ATTEMPTS": "1"}
    account = EmulatedAccount("main", "canary-key", 20, "BASIC", 1000.0, 1000)
    with (
        emulator(account, sessions=[SESSION], rules=[Rule(status=status, body=told)]) as echoing,
        gateway({**echoing.environ, **settings}) as served,
    ):
        paths = (CHART, f"{CHART}/storage", "/v2/tradingview/layout-chart/a1")
        replies = [served.ask("POST", path, {**BODY, "width": 401}) for path in paths]
        replies += [served.ask("GET", path) for path in (PICTURE, "/accounts", "/healthz", "/openapi.json")]
        calls = echoing.ledger().accounts["main"].total.charged

    assert calls >= 1
    assert not any("canary" in f"{each.headers} {each.data.decode()}" for each in replies)
    ours = [each.getMessage() for each in caplog.records if each.name != "chartimg.emulator"]  # the provider's own
    assert ours
    assert "canary" not in "\n".join(ours)


def test_more_requests_at_once_than_allowed_are_a_503(monkeypatch: pytest.MonkeyPatch, mocked: Served) -> None:
    """A request beyond the limit of those at once is a 503 in the provider's shape, with a pause."""
    monkeypatch.setattr("chartimg.app.gateway.server._MAX_AT_ONCE", 0)
    reply = mocked.ask("GET", PICTURE)

    assert (503, {"message": "Service Unavailable"}, "1") == (reply.status, reply.json(), reply.headers["retry-after"])


def test_a_session_passes_where_none_is_sent(mocked: Served) -> None:
    """In mock mode a caller's session is ignored, so that a host is tested as it is."""
    assert 200 == mocked.ask("GET", PICTURE, **CALLERS).status


def test_health_reads_no_store_for_strangers(provider: Emulator) -> None:
    """Without a token the health says that the gateway answers; with one, that the store can't be reached."""
    environ = {
        **provider.environ,
        "CHARTS_ACCOUNT_STORE": "redis://127.0.0.1:1",
        "CHARTS_GATEWAY_TOKENS": json.dumps({"node": TOKEN}),
    }
    with gateway(environ) as served:
        stranger, known = served.ask("GET", "/healthz"), served.ask("GET", "/healthz", token=TOKEN)

    assert [200, 503] == [stranger.status, known.status]
