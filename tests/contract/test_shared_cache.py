"""Processes that share a cache make one call for one chart at one moment, in a folder and on Redis."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chartimg.testing import picture
from command import environment
from forks import forked
from patience import LONG
from redis_server import shared_redis, unique_prefix

PROCESSES, THREADS, CHARTS = 4, 5, 6
PNG = picture()

WORKER = """
import os, sys, threading
from chartimg import Account, ChartClient, ChartRequest, WorkerConfig
from chartimg.adapters.cache import FolderPictureCache, RedisPictureCache
from chartimg.adapters.http import Urllib3Transport
import redis
base_url, place, prefix, processes, threads, charts = sys.argv[1:]
requests = [ChartRequest(f"BINANCE:C{number}USDT", "1h", "look", {"theme": "dark"}) for number in range(int(charts))]
go_read, go_write = os.pipe()
children = []
for _ in range(int(processes)):
    if not (pid := os.fork()):
        break
    children.append(pid)
if children and pid:
    os.close(go_read)
    os.write(1, b"ready\\n")
    os.close(go_write)
    for child in children:
        _, status = os.waitpid(child, 0)
    sys.exit()
os.close(go_write)
os.read(go_read, 1)
cache = RedisPictureCache(place, prefix=prefix, lease=4.0) if "://" in place else FolderPictureCache(place)
accounts = [Account("main", f"key-{os.getpid()}", 1000, None, 1e5, 10**5)]
config = WorkerConfig(accounts=accounts, base_url=base_url, account_store="memory://", fresh=3600, check="off")
said = []
with ChartClient(config, cache=cache) as client:
    def work(first):
        for request in requests[first:] + requests[:first]:
            result = client.fetch(request)
            said.append(f"{os.getpid()} {request.symbol} {result.ok} {result.source} {result.error}")
    crowd = [threading.Thread(target=work, args=(number % int(charts),)) for number in range(int(threads))]
    for each in crowd: each.start()
    for each in crowd: each.join()
cache.close()
os.write(1, "".join(line + "\\n" for line in said).encode())
"""


class Provider:
    """A server that counts the calls for each chart by process; *on_call* is told each one before its reply.

    Attributes:
        calls: pairs of a process and a symbol.
    """

    def __init__(self, on_call: Callable[[int], object]) -> None:
        calls: list[tuple[int, str]] = []
        self.calls = calls
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            """Answers each call with a picture."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                pid = int(self.headers["x-api-key"].removeprefix("key-"))
                with lock:
                    calls.append((pid, body["symbol"]))
                    on_call(pid)
                self.send_response(200)
                self.send_header("content-type", "image/png")
                self.send_header("content-length", str(len(PNG)))
                self.end_headers()
                self.wfile.write(PNG)

            def log_message(self, *_: object) -> None:
                """Print no line."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a caller was killed
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Serve until the end of the block."""
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            self._server.shutdown()
            thread.join(LONG)
            self._server.server_close()


@pytest.fixture(params=["folder", "redis"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Yield the place of an empty cache, and the prefix of its keys."""
    if request.param == "folder":
        yield str(tmp_path / "pictures"), ""
        return
    with shared_redis() as url, unique_prefix(url) as prefix:
        yield url, prefix


def crowd(provider: Provider, place: tuple[str, str], home: Path) -> list[list[str]]:
    """Let all processes fetch all charts at one moment; return what each thread said of each fetch."""
    numbers = map(str, (PROCESSES, THREADS, CHARTS))
    with provider.running():
        child = forked(WORKER, provider.url, *place, *numbers, cwd=home, environ=environment(home))
    assert (0, "") == (child.returncode, child.stderr)
    ready, *said = child.stdout.splitlines()
    assert "ready" == ready
    return [line.split(maxsplit=4) for line in said]


def test_four_processes_make_one_call_for_each_chart(place: tuple[str, str], tmp_path: Path) -> None:
    """Of 20 threads that ask for six charts at one moment, each gets all six, and six calls are made."""
    provider = Provider(lambda _: None)
    said = crowd(provider, place, tmp_path)

    assert PROCESSES * THREADS * CHARTS == len(said)
    assert {"True"} == {ok for _, _, ok, *_ in said}
    assert {1} == set(Counter(symbol for _, symbol in provider.calls).values())
    assert CHARTS == len(provider.calls) == sum(source == "HTTP" for *_, source, _ in said)


def test_a_killed_leader_costs_a_unit_at_most(place: tuple[str, str], tmp_path: Path) -> None:
    """After two processes were killed in their calls, the others get all charts with one call for each that was left."""
    killed: set[int] = set()

    def kill(pid: int) -> None:
        if len(killed) < PROCESSES // 2 and pid not in killed:
            killed.add(pid)
            os.kill(pid, signal.SIGKILL)

    provider = Provider(kill)
    said = crowd(provider, place, tmp_path)
    of_others = Counter(symbol for pid, symbol in provider.calls if pid not in killed)

    assert PROCESSES // 2 == len(killed)
    assert PROCESSES // 2 * THREADS * CHARTS == len(said)
    assert {"True"} == {ok for _, _, ok, *_ in said}
    assert {1} == set(of_others.values())
    of_killed = Counter(pid for pid, _ in provider.calls if pid in killed)
    assert len(provider.calls) <= CHARTS + of_killed.total() <= CHARTS + len(killed) * THREADS
