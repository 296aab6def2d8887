"""The forecast: it says when claims would be granted, and books nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.bootstrap import AccountPool
from chartimg.domain.account import Account, ledger
from chartimg.domain.account.forecast import Forecast, forecast
from chartimg.domain.account.turn import Granted
from chartimg.testing import VirtualClock
from pools import MIDNIGHT, SECOND
from samples import NOON

A = Account("a", "key-a", daily_limit=4, requests_per_second=1.0, burst=2)


def on_fresh_books(accounts: list[Account], charts: int, now: datetime = NOON) -> Forecast:
    """Return the forecast for accounts that were never called."""
    return forecast(accounts, [ledger.fresh(account, now) for account in accounts], charts, now)


def test_what_fits_into_the_day_is_had_at_the_pace() -> None:
    """Two charts are had at once, further ones one a second, after one margin."""
    assert Forecast(0, 0, NOON, MIDNIGHT) == on_fresh_books([A], 0)
    assert Forecast(2, 2, NOON, MIDNIGHT) == on_fresh_books([A], 2)
    assert Forecast(4, 4, NOON + 2 * SECOND + ledger.MARGIN, MIDNIGHT) == on_fresh_books([A], 4)
    assert on_fresh_books([A], 4).enough


def test_what_does_not_fit_comes_with_the_next_days() -> None:
    """Charts beyond the limit come after the next midnight, and further ones after the one that follows."""
    six, nine = on_fresh_books([A], 6), on_fresh_books([A], 9)

    assert (4, False) == (six.today, six.enough)
    assert MIDNIGHT == six.last_call_at
    assert (4, MIDNIGHT + timedelta(days=1)) == (nine.today, nine.last_call_at)


def test_what_never_comes_has_no_moment() -> None:
    """Suspended accounts and accounts without units have no moment of the last call."""
    suspended = ledger.suspend(ledger.fresh(A, NOON), "refused")

    assert Forecast(1, 0, None, MIDNIGHT) == forecast([A], [suspended], 1, NOON)
    assert Forecast(1, 0, None, MIDNIGHT) == on_fresh_books([attrs.evolve(A, daily_limit=0)], 1)
    assert Forecast(3, 0, None, MIDNIGHT) == on_fresh_books([], 3)


def test_the_order_of_the_accounts_does_not_delay_a_chart() -> None:
    """The first chart is had at once, though the first account in order has to wait."""
    paused = ledger.throttle(ledger.fresh(A, NOON), A, NOON + SECOND, "Too Many Requests")

    assert Forecast(1, 1, NOON, MIDNIGHT) == forecast([A, A], [paused, ledger.fresh(A, NOON)], 1, NOON)


def test_several_accounts_serve_side_by_side() -> None:
    """The account that can be called soonest takes the next chart."""
    b = Account("b", "key-b", daily_limit=100, requests_per_second=10.0, burst=2)

    assert Forecast(8, 8, NOON + timedelta(seconds=0.4) + ledger.MARGIN, MIDNIGHT) == on_fresh_books([A, b], 8)


@given(
    st.lists(st.tuples(st.integers(0, 6), st.floats(0.2, 9), st.integers(1, 4)), min_size=1, max_size=3),
    st.integers(1, 15),
    st.integers(0, 86_399),
)
def test_the_forecast_is_what_claims_find(limits: list[tuple[int, float, int]], charts: int, second: int) -> None:
    """A pool that claims as soon as it can makes its calls at the moments of the forecast."""
    start = MIDNIGHT + timedelta(seconds=second)
    accounts = [Account(f"a{n}", f"key-{n}", limit, None, rate, burst) for n, (limit, rate, burst) in enumerate(limits)]
    clock, store = VirtualClock(start), MemoryAccountStore()
    pool = AccountPool(accounts, store, clock)
    said = pool.forecast(charts)
    assert (None,) * len(accounts) == store.read([account.id for account in accounts])
    at: datetime | None = None
    today = 0
    for _ in range(charts):
        status = [each.available_at for each in pool.status() if each.available_at is not None]
        if not status:
            at = None
            break
        clock.sleep((min(status) - clock.now()).total_seconds())
        outcome = pool.claim()
        assert isinstance(outcome, Granted)
        at = outcome.claim.not_before
        today += at < said.window_end

    assert (today, at) == (said.today, said.last_call_at)
    assert said.enough is (today == charts)
