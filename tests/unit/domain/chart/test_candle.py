"""Candles: the moments of their closes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.chart.candle import SETTLE, Grid, boundary_between, candle_at, next_close
from rows import for_each

ALWAYS = Grid(0)
HALF_HOURS = Grid()
INTERVALS = (*shipped_catalog().intervals, *shipped_catalog().unconfirmed_intervals)
OTHERS = ("7m", "90m", "10h", "36h", "48h", "1s", "30s", "5D", "2W", "5M", "2Y")
moments = st.datetimes(datetime(1999, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 (hypothesis adds it)
intervals = st.sampled_from((*INTERVALS, *OTHERS))
grids = st.sampled_from([0, 1, 5, 7, 10, 15, 30]).map(Grid)


def at(text: str) -> datetime:
    """Read a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CLOSES = {
    "1m": ("2024-02-28 23:59:59", "2024-02-29 00:00"),
    "2m": ("2024-02-29 10:01:00", "2024-02-29 10:02"),
    "3m": ("2024-02-29 10:00:00", "2024-02-29 10:03"),
    "5m": ("2024-02-29 10:04:59.999999", "2024-02-29 10:05"),
    "15m": ("2024-12-31 23:46:00", "2025-01-01 00:00"),
    "30m": ("2024-02-29 10:30:00", "2024-02-29 11:00"),
    "45m": ("2024-02-29 10:00:00", "2024-02-29 10:30"),
    "1h": ("2024-02-29 10:59:00", "2024-02-29 11:00"),
    "2h": ("2024-02-29 11:00:00", "2024-02-29 12:00"),
    "3h": ("2024-02-29 11:00:00", "2024-02-29 12:00"),
    "4h": ("2024-02-29 11:59:00", "2024-02-29 12:00"),
    "6h": ("2024-02-29 12:00:00", "2024-02-29 18:00"),
    "8h": ("2024-02-29 07:59:59", "2024-02-29 08:00"),
    "12h": ("2024-02-29 12:00:00", "2024-03-01 00:00"),
    "1D": ("2024-02-28 15:00:00", "2024-02-29 00:00"),
    "2D": ("2024-02-28 15:00:00", "2024-02-29 00:00"),
    "3D": ("2023-02-28 15:00:00", "2023-03-01 00:00"),
    "1W": ("2024-02-29 12:00:00", "2024-03-04 00:00"),
    "1M": ("2024-02-29 23:59:59", "2024-03-01 00:00"),
    "3M": ("2024-10-05 00:00:00", "2025-01-01 00:00"),
    "6M": ("2024-06-30 23:59:59", "2024-07-01 00:00"),
    "1Y": ("2024-01-01 00:00:00", "2025-01-01 00:00"),
}


def test_the_table_has_every_interval_of_the_catalog() -> None:
    """No interval of the catalog is without a row."""
    assert set(INTERVALS) == set(CLOSES)


@for_each("interval", CLOSES)
def test_a_candle_closes_by_its_interval_where_trade_never_rests(interval: str) -> None:
    """The next close of each interval is that of the UTC grid."""
    moment, close = map(at, CLOSES[interval])

    assert close == next_close(moment, interval, ALWAYS)


@for_each(
    ("interval", "minutes", "close"),
    [
        ("1m", 30, "10:02"),
        ("30s", 30, "10:01:30"),
        ("7m", 30, "10:02"),
        ("15m", 30, "10:15"),
        ("45m", 30, "10:15"),
        ("1h", 30, "10:30"),
        ("1h", 15, "10:15"),
        ("4h", 5, "10:05"),
        ("1D", 30, "10:30"),
        ("1W", 30, "10:30"),
        ("1Y", 15, "10:15"),
    ],
)
def test_a_candle_may_close_at_each_shared_divisor_where_trade_opens_and_closes(
    interval: str, minutes: int, close: str
) -> None:
    """Half an hour is the longest span without a close there, and an opening on a quarter hour has one on each."""
    assert at(f"2024-02-29 {close}") == next_close(at("2024-02-29 10:01"), interval, Grid(minutes))


@given(moment=moments, interval=intervals, grid=grids)
def test_a_candle_holds_its_moment_and_is_the_same_at_each_moment_of_it(
    moment: datetime, interval: str, grid: Grid
) -> None:
    """Candles tile time: one begins where the one before it closes."""
    candle = candle_at(moment, interval, grid)
    assert candle is not None
    instant = timedelta(microseconds=1)

    assert candle.begins <= moment < candle.closes
    assert candle == candle_at(candle.begins, interval, grid) == candle_at(candle.closes - instant, interval, grid)
    after, before = candle_at(candle.closes, interval, grid), candle_at(candle.begins - instant, interval, grid)
    assert after is not None
    assert before is not None
    assert (candle.closes, candle.begins) == (after.begins, before.closes)


@given(times=st.lists(moments, min_size=3, max_size=3).map(sorted), interval=intervals, grid=grids)
def test_boundaries_are_monotone_and_additive(times: list[datetime], interval: str, grid: Grid) -> None:
    """A span has a close exactly if one of its parts has one."""
    first, second, third = times
    parts = boundary_between(first, second, interval, grid) or boundary_between(second, third, interval, grid)

    assert parts is boundary_between(first, third, interval, grid)


@given(moment=moments, interval=intervals, grid=grids)
def test_no_close_is_missed_and_none_is_seen_twice(moment: datetime, interval: str, grid: Grid) -> None:
    """A close is between a moment before it and itself, not between the moment and any sooner one, nor after itself."""
    close = next_close(moment, interval, grid)
    assert close is not None
    instant = timedelta(microseconds=1)

    assert boundary_between(moment, close, interval, grid)
    assert not boundary_between(moment, close - instant, interval, grid)
    assert not boundary_between(close, close + instant, interval, grid)
    assert not boundary_between(close, moment, interval, grid)


@given(moment=moments, interval=intervals, minutes=st.sampled_from([1, 5, 10, 15, 30]), opening=st.integers(0, 1440))
def test_no_close_of_a_session_is_missed(moment: datetime, interval: str, minutes: int, opening: int) -> None:
    """A candle that begins with a session of its own closes on the grid, unless the session ends before."""
    length = {"s": 1, "m": 60, "h": 3600}.get(interval[-1])
    if length is None:
        length, interval = 60, "1m"
    seconds = int(interval[:-1]) * length
    opens = moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(minutes=opening // minutes * minutes)
    closes = [opens + timedelta(seconds=count * seconds) for count in range(1, 7)]
    same_day = [close for close in closes if close.date() == opens.date()]

    for close in same_day:
        assert boundary_between(close - timedelta(microseconds=1), close, interval, Grid(minutes))


@given(moment=moments, interval=intervals, grid=grids, hours=st.integers(-12, 14))
def test_the_time_zone_of_a_moment_changes_nothing(moment: datetime, interval: str, grid: Grid, hours: int) -> None:
    """Equal moments have the same candle."""
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours)))

    assert candle_at(moment, interval, grid) == candle_at(elsewhere, interval, grid)


@given(moment=moments, interval=intervals, some=st.lists(grids, max_size=3))
def test_the_grid_of_a_formula_has_the_closes_of_all_its_parts(
    moment: datetime, interval: str, some: list[Grid]
) -> None:
    """A formula is drawn anew when a candle of any of its symbols closes."""
    whole = Grid.of_formula(some)

    for grid in some:
        close = next_close(moment, interval, grid)
        assert close is not None
        assert boundary_between(close - timedelta(microseconds=1), close, interval, whole)


@for_each("interval", ["", "h", "0m", "-1h", "1H", "1 h", "1.5h", "٣m", "1h\n", "999999m"])
def test_a_candle_of_an_unknown_interval_may_close_at_any_moment(interval: str) -> None:
    """No moment of a close is known, and every span of time has one."""
    now = at("2024-02-29 10:00")

    assert next_close(now, interval, HALF_HOURS) is None
    assert boundary_between(now, now + timedelta(microseconds=1), interval, HALF_HOURS)
    assert not boundary_between(now, now, interval, HALF_HOURS)


@pytest.mark.parametrize("minutes", [-1, 31])
def test_a_grid_is_half_an_hour_at_most(minutes: int) -> None:
    """A longer grid is refused, and half an hour is that of an exchange whose openings are not known."""
    assert Grid(30) == HALF_HOURS
    with pytest.raises(ValueError, match="minutes"):
        Grid(minutes)


def test_a_close_has_five_seconds_to_show() -> None:
    """A picture that is taken within five seconds after a close may lack it; a close is waited for as long."""
    assert timedelta(seconds=5) == SETTLE
