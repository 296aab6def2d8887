"""The arithmetic of the studies: lists of numbers in, lists of numbers out.

All lists are as long as the walk. Before a period is full, a value is computed from the values so far: a picture shows
much later ones. Each function takes at most the length of the walk times a period.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

import attrs

from .market import Candle

Values = list[float]


@attrs.frozen
class Shelf:
    """The volume traded between two prices, in rising and in falling candles."""

    low: float
    high: float
    up: float = 0.0
    down: float = 0.0

    @property
    def total(self) -> float:
        """The volume of the shelf."""
        return self.up + self.down


def total(values: Sequence[float], period: int) -> Values:
    """Return the sum of the last *period* values at each place."""
    sums = [0.0, *accumulate(values)]
    return [sums[end] - sums[max(0, end - period)] for end in range(1, len(sums))]


def average(values: Sequence[float], period: int, method: str = "Simple") -> Values:
    """Return the moving average of *values*, by the provider's name of the method."""
    match method:
        case "Exponential":
            return smoothed(values, 2 / (period + 1))
        case "Wilder Smoothing" | "Smoothed":
            return smoothed(values, 1 / period)
        case "Weighted":
            return _weighted(values, period)
        case _:
            return [part / min(end, period) for end, part in enumerate(total(values, period), start=1)]


def _weighted(values: Sequence[float], period: int) -> Values:
    """Return the moving average with weights 1, 2, 3 up to the newest value."""
    plain = total(values, period)
    heavy = total([place * value for place, value in enumerate(values, start=1)], period)
    made = []
    for end, (part, weighed) in enumerate(zip(plain, heavy, strict=True), start=1):
        size = min(end, period)
        made.append((weighed - (end - size) * part) / (size * (size + 1) / 2))
    return made


def smoothed(values: Sequence[float], share: float) -> Values:
    """Return the averages that move by a *share* of the distance to each new value."""
    return list(accumulate(values, lambda before, value: before + share * (value - before)))


def hull(values: Sequence[float], period: int) -> Values:
    """Return Hull's moving average, with little lag."""
    near, far = _weighted(values, max(1, period // 2)), _weighted(values, period)
    return _weighted([2 * left - right for left, right in zip(near, far, strict=True)], max(1, math.isqrt(period)))


def double_average(values: Sequence[float], period: int) -> Values:
    """Return the double exponential average: twice the plain one minus its own average."""
    first = average(values, period, "Exponential")
    return [2 * a - b for a, b in zip(first, average(first, period, "Exponential"), strict=True)]


def triple_average(values: Sequence[float], period: int) -> Values:
    """Return the triple exponential average, with even less lag than the double one."""
    first = average(values, period, "Exponential")
    second = average(first, period, "Exponential")
    third = average(second, period, "Exponential")
    return [3 * a - 3 * b + c for a, b, c in zip(first, second, third, strict=True)]


def deviation(values: Sequence[float], period: int) -> Values:
    """Return the standard deviation of the last *period* values."""
    origin = values[0]  # small differences have exact squares
    moved = [value - origin for value in values]
    means, squares = average(moved, period), average([value * value for value in moved], period)
    return [math.sqrt(max(0.0, square - mean * mean)) for mean, square in zip(means, squares, strict=True)]


def around(middle: Sequence[float], away: Sequence[float], times: float) -> tuple[Values, Values]:
    """Return the values *times* *away* above and below *middle*."""
    pairs = list(zip(middle, away, strict=True))
    return [base + times * far for base, far in pairs], [base - times * far for base, far in pairs]


def extremes(values: Sequence[float], period: int, choose: Callable[[Sequence[float]], float]) -> Values:
    """Return the extreme of the last *period* values; *choose* is max or min."""
    return [choose(values[max(0, end - period) : end]) for end in range(1, len(values) + 1)]


def change(values: Sequence[float], length: int) -> Values:
    """Return the difference of each value to the one *length* before it."""
    return [value - values[max(0, place - length)] for place, value in enumerate(values)]


def macd(values: Sequence[float], fast: int, slow: int, signal: int) -> tuple[Values, Values, Values]:
    """Return the histogram, the MACD line and its signal."""
    near, far = average(values, fast, "Exponential"), average(values, slow, "Exponential")
    line = [left - right for left, right in zip(near, far, strict=True)]
    slower = average(line, signal, "Exponential")
    return [left - right for left, right in zip(line, slower, strict=True)], line, slower


def parabolic_sar(candles: Sequence[Candle], start: float, increment: float, most: float) -> Values:
    """Return Wilder's stop-and-reverse price of each candle."""
    rising, stop, extreme, pace = True, candles[0].low, candles[0].high, start
    stops = [stop]
    for number in range(1, len(candles)):
        now, before = candles[number], candles[max(0, number - 2) : number]
        stop += pace * (extreme - stop)
        stop = min(stop, *(c.low for c in before)) if rising else max(stop, *(c.high for c in before))
        if now.low < stop if rising else now.high > stop:
            rising, stop, pace = not rising, extreme, start
            extreme = now.high if rising else now.low
        elif now.high > extreme if rising else now.low < extreme:
            extreme, pace = (now.high if rising else now.low), min(most, pace + increment)
        stops.append(stop)
    return stops


def directional_index(candles: Sequence[Candle], smoothing: int, length: int) -> Values:
    """Return the ADX, the strength of a trend in either direction."""
    ups, downs = [0.0], [0.0]
    for before, now in pairwise(candles):
        up, down = now.high - before.high, before.low - now.low
        ups.append(up if up > max(down, 0) else 0.0)
        downs.append(down if down > max(up, 0) else 0.0)
    # Wilder divides both by the true range; the quotient cancels it.
    pairs = zip(smoothed(ups, 1 / length), smoothed(downs, 1 / length), strict=True)
    strengths = [100 * abs(up - down) / (up + down) if up + down else 0.0 for up, down in pairs]
    return smoothed(strengths, 1 / smoothing)


def rsi(values: Sequence[float], length: int) -> Values:
    """Return Wilder's relative strength index."""
    changes = change(values, 1)
    gains = smoothed([max(step, 0.0) for step in changes], 1 / length)
    losses = smoothed([max(-step, 0.0) for step in changes], 1 / length)
    return [100 * up / (up + down) if up + down else 50.0 for up, down in zip(gains, losses, strict=True)]


def standing(values: Sequence[float], highs: Sequence[float], lows: Sequence[float], length: int) -> Values:
    """Return the place of each value between the extremes of its last *length*, from 0 to 100."""
    limits = zip(values, extremes(lows, length, min), extremes(highs, length, max), strict=True)
    return [100 * (value - low) / (high - low) if high > low else 50.0 for value, low, high in limits]


def on_balance_volume(candles: Sequence[Candle]) -> Values:
    """Return the running sum of volumes, negative for candles that close lower."""
    signs = [0, *((now.close > before.close) - (now.close < before.close) for before, now in pairwise(candles))]
    return list(accumulate(sign * candle.volume for sign, candle in zip(signs, candles, strict=True)))


def money_flow(candles: Sequence[Candle]) -> Values:
    """Return each candle's volume, from -1 times to +1 times by its close between its extremes."""
    return [c.volume * (2 * c.close - c.low - c.high) / (c.high - c.low) if c.high > c.low else 0.0 for c in candles]


def true_range(candles: Sequence[Candle]) -> Values:
    """Return the reach of each candle, with the gap to the one before."""
    pairs = pairwise([candles[0], *candles])
    return [max(now.high, before.close) - min(now.low, before.close) for before, now in pairs]


def commodity_channel(values: Sequence[float], period: int) -> Values:
    """Return Lambert's index: the distance from the average, divided by 0.015 mean deviations."""
    made = []
    for end, mean in enumerate(average(values, period), start=1):
        window = values[max(0, end - period) : end]
        spread = sum(abs(value - mean) for value in window) / len(window)
        made.append((values[end - 1] - mean) / (0.015 * spread) if spread else 0.0)
    return made


def weighed(values: Sequence[float], volumes: Sequence[float], period: int) -> Values:
    """Return the average of the last *period* values, weighed by volume."""
    paid = total([value * volume for value, volume in zip(values, volumes, strict=True)], period)
    return [money / volume for money, volume in zip(paid, total(volumes, period), strict=True)]


def aroon(values: Sequence[float], length: int, choose: Callable[[Sequence[float]], float]) -> Values:
    """Return how recent the extreme of the last *length* values is, from 0 to 100."""
    made = []
    for end in range(1, len(values) + 1):
        window = values[max(0, end - length - 1) : end]
        made.append(100 - 100 * window[::-1].index(choose(window)) / length)
    return made


def volume_profile(candles: Sequence[Candle], shelves: int) -> list[Shelf]:
    """Return *shelves* of prices; each candle's volume is shared among the shelves it touches."""
    bottom, top = min(candle.low for candle in candles), max(candle.high for candle in candles)
    height = (top - bottom) / shelves or 1.0
    up, down = [0.0] * shelves, [0.0] * shelves
    for candle in candles:
        first = min(shelves - 1, int((candle.low - bottom) / height))
        last = min(shelves - 1, int((candle.high - bottom) / height))
        for shelf in range(first, last + 1):
            (up if candle.rising else down)[shelf] += candle.volume / (last - first + 1)
    return [Shelf(bottom + height * n, bottom + height * (n + 1), up[n], down[n]) for n in range(shelves)]


def value_area(shelves: Sequence[Shelf], percent: float) -> range:
    """Return the shelves with *percent* of the volume, from the fullest one towards the fuller side."""
    first = last = max(range(len(shelves)), key=lambda number: shelves[number].total)
    wanted = sum(shelf.total for shelf in shelves) * percent / 100
    inside = shelves[first].total
    while inside < wanted and last - first + 1 < len(shelves):
        below = shelves[first - 1].total if first > 0 else -1.0
        above = shelves[last + 1].total if last + 1 < len(shelves) else -1.0
        first, last = (first - 1, last) if below > above else (first, last + 1)
        inside += max(below, above)
    return range(first, last + 1)
