"""The days of callers, in virtual time."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from chartimg import Account, AccountPool
from chartimg.adapters.memory import MemoryAccountStore
from chartimg.app.gateway.callers import Callers, DaySpent
from chartimg.app.gateway.settings import Caller
from chartimg.app.pool import Pool
from chartimg.testing import VirtualClock
from rows import for_each

SHEET = Caller("sheet", "canary-token-of-sheet", 2)
BOT = Caller("bot", "canary-token-of-bot", 3)
FREE = Caller("free", "canary-token-of-free")
LATE = datetime(2026, 11, 27, 23, 59, 58, tzinfo=UTC)


def callers(clock: VirtualClock, store: MemoryAccountStore | None = None) -> Callers:
    """Return callers with books in *store*."""
    kept = MemoryAccountStore() if store is None else store

    def books(account: Account) -> Pool:
        """Open the books of one account."""
        return AccountPool([account], kept, clock, listener=())

    return Callers([SHEET, BOT, FREE], books)


def spent(known: Callers, caller: Caller) -> int | None:
    """Spend a unit of the caller's day; return the seconds to the next one if none is left."""
    try:
        known.spend(caller)
    except DaySpent as day:
        return day.seconds
    return None


def test_a_day_ends_at_midnight_utc() -> None:
    """A caller that has spent its day is told the seconds to midnight UTC, and then has a new one, not two."""
    clock = VirtualClock(LATE)
    known = callers(clock)
    before = [spent(known, SHEET) for _ in range(3)]
    clock.advance(1.5)
    just_before = spent(known, SHEET)
    clock.advance(0.5)
    after = [spent(known, SHEET) for _ in range(3)]

    assert [None, None, 2] == before
    assert 1 == just_before
    assert [None, None, 86_400] == after


def test_a_unit_of_yesterday_is_not_given_back_to_today() -> None:
    """A unit that was taken before midnight and given back after it adds nothing to the new day."""
    clock = VirtualClock(LATE)
    known = callers(clock)
    claim = known.spend(SHEET)
    clock.advance(3)
    first = spent(known, SHEET)
    known.give_back(claim)

    assert [None, None, 86_399] == [first, spent(known, SHEET), spent(known, SHEET)]


def test_callers_and_workers_share_no_more_than_a_day() -> None:
    """Two workers with one store share the day of a caller, and the days of two callers are apart."""
    clock, store = VirtualClock(LATE), MemoryAccountStore()
    one, other = callers(clock, store), callers(clock, store)
    claim = one.spend(SHEET)
    other.spend(SHEET)
    one.give_back(claim)

    assert [None, 2] == [spent(other, SHEET), spent(one, SHEET)]
    assert [None, None, None, 2] == [spent(one, BOT) for _ in range(4)]
    assert [True, False] == [one.limits(SHEET), one.limits(FREE)]


@given(waits=st.lists(st.floats(0, 40_000), min_size=5, max_size=30))
def test_no_day_has_more_units_than_its_limit(waits: list[float]) -> None:
    """However a caller asks, it gets on each UTC day as many units as it asks for, up to its limit."""
    clock = VirtualClock(LATE)
    known = callers(clock)
    asked: dict[object, list[bool]] = {}
    for wait in waits:
        clock.advance(wait)
        asked.setdefault(clock.now().date(), []).append(spent(known, SHEET) is None)

    assert all([place < 2 for place in range(len(day))] == day for day in asked.values())


@for_each("token", ["", "canary-token-of-shee", "canary-token-of-sheet ", "CANARY-TOKEN-OF-SHEET", "\udcff"])
def test_a_wrong_token_is_nobodys(token: str) -> None:
    """A token that differs in any character is known to be nobody's."""
    known = callers(VirtualClock())

    assert (None, SHEET) == (known.known(token), known.known(SHEET.token))
