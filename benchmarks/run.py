"""The costs of chartimg as ratios within one run: medians over interleaved rounds, so that a busy machine harms both sides.

``make bench`` prints the table. No test asserts these figures, since machines differ.
"""

from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import urllib3

import chartimg
from chartimg.adapters.cache import FolderPictureCache
from chartimg.adapters.clock import SystemClock
from chartimg.adapters.fixture import FixtureTransport
from chartimg.adapters.http import Urllib3Transport
from chartimg.app.fetch import Steps, run
from chartimg.app.flights import Flights, Waiter
from chartimg.domain.account.turn import Need
from chartimg.domain.cached import CachedPicture
from chartimg.domain.plan.demand import Demand
from chartimg.domain.reply.png import SIGNATURE
from chartimg.domain.result import ChartApiSuccess

KEY = "a-key-for-the-benchmark"
REQUEST = chartimg.ChartRequest(
    "BINANCE:BTCUSDT", "1h", "price_v1", {"studies": [{"name": "Volume"}, {"name": "MACD"}]}
)
ACCOUNT = {"api_key": KEY, "daily_limit": 10**9, "requests_per_second": 1e6, "burst": 10**6}
GATEWAY = (
    b"content-type: image/png",
    b"content-length: %d",
    b"connection: keep-alive",
    b"date: Mon, 05 Jan 2026 12:00:00 GMT",
    b"x-amzn-requestid: 5f3f0d1e-52ab-4b52-8d0a-3a3c1c1f0b52",
    b"access-control-allow-origin: *",
    b"x-amz-apigw-id: Fv3bAHhGoAMEVdw=",
    b"x-amzn-trace-id: Root=1-65981c40-0e5d7ab96aa9a7f1",
    b"x-cache: Miss from cloudfront",
    b"via: 1.1 0c6d1f2e.cloudfront.net (CloudFront)",
    b"x-amz-cf-pop: FRA56-P4",
    b"x-amz-cf-id: pJ3y1m0d5t4w9q==",
)


def main() -> None:
    """Measure everything and print the table."""
    png = noise_picture(60_000)
    rows = [
        ("fetch over loopback / bare urllib3, CPU time", fetch_ratio(png), 1.3),
        *replay_ratios(png),
        *hit_ratios(png),
        ("import chartimg / attrs, cattrs, urllib3, structlog", import_ratio(), 0.5),
        ("claim among 100 / among 5", claim_ratio(), 6.0),
        ("claim among 100 of two plans, half of them too small / among 5", claim_ratio("BASIC", "PRO"), 6.0),
        ("flight of one caller / claim among 5", flight_ratio(), 0.5),
    ]
    print(f"{'what':<62} {'ratio':>6}  at most")
    for what, ratio, most in rows:
        print(f"{what:<62} {ratio:>6.2f}  {most:<5}{'' if ratio <= most else '  OVER'}")


def interleaved(ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int, calls: int) -> float:
    """Return the median CPU time of *calls* of ours, over *rounds*, as a ratio to that of theirs."""
    for warm in (ours, theirs):
        for _ in range(calls):
            warm()
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for which, work in ((0, ours), (1, theirs)) if number % 2 else ((1, theirs), (0, ours)):
            started = time.process_time()
            for _ in range(calls):
                work()
            times[which].append(time.process_time() - started)
    return statistics.median(times[0]) / statistics.median(times[1])


def fetch_ratio(png: bytes) -> float:
    """Measure a whole fetch (claim, call, classification with the PNG's checksums, books) against the call alone."""
    with server(png) as url:
        pool = chartimg.AccountPool([chartimg.Account("a", **ACCOUNT)])  # type: ignore[arg-type]
        client = chartimg.ChartClient(transport=Urllib3Transport(url), accounts=pool)
        bare = urllib3.PoolManager()
        headers = {"content-type": "application/json", "x-api-key": KEY}
        body = json.dumps(REQUEST.body).encode()

        def theirs() -> None:
            reply = bare.request("POST", f"{url}/v2/tradingview/advanced-chart", body=body, headers=headers)
            assert len(reply.data) == len(png)

        return interleaved(lambda: client.fetch(REQUEST).unwrap(), theirs, rounds=21, calls=150)


def replay_ratios(png: bytes) -> Iterator[tuple[str, float, float]]:
    """Measure replays against reading the file and checking eight bytes."""
    error = json.dumps({"status": 422, "body": [{"value": "9h", "msg": "Invalid value", "param": "interval"}]}).encode()
    for count in (1, 10_000):
        for what, suffix, content in (("a picture", ".png", png), ("an error", "__422_INVALID.json", error)):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                file = folder / f"BINANCE_BTCUSDT__1h__price_v1{suffix}"
                for number in range(count - 1):
                    old(folder / f"BINANCE_S{number}__1h__price_v1{suffix}", content[:100])
                old(file, content)
                os.utime(folder, (0, 0))
                client = chartimg.ChartClient(transport=FixtureTransport(folder))
                path = str(file)

                def theirs(path: str = path) -> bool:
                    with open(path, "rb") as opened:  # noqa: PTH123 (the quickest there is)
                        return opened.read()[:8] == SIGNATURE

                ratio = interleaved(lambda: client.fetch(REQUEST), theirs, rounds=21, calls=300)  # noqa: B023
            yield f"replay of {what}, {count:,} fixture{'s' * (count > 1)} / read and check eight bytes", ratio, 2.0


def hit_ratios(png: bytes) -> Iterator[tuple[str, float, float]]:
    """Measure a hit in a folder of kept pictures, and a whole fetch with one, against reading the file."""
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory() as name:
        cache = FolderPictureCache(name)
        digest = REQUEST.body_digest
        cache.keep(CachedPicture.of(png, body_digest=digest, chart=str(REQUEST.key), taken_at=now, drawn_at=now))
        (file,) = Path(name).glob("*.chart")
        account = chartimg.Account("a", **ACCOUNT)  # type: ignore[arg-type]
        with Urllib3Transport("http://127.0.0.1:9") as transport:  # a call would fail
            client = chartimg.ChartClient(transport=transport, accounts=[account], cache=cache, fresh=86_400)
            client.fetch(REQUEST).unwrap()
            for what, ours, most in (
                ("a hit in a folder of kept pictures", lambda: cache.read(digest), 2.0),
                ("a whole fetch with such a hit, its events and checks", lambda: client.fetch(REQUEST), 6.0),
            ):
                ratio = interleaved(ours, file.read_bytes, rounds=21, calls=300)
                yield f"{what} / read the file", ratio, most


def old(path: Path, content: bytes) -> None:
    """Write a file that was last changed long ago."""
    path.write_bytes(content)
    os.utime(path, (0, 0))


def import_ratio() -> float:
    """Measure the import in fresh processes."""
    ours, theirs = "import chartimg", "import attrs, cattrs, urllib3, structlog"
    times: dict[str, list[float]] = {ours: [], theirs: []}
    for _ in range(15):
        for statement, measured in times.items():
            program = f"import time; t = time.process_time(); {statement}; print(time.process_time() - t)"
            done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
            measured.append(float(done.stdout))
    return statistics.median(times[ours]) / statistics.median(times[theirs])


def claim_ratio(*plans: str) -> float:
    """Measure one claim, and its booking, among many accounts and among few, which have these plans in turn."""
    many, few = (
        chartimg.AccountPool(
            [
                chartimg.Account(f"a{n}", plan=plans[n % len(plans)] if plans else None, **ACCOUNT)  # type: ignore[arg-type]
                for n in range(count)
            ]
        )
        for count in (100, 5)
    )
    return interleaved(claim_of(many), claim_of(few), rounds=21, calls=200)


def flight_ratio() -> float:
    """Measure the bookkeeping of a flight that nobody joins against one claim and its booking."""
    pool = chartimg.AccountPool([chartimg.Account(f"a{number}", **ACCOUNT) for number in range(5)])  # type: ignore[arg-type]
    flights, clock, stop = Flights(), SystemClock(), threading.Event()
    result = ChartApiSuccess(png_bytes=b"")

    def fetch() -> Steps[chartimg.ChartApiResult]:
        yield from ()
        return result

    def work() -> None:
        steps = flights.share(
            (b"", None), Waiter(stop), fetch, ends=math.inf, max_attempts=1, clock=clock, suits=lambda *_: True
        )
        run(steps, clock, stop)

    return interleaved(work, claim_of(pool), rounds=21, calls=500)


def claim_of(pool: chartimg.AccountPool) -> Callable[[], None]:
    """Return a function that claims and reports once."""
    demand = Demand(1920)

    def work() -> None:
        granted = pool.claim(need=Need(demand))
        pool.report(granted.claim, None)  # type: ignore[union-attr]

    return work


def noise_picture(size: int) -> bytes:
    """Return a valid PNG of 800 x 600 pixels and about *size* bytes, with some rows of background first."""
    noise = size // (600 - 16)
    rows = b"".join(
        b"\0" + (random.Random(row).randbytes(noise) if row >= 16 else b"").ljust(800, b"\xff")  # noqa: PLR2004
        for row in range(600)
    )

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    head = (800).to_bytes(4) + (600).to_bytes(4) + bytes([8, 0, 0, 0, 0])
    parts = chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return SIGNATURE + b"".join(parts)


@contextmanager
def server(body: bytes) -> Iterator[str]:
    """Run a server in another process; each answer has *body*."""
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=serve, args=(body, there), daemon=True)
    child.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        child.terminate()
        child.join()


def serve(body: bytes, pipe: Connection) -> None:
    """Serve until terminated, with the headers of a gateway like the provider's."""
    reply = b"HTTP/1.1 200 OK\r\n" + b"\r\n".join(GATEWAY) % len(body) + b"\r\n\r\n" + body

    class Protocol(asyncio.Protocol):
        """Answers each request after its last byte."""

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            self.transport, self.data = transport, b""

        def data_received(self, data: bytes) -> None:
            self.data += data
            head, found, rest = self.data.partition(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
            if found and len(rest) >= length:
                self.data = rest[length:]
                self.transport.write(reply)

    async def run() -> None:
        listening = await asyncio.get_running_loop().create_server(Protocol, "127.0.0.1", 0)
        pipe.send(listening.sockets[0].getsockname()[1])
        await listening.serve_forever()

    asyncio.run(run())


if __name__ == "__main__":
    main()
