"""Count the requests a second that a gateway answers from its cache, and the failures among two hundred at once.

``make bench`` prints it. A gateway of two workers, with their books in a file and their pictures in a folder, is asked over
loopback by processes that keep their connections. So is an application of starlette that only answers the same picture; the
two take turns, so that they meet the same load of the machine, and the best round of each counts.
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
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import urllib3

from chartimg.testing import EmulatedAccount, emulator

SECONDS = 1.5
ROUNDS = 3
ASKING = 2
OK = 200
CROWD = 200
BODY = json.dumps({"symbol": "BINANCE:BTCUSDT", "interval": "1D", "width": 800, "height": 600}).encode()
HEADERS = {"x-api-key": "any", "content-type": "application/json", "x-chartimg-fresh": "3600"}


def main() -> None:
    """Measure and print."""
    ports = free_port(), free_port()
    gateway_url, bare_url = (f"http://127.0.0.1:{port}" for port in ports)
    with (
        tempfile.TemporaryDirectory() as folder,
        emulator(EmulatedAccount("main", "key", plan="BASIC")) as provider,
        ExitStack() as servers,
    ):
        picture = Path(folder) / "picture.png"
        environ = {
            **os.environ,
            **provider.environ,
            "CHARTS_ACCOUNT_STORE": f"sqlite:///{folder}/books.sqlite3",
            "CHARTS_CACHE": str(Path(folder) / "pictures"),
        }
        serve = ["-m", "chartimg", "serve", "--port", str(ports[0]), "--workers", "2"]
        servers.enter_context(served(gateway_url, serve, environ))
        picture.write_bytes(post(urllib3.PoolManager(), gateway_url).data)
        bare = [str(Path(__file__).with_name("bare.py")), str(ports[1]), str(picture)]
        servers.enter_context(served(bare_url, bare, environ))
        with multiprocessing.get_context("spawn").Pool(ASKING) as crowd:
            rounds = [[sum(crowd.map(ask, [url] * ASKING)) for url in (gateway_url, bare_url)] for _ in range(ROUNDS)]
        with ThreadPoolExecutor(CROWD) as burst:
            statuses = list(burst.map(lambda _: post(urllib3.PoolManager(), gateway_url).status, range(CROWD)))
        calls = provider.ledger().accounts["main"].total.charged
    of_gateway, of_bare = (max(counts) / SECONDS for counts in zip(*rounds, strict=True))
    print(f"requests a second, from the cache: {of_gateway:,.0f} (at least 500 on two quiet cores)")
    print(f"a bare application of starlette: {of_bare:,.0f} a second, {of_bare / of_gateway:.1f} times as many")
    print(f"of two hundred at once: {statuses.count(OK)} answered with the picture; calls to the provider: {calls}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(url: str, command: Sequence[str], environ: Mapping[str, str]) -> Iterator[None]:
    """Run a server in the block, from the time when it has answered the picture."""
    server = subprocess.Popen([sys.executable, *command], env=environ, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                assert post(urllib3.PoolManager(), url).status == OK
            except urllib3.exceptions.HTTPError:
                time.sleep(0.1)
            else:
                break
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def ask(url: str) -> int:
    """Ask over one connection as fast as possible for some seconds, and return how many pictures came."""
    with urllib3.PoolManager() as pool:
        end, count = time.monotonic() + SECONDS, 0
        while time.monotonic() < end:
            count += post(pool, url).status == OK
    return count


def post(pool: urllib3.PoolManager, url: str) -> urllib3.BaseHTTPResponse:
    """Ask for the chart once."""
    address = f"{url}/v2/tradingview/advanced-chart"
    return pool.request("POST", address, body=BODY, headers=HEADERS, retries=False)


if __name__ == "__main__":
    main()
