"""The status of an account, from its snapshot."""

from __future__ import annotations

from datetime import timedelta

import attrs
import pytest

from chartimg.domain.account import Account, AccountSnapshot, AccountState, ledger
from chartimg.domain.account.status import AccountStatus, status_of
from rows import for_each
from samples import NOON

ACCOUNT = Account("a", "key", daily_limit=2, plan="PRO", burst=2)
FRESH = ledger.fresh(ACCOUNT, NOON)
TAKEN = ledger.grant(ledger.grant(FRESH, ACCOUNT, NOON)[0], ACCOUNT, NOON)[0]
PAUSED = ledger.throttle(FRESH, ACCOUNT, NOON + timedelta(seconds=9), "Too Many Requests")


@for_each(
    ("snapshot", "state", "left", "reason", "seconds"),
    [
        (FRESH, AccountState.AVAILABLE, 2, "", 0),
        (TAKEN, AccountState.EXHAUSTED, 0, "all units of the day are taken", 43_200),
        (PAUSED, AccountState.THROTTLED, 2, "Too Many Requests", 9),
        (ledger.exhaust(FRESH, ACCOUNT, "Limit Exceeded"), AccountState.EXHAUSTED, 0, "Limit Exceeded", 43_200),
        (ledger.suspend(FRESH, "Forbidden"), AccountState.SUSPENDED, 2, "Forbidden", None),
        (ledger.suspend(TAKEN, "Forbidden"), AccountState.SUSPENDED, 0, "Forbidden", None),
    ],
)
def test_a_status_says_what_is_left_and_when(
    snapshot: AccountSnapshot, state: AccountState, left: int, reason: str, seconds: int | None
) -> None:
    """The status has the state, the units left, the reason and the moment of the next call."""
    at = None if seconds is None else NOON + timedelta(seconds=seconds)

    assert AccountStatus(
        "a", state, snapshot.used, 2, left, reason, at, snapshot.window_end, ACCOUNT.plan
    ) == status_of(ACCOUNT, snapshot, NOON)


def test_books_of_a_day_that_begins_now_are_of_today() -> None:
    """At midnight the new books are not of a day to come."""
    assert "" == status_of(ACCOUNT, FRESH, FRESH.window).reason


def test_a_moment_that_has_passed_is_now() -> None:
    """An account that could have been called before can be called now, not in the past."""
    later = NOON + timedelta(hours=1)

    assert later == status_of(ACCOUNT, attrs.evolve(FRESH, arrival=NOON), later).available_at


@pytest.mark.parametrize(("name", "argument"), [("a", "a"), ("my key", "'my key'")])
def test_books_of_a_day_to_come_name_the_repair(name: str, argument: str) -> None:
    """If the books are of a day to come, the reason asks about the clock and names the command that begins them anew."""
    reason = status_of(attrs.evolve(ACCOUNT, id=name), TAKEN, NOON - timedelta(days=3)).reason

    assert reason == (
        "its books are of 2026-01-05, which is to come: was the clock wrong? "
        f"chartimg accounts reset {argument} begins them anew"
    )
