"""The client's books and the provider's tallies agree over real HTTP, through faults, over midnight and at full pace."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chartimg import AccountPool, ChartClient, ChartRequest, RetryPolicy
from chartimg.adapters.http import Urllib3Transport
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.adapters.redis import RedisAccountStore
from chartimg.adapters.sqlite import SqliteAccountStore
from chartimg.domain.account import AccountState
from chartimg.domain.ports import AccountStore
from chartimg.testing import EmulatedAccount, Fault, Rule, VirtualClock, emulator
from redis_server import redis_url, unique_prefix

__all__ = ["redis_url"]  # the fixture

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
    return ChartRequest("BINANCE:BTCUSDT", "1h", "small", {"width": 400, "height": 300, "shiftRight": 1 + number % 4})


@pytest.mark.parametrize("kind", ["memory", "sqlite", "redis"])
def test_tallies_and_books_agree_after_days_of_use(kind: str, tmp_path: Path, redis_url: str) -> None:
    """Tallies and books agree unit for unit through faults, restarts and over midnight."""
    clock = VirtualClock(MORNING)
    keys = [EmulatedAccount(f"a{number}", f"canary-key-{number}", plan="BASIC", daily_limit=12) for number in range(3)]
    with unique_prefix(redis_url) as prefix, emulator(*keys, rules=FAULTS, clock=clock) as provider:
        memory = MemoryAccountStore()
        stores: dict[str, Callable[[], AccountStore]] = {
            "memory": lambda: memory,
            "sqlite": lambda: SqliteAccountStore(tmp_path / "books.sqlite3"),
            "redis": lambda: RedisAccountStore(redis_url, prefix=prefix),
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


def test_a_crowd_at_once_is_never_throttled_and_uses_the_full_rate() -> None:
    """Forty fetches at once on five accounts of the plan BASIC, in real time over real HTTP, get no 429."""
    keys = [EmulatedAccount(f"a{number}", f"canary-key-{number}", plan="BASIC") for number in range(5)]
    with emulator(*keys) as provider, ChartClient.from_env(provider.environ) as client:
        started = time.monotonic()
        with ThreadPoolExecutor(40) as crowd:
            oks = list(crowd.map(lambda number: client.fetch(request(number)).ok, range(40)))
        took = time.monotonic() - started
        ledger = provider.ledger()

    assert [True] * 40 == oks
    assert [8] * 5 == [account.total.charged for account in ledger.accounts.values()]
    assert [0] * 5 == [account.total.throttled for account in ledger.accounts.values()]
    assert took >= 5.0  # three at once, then one a second


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
