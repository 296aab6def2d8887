"""The scenarios of the library hold from the public names down to real HTTP on loopback."""

from __future__ import annotations

import json
import socket
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

import chartimg
from chartimg import Account, ChartApiResult, ChartClient, ChartRequest, ErrorCode, FaultKind, RetryPolicy, WorkerConfig
from chartimg.adapters.http import Urllib3Transport
from chartimg.testing import VirtualClock, picture
from command import eventually, run_python
from loopback import Exchange, LoopbackServer, answer, cut, reset, stall
from rows import for_each
from variables import accounts_json, calling

PNG = picture()
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"theme": "dark"})
FILE = "BINANCE_BTCUSDT__1h__price_v1"
CANARY = "canary-key-7f3a9"
ACCOUNTS = [Account(f"a{n}", f"{CANARY}-{n}") for n in range(5)]
THROTTLED = answer(429, b'{"message":"Too Many Requests"}', content_type="application/json")
SPENT = answer(429, b'{"message":"Limit Exceeded"}', content_type="application/json")
FAULT = answer(500, b'{"message":"Something Went Wrong"}', content_type="application/json")


def settings(server: LoopbackServer, folder: Path, mode: str = "real", count: int = 1) -> dict[str, str]:
    """Return the settings that point a client with *count* accounts at *server* and *folder*."""
    return calling(server.url, *ACCOUNTS[:count], CHARTS_API_MODE=mode, CHARTS_FIXTURES_DIR=str(folder))


def client(environ: Mapping[str, str], policy: RetryPolicy | None = None) -> ChartClient:
    """Return a client with waits that take no time."""
    return ChartClient(WorkerConfig.from_env(environ), policy=policy, clock=VirtualClock())


def with_two_attempts(transport: Urllib3Transport, count: int = 1) -> ChartApiResult:
    """Return the result of a fetch of two calls at most, on *count* accounts."""
    policy, clock, pool = RetryPolicy(max_attempts=2), VirtualClock(), ACCOUNTS[:count]
    return chartimg.fetch_with_retries(transport=transport, request=REQUEST, accounts=pool, policy=policy, clock=clock)


def verdict(result: ChartApiResult) -> tuple[ErrorCode, FaultKind, bool]:
    """Return code, kind and retriability of a failed fetch."""
    assert result.error is not None
    assert result.png_bytes is None
    return result.error.code, result.error.kind, result.error.retriable


def test_1_real_mode_gives_the_bytes_of_the_png(server: LoopbackServer, tmp_path: Path) -> None:
    """A whole PNG over HTTP is the result, and the call carried the documented request."""
    server.script.append(answer(200, PNG, content_type="image/png"))
    with ChartClient.from_env(settings(server, tmp_path)) as real:
        result = real.fetch(REQUEST)

    assert PNG == result.unwrap()
    assert (200, "HTTP", "a0") == (result.http_status, result.source, result.account_id)
    assert 1 == len(result.attempts)
    (received,) = server.requests
    assert ("POST", "/v2/tradingview/advanced-chart") == (received.method, received.target)
    assert f"{CANARY}-0" == received.headers["x-api-key"]
    assert received.headers["user-agent"].startswith("chartimg/")
    body = {"symbol": "BINANCE:BTCUSDT", "interval": "1h", "theme": "dark", "timezone": "Etc/UTC"}
    assert body == json.loads(received.body)


def _flipped(png: bytes) -> bytes:
    """Return *png* with one bit of its image data flipped."""
    place = png.index(b"IDAT") + 8
    return png[:place] + bytes([png[place] ^ 1]) + png[place + 1 :]


@pytest.mark.parametrize(
    "body",
    [
        b"<html><body>Bad gateway</body></html>",
        b'{"url": "https://r2.example/chart.png"}',
        b"",
        PNG[:-30],
        _flipped(PNG),
    ],
    ids=["html", "json", "empty", "cut off in the middle", "one byte flipped"],
)
def test_2_a_200_without_a_whole_png_fails_for_good(server: LoopbackServer, tmp_path: Path, body: bytes) -> None:
    """A body that is not a whole picture is a final error after one call, and never a picture."""
    server.script.append(answer(200, body, content_type="image/png"))
    result = client(settings(server, tmp_path)).fetch(REQUEST)

    assert (ErrorCode.CHART_API_FAILED, FaultKind.BAD_IMAGE, False) == verdict(result)
    assert 1 == len(server.requests)


def test_3_mock_mode_finds_a_fixture_by_its_name(tmp_path: Path) -> None:
    """A picture that a person put under the documented name is the result."""
    (tmp_path / f"{FILE}.png").write_bytes(PNG)
    result = client({"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": str(tmp_path)}).fetch(REQUEST)

    assert (PNG, 200, True) == (result.png_bytes, result.http_status, result.from_fixture)
    assert tmp_path / f"{FILE}.png" == result.fixture_path


def test_4_mock_mode_without_a_fixture_says_what_is_missing(server: LoopbackServer, tmp_path: Path) -> None:
    """The error names the key, the path, the nearest fixture and the command that records it, and no call is made."""
    (tmp_path / "BINANCE_BTCUSDT__4h__price_v1.png").write_bytes(PNG)
    result = client(settings(server, tmp_path, "mock")).fetch(REQUEST)

    assert (ErrorCode.CHART_API_MOCK_MISSING, FaultKind.FIXTURE_MISSING, False) == verdict(result)
    for part in (
        "BINANCE:BTCUSDT 1h price_v1",
        str(tmp_path / f"{FILE}.png"),
        "BINANCE_BTCUSDT__4h__price_v1",
        "CHARTS_API_MODE=record chartimg fetch BINANCE:BTCUSDT 1h --template price_v1",
    ):
        assert part in str(result.error)
    assert not result.from_fixture
    assert [] == server.requests


class _UnreadableKeys(dict[str, str]):
    """Settings that fail if the accounts are read."""

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        assert name != "CHART_IMG_ACCOUNTS_JSON", "mock mode read the keys"
        return super().get(name, default)


def test_5_mock_mode_touches_no_network_key_or_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mock mode works with sealed sockets, unreadable keys and a store that can't be opened."""

    def sealed(*_: object, **__: object) -> None:
        raise AssertionError("mock mode opened a socket")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, sealed)
    (tmp_path / f"{FILE}.png").write_bytes(PNG)
    environ = _UnreadableKeys(
        CHARTS_API_MODE="mock",
        CHARTS_FIXTURES_DIR=str(tmp_path),
        CHART_IMG_ACCOUNTS_JSON="not even JSON",
        CHARTS_ACCOUNT_STORE="sqlite:////proc/nowhere/accounts.sqlite3",
    )
    with ChartClient.from_env(environ) as mock:
        found, missing = mock.fetch(REQUEST), mock.fetch(ChartRequest("A:B", "1D", "price_v1"))

    assert found.ok
    assert ErrorCode.CHART_API_MOCK_MISSING == verdict(missing)[0]


def test_5_the_command_in_mock_mode_touches_no_network_either(tmp_path: Path) -> None:
    """A process with sealed sockets fetches from fixtures, loads no HTTP client and leaves no account file."""
    (tmp_path / "fixtures").mkdir()
    (tmp_path / "fixtures" / "BINANCE_BTCUSDT__1h__price_psar_adi_v1.png").write_bytes(PNG)
    seal = """
        import socket, sys
        def sealed(*_, **__):
            raise AssertionError("mock mode opened a socket")
        socket.socket = socket.create_connection = socket.getaddrinfo = sealed
        sys.argv = ["chartimg", "fetch", "BTCUSDT", "1h", "--template", "price_psar_adi_v1", "--out", "chart.png"]
        from chartimg.__main__ import main
        try:
            main()
        finally:
            loaded = {"urllib3", "http.client", "ssl", "sqlite3"} & set(sys.modules)
            assert not loaded, f"mock mode loaded {loaded}"
    """
    child = run_python(
        textwrap.dedent(seal),
        cwd=tmp_path,
        CHARTS_API_MODE="mock",
        CHARTS_FIXTURES_DIR=str(tmp_path / "fixtures"),
        CHART_IMG_ACCOUNTS_JSON=accounts_json(*ACCOUNTS),
    )

    assert (0, "") == (child.returncode, child.stderr)
    assert PNG == (tmp_path / "chart.png").read_bytes()
    assert not (tmp_path / "home").exists()


def test_6_record_mode_saves_a_picture_and_replays_it_without_a_call(server: LoopbackServer, tmp_path: Path) -> None:
    """The first request is a call, and the second has the same bytes from the file of the first."""
    server.script.append(answer(200, PNG))
    recorder = client(settings(server, tmp_path, "record"))
    first, second = recorder.fetch(REQUEST), recorder.fetch(REQUEST)

    assert PNG == first.png_bytes == second.png_bytes == (tmp_path / f"{FILE}.png").read_bytes()
    assert (False, True) == (first.from_fixture, second.from_fixture)
    assert 1 == len(server.requests)
    assert (tmp_path / f"{FILE}.meta.json").is_file()


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "Invalid Symbol"}',
        b'[{"value":"9h","msg":"Invalid value","param":"interval","location":"body"}]',
        b"<h1>Unprocessable</h1>",
        b"",
    ],
    ids=["an object with spaces", "an array", "no JSON", "nothing"],
)
def test_6_record_mode_saves_a_terminal_error_byte_for_byte(
    server: LoopbackServer, tmp_path: Path, body: bytes
) -> None:
    """An error of the request is replayed as the same error, without a call."""
    server.script.append(answer(422, body, content_type="application/json"))
    recorder = client(settings(server, tmp_path, "record"))
    first, second = recorder.fetch(REQUEST), recorder.fetch(REQUEST)

    assert first.error is not None
    assert first.error == second.error
    assert (422, False, True) == (second.http_status, first.from_fixture, second.from_fixture)
    assert 1 == len(server.requests)
    (saved,) = tmp_path.glob(f"{FILE}__422*.json")
    assert 422 == json.loads(saved.read_bytes())["status"]


@pytest.mark.parametrize("exchange", [FAULT, SPENT, answer(403, b'{"message":"Forbidden"}'), reset()])
def test_6_record_mode_saves_no_transient_failure(server: LoopbackServer, tmp_path: Path, exchange: Exchange) -> None:
    """A failure of the service or of one account leaves no file."""
    server.otherwise = exchange
    recorder = client(settings(server, tmp_path, "record"), RetryPolicy(max_attempts=1))
    assert not recorder.fetch(REQUEST).ok

    assert [] == list(tmp_path.iterdir())


@for_each(
    "environment",
    [
        *({"TDA_ENV": "prod"}, {"TDA_ENV": "PROD"}, {"ENV": "production"}, {"ENV": "PRODUCTION"}),
        *({"TDA_ENV": "Production", "ENV": "dev"}, {"TDA_ENV": "", "ENV": "prod"}),
    ],
)
@for_each("mode", ["record", "RECORD"])
def test_7_record_mode_is_refused_in_production(environment: dict[str, str], mode: str) -> None:
    """Settings that would record in production are a ConfigError that names both variables."""
    environ = {"CHARTS_API_MODE": mode, "CHART_IMG_ACCOUNTS_JSON": accounts_json(*ACCOUNTS), **environment}
    with pytest.raises(chartimg.ConfigError, match=r"CHARTS_API_MODE=record .*ENV="):
        WorkerConfig.from_env(environ)


@pytest.mark.parametrize("status", [400, 401, 404, 405, 409, 413, 418, 422])
def test_8_a_4xx_is_final_after_one_call(server: LoopbackServer, tmp_path: Path, status: int) -> None:
    """An error that belongs to the request is not retried, however many attempts and accounts there are."""
    server.otherwise = answer(status, b'{"message":"Invalid Request"}', content_type="application/json")
    result = client(settings(server, tmp_path, count=3)).fetch(REQUEST)

    assert (ErrorCode.CHART_API_FAILED, FaultKind.INVALID_REQUEST, False) == verdict(result)
    assert status == result.http_status
    assert "Invalid Request" in str(result.error)
    assert 1 == len(server.requests)


@pytest.mark.parametrize(
    ("exchange", "kind"),
    [
        (FAULT, FaultKind.SERVICE_UNAVAILABLE),
        (answer(504, b'{"message":"Endpoint request timed out"}'), FaultKind.SERVICE_UNAVAILABLE),
        (answer(408), FaultKind.SERVICE_UNAVAILABLE),
        (reset(), FaultKind.NETWORK),
        (reset(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhalf"), FaultKind.NETWORK),
        (cut(200, PNG, len(PNG) // 2), FaultKind.NETWORK),
    ],
    ids=["500", "504", "408", "reset", "reset in the body", "body cut short"],
)
def test_9_a_failure_of_the_service_is_retried_and_then_fails(
    server: LoopbackServer, tmp_path: Path, exchange: Exchange, kind: FaultKind
) -> None:
    """Exactly three calls are made, and the last error is the result, marked retriable."""
    server.otherwise = exchange
    result = client(settings(server, tmp_path, count=2)).fetch(REQUEST)

    assert (ErrorCode.CHART_API_FAILED, kind, True) == verdict(result)
    assert 3 == len(server.requests) == len(result.attempts)


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhalf"])
def test_9_a_reply_that_does_not_come_in_time_is_retried(server: LoopbackServer, begun: bytes) -> None:
    """A server that stalls before the headers or in the body is a network failure after the read timeout."""
    server.otherwise = stall(begun)
    result = with_two_attempts(Urllib3Transport(server.url, read_timeout=0.15))

    assert (ErrorCode.CHART_API_FAILED, FaultKind.NETWORK, True) == verdict(result)
    eventually(lambda: len(server.requests) == 2)
    assert 2 == len(server.requests)


def test_10_attempts_are_counted_over_all_accounts(server: LoopbackServer) -> None:
    """With max_attempts=2 and five accounts exactly two calls are made."""
    server.otherwise = FAULT
    result = with_two_attempts(Urllib3Transport(server.url), count=5)

    assert not result.ok
    assert 2 == len(server.requests) == len(result.attempts)


def test_11_a_spent_account_is_left_alone_and_the_next_one_serves(server: LoopbackServer, tmp_path: Path) -> None:
    """After Limit Exceeded the second account brings the picture, and later requests go straight to it."""
    server.script.append(SPENT)
    server.otherwise = answer(200, PNG)
    worker = client(settings(server, tmp_path, count=2))
    results = [worker.fetch(REQUEST) for _ in range(3)]

    assert [True, True, True] == [result.ok for result in results]
    assert [f"{CANARY}-{n}" for n in (0, 1, 1, 1)] == server.keys


def test_11_a_throttled_account_only_cools_down(server: LoopbackServer, tmp_path: Path) -> None:
    """After Too Many Requests the second account serves at once, and the first is called again once it has rested."""
    server.script.append(THROTTLED)
    server.otherwise = answer(200, PNG)
    clock = VirtualClock()
    worker = ChartClient(WorkerConfig.from_env(settings(server, tmp_path, count=2)), clock=clock)
    assert worker.fetch(REQUEST).ok
    clock.advance(10)
    assert worker.fetch(REQUEST).ok

    assert [f"{CANARY}-{n}" for n in (0, 1, 0)] == server.keys
