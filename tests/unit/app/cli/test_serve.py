"""The command ``chartimg serve``: what it refuses, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import threading
from pathlib import Path

import pytest
import urllib3

from chartimg.testing import EmulatedAccount, Rule, emulator
from command import call, eventually, start_anew
from fetching import refused
from redis_server import free_port

MOCK = {"CHARTS_API_MODE": "mock", "CHARTS_FIXTURES_DIR": "fixtures"}
BODY = json.dumps({"symbol": "BINANCE:BTCUSDT", "interval": "1h", "width": 400, "height": 300}).encode()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "charts.example"])
def test_an_address_that_others_reach_needs_tokens(host: str, tmp_path: Path) -> None:
    """Without tokens only a loopback address is served, since anybody else could spend the units."""
    (line,) = refused(call("serve", "--host", host, cwd=tmp_path, **MOCK))

    assert "set CHARTS_GATEWAY_TOKENS to the callers that may spend your units" in line


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    """A port that another program listens on is one line and code 2."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        (line,) = refused(call("serve", "--port", port, cwd=tmp_path, **MOCK))

    assert f"--port {port} can't be listened on" in line


def test_workers_need_books_that_they_share(tmp_path: Path) -> None:
    """Several workers with books in memory are refused: each would spend the whole quota."""
    settings = {"CHART_IMG_API_KEY": "canary-key", "CHARTS_ACCOUNT_STORE": "memory://"}
    (line,) = refused(call("serve", "--workers", "2", cwd=tmp_path, **settings))

    assert "each process would have books of its own" in line


@pytest.mark.gate
def test_two_workers_serve_and_a_sigterm_lets_the_call_under_way_end(tmp_path: Path) -> None:
    """After SIGTERM a call under way is answered; then both workers end, and no line holds the key."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    answers: list[int] = []

    def ask() -> None:
        reply = urllib3.request("POST", f"{url}/v2/tradingview/advanced-chart", body=BODY, retries=False, timeout=60)
        answers.append(reply.status)

    def serves() -> bool:
        try:
            return urllib3.request("GET", f"{url}/healthz", retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def calls() -> int:
        return provider.ledger().accounts["main"].total.charged

    with emulator(EmulatedAccount("main", "canary-key", plan="BASIC"), rules=[Rule(latency=1.0)]) as provider:
        settings = {**provider.environ, "CHARTS_ACCOUNT_STORE": f"sqlite:///{tmp_path}/books.sqlite3"}
        child = start_anew("serve", "--port", str(port), "--workers", "2", cwd=tmp_path, **settings)
        eventually(serves)
        caller = threading.Thread(target=ask)
        caller.start()
        eventually(lambda: calls() == 1)
        child.send_signal(signal.SIGTERM)
        caller.join()
        _, errors = child.communicate(timeout=60)

    assert [200] == answers
    assert f"chartimg serves CHART-IMG at {url} (mode real)" in errors
    assert "canary" not in errors
    assert "Traceback" not in errors
