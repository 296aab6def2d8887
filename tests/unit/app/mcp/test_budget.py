"""The budget of a session: a bound for the claims that stand, however many callers there are."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.app.config import WorkerConfig
from chartimg.app.mcp.budget import SessionPool
from chartimg.domain.account import Account, Claim
from chartimg.domain.account.turn import Granted, NoneLeft
from chartimg.domain.errors import StoreUnavailable
from chartimg.domain.faults import ChartApiError, FaultKind

FAULTS = [FaultKind.NOT_SENT, FaultKind.NETWORK, FaultKind.INVALID_REQUEST, None]


def session(budget: int | None, limit: int = 1000) -> SessionPool:
    """Return the pool of a session over one account without pace."""
    account = Account("main", "canary-key", limit, requests_per_second=1e6, burst=10**6)
    return SessionPool(WorkerConfig(accounts=(account,), account_store="memory://"), budget)


@given(
    st.integers(0, 4),
    st.lists(st.tuples(st.sampled_from(["claim", "refund", "report"]), st.integers(0, 9)), max_size=20),
)
def test_the_claims_that_stand_are_never_more_than_the_budget(budget: int, steps: list[tuple[str, int]]) -> None:
    """After any steps the claims that are neither refunded nor of a call never sent are at most the budget, and the rest is left."""
    pool, standing, known = session(budget), set[Claim](), list[Claim]()
    for step, number in steps:
        if step == "claim":
            turn = pool.claim()
            assert isinstance(turn, Granted) is (len(standing) < budget)
            if isinstance(turn, Granted):
                standing.add(turn.claim)
                known.append(turn.claim)
        elif known:
            claim, fault = known[number % len(known)], FAULTS[number % len(FAULTS)]
            if step == "refund":
                pool.refund(claim)
                standing.discard(claim)
            else:
                pool.report(claim, None if fault is None else ChartApiError.of(fault, "it failed"))
                standing -= {claim} if fault is FaultKind.NOT_SENT else set()

        assert budget - len(standing) == pool.session_left


def test_callers_at_once_stay_within_the_budget() -> None:
    """Of many claims at the same moment exactly the budget is granted."""
    pool = session(5)
    with ThreadPoolExecutor(8) as threads:
        turns = list(threads.map(lambda _: pool.claim(), range(40)))

    assert (5, 35) == (sum(isinstance(turn, Granted) for turn in turns), turns.count(NoneLeft(None)))
    assert (5, 0) == (pool.budget, pool.session_left)


def test_without_a_budget_the_accounts_are_the_bound() -> None:
    """A session without a budget spends all units of the accounts."""
    pool = session(None, limit=3)
    turns = [pool.claim() for _ in range(4)]

    assert [True, True, True, False] == [isinstance(turn, Granted) for turn in turns]
    assert pool.budget is pool.session_left is None


def test_a_claim_that_fails_costs_the_session_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim that the store refuses leaves the budget as it is."""
    pool = session(1)

    def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailable("it is gone")

    with monkeypatch.context() as patch:
        patch.setattr("chartimg.app.pool.Pool.claim", refuse)
        with pytest.raises(StoreUnavailable):
            pool.claim()

    assert isinstance(pool.claim(), Granted)
