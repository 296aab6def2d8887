"""The window of an account: its quota day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.account import WINDOW, window_of


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
    assert window_of(now + timedelta(days=1)) == window + WINDOW
