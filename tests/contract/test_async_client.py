"""The asynchronous client over the emulator: crowds of callers who leave, and the end of the process."""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest

from chartimg import Account, AccountPool, AsyncChartClient, ChartApiResult, ChartRequest, RetryPolicy
from chartimg.adapters.clock import SystemClock
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.events import CallFinished, PictureKept
from chartimg.domain.reply import Reply
from chartimg.domain.result import Source
from chartimg.testing import EmulatedAccount, EventLog, Fault, Rule, ScriptedTransport, emulator, picture
from command import eventually, holds, run_python
from loopback import serving, stall
from patience import LONG
from samples import NOON

IN_FLIGHT = 8
FAULTS = (
    Rule(latency=0.02),
    Rule(Fault.SERVER_ERROR, share=0.1),
    Rule(Fault.RESET, share=0.05),
    Rule(status=422, share=0.05),
)
KEYS = [EmulatedAccount(f"a{number}", f"canary-key-{number}", 10_000, "PRO", 40.0, 4) for number in range(3)]
POLICY = RetryPolicy(max_attempts=3, base_delay=0.02, max_delay=0.05, deadline=200.0)


def request(number: int, template: str = "small") -> ChartRequest:
    """Return one of fifty small charts."""
    return ChartRequest("BINANCE:BTCUSDT", "1h", template, {"width": 400, "height": 300, "shiftRight": 1 + number % 50})


def worker_threads() -> int:
    """Return how many threads of clients there are."""
    return sum(thread.name.startswith("chartimg-worker") for thread in threading.enumerate())


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.gate) for seed in (1, 2))])
@pytest.mark.gate
def test_a_crowd_that_leaves_at_random_loses_no_unit_and_no_picture(seed: int, tmp_path: Path) -> None:
    """After hundreds of tasks and cancellations the units spent are the calls made, and each picture is returned or kept once."""
    chance, log, threads = random.Random(seed), EventLog(), [0]
    gc.collect()  # clients of other tests
    eventually(lambda: not worker_threads())

    async def crowd(url: dict[str, str]) -> list[ChartApiResult]:
        """Let three hundred callers ask, and half of them leave, some twice."""
        client = AsyncChartClient.from_env(url, in_flight=IN_FLIGHT, policy=POLICY, listener=log, log=False)
        tasks = []
        for number in range(300):
            tasks.append(asyncio.create_task(client.fetch(request(number, f"t{number}"))))
            for _ in range(chance.choice([0, 0, 1, 2])):
                asyncio.get_running_loop().call_later(chance.uniform(0, 1.0), tasks[-1].cancel)
            await asyncio.sleep(chance.choice([0, 0, 0.01]))
            threads[0] = max(threads[0], worker_threads())
        done = await asyncio.gather(*tasks, return_exceptions=True)
        await client.aclose(drain=LONG)
        await holds(lambda: not worker_threads())
        results = [each for each in done if not isinstance(each, BaseException)]
        assert {asyncio.CancelledError} >= {type(each) for each in done if isinstance(each, BaseException)}
        assert 50 < len(results) < 290
        return results

    with emulator(*KEYS, rules=FAULTS) as provider:
        results = asyncio.run(crowd({**provider.environ, "CHARTS_ACCOUNT_STORE": f"sqlite:///{tmp_path}/books"}))
        ledger = provider.ledger()
    store = SqliteAccountStore(tmp_path / "books")
    used = {each.account_id: each.used for each in AccountPool([key.account for key in KEYS], store).status()}
    store.close()

    assert used == {name: account.total.asked for name, account in ledger.accounts.items()}
    sources = Counter(result.source for result in results if result.ok)
    kept = log.of(PictureKept)
    assert len({event.fetch_id for event in kept}) == len(kept)
    assert sources[Source.CACHE] <= len(kept)
    assert threads[0] <= IN_FLIGHT
    paid = [event for event in log.of(CallFinished) if event.kind is None]
    assert 0 <= len(paid) - sources[Source.HTTP] - len(kept) <= sources[Source.SHARED]  # of those whose leader left


class _SinceNoon(SystemClock):
    """The clock of the machine, on a day that was half over when the test began, so that the day has room for long waits."""

    def __init__(self) -> None:
        """Begin at noon."""
        self._began = time.monotonic()

    def now(self) -> datetime:
        """Return the date and time."""
        return NOON + timedelta(seconds=time.monotonic() - self._began)


def test_a_thousand_who_wait_for_pace_cost_no_thread_each() -> None:
    """A thousand fetches that wait for their account need no thread more than may be in flight, and end with the client."""
    slow = Account("a", "key-of-a", daily_limit=2_000, requests_per_second=0.03, burst=1)
    transport = ScriptedTransport([Reply(200, body=picture(400, 300))])
    pool = AccountPool([slow], clock=_SinceNoon())

    async def main() -> list[ChartApiResult]:
        """Ask, look, and close."""
        client = AsyncChartClient(
            transport=transport, accounts=pool, in_flight=4, policy=attrs.evolve(POLICY, deadline=40_000.0), log=False
        )
        before = threading.active_count()
        requests = [attrs.evolve(request(0), payload={"width": 400 + number}) for number in range(1_001)]
        tasks = [asyncio.create_task(client.fetch(each)) for each in requests]
        await holds(lambda: pool.status()[0].used == 1_001)
        await holds(lambda: any(task.done() for task in tasks))
        assert threading.active_count() <= before + 4
        await client.aclose()
        return await asyncio.gather(*tasks)

    results = asyncio.run(main())

    assert Counter({False: 1_000, True: 1}) == Counter(result.ok for result in results)
    assert 1 == pool.status()[0].used


PROGRAM = """
import asyncio, os, sys
from chartimg import AsyncChartClient, ChartRequest

async def main():
    client = AsyncChartClient.from_env(log=False)
    tasks = [asyncio.create_task(client.fetch(ChartRequest("BINANCE:BTCUSDT", "1h", "t", {"width": 400 + n}))) for n in range(3)]
    while not os.path.exists("sent"):
        await asyncio.sleep(0.01)
    print("calls under way", flush=True)
    if "leave" in sys.argv:
        tasks[0].cancel()

asyncio.run(main())
"""


@pytest.mark.parametrize("how", ["end", "leave"])
def test_a_program_ends_when_it_does_although_calls_are_under_way(how: str, tmp_path: Path) -> None:
    """A program that closes no client ends at once and quietly, whatever is in flight; the unit of the call stays spent."""
    with serving(otherwise=stall()) as server:
        books = f"sqlite:///{tmp_path}/books"
        settings = {"CHARTS_API_BASE_URL": server.url, "CHART_IMG_API_KEY": "key", "CHARTS_ACCOUNT_STORE": books}
        with ThreadPoolExecutor(1) as threads:
            running = threads.submit(run_python, PROGRAM, how, cwd=tmp_path, **settings)
            eventually(lambda: len(server.requests) == 3)
            started = time.monotonic()
            (tmp_path / "sent").touch()
            ran = running.result()
            took = time.monotonic() - started
        sent = len(server.requests)

    assert (0, "calls under way\n", "") == (ran.returncode, ran.stdout, ran.stderr)
    assert took < LONG / 2  # a call would take a minute
    store = SqliteAccountStore(tmp_path / "books")
    assert sent == AccountPool([Account("main", "key")], store).status()[0].used
    store.close()
