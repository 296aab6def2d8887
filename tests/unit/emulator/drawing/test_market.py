"""The invented market has possible prices at the times of a calendar."""

from __future__ import annotations

import itertools
import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chartimg.emulator.drawing.market import NEWEST, Candle, Interval, decimals, heikin_ashi, last_price, level, market
from rows import for_each

SYMBOLS = st.sampled_from(["BINANCE:BTCUSDT", "BINANCE:SHIBUSDT", "FX:EURUSD", "(A:B+C:D)/2"]) | st.text()
INTERVALS = st.builds(Interval, st.integers(1, 999), st.sampled_from("mhDWMY"))


@given(symbol=SYMBOLS, interval=INTERVALS, count=st.integers(0, 600))
def test_every_candle_is_possible(symbol: str, interval: Interval, count: int) -> None:
    """Prices are positive, low and high are the extremes of a candle, and its volume is positive."""
    candles = market(symbol, interval, count)

    assert count == len(candles)
    for candle in candles:
        assert 0 < candle.low <= min(candle.open, candle.close)
        assert candle.high >= max(candle.open, candle.close)
        assert candle.volume > 0


@given(symbol=SYMBOLS, one=INTERVALS, other=INTERVALS)
def test_the_last_price_is_the_same_at_every_interval(symbol: str, one: Interval, other: Interval) -> None:
    """The newest candle of any interval closes at the last price, which is near the level."""
    closes = [market(symbol, interval, 1)[-1].close for interval in (one, other)]

    assert [last_price(symbol)] * 2 == closes
    assert 0.02 >= abs(math.log(last_price(symbol) / level(symbol))) - 1e-2 * (level(symbol) < 1)


@given(symbol=SYMBOLS, interval=INTERVALS, few=st.integers(1, 200), more=st.integers(0, 400))
@settings(max_examples=25)
def test_a_longer_walk_ends_in_the_shorter_one(symbol: str, interval: Interval, few: int, more: int) -> None:
    """The candles of a symbol and an interval are the same however many are asked for."""
    assert market(symbol, interval, few) == market(symbol, interval, few + more)[more:]


@given(symbol=SYMBOLS, interval=INTERVALS)
@settings(max_examples=25)
def test_a_candle_opens_where_the_one_before_closed(symbol: str, interval: Interval) -> None:
    """A walk has no gaps, and the newest 140 candles reach over the span of the interval, up to rounding."""
    candles = market(symbol, interval, 140)
    step = 10.0 ** -decimals(last_price(symbol), interval.span)

    assert all(before.close == after.open for before, after in itertools.pairwise(candles))
    low, high = min(candle.low for candle in candles), max(candle.high for candle in candles)
    assert math.isclose(math.log((high + step) / max(low - step, step / 2)), interval.span, rel_tol=0.5, abs_tol=0.02)


def test_symbol_and_interval_decide_the_walk() -> None:
    """Another symbol or interval has other candles."""
    walks = [
        market("BINANCE:BTCUSDT", Interval(1, "h"), 20),
        market("BINANCE:ETHUSDT", Interval(1, "h"), 20),
        market("BINANCE:BTCUSDT", Interval(4, "h"), 20),
        market("COINBASE:BTCUSDT", Interval(1, "h"), 20),
    ]

    assert all(one != other for one, other in itertools.combinations(walks, 2))


@pytest.mark.parametrize(
    ("symbol", "expected"), [("BINANCE:BTCUSDT", 65_000.0), ("COINBASE:BTCUSD", 65_000.0), ("FX:EURUSD", 1.0912)]
)
def test_known_symbols_have_their_level(symbol: str, expected: float) -> None:
    """A known ticker has its level on every exchange."""
    assert expected == level(symbol)


@given(symbol=st.text(alphabet=st.characters(), min_size=1))
def test_every_symbol_has_a_level_of_its_own(symbol: str) -> None:
    """Any name, formulas and lone surrogates included, has the same plausible level each time."""
    assert level(symbol) == level(symbol)
    assert 5 <= level(f"X:{symbol}\ud800") <= 500


@for_each(
    ("middle", "span", "expected"),
    [(65_000, 0.055, 2), (100, 0.055, 2), (1.09, 0.055, 4), (0.0001234, 0.055, 8), (0.0001234, 0.8, 7)],
)
def test_decimals_suit_the_level(middle: float, span: float, expected: int) -> None:
    """Large prices have two decimals, and small ones as many as tell them apart."""
    assert expected == decimals(middle, span)


@for_each(
    ("text", "expected"),
    [("45m", Interval(45, "m")), ("1D", Interval(1, "D")), ("3M", Interval(3, "M")), ("", Interval(1, "D")),
     ("h1", Interval(1, "D")), ("0h", Interval(1, "D")), ("9" * 5000 + "Y", Interval(1, "D"))],
)  # fmt: skip
def test_intervals_are_read(text: str, expected: Interval) -> None:
    """A number and a unit are read, upper and lower case differ, and anything else is a day."""
    assert expected == Interval.read(text)


@given(interval=INTERVALS, age=st.integers(-5, 400))
def test_candles_follow_each_other(interval: Interval, age: int) -> None:
    """Every moment exists, and an earlier candle never begins later, for any interval."""
    assert interval.moment(age + 1) <= interval.moment(age)
    assert interval.moment(0) <= NEWEST
    assert 0 < interval.span <= 0.8


@for_each(
    ("text", "month", "day", "hour"),
    [("1h", 10, 14, 16), ("4h", 10, 14, 16), ("1D", 10, 14, 0), ("1W", 10, 14, 0), ("3M", 10, 1, 0), ("1Y", 1, 1, 0)],
)
def test_candles_begin_where_the_calendar_says(text: str, month: int, day: int, hour: int) -> None:
    """Days begin at midnight, weeks on Monday, months and years on their first day."""
    interval = Interval.read(text)

    assert datetime(2024, month, day, hour, tzinfo=UTC) == interval.moment(0)
    assert interval.intraday == (interval.step < timedelta(days=1))


def test_heikin_ashi_averages_with_the_candle_before() -> None:
    """A candle opens in the middle of the one before and closes at the mean of its prices; it falls only below its open."""
    first, second = heikin_ashi([Candle(10, 14, 8, 12, 1), Candle(12, 20, 12, 16, 1)])

    assert Candle(11, 14, 8, 11, 1) == first
    assert Candle(11, 20, 11, 15, 1) == second
    assert (True, False) == (first.rising, Candle(2, 2, 1, 1, 1).rising)
