"""The client's books and the provider's tallies agree over real HTTP, through faults, over midnight and at full pace."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chartimg import AccountPool, ChartClient, ChartRequest, RetryPolicy
from chartimg.adapters.http import Urllib3Transport
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.postgresql import PostgresqlAccountStore
from chartimg.adapters.redis import RedisAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.app.async_client import AsyncClient
from chartimg.app.bootstrap import open_routes
from chartimg.domain.account import AccountState
from chartimg.domain.faults import FaultKind
from chartimg.domain.ports import AccountStore
from chartimg.emulator import running
from chartimg.emulator.quota import Tally
from chartimg.testing import EmulatedAccount, Fault, Rule, VirtualClock, emulator
from postgresql_server import postgresql_url
from redis_server import redis_url, unique_prefix
from simulation import SimulatedClock, SimulatedWorkers, simulate

__all__ = ["postgresql_url", "redis_url"]  # the fixtures

MORNING = datetime(2026, 1, 5, 7, tzinfo=UTC)
FAULTS = (
    Rule(Fault.SERVER_ERROR, share=0.08),
    Rule(Fault.RESET, share=0.03),
    Rule(Fault.CUT, share=0.03),
    Rule(Fault.JSON, share=0.03),
    Rule(Fault.TRUNCATED_PNG, share=0.03),
    Rule(Fault.GATEWAY_TIMEOUT, share=0.03),
)


def request(number: int) -> ChartRequest:
    """Return one of four small charts."""
    return small(1 + number % 4)


def small(number: int) -> ChartRequest:
    """Return a small chart that is like no other number's."""
    return ChartRequest("BINANCE:BTCUSDT", "1h", "small", {"width": 400, "height": 300, "shiftRight": number})


@pytest.mark.parametrize(
    "kind", ["memory", "sqlite", *(pytest.param(kind, marks=pytest.mark.gate) for kind in ("redis", "postgresql"))]
)
def test_tallies_and_books_agree_after_days_of_use(
    kind: str, tmp_path: Path, redis_url: str, postgresql_url: str
) -> None:
    """Tallies and books agree unit for unit through faults, restarts and over midnight."""
    clock = VirtualClock(MORNING)
    keys = [EmulatedAccount(f"a{number}", f"canary-key-{number}", plan="BASIC", daily_limit=12) for number in range(3)]
    with unique_prefix(redis_url) as prefix, emulator(*keys, rules=FAULTS, clock=clock) as provider:
        memory = MemoryAccountStore()
        stores: dict[str, Callable[[], AccountStore]] = {
            "memory": lambda: memory,
            "sqlite": lambda: SqliteAccountStore(tmp_path / "books.sqlite3"),
            "redis": lambda: RedisAccountStore(redis_url, prefix=prefix),
            "postgresql": lambda: PostgresqlAccountStore(postgresql_url),
        }
        booked: dict[str, dict[str, int]] = {}
        pictures, calls = 0, 0
        for _ in range(9):  # parts of eight hours, a restart before each; two of them over midnight
            pool = AccountPool([key.account for key in keys], stores[kind](), clock)
            with Urllib3Transport(provider.url) as http:
                client = ChartClient(transport=http, accounts=pool, clock=clock)
                for number in range(14):
                    result = client.fetch(request(number))
                    pictures, calls = pictures + result.ok, calls + len(result.attempts)
                    day = clock.now().date().isoformat()
                    booked[day] = {status.account_id: status.used for status in pool.status() if status.used}
                    clock.advance(600)
            pool.close()
            clock.advance(8 * 3600 - 14 * 600)
        ledger = provider.ledger()

    charged = {
        day: {name: account.days[day].charged for name, account in ledger.accounts.items() if day in account.days}
        for day in booked
    }
    totals = [account.total for account in ledger.accounts.values()]
    assert charged == booked
    assert 4 == len(booked)
    assert (calls, calls) == (sum(total.asked for total in totals), sum(total.charged for total in totals))
    assert all(total.throttled == total.refused == 0 for total in totals)
    assert pictures > 60


@pytest.mark.gate
def test_a_crowd_at_once_is_never_throttled_and_uses_the_full_rate() -> None:
    """Forty fetches at once on five accounts of the plan BASIC get no 429, and end when three at once, then one a second allow it."""
    keys = [EmulatedAccount(f"a{number}", f"canary-key-{number}", plan="BASIC") for number in range(5)]
    listening = running.Emulator(keys)

    async def crowd(chance: random.Random) -> tuple[list[bool], float]:
        """Fetch over real HTTP in virtual time, in which a call takes no time."""
        workers = SimulatedWorkers(chance)
        clock = SimulatedClock(workers)
        listening.begin_anew(keys, now=clock.now)
        pool = AccountPool([key.account for key in keys], clock=clock)
        with Urllib3Transport(listening.url) as http:
            client = AsyncClient(open_routes(None, http, pool, clock=clock, log=False), workers)
            results = await asyncio.gather(*(client.fetch(small(number)) for number in range(1, 41)))
            took = clock.monotonic()
            await client.aclose()
        return [result.ok for result in results], took

    with listening:
        oks, took = simulate(crowd, seed=1)
        ledger = listening.ledger()

    assert [True] * 40 == oks
    assert [Tally(asked=8, charged=8)] * 5 == [account.total for account in ledger.accounts.values()]
    assert pytest.approx(5.1) == took  # three at once, then one a second, and the client's margin


@pytest.mark.gate
def test_a_crowd_at_once_in_real_time_books_each_of_its_calls() -> None:
    """Fetches at once from many threads all succeed; a call that was delayed and so throttled is in the books and in the result."""
    keys = [EmulatedAccount(f"a{number}", f"canary-key-{number}", plan="BASIC") for number in range(5)]
    patient = RetryPolicy(max_attempts=20, deadline=100.0)
    pool = AccountPool([key.account for key in keys])
    with emulator(*keys) as provider, Urllib3Transport(provider.url) as http, ThreadPoolExecutor(25) as crowd:
        client = ChartClient(transport=http, accounts=pool, policy=patient, log=False)
        results = list(crowd.map(lambda number: client.fetch(small(number)), range(1, 26)))
        used = {status.account_id: status.used for status in pool.status()}
        accounts = provider.ledger().accounts
    attempts = Counter((attempt.account_id, attempt.kind) for result in results for attempt in result.attempts)

    assert [True] * 25 == [result.ok for result in results]
    assert used == {name: account.total.asked for name, account in accounts.items()}
    assert attempts == Counter(
        {
            (name, kind): number
            for name, account in accounts.items()
            for kind, number in ((None, account.total.charged), (FaultKind.THROTTLED, account.total.throttled))
            if number
        }
    )


def test_a_quota_that_others_spend_is_found_out_once() -> None:
    """One refusal ends the account's day in the books, and no more calls are made."""
    key = EmulatedAccount("a", "canary-key", plan="BASIC", daily_limit=3)
    clock = VirtualClock(MORNING)
    with emulator(key, clock=clock) as provider:
        believed = AccountPool([EmulatedAccount("a", "canary-key", plan="BASIC").account], clock=clock)
        with Urllib3Transport(provider.url) as http:
            policy = RetryPolicy(max_attempts=2)
            client = ChartClient(transport=http, accounts=believed, clock=clock, policy=policy)
            results = []
            for number in range(8):
                results.append(client.fetch(request(number)))
                clock.advance(5)
        total = provider.ledger().accounts["a"].total

    assert [True] * 3 + [False] * 5 == [result.ok for result in results]
    assert (4, 3, 1) == (total.asked, total.charged, total.refused)
    assert AccountState.EXHAUSTED == believed.status()[0].state
