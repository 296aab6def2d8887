"""Equal requests at one moment, over HTTP: one call in threads and on the loop, and one recording in all processes."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chartimg import Account, AsyncChartClient, ChartApiResult, ChartClient, ChartRequest, FaultKind
from chartimg.adapters.fixture.folder import FixtureFolder
from chartimg.adapters.http import Urllib3Transport
from chartimg.domain.chart import Request
from chartimg.domain.reply import Reply, TransportFailure
from chartimg.domain.result import Source
from chartimg.testing import EmulatedAccount, Rule, emulator, picture
from command import eventually, run_loaded
from patience import LONG

QUICK = EmulatedAccount("a", "canary-key-of-a", 1_000, "MEGA", 1e5, 10**5)
BURST, OTHERS = 50, 10
ALERT = ChartRequest("BINANCE:BTCUSDT", "1h", "alert", {"width": 400, "height": 300})
DISTINCT = [ChartRequest("BINANCE:BTCUSDT", "1h", "alert", {"width": 401 + number}) for number in range(OTHERS)]


class Patient:
    """Sends no call over HTTP before so many callers are on flights."""

    def __init__(self, url: str, callers: int) -> None:
        """Have no client yet."""
        self.http, self.callers, self.all_there = Urllib3Transport(url), callers, threading.Event()
        self.client: ChartClient | AsyncChartClient | None = None

    def send(
        self, request: Request, account: Account | None, *, timeout: float | None = None
    ) -> Reply | TransportFailure:
        """Wait for the others, then make the call."""
        if not self.all_there.is_set():
            eventually(lambda: self.all_there.is_set() or self.waiting() == self.callers)
            self.all_there.set()
        return self.http.send(request, account, timeout=timeout)

    def waiting(self) -> int:
        """Count the callers."""
        assert self.client is not None
        flights = list(self.client._routes.flights._under_way.values())  # noqa: SLF001 (nothing else tells who waits)
        return sum(flight.waiters for flight in flights)


def in_threads(patient: Patient, requests: list[ChartRequest]) -> list[ChartApiResult]:
    """Fetch all at once, each in a thread of its own."""
    with (
        ChartClient(transport=patient, accounts=[QUICK.account], log=False) as client,
        ThreadPoolExecutor(len(requests)) as threads,
    ):
        patient.client = client
        return list(threads.map(client.fetch, requests))


def on_a_loop(patient: Patient, requests: list[ChartRequest]) -> list[ChartApiResult]:
    """Fetch all at once on one loop."""

    async def main() -> list[ChartApiResult]:
        """Fetch."""
        async with AsyncChartClient(transport=patient, accounts=[QUICK.account], log=False) as client:
            patient.client = client
            return list(await asyncio.gather(*map(client.fetch, requests)))

    return asyncio.run(main())


@pytest.mark.parametrize("fetch_all", [in_threads, on_a_loop])
def test_fifty_equal_and_ten_distinct_alerts_are_eleven_calls(
    fetch_all: Callable[[Patient, list[ChartRequest]], list[ChartApiResult]],
) -> None:
    """A burst of alerts costs a call for each body; all who asked for it have its picture, and books and tallies agree."""
    with emulator(QUICK) as provider:
        results = fetch_all(Patient(provider.url, BURST + OTHERS), [ALERT] * BURST + DISTINCT)
        asked = provider.ledger().accounts["a"].total.asked

    assert 1 + OTHERS == asked
    assert {Source.HTTP: 1 + OTHERS, Source.SHARED: BURST - 1} == Counter(result.source for result in results)
    assert 1 == len({result.unwrap() for result in results[:BURST]})
    assert 1 + OTHERS == sum(len(result.attempts) for result in results)


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_body_that_was_refused_is_not_paid_for_again(kind: str) -> None:
    """The second fetch of a refused body has the same error and costs nothing; a new client sends it again."""
    wrong = ChartRequest("BINANCE:NOTHINGUSDT", "1h", "alert", {"width": 400, "height": 300})

    async def with_the_loop(environ: Mapping[str, str]) -> list[ChartApiResult]:
        """Fetch twice with one client."""
        async with AsyncChartClient.from_env(environ, log=False) as client:
            return [await client.fetch(wrong) for _ in range(2)]

    with emulator(QUICK, rules=[Rule(status=422)]) as provider:
        if kind == "sync":
            with ChartClient.from_env(provider.environ, log=False) as client:
                first, second = client.fetch(wrong), client.fetch(wrong)
        else:
            first, second = asyncio.run(with_the_loop(provider.environ))
        once = provider.ledger().accounts["a"].total.asked
        with ChartClient.from_env(provider.environ, log=False) as client:
            client.fetch(wrong)
        twice = provider.ledger().accounts["a"].total.asked

    assert first.error is not None
    assert first.error == second.error
    assert (FaultKind.INVALID_REQUEST, 1, 0) == (first.error.kind, len(first.attempts), len(second.attempts))
    assert any("not sent again" in warning.message for warning in second.warnings)
    assert (1, 2) == (once, twice)


# Recording

RECORDER = """
import json, os, threading
from chartimg import ChartClient, ChartRequest

go_read, go_write = os.pipe()
children = []
for _ in range(3):
    if not (child := os.fork()):
        break
    children.append(child)
else:
    os.close(go_write)  # all have come
    for child in children:
        _, status = os.waitpid(child, 0)
        assert not status
    os._exit(0)
os.close(go_write)
os.read(go_read, 1)
requests = [ChartRequest("BINANCE:BTCUSDT", "1h", f"t{number}", {"width": 400 + number, "height": 300}) for number in range(4)]
lines = []
with ChartClient.from_env(log=False) as client:
    def work(first):
        for request in requests[first:] + requests[:first]:
            result = client.fetch(request)
            lines.append(f"{result.ok} {result.source} {len(result.attempts)}\\n")
    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads: each.start()
    for each in threads: each.join()
os.write(1, "".join(lines).encode())
os._exit(0)
"""


def test_a_missing_chart_is_recorded_once_by_all_processes(tmp_path: Path) -> None:
    """Three processes of four threads record four charts at one moment: four calls, and four fixtures without a stray file."""
    with emulator(QUICK, rules=[Rule(latency=0.1)]) as provider:
        ran = run_loaded(
            RECORDER,
            cwd=tmp_path,
            **{**provider.environ, "CHARTS_API_MODE": "record", "CHARTS_FIXTURES_DIR": str(tmp_path / "fixtures")},
        )
        asked = provider.ledger().accounts["a"].total.asked

    assert (0, "") == (ran.returncode, ran.stderr)
    sources = Counter(line.partition(" ")[2] for line in ran.stdout.splitlines())
    assert (48, 4, 4) == (sum(sources.values()), sources["HTTP 1"], asked)
    names = sorted(path.name for path in (tmp_path / "fixtures").rglob("*") if path.is_file())
    assert 8 == len(names), names


def test_a_recorder_that_waits_takes_the_fixture_of_the_other(tmp_path: Path) -> None:
    """While another records a chart, a client waits, and replays it; one whose time is over has NETWORK. Neither pays."""
    with emulator(QUICK) as provider, ThreadPoolExecutor(1) as threads:
        environ = {**provider.environ, "CHARTS_API_MODE": "record", "CHARTS_FIXTURES_DIR": str(tmp_path)}
        folder = FixtureFolder(tmp_path)
        lock = folder.lock(ALERT.key)
        assert lock is not None
        with ChartClient.from_env(environ, log=False) as client:
            late = client.fetch(ALERT, deadline=0.2)
            waiting = threads.submit(client.fetch, ALERT)
            eventually(lambda: bool(client._routes.flights._under_way))  # noqa: SLF001 (nothing else tells who waits)
            folder.path_of(ALERT.key).write_bytes(picture(400, 300))
            lock.release()
            replayed = waiting.result(LONG)
        asked = provider.ledger().accounts["a"].total.asked

    assert late.error is not None
    assert (FaultKind.NETWORK, True) == (late.error.kind, late.error.retriable)
    assert (picture(400, 300), Source.FIXTURE) == (replayed.unwrap(), replayed.source)
    assert 0 == asked
