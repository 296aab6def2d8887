"""Count the requests a second that a gateway answers from its cache, and the failures among two hundred at once.

``make bench`` prints it. A gateway of two workers, with their books in a file and their pictures in a folder, is asked over
loopback by processes that keep their connections.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import urllib3

from chartimg.testing import EmulatedAccount, emulator

SECONDS = 4.0
ASKING = 2
OK = 200
CROWD = 200
BODY = json.dumps({"symbol": "BINANCE:BTCUSDT", "interval": "1D", "width": 800, "height": 600}).encode()
HEADERS = {"x-api-key": "any", "content-type": "application/json", "x-chartimg-fresh": "3600"}


def main() -> None:
    """Measure and print."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder, emulator(EmulatedAccount("main", "key", plan="BASIC")) as provider:
        environ = {
            **os.environ,
            **provider.environ,
            "CHARTS_ACCOUNT_STORE": f"sqlite:///{folder}/books.sqlite3",
            "CHARTS_CACHE": str(Path(folder) / "pictures"),
        }
        gateway = served(url, port, environ)
        try:
            with multiprocessing.get_context("spawn").Pool(ASKING) as crowd:
                counts = crowd.map(ask, [url] * ASKING)
            with ThreadPoolExecutor(CROWD) as burst:
                statuses = list(burst.map(lambda _: post(urllib3.PoolManager(), url), range(CROWD)))
        finally:
            gateway.send_signal(signal.SIGTERM)
            gateway.wait()
        calls = provider.ledger().accounts["main"].total.charged
    print(f"requests a second, from the cache: {sum(counts) / SECONDS:,.0f} (at least 500 on two quiet cores)")
    print(f"of two hundred at once: {statuses.count(OK)} answered with the picture; calls to the provider: {calls}")


def served(url: str, port: int, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a gateway, and wait until it has answered the picture."""
    command = [sys.executable, "-m", "chartimg", "serve", "--port", str(port), "--workers", "2"]
    gateway = subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL)
    while True:
        try:
            assert post(urllib3.PoolManager(), url) == OK
        except urllib3.exceptions.HTTPError:
            time.sleep(0.1)
        else:
            return gateway


def ask(url: str) -> int:
    """Ask over one connection as fast as possible for some seconds, and return how many pictures came."""
    with urllib3.PoolManager() as pool:
        end, count = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            count += post(pool, url) == OK
    return count


def post(pool: urllib3.PoolManager, url: str) -> int:
    """Ask for the chart once, and return the status."""
    address = f"{url}/v2/tradingview/advanced-chart"
    return pool.request("POST", address, body=BODY, headers=HEADERS, retries=False).status


if __name__ == "__main__":
    main()
