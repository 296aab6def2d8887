"""Pools over one store and one clock, and reports of their calls."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import attrs

from chartimg.adapters.catalog import shipped_catalog
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.pool import Pool
from chartimg.domain.account import Account, Claim
from chartimg.domain.account.status import AccountStatus
from chartimg.domain.account.turn import Granted
from chartimg.domain.faults import ChartApiError, FaultKind
from chartimg.domain.ports import AccountStore
from chartimg.testing import EventLog, VirtualClock
from samples import NOON

SECOND: Final = timedelta(seconds=1)
DAY: Final = timedelta(days=1)
MIDNIGHT: Final = NOON + DAY / 2
A: Final = Account("a", "key-a", daily_limit=3, requests_per_second=1.0, burst=2)
B: Final = attrs.evolve(A, id="b", api_key="key-b")


@attrs.define
class World:
    """One store, one clock and one listener, shared by the pools of a test."""

    store: AccountStore = attrs.field(factory=MemoryAccountStore)
    clock: VirtualClock = attrs.field(factory=lambda: VirtualClock(NOON))
    notes: EventLog = attrs.field(factory=EventLog)

    def pool(self, *accounts: Account) -> Pool:
        """Open a pool, as another process would."""
        return Pool(accounts, self.store, self.clock, self.notes, lambda: shipped_catalog().plans)

    def soon(self, seconds: float = 100.0) -> datetime:
        """Return the moment *seconds* ahead."""
        return self.clock.now() + timedelta(seconds=seconds)


def granted(outcome: object) -> Claim:
    """Return the claim of an outcome that must have one."""
    assert isinstance(outcome, Granted)
    return outcome.claim


def only(pool: Pool) -> AccountStatus:
    """Return the status of a pool's only account."""
    (status,) = pool.status()
    return status


def fault(kind: FaultKind, retry_after: float | None = None, said: str = "") -> ChartApiError:
    """Return an error of this kind."""
    return ChartApiError.of(kind, said or f"said {kind}", retry_after=retry_after)


def too_much(limit: str) -> ChartApiError:
    """Return the error of a chart that exceeds a *limit* of a plan."""
    return fault(FaultKind.PLAN_LIMIT, said=f"HTTP 403: Exceed Max Usage {limit}")
