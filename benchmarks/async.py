"""Two hundred fetches at once over the emulator: the asynchronous client against the synchronous one with 32 threads.

Part of ``make bench``. The emulator is another process. A task on the loop beats every five milliseconds, and the largest gap between
two beats is the longest time for which the loop was blocked.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection

from chartimg import AsyncChartClient, ChartClient, ChartRequest
from chartimg.emulator.accounts import EmulatedAccount
from chartimg.emulator.running import Emulator

FETCHES, THREADS, ROUNDS, BEAT_SECONDS = 200, 32, 21, 0.005
REQUEST = ChartRequest("BINANCE:BTCUSDT", "1h", "price_v1", {"studies": [{"name": "Volume"}, {"name": "MACD"}]})
ACCOUNT = EmulatedAccount("a", "key-of-a", 10**9, "PRO", 1e6, 10**6)


def main() -> None:
    """Print the table."""
    here, there = multiprocessing.Pipe()
    child = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    child.start()
    environ: dict[str, str] = json.loads(here.recv())
    ours, theirs, gaps, threads = [], [], [], 0
    with ChartClient.from_env(environ, log=False) as client, ThreadPoolExecutor(THREADS) as pool:

        def synchronous() -> None:
            assert all(pool.map(lambda _: client.fetch(REQUEST).ok, range(FETCHES)))

        synchronous()
        with asyncio.Runner() as runner:
            fetching = runner.run(opened(environ))
            runner.run(crowd(fetching))
            for _ in range(ROUNDS):
                theirs.append(measured(synchronous))
                ours.append(measured(lambda: gaps.append(runner.run(crowd(fetching)))))
            threads = workers()
            runner.run(fetching.aclose())
    child.terminate()
    child.join()
    ratio = statistics.median(mine / yours for mine, yours in zip(ours, theirs, strict=True))
    rows = [
        (f"{FETCHES} fetches at once, asyncio / {THREADS} threads, CPU time", ratio, 1.25),
        ("worker threads of asyncio", threads, THREADS),
        ("longest time for which the loop was blocked in a round, ms", 1000 * statistics.median(gaps), 50),
    ]
    print(f"{'what':<62} {'figure':>6}  at most")
    for what, figure, most in rows:
        print(f"{what:<62} {figure:>6.2f}  {most:<5}{'' if figure <= most else '  OVER'}")


def measured(work: Callable[[], object]) -> float:
    """Return the CPU seconds of *work*."""
    started = time.process_time()
    work()
    return time.process_time() - started


def workers() -> int:
    """Return how many threads the asynchronous client has."""
    return sum(thread.name.startswith("chartimg-worker") for thread in threading.enumerate())


async def opened(environ: dict[str, str]) -> AsyncChartClient:
    """Open the client."""
    return AsyncChartClient.from_env(environ, in_flight=THREADS, log=False)


async def crowd(client: AsyncChartClient) -> float:
    """Fetch all charts at once, and return the seconds of the largest gap between two beats."""
    gaps: list[float] = []

    async def beat() -> None:
        last = time.perf_counter()
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            now = time.perf_counter()
            gaps.append(now - last - BEAT_SECONDS)
            last = now

    beating = asyncio.create_task(beat())
    assert all(await asyncio.gather(*(client.fetch(REQUEST) for _ in range(FETCHES))))
    beating.cancel()
    with suppress(asyncio.CancelledError):
        await beating
    return max(gaps)


def serve(pipe: Connection) -> None:
    """Run an emulator until the process is terminated."""
    with Emulator([ACCOUNT]) as running:
        pipe.send(json.dumps(dict(running.environ)))
        pipe.recv()


if __name__ == "__main__":
    main()
