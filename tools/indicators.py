"""The walk of the prices, the arithmetic of the studies, and what each study shows; nothing here draws.

All lists are as long as the walk. Where a period is not full yet, a value is made of what there is: a picture shows only what comes long after.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import fmean, pstdev
from typing import Any

Values = list[float]
Colour = tuple[int, ...]
Inputs = Mapping[str, Any]

GREEN, RED, BLUE, ORANGE, PURPLE = (38, 166, 154), (239, 83, 80), (33, 150, 243), (255, 109, 0), (126, 87, 194)
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True)
class Candle:
    """What was paid and traded in one interval."""

    open: float
    high: float
    low: float
    close: float
    volume: float

    @property
    def rising(self) -> bool:
        """Whether it closed no lower than it opened."""
        return self.close >= self.open


@dataclass(frozen=True)
class Row:
    """The volume traded between two prices, in rising and in falling candles."""

    low: float
    high: float
    up: float = 0.0
    down: float = 0.0

    @property
    def total(self) -> float:
        """All the volume of the row."""
        return self.up + self.down


@dataclass(frozen=True)
class Line:
    """One value for each candle, joined, or as dots."""

    values: Values
    colour: Colour
    width: float = 1.5
    dotted: bool = False


@dataclass(frozen=True)
class Columns:
    """One value for each candle, as a column that stands on zero."""

    values: Values
    colours: Sequence[Colour]


@dataclass(frozen=True)
class Band:
    """What is between two lines."""

    upper: Values
    lower: Values
    colour: Colour


@dataclass(frozen=True)
class Zone:
    """What is between two limits, which are drawn too."""

    low: float
    high: float
    colour: Colour


@dataclass(frozen=True)
class Profile:
    """The volume at each price; the rows *inside* are the value area."""

    rows: Sequence[Row]
    inside: range


Layer = Line | Columns | Band | Zone | Profile


@dataclass(frozen=True)
class Study:
    """What is drawn for a study, the undermost first; over the price unless it has a pane of its own."""

    layers: Sequence[Layer]
    own_pane: bool = False
    large: bool = False


@dataclass(frozen=True)
class Chart:
    """What the studies are computed from; the last *count* candles are shown."""

    candles: Sequence[Candle]
    count: int

    def prices(self, source: str = "close") -> Values:
        """Give one price of each candle by its name, or the mean of those whose initials the name has: ``hlc3``."""
        names = [source] if source in PRICES else [name for name in PRICES if name[0] in source]
        return [fmean(getattr(candle, name) for name in names) for candle in self.candles]


def walk(seed: str, count: int, shown: int, middle: float, span: float) -> list[Candle]:
    """Invent *count* candles from *seed*, of which the last *shown* lie around *middle* and reach over *span* of it."""
    chance = random.Random(seed)
    level, drift, heat = 0.0, 0.0, 0.0
    raw: list[Candle] = []
    for _ in range(count):
        heat = 0.85 * heat + chance.gauss(0, 0.22)
        drift = 0.9 * drift - 0.004 * level + chance.gauss(0, 0.07)
        size = 2.0**heat
        start, level = level, level + drift + chance.gauss(0, size)
        high = max(start, level) + abs(chance.gauss(0, 0.5 * size))
        low = min(start, level) - abs(chance.gauss(0, 0.5 * size))
        raw.append(Candle(start, high, low, level, 350 * (high - low + 0.6) * chance.lognormvariate(0, 0.35)))
    bottom, top = min(candle.low for candle in raw[-shown:]), max(candle.high for candle in raw[-shown:])

    def price(value: float) -> float:
        return round(middle * (1 + span * ((value - bottom) / (top - bottom) - 0.5)), 2)

    return [Candle(price(c.open), price(c.high), price(c.low), price(c.close), c.volume) for c in raw]


def average(values: Sequence[float], period: int, method: str = "Simple") -> Values:
    """Give the moving average of *values* by the provider's name of the method."""
    if method == "Exponential":
        return smoothed(values, 2 / (period + 1))
    windows = [values[max(0, end - period) : end] for end in range(1, len(values) + 1)]
    if method == "Weighted":
        return [fmean(window, range(1, len(window) + 1)) for window in windows]
    return [fmean(window) for window in windows]


def smoothed(values: Sequence[float], share: float) -> Values:
    """Let each value move the average before it by its *share*."""
    return list(accumulate(values, lambda before, value: before + share * (value - before)))


def bollinger(values: Sequence[float], period: int, width: float) -> tuple[Values, Values, Values]:
    """Give the median, upper and lower Bollinger band."""
    median = average(values, period)
    spread = [width * pstdev(values[max(0, end - period) : end]) for end in range(1, len(values) + 1)]
    pairs = list(zip(median, spread, strict=True))
    return median, [middle + away for middle, away in pairs], [middle - away for middle, away in pairs]


def macd(values: Sequence[float], fast: int, slow: int, signal: int) -> tuple[Values, Values, Values]:
    """Give the histogram, the MACD line and its signal."""
    near, far = average(values, fast, "Exponential"), average(values, slow, "Exponential")
    line = [left - right for left, right in zip(near, far, strict=True)]
    slower = average(line, signal, "Exponential")
    return [left - right for left, right in zip(line, slower, strict=True)], line, slower


def parabolic_sar(candles: Sequence[Candle], start: float, increment: float, most: float) -> Values:
    """Give Wilder's stop-and-reverse price of each candle."""
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
    """Give the ADX: how strong the trend is, whichever way it goes."""
    ups, downs = [0.0], [0.0]
    for before, now in pairwise(candles):
        up, down = now.high - before.high, before.low - now.low
        ups.append(up if up > max(down, 0) else 0.0)
        downs.append(down if down > max(up, 0) else 0.0)
    # Wilder divides both by the true range, which the quotient cancels.
    pairs = zip(smoothed(ups, 1 / length), smoothed(downs, 1 / length), strict=True)
    strengths = [100 * abs(up - down) / (up + down) if up + down else 0.0 for up, down in pairs]
    return smoothed(strengths, 1 / smoothing)


def rsi(values: Sequence[float], length: int) -> Values:
    """Give Wilder's relative strength index."""
    changes = [0.0, *(after - before for before, after in pairwise(values))]
    gains = smoothed([max(change, 0) for change in changes], 1 / length)
    losses = smoothed([max(-change, 0) for change in changes], 1 / length)
    return [100 * up / (up + down) if up + down else 50.0 for up, down in zip(gains, losses, strict=True)]


def stochastic(values: Sequence[float], length: int) -> Values:
    """Say where each value lies within its last *length*, from 0 to 100."""
    windows = [values[max(0, end - length) : end] for end in range(1, len(values) + 1)]
    return [100 * (w[-1] - min(w)) / (max(w) - min(w)) if max(w) > min(w) else 50.0 for w in windows]


def on_balance_volume(candles: Sequence[Candle]) -> Values:
    """Add the volume of candles that close higher, take off that of those that close lower."""
    signs = [0, *((now.close > before.close) - (now.close < before.close) for before, now in pairwise(candles))]
    return list(accumulate(sign * candle.volume for sign, candle in zip(signs, candles, strict=True)))


def volume_profile(candles: Sequence[Candle], rows: int) -> list[Row]:
    """Share the volume of each candle among the *rows* of prices it touched."""
    bottom, top = min(candle.low for candle in candles), max(candle.high for candle in candles)
    height = (top - bottom) / rows
    up, down = [0.0] * rows, [0.0] * rows
    for candle in candles:
        first = min(rows - 1, int((candle.low - bottom) / height))
        last = min(rows - 1, int((candle.high - bottom) / height))
        for row in range(first, last + 1):
            (up if candle.rising else down)[row] += candle.volume / (last - first + 1)
    return [Row(bottom + height * n, bottom + height * (n + 1), up[n], down[n]) for n in range(rows)]


def value_area(rows: Sequence[Row], percent: float) -> range:
    """Widen from the fullest row, always to the fuller side, until *percent* of the volume is inside."""
    first = last = max(range(len(rows)), key=lambda number: rows[number].total)
    wanted = sum(row.total for row in rows) * percent / 100
    while sum(row.total for row in rows[first : last + 1]) < wanted and last - first + 1 < len(rows):
        below = rows[first - 1].total if first > 0 else -1.0
        above = rows[last + 1].total if last + 1 < len(rows) else -1.0
        first, last = (first - 1, last) if below > above else (first, last + 1)
    return range(first, last + 1)


def moving_averages_study(chart: Chart, inputs: Inputs) -> Study:
    """Draw two moving averages of the close."""
    method = inputs.get("method", "Simple")
    first, second = inputs.get("firstPeriods", 14), inputs.get("secondPeriods", 21)
    values = chart.prices()
    near, far = average(values, first, method), average(values, second, method)
    return Study([Line(near, ORANGE, 2), Line(far, BLUE, 2)])


def bollinger_bands_study(chart: Chart, inputs: Inputs) -> Study:
    """Draw the bands with what is between them."""
    median, upper, lower = bollinger(chart.prices(), inputs.get("in_0", 20), inputs.get("in_1", 2.0))
    return Study([Band(upper, lower, (*BLUE, 26)), Line(median, ORANGE, 1), Line(upper, BLUE, 1), Line(lower, BLUE, 1)])


def macd_study(chart: Chart, inputs: Inputs) -> Study:
    """Draw the histogram, paler where it shrinks, the line and its signal."""
    periods = inputs.get("in_0", 12), inputs.get("in_1", 26), inputs.get("in_2", 9)
    bars, line, signal = macd(chart.prices(inputs.get("in_3", "close")), *periods)
    colours: list[Colour] = [GREEN]
    for before, now in pairwise(bars):
        growing, shrinking = (GREEN, (172, 229, 220)) if now >= 0 else ((255, 82, 82), (252, 203, 205))
        colours.append(growing if abs(now) >= abs(before) else shrinking)
    return Study([Columns(bars, colours), Line(line, BLUE), Line(signal, ORANGE)], own_pane=True)


def volume_study(chart: Chart, _: Inputs) -> Study:
    """Draw the volume in the colour of its candle."""
    colours = [(*(GREEN if candle.rising else RED), 140) for candle in chart.candles]
    return Study([Columns([candle.volume for candle in chart.candles], colours)], own_pane=True, large=True)


def parabolic_sar_study(chart: Chart, inputs: Inputs) -> Study:
    """Draw where the trend would be stopped."""
    pace = inputs.get("in_0", 0.02), inputs.get("in_1", 0.02), inputs.get("in_2", 0.2)
    return Study([Line(parabolic_sar(chart.candles, *pace), BLUE, dotted=True)])


def directional_index_study(chart: Chart, inputs: Inputs) -> Study:
    """Draw the strength of the trend."""
    values = directional_index(chart.candles, inputs.get("in_0", 14), inputs.get("in_1", 14))
    return Study([Line(values, (255, 82, 82))], own_pane=True)


def relative_strength_study(chart: Chart, inputs: Inputs) -> Study:
    """Draw the RSI over its zone from 30 to 70."""
    line = Line(rsi(chart.prices(), inputs.get("length", 14)), PURPLE)
    return Study([Zone(30, 70, (*PURPLE, 26)), line], own_pane=True)


def stochastic_rsi_study(chart: Chart, inputs: Inputs) -> Study:
    """Draw %K and %D over their zone from 20 to 80."""
    strength = rsi(chart.prices(), inputs.get("in_0", 14))
    k = average(stochastic(strength, inputs.get("in_1", 14)), inputs.get("in_2", 3))
    d = average(k, inputs.get("in_3", 3))
    return Study([Zone(20, 80, (*BLUE, 26)), Line(k, BLUE), Line(d, ORANGE)], own_pane=True)


def volume_profile_study(chart: Chart, inputs: Inputs) -> Study:
    """Draw the volume at each price that is in sight."""
    rows = volume_profile(chart.candles[-chart.count :], inputs.get("rows", 24))
    inside = value_area(rows, inputs.get("vaVolume", 70))
    return Study([Profile(rows, inside)])


def on_balance_volume_study(chart: Chart, _: Inputs) -> Study:
    """Draw the volume added up by the way the price went."""
    return Study([Line(on_balance_volume(chart.candles), BLUE)], own_pane=True, large=True)


STUDIES: Mapping[str, Callable[[Chart, Inputs], Study]] = {
    "Average Directional Index": directional_index_study,
    "Bollinger Bands": bollinger_bands_study,
    "MACD": macd_study,
    "Moving Average Double": moving_averages_study,
    "On Balance Volume": on_balance_volume_study,
    "Parabolic SAR": parabolic_sar_study,
    "Relative Strength Index": relative_strength_study,
    "Stochastic RSI": stochastic_rsi_study,
    "Volume": volume_study,
    "Volume Profile Visible Range": volume_profile_study,
}
"""What each study shows, by the provider's name for it."""
