"""The invented market has possible prices at the times of a calendar."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chartimg.emulator.drawing.market import NEWEST, Candle, Interval, decimals, heikin_ashi, level, seed, walk

LEVELS = st.floats(1e-8, 1e6)
SPANS = st.floats(0.005, 0.8)
INTERVALS = st.builds(Interval, st.integers(1, 999), st.sampled_from("mhDWMY"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(text=st.text(), count=st.integers(2, 60), middle=LEVELS, span=SPANS)
@settings(max_examples=50)
def test_every_candle_is_possible(text: str, count: int, middle: float, span: float) -> None:
    """Prices are positive, low and high are the extremes of a candle, and its volume is positive."""
    candles = walk(text, count, count // 2, middle, span)

    assert count == len(candles)
    for candle in candles:
        assert 0 < candle.low <= min(candle.open, candle.close)
        assert candle.high >= max(candle.open, candle.close)
        assert candle.volume > 0


@given(text=st.text(), middle=LEVELS, span=SPANS)
@settings(max_examples=50)
def test_shown_candles_fill_the_span_around_the_level(text: str, middle: float, span: float) -> None:
    """The shown candles fill the span around the level and stay within it, up to rounding."""
    shown = walk(text, 60, 30, middle, span)[-30:]
    low, high = min(candle.low for candle in shown), max(candle.high for candle in shown)
    step = 10.0 ** -decimals(middle, span)

    assert low < middle < high
    assert middle * 2.8 ** (-span / 2) - step <= low
    assert middle * 2.8 ** (span / 2) + step >= high
    assert high - low > 0.8 * span * middle


def test_a_seed_decides_the_walk() -> None:
    """The same seed gives the same candles; the numbers 2.0 and 2 are one seed; 2.5, true and a text are others."""
    walks = [walk(seed({"a": [value]}), 20, 10, 100, 0.1) for value in (2, 2.0, 2.5, True, "2")]

    assert walks[0] == walks[1]
    assert all(walks[place] not in walks[place + 1 :] for place in range(1, 5))


@given(body=st.dictionaries(st.text(), JSON, max_size=4))
def test_a_seed_is_the_same_for_equal_json(body: dict[str, object]) -> None:
    """The order of keys and a trip over the wire do not change the seed."""
    turned = dict(reversed(body.items()))

    assert seed(body) == seed(turned)
    assert seed(body) == seed(json.loads(json.dumps(body)))


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


@pytest.mark.parametrize(
    ("middle", "span", "expected"),
    [(65_000, 0.055, 2), (100, 0.055, 2), (1.09, 0.055, 4), (0.0001234, 0.055, 8), (0.0001234, 0.8, 7)],
)
def test_decimals_suit_the_level(middle: float, span: float, expected: int) -> None:
    """Large prices have two decimals, and small ones as many as tell them apart."""
    assert expected == decimals(middle, span)


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
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
