"""The snapshot of an account, and its window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.account import WINDOW, Account, AccountSnapshot, AccountState, window_of

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)


def test_a_snapshot_begins_available_and_lasts_a_day() -> None:
    """A new snapshot is AVAILABLE with no unit taken, and its window lasts a day."""
    snapshot = AccountSnapshot("a", window=MIDNIGHT, arrival=MIDNIGHT, key_digest="0")

    assert (snapshot.state, snapshot.used, snapshot.version, snapshot.spent) == (AccountState.AVAILABLE, 0, 0, False)
    assert MIDNIGHT + timedelta(days=1) == MIDNIGHT + WINDOW == snapshot.window_end


def test_accounts_and_snapshots_are_frozen() -> None:
    """An account and a snapshot can not be changed."""
    snapshot = AccountSnapshot("a", window=MIDNIGHT, arrival=MIDNIGHT, key_digest="0")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        snapshot.used = 1  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Account("a", "key").burst = 9  # type: ignore[misc]


@given(
    moment=st.datetimes(datetime(2000, 1, 2), datetime(2100, 1, 1)),  # noqa: DTZ001 (the zone is drawn beside it)
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_a_window_is_the_utc_day_in_every_zone(moment: datetime, minutes: int) -> None:
    """The window of a moment holds it and begins at midnight UTC, in any zone."""
    now = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    window = window_of(now)

    assert window <= now < window + WINDOW
    assert (window.tzinfo, window.hour, window.minute, window.second, window.microsecond) == (UTC, 0, 0, 0, 0)
    assert window_of(now.astimezone(UTC)) == window
