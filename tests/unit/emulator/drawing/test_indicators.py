"""The arithmetic of the studies, by worked examples and by what must hold for any prices."""

from __future__ import annotations

from statistics import fmean, pstdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.emulator.drawing import indicators as of
from chartimg.emulator.drawing.indicators import Shelf
from chartimg.emulator.drawing.market import Candle, walk
from rows import for_each

VALUES = st.lists(st.floats(1, 1e5), min_size=1, max_size=40)
PERIODS = st.integers(1, 60)
CANDLES = st.integers(0, 30).map(lambda chance: walk(str(chance), 50, 30, 100, 0.2))
METHODS = st.sampled_from(["Simple", "Exponential", "Weighted", "Smoothed", "no such method"])


def near(values: list[float]) -> object:
    """Compare with room for the errors of running sums."""
    return pytest.approx(values, rel=1e-6, abs=1e-3)


@given(values=VALUES, period=PERIODS)
def test_averages_and_extremes_are_those_of_the_last_values(values: list[float], period: int) -> None:
    """Before the period is full, the values so far count; the weights of a weighted average are 1, 2, 3 up to the newest."""
    windows = [values[max(0, end - period) : end] for end in range(1, len(values) + 1)]
    weighted = [fmean(window, range(1, len(window) + 1)) for window in windows]

    assert near([fmean(window) for window in windows]) == of.average(values, period)
    assert near(weighted) == of.average(values, period, "Weighted")
    assert pytest.approx([*map(pstdev, windows)], rel=1e-4, abs=0.05) == of.deviation(values, period)
    for choose in (min, max):
        assert [*map(choose, windows)] == of.extremes(values, period, choose)


@given(values=VALUES, period=PERIODS, method=METHODS)
def test_averages_stay_between_the_extremes(values: list[float], period: int, method: str) -> None:
    """Every average stays between the extremes of its values."""
    made = of.average(values, period, method)

    assert len(values) == len(made)
    assert min(made) >= min(values) - 1e-3
    assert max(made) <= max(values) + 1e-3


CLOSES = [Candle(1, 9, 1, close, volume) for close, volume in ((5, 10), (6, 20), (6, 30), (4, 40))]
FLOWS = [Candle(1, 3, 1, 3, 10), Candle(1, 3, 1, 1, 10), Candle(1, 3, 1, 2, 10), Candle(1, 1, 1, 1, 10)]
WORKED: dict[str, tuple[object, object]] = {
    "half of each new value counts at a period of 3": (of.average([4, 8, 8], 3, "Exponential"), [4, 6, 7]),
    "a third of it in Wilder's": (of.average([4, 8, 8], 3, "Smoothed"), near([4, 5.333333, 6.222222])),
    "limits are the distance times the factor away": (of.around([10.0], [2.0], 2.0), ([14.0], [6.0])),
    "a higher close adds the volume, a lower one subtracts it": (of.on_balance_volume(CLOSES), [0, 20, 20, -20]),
    "a close at the top counts the whole volume, a flat candle none": (of.money_flow(FLOWS), [10, -10, 0, 0]),
    "a true range has the gap": (of.true_range([Candle(1, 3, 1, 2, 1), Candle(7, 8, 7, 8, 1)]), [2, 6]),
    "a step is in mean deviations": (of.commodity_channel([1, 1, 4], 3), [0, 0, pytest.approx(100)]),
    "a price counts by its volume": (of.weighed([10, 20], [1, 4], 2), [10, 18]),
    "a new high is 100, the other end of the period 0": (of.aroon([9, 1, 2, 5], 2, max), [100, 50, 0, 100]),
    "a single price fills the first shelf": (of.volume_profile([Candle(5, 5, 5, 5, 7)], 3)[0], Shelf(5, 6, up=7)),
}


@for_each(("made", "expected"), WORKED.values())
def test_a_worked_example_comes_out(made: object, expected: object) -> None:
    """Each formula gives the numbers that were worked out by hand."""
    assert expected == made


@given(value=st.floats(1, 1e5), period=PERIODS)
def test_constant_values_stay_constant(value: float, period: int) -> None:
    """Every average of a constant is that constant, and every spread is 0."""
    values = [value] * 30

    assert near(values) == of.hull(values, period)
    assert near(values) == of.double_average(values, period)
    assert near(values) == of.triple_average(values, period)
    assert [0.0] * 30 == of.deviation(values, period)
    assert [0.0] * 30 == of.change(values, period)
    assert [50.0] * 30 == of.rsi(values, period)
    assert [50.0] * 30 == of.standing(values, values, values, period)


def test_less_lag_is_closer_to_a_steady_rise() -> None:
    """Behind a straight line the triple average lags least and the plain one most."""
    values = [float(number) for number in range(100)]
    plain = of.average(values, 9, "Exponential")
    ends = [made[-1] for made in (plain, of.double_average(values, 9), of.triple_average(values, 9))]

    assert sorted(ends) == pytest.approx(ends)
    assert values[-1] == pytest.approx(of.hull(values, 9)[-1], abs=1)


@given(values=VALUES, periods=st.tuples(PERIODS, PERIODS, PERIODS))
def test_the_histogram_is_the_distance_of_line_and_signal(values: list[float], periods: tuple[int, int, int]) -> None:
    """Each bar of MACD is the line minus its signal."""
    bars, line, signal = of.macd(values, *periods)

    assert near([left - right for left, right in zip(line, signal, strict=True)]) == bars


@given(candles=CANDLES, length=PERIODS)
def test_shares_stay_between_0_and_100(candles: list[Candle], length: int) -> None:
    """RSI, ADX, %K and Aroon are percentages for any walk."""
    closes, highs, lows = ([getattr(c, name) for c in candles] for name in ("close", "high", "low"))
    for values in (
        of.rsi(closes, length),
        of.directional_index(candles, length, length),
        of.standing(closes, highs, lows, length),
        of.aroon(highs, length, max),
        of.aroon(lows, length, min),
    ):
        assert len(candles) == len(values)
        assert all(-1e-9 <= value <= 100 + 1e-9 for value in values)


@given(candles=CANDLES)
def test_the_stop_stays_within_the_walk(candles: list[Candle]) -> None:
    """Parabolic SAR has a stop for each candle, between the extremes of the walk."""
    stops = of.parabolic_sar(candles, 0.02, 0.02, 0.2)

    assert len(candles) == len(stops)
    assert min(c.low for c in candles) <= min(stops)
    assert max(c.high for c in candles) >= max(stops)


@given(candles=CANDLES, shelves=st.integers(1, 200), percent=st.floats(1, 100))
def test_a_profile_holds_all_of_the_volume(candles: list[Candle], shelves: int, percent: float) -> None:
    """The shelves hold the whole volume, and the value area holds the fullest shelf and the percentage asked for."""
    profile = of.volume_profile(candles, shelves)
    area = of.value_area(profile, percent)
    volume = sum(candle.volume for candle in candles)

    assert shelves == len(profile)
    assert volume == pytest.approx(sum(shelf.total for shelf in profile))
    assert max(profile, key=lambda shelf: shelf.total) in profile[area.start : area.stop]
    assert sum(profile[number].total for number in area) >= volume * percent / 100 - 1e-6
