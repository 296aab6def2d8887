"""The invented market: the prices of a symbol, the times of its candles, and their walk.

A symbol and an interval have one market: it is the same in every picture, as the real one is.
"""

from __future__ import annotations

import math
import random
import re
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import attrs

NEWEST: Final = datetime(2024, 10, 14, 16, tzinfo=UTC)
"""The time of the newest candle, always the same; BTCUSDT was between 60 and 70 thousand."""

MIN_DECIMALS: Final = 2
"""The decimals of large prices."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_AGE: Final = timedelta(days=365 * 1900)  # datetime ends at the years 1 and 9999, and time zones need some room
_PATTERN: Final = re.compile(r"([1-9][0-9]{0,2})([mhDWMY])")
_MINUTES: Final = {"m": 1, "h": 60, "D": 1440, "W": 10_080, "M": 43_200, "Y": 525_600}
_MONTHS: Final = {"M": 1, "Y": 12}
_LEVELS: Final = {
    "AAPL": 230.0, "ADAUSDT": 0.36, "BNBUSDT": 575.0, "BTCUSD": 65_000.0, "BTCUSDT": 65_000.0, "DOGEUSDT": 0.1134,
    "ES1!": 5_870.0, "ETHBTC": 0.0392, "ETHUSD": 2_550.0, "ETHUSDT": 2_550.0, "EURUSD": 1.0912, "GBPUSD": 1.3061,
    "MSFT": 418.0, "NQ1!": 20_450.0, "NVDA": 137.0, "PEPEUSDT": 0.0000105, "SHIBUSDT": 0.0000179, "SOLUSDT": 153.0,
    "SPX": 5_850.0, "TSLA": 219.0, "USDJPY": 149.6, "XAUUSD": 2_650.0, "XRPUSDT": 0.5412,
}  # fmt: skip
_SALT: Final = 465  # chosen for walks that look good
_MAX_AWAY: Final = 3.0  # distance of a candle from the newest price, in powers of e
_MAX_SPAN: Final = 0.8
_MAX_OFF_LEVEL: Final = 0.02
_SCALED: Final = 140  # so many of the newest candles reach over the span; about as many are shown


@attrs.frozen
class Candle:
    """The prices and the volume of one interval."""

    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def rising(self) -> bool:
        """Whether it closed no lower than it opened."""
        return self.close >= self.open


@attrs.frozen
class Interval:
    """The duration of a candle: a number of ``m``, ``h``, ``D``, ``W``, ``M`` or ``Y``."""

    number: int
    unit: str

    @classmethod
    def read(cls, text: str) -> Interval:
        """Return the interval of ``45m`` or ``1D``; an unreadable one is a day."""
        match = _PATTERN.fullmatch(text)
        return cls(int(match[1]), match[2]) if match else cls(1, "D")

    @property
    def step(self) -> timedelta:
        """The duration of a candle; a month is 30 days."""
        return timedelta(minutes=self.number * _MINUTES[self.unit])

    @property
    def intraday(self) -> bool:
        """Whether a candle has a time of day; a longer one has a date alone, the same in every time zone."""
        return self.unit in "mh"

    @property
    def span(self) -> float:
        """The reach of the shown prices as a share of the level; it grows with the square root of time, as in a walk."""
        return min(_MAX_SPAN, 0.055 * math.sqrt(self.step / timedelta(hours=1)))

    def moment(self, age: int) -> datetime:
        """Return the beginning of the candle *age* candles before the newest, or after it if negative."""
        if self.unit in _MONTHS:
            months = self.number * _MONTHS[self.unit]
            newest = (NEWEST.year * 12 + NEWEST.month - 1) // months
            year, month = divmod(min(max((newest - age) * months, 12 * 2), 12 * 9998), 12)
            return datetime(year, month + 1, 1, tzinfo=UTC)
        origin = _EPOCH - timedelta(days=3) if self.unit == "W" else _EPOCH  # a Monday
        newest = (NEWEST - origin) // self.step
        return origin + min(max(self.step * (newest - age), -_MAX_AGE), _MAX_AGE)


def level(symbol: str) -> float:
    """Return the price level of *symbol*: a known price, or one between 5 and 500 by its name."""
    known = _LEVELS.get(symbol.rpartition(":")[2])
    if known is not None:
        return known
    share = zlib.crc32(symbol.encode(errors="backslashreplace")) / 2**32
    return round(math.exp(math.log(5) + share * math.log(100)), 2)


def decimals(middle: float, span: float) -> int:
    """Return the decimals of prices around *middle*, so that the shown prices span a hundred steps or more."""
    return max(MIN_DECIMALS, math.ceil(2 - math.log10(middle * span)))


def last_price(symbol: str) -> float:
    """Return the newest price of *symbol*, the same at every interval: its level, give or take two percent."""
    middle = level(symbol)
    share = zlib.crc32(f"{_SALT} {symbol}".encode(errors="backslashreplace")) / 2**32
    return round(middle * math.exp(_MAX_OFF_LEVEL * (2 * share - 1)), decimals(middle, _MAX_SPAN))


def market(symbol: str, interval: Interval, count: int) -> list[Candle]:
    """Return the newest *count* candles of *symbol*, oldest first; a longer list ends in a shorter one."""
    text = f"{_SALT} {symbol} {interval.number}{interval.unit}"
    return walk(text, count, _SCALED, last_price(symbol), interval.span)


def walk(text: str, count: int, scaled: int, newest: float, span: float) -> list[Candle]:
    """Return *count* candles from the seed *text*, oldest first; the last *scaled* of them reach over the share *span*.

    The walk goes back in time from the price *newest*, so a longer one ends in a shorter one. Prices are positive and rounded
    to the decimals of the newest.
    """
    chance = random.Random(text)  # noqa: S311 (a picture, not a secret)
    place, drift, heat = 0.0, 0.0, 0.0
    raw: list[Candle] = []
    for _ in range(max(count, scaled)):
        heat = 0.85 * heat + chance.gauss(0, 0.22)
        drift = 0.9 * drift - 0.004 * place + chance.gauss(0, 0.07)
        size = 2.0**heat
        end, place = place, place + drift + chance.gauss(0, size)
        high = max(place, end) + abs(chance.gauss(0, 0.5 * size))
        low = min(place, end) - abs(chance.gauss(0, 0.5 * size))
        raw.append(Candle(place, high, low, end, 350 * (high - low + 0.6) * chance.lognormvariate(0, 0.35)))
    unit = span / (max(candle.high for candle in raw[:scaled]) - min(candle.low for candle in raw[:scaled]))
    digits = decimals(newest, span)
    tick = float(f"1e-{digits}")

    def price(value: float) -> float:
        return max(tick, round(newest * math.exp(min(max(unit * value, -_MAX_AWAY), _MAX_AWAY)), digits))

    return [Candle(price(c.open), price(c.high), price(c.low), price(c.close), c.volume) for c in reversed(raw[:count])]


def heikin_ashi(candles: Sequence[Candle]) -> list[Candle]:
    """Return candles that are averaged with the one before."""
    made: list[Candle] = []
    for candle in candles:
        before = made[-1] if made else candle
        start, end = (before.open + before.close) / 2, (candle.open + candle.high + candle.low + candle.close) / 4
        high, low = max(candle.high, start, end), min(candle.low, start, end)
        made.append(Candle(start, high, low, end, candle.volume))
    return made
