"""Candles: when one closes, and whether one has closed since a picture was taken. All moments are UTC.

A candle of ``5m`` closes at each multiple of five minutes after midnight, and one of ``1D`` at midnight. One of ``1W`` closes on
Monday, ``1M`` on the first of a month, ``3M`` on the first of January, April, July and October. That is so where trade never rests.

Elsewhere candles begin when trade opens. That moment differs by exchange, season and holiday. So the grid of an exchange
says of how many minutes each opening is a multiple. Its candles may close at each multiple of these minutes, or of the largest
divisor that they share with the interval. So no close is missed, and some that do not happen are assumed.

The provider does not document where candles of several days or weeks begin. So they count as closing every day, or every Monday.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import gcd
from typing import Final

import attrs

__all__ = ["SETTLE", "Candle", "Grid", "boundary_between", "candle_at", "next_close"]

SETTLE: Final = timedelta(seconds=5)
"""A picture taken within this time after a close may not show the close yet."""

_INTERVAL: Final = re.compile(r"([1-9][0-9]{0,4})([smhDWMY])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 60 * 60}
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)
_YEAR_MONTHS: Final = 12


@attrs.frozen
class Grid:
    """The moments of a day when candles of an exchange may close.

    Attributes:
        minutes: each opening of trade is a multiple of these minutes after midnight. 0 where trade never rests: candles
            close by their interval alone.
    """

    minutes: int = attrs.field(default=30, validator=[attrs.validators.ge(0), attrs.validators.le(30)])

    @classmethod
    def of_formula(cls, grids: Iterable[Grid]) -> Grid:
        """Return the grid of a formula of several symbols: it has the closes of all their *grids*."""
        return cls(gcd(*(grid.minutes for grid in grids)))


@attrs.frozen
class Candle:
    """The time of one candle.

    Attributes:
        begins: its first moment; the candle before it closes then.
        closes: the first moment after it.
    """

    begins: datetime
    closes: datetime


def boundary_between(earlier: datetime, later: datetime, interval: str, grid: Grid) -> bool:
    """Return whether a candle closes after *earlier*, and not after *later*.

    A candle of an unknown interval may close at any moment.
    """
    if later <= earlier:
        return False
    candle = candle_at(later, interval, grid)
    return candle is None or candle.begins > earlier


def next_close(moment: datetime, interval: str, grid: Grid) -> datetime | None:
    """Return the moment of the first close after *moment*. Return None for an unknown interval."""
    candle = candle_at(moment, interval, grid)
    return None if candle is None else candle.closes


def candle_at(moment: datetime, interval: str, grid: Grid) -> Candle | None:
    """Return the candle that is forming at *moment*. Return None for an unknown interval."""
    found = _INTERVAL.fullmatch(interval)
    if found is None:
        return None
    count, unit, moment = int(found[1]), found[2], moment.astimezone(UTC)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit in _SECONDS or grid.minutes:
        step = gcd(count * _SECONDS.get(unit, 0), grid.minutes * 60)
        return _within_day(moment, midnight, timedelta(seconds=step))
    if unit == "D":
        return Candle(midnight, midnight + _DAY)
    if unit == "W":
        monday = midnight - timedelta(days=moment.weekday())
        return Candle(monday, monday + _WEEK)
    return _of_months(midnight, count if unit == "M" else _YEAR_MONTHS)


def _within_day(moment: datetime, midnight: datetime, step: timedelta) -> Candle:
    """Return the candle of *step* that began at a multiple of it after *midnight*. The last one ends with the day."""
    begins = midnight + (moment - midnight) // step * step
    return Candle(begins, min(begins + step, midnight + _DAY))


def _of_months(midnight: datetime, months: int) -> Candle:
    """Return the candle of *months*, from January on. If they do not divide a year, their largest divisor that does counts."""
    step = gcd(months, _YEAR_MONTHS)
    month = (midnight.month - 1) // step * step
    begins = midnight.replace(month=month + 1, day=1)
    years, month = divmod(month + step, _YEAR_MONTHS)
    return Candle(begins, begins.replace(year=begins.year + years, month=month + 1))
