"""The snapshot of an account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest

from chartimg.domain.account import WINDOW, Account, AccountSnapshot, AccountState
from chartimg.domain.plan import UNKNOWN

MIDNIGHT = datetime(2026, 1, 5, tzinfo=UTC)


def test_a_snapshot_begins_available_and_lasts_a_day() -> None:
    """A new snapshot is AVAILABLE with no unit taken and a bucket that was full long ago, and its window lasts a day."""
    snapshot = AccountSnapshot("a", window=MIDNIGHT, arrival=MIDNIGHT, key_digest="0")

    counts = (snapshot.version, snapshot.used, snapshot.serial, snapshot.epoch)
    assert (AccountState.AVAILABLE, None, "", False) == (
        snapshot.state,
        snapshot.until,
        snapshot.reason,
        snapshot.spent,
    )
    assert ((0, 0, 0, 0), frozenset(), UNKNOWN) == (counts, snapshot.refunded, snapshot.learned_limits)
    assert datetime(1970, 1, 1, tzinfo=UTC) == snapshot.full_at
    assert MIDNIGHT + timedelta(days=1) == MIDNIGHT + WINDOW == snapshot.window_end


def test_accounts_and_snapshots_are_frozen() -> None:
    """An account and a snapshot can not be changed."""
    snapshot = AccountSnapshot("a", window=MIDNIGHT, arrival=MIDNIGHT, key_digest="0")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        snapshot.used = 1  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Account("a", "key").burst = 9  # type: ignore[misc]
