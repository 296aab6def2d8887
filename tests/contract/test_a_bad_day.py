"""The story of a bad day: equal alerts, an outage, a restart and a kill, after which books and tallies agree."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chartimg import ChartApiResult, ChartClient, ChartRequest
from chartimg.domain.faults import FaultKind
from chartimg.domain.outage import Service
from chartimg.domain.result import Source
from chartimg.testing import EmulatedAccount, Emulator, Fault, Rule, VirtualClock, emulator
from command import eventually

KEYS = [EmulatedAccount(f"a{number}", f"canary-key-{number}", plan="BASIC") for number in range(5)]
MORNING = datetime(2026, 1, 5, 8, 1, tzinfo=UTC)


def small(number: int) -> ChartRequest:
    """Return one of many small charts of the day."""
    return ChartRequest("BINANCE:BTCUSDT", "1D", f"small-{number}", {"width": 400, "height": 300, "shiftRight": number})


class Day:
    """A provider, its clock, and the places where a host keeps its books and pictures."""

    def __init__(self, provider: Emulator, clock: VirtualClock, folder: Path) -> None:
        self.provider, self.clock, self.folder = provider, clock, folder
        self.results: list[ChartApiResult] = []
        self.client = self.start()

    def start(self) -> ChartClient:
        """Start the host's client; its books and pictures are those of before."""
        environ = {
            **self.provider.environ,
            "CHARTS_ACCOUNT_STORE": f"sqlite:///{self.folder}/books.sqlite3",
            "CHARTS_CACHE": str(self.folder / "pictures"),
            "CHARTS_FRESH": "candle",
        }
        return ChartClient.from_env(environ, clock=self.clock, log=False)

    def ask(self, requests: Sequence[ChartRequest]) -> list[ChartApiResult]:
        """Ask for charts at one moment, each in a thread, and return the results."""
        with ThreadPoolExecutor(len(requests)) as crowd:
            results = list(crowd.map(lambda request: self.client.fetch(request, deadline=20.0), requests))
        self.results += results
        return results

    @property
    def charged(self) -> int:
        """The calls that the provider has charged."""
        return sum(account.total.charged for account in self.provider.ledger().accounts.values())


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    """Yield a day that begins in the morning."""
    clock = VirtualClock(MORNING)
    with emulator(*KEYS, clock=clock) as provider:
        begun = Day(provider, clock, tmp_path)
        yield begun
        begun.client.close()


def test_on_a_bad_day_no_unit_is_paid_twice(day: Day) -> None:
    """Through equal alerts, an outage, a restart and a kill each chart is paid once, and books and tallies agree."""
    # Five charts are asked for ten times each in the course of an hour.
    for _ in range(10):
        assert all(day.ask([small(number) for number in range(1, 6)]))
        day.clock.advance(360)
    assert 5 == day.charged

    # Fifty equal alerts and ten others come at one moment.
    alerts = day.ask([small(6)] * 50 + [small(number) for number in range(7, 17)])
    assert all(alerts)
    assert 5 + 11 == day.charged

    # The provider is down for ten minutes; every six seconds a new chart is asked for.
    day.provider.play(Rule(Fault.UNAVAILABLE))
    kinds = set()
    for number in range(100):
        (result,) = day.ask([small(20 + number % 50)])
        assert result.error is not None
        kinds.add(result.error.kind)
        day.clock.advance(6)
    lost = day.charged - 16
    assert {FaultKind.SERVICE_UNAVAILABLE, FaultKind.SERVICE_DOWN} == kinds
    assert lost <= 3 + 6  # three that open it, and a probe after 30, 60, 120 … seconds
    pool = day.client.accounts
    assert pool is not None
    assert Service.UP is not pool.service().state

    # What was drawn before is still there, and costs nothing.
    assert [Source.CACHE] * 5 == [result.source for result in day.ask([small(number) for number in range(1, 6)])]

    # The provider is back, and the host is restarted: its books and pictures are those of before.
    day.provider.play()
    day.client.close()
    day.client = day.start()
    assert all(day.ask([small(number) for number in range(1, 31)]))
    assert 16 + lost + 14 == day.charged

    # A worker is killed in its call. The next one asks again: that unit is the only one that brought no picture.
    day.provider.play(Rule(latency=60.0))
    child = os.fork()
    if child == 0:
        day.start().fetch(small(99))
        os._exit(0)
    eventually(lambda: day.charged == 31 + lost)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    day.provider.play()
    assert all(day.ask([small(99)] * 8))
    assert 32 + lost == day.charged

    pictures = {result.png_bytes for result in day.results if result.ok}
    pool = day.client.accounts
    assert pool is not None
    booked = {status.account_id: status.used for status in pool.status()}
    assert booked == {name: account.total.charged for name, account in day.provider.ledger().accounts.items()}
    assert 31 == len(pictures)
    assert len(pictures) + 1 + lost == day.charged
    assert 0 == sum(account.total.throttled for account in day.provider.ledger().accounts.values())
