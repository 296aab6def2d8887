"""The studies by the provider's names; a study without a formula here gets an invented line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Final

from ..drawing import indicators as of
from .invented import invented
from .layers import Band, Colour, Columns, Inputs, Layer, Line, PriceSeries, Profile, Study, Zone
from .market import Candle

GREEN, RED = (38, 166, 154), (239, 83, 80)
BLUE, ORANGE, PURPLE, PINK = (33, 150, 243), (255, 109, 0), (126, 87, 194), (255, 82, 82)
_PALE_GREEN, _PALE_RED = (172, 229, 220), (252, 203, 205)
_FAINT: Final = 26  # opacity of a band or a zone, of 255
_COLOURS: Final[tuple[Colour, ...]] = (ORANGE, BLUE, PURPLE, (0, 151, 167), (233, 30, 99), (76, 145, 65))

Maker = Callable[[PriceSeries, Inputs], Study]


def study(chart: PriceSeries, inputs: Inputs) -> Study:
    """Return the layers of the study that *inputs* name; an unknown name is invented."""
    return STUDIES.get(inputs.name, invented)(chart, inputs)


def _own(*layers: Layer, large: bool = False) -> Study:
    return Study(layers, own_pane=True, large=large)


def _over(
    compute: Callable[[of.Values, int], of.Values], default: int, period: str = "in_0", source: str | None = None
) -> Maker:
    """Return the maker of one line over the price, computed from a *period* and a price, by default the close."""

    def make(chart: PriceSeries, inputs: Inputs) -> Study:
        prices = chart.prices(inputs.source(source) if source else "close")
        return Study([Line(compute(prices, inputs.period(period, default)), inputs.colour, 2)])

    return make


def _averages(periods: Mapping[str, int], methods: tuple[str, ...] = ()) -> Maker:
    """Return the maker of several moving averages of the close, by *methods* or by the inputs' method."""

    def make(chart: PriceSeries, inputs: Inputs) -> Study:
        closes = chart.prices()
        kinds = methods or (inputs.text("method", "Simple"),) * len(periods)
        entries = zip(periods.items(), kinds, _COLOURS, strict=False)
        return Study(
            [Line(of.average(closes, inputs.period(*period), kind), tint, 2) for period, kind, tint in entries]
        )

    return make


def _large(compute: Callable[[Sequence[Candle]], of.Values]) -> Maker:
    """Return the maker of one line of volumes in a pane of its own, computed from the candles."""
    return lambda chart, _: _own(Line(compute(chart.candles), BLUE), large=True)


def _channel(upper: of.Values, lower: of.Values, middle: of.Values | None = None, colour: Colour = BLUE) -> Study:
    """Return a study of two limits, the area between them, and a line in their middle."""
    inner = [(high + low) / 2 for high, low in zip(upper, lower, strict=True)] if middle is None else middle
    band = Band(upper, lower, (*colour, _FAINT))
    return Study([band, Line(inner, ORANGE, 1), Line(upper, colour, 1), Line(lower, colour, 1)])


def _bollinger(chart: PriceSeries, inputs: Inputs) -> Study:
    closes, period = chart.prices(), inputs.period("in_0", 20)
    middle = of.average(closes, period)
    limits = of.around(middle, of.deviation(closes, period), inputs.number("in_1", 2.0, 0.01, 50))
    return _channel(*limits, middle)


def _donchian(chart: PriceSeries, inputs: Inputs) -> Study:
    period = inputs.period("in_0", 20)
    return _channel(of.extremes(chart.prices("high"), period, max), of.extremes(chart.prices("low"), period, min))


def _keltner(chart: PriceSeries, inputs: Inputs) -> Study:
    period = inputs.period("in_1", 20)
    middle = of.average(chart.prices(), period, "Exponential")
    reach = of.average(of.true_range(chart.candles), period, "Exponential")
    return _channel(*of.around(middle, reach, inputs.number("in_2", 1, 0.01, 50)), middle)


def _envelopes(chart: PriceSeries, inputs: Inputs) -> Study:
    closes = chart.prices(inputs.source("in_4"))
    middle = of.average(closes, inputs.period("in_0", 20), inputs.text("in_3", "Simple"))
    above, below = inputs.number("in_1", 2.0, 0.01, 50), inputs.number("in_2", 2.0, 0.01, 50)
    return _channel([v * (1 + above / 100) for v in middle], [v * (1 - below / 100) for v in middle], middle)


def _average_channel(chart: PriceSeries, inputs: Inputs) -> Study:
    upper = of.average(chart.prices("high"), inputs.period("in_0", 20))
    return _channel(upper, of.average(chart.prices("low"), inputs.period("in_1", 20)))


def _macd(chart: PriceSeries, inputs: Inputs) -> Study:
    periods = inputs.period("in_0", 12), inputs.period("in_1", 26), inputs.period("in_2", 9)
    bars, line, signal = of.macd(chart.prices(inputs.source("in_3")), *periods)
    return _own(_histogram(bars), Line(line, BLUE), Line(signal, ORANGE))


def _histogram(bars: of.Values) -> Columns:
    """Return columns in the colour of their side of zero, paler when they shrink."""
    colours: list[Colour] = [GREEN]
    for before, now in pairwise(bars):
        growing, shrinking = (GREEN, _PALE_GREEN) if now >= 0 else (PINK, _PALE_RED)
        colours.append(growing if abs(now) >= abs(before) else shrinking)
    return Columns(bars, colours)


def _volume(chart: PriceSeries, _: Inputs) -> Study:
    colours = [(*(GREEN if candle.rising else RED), 140) for candle in chart.candles]
    return _own(Columns(chart.volumes(), colours), large=True)


def _parabolic_sar(chart: PriceSeries, inputs: Inputs) -> Study:
    names = (("in_0", 0.02), ("in_1", 0.02), ("in_2", 0.2))
    pace = (inputs.number(name, default, 0.0001, 1) for name, default in names)
    return Study([Line(of.parabolic_sar(chart.candles, *pace), BLUE, dotted=True)])


def _directional_index(chart: PriceSeries, inputs: Inputs) -> Study:
    return _own(Line(of.directional_index(chart.candles, inputs.period("in_0", 14), inputs.period("in_1", 14)), PINK))


def _relative_strength(chart: PriceSeries, inputs: Inputs) -> Study:
    return _own(Zone(30, 70, (*PURPLE, _FAINT)), Line(of.rsi(chart.prices(), inputs.period("length", 14)), PURPLE))


def _oscillation(place: of.Values, fast: int, slow: int) -> Study:
    """Return the average of a place between extremes, and the average of that, over the zone of their middle."""
    line = of.average(place, fast)
    return _own(Zone(20, 80, (*BLUE, _FAINT)), Line(line, BLUE), Line(of.average(line, slow), ORANGE))


def _stochastic_rsi(chart: PriceSeries, inputs: Inputs) -> Study:
    strength = of.rsi(chart.prices(), inputs.period("in_0", 14))
    place = of.standing(strength, strength, strength, inputs.period("in_1", 14))
    return _oscillation(place, inputs.period("in_2", 3), inputs.period("in_3", 3))


def _stochastic(chart: PriceSeries, inputs: Inputs) -> Study:
    highs, lows = chart.prices("high"), chart.prices("low")
    place = of.standing(chart.prices(), highs, lows, inputs.period("in_0", 14))
    return _oscillation(place, inputs.period("in_1", 1), inputs.period("in_2", 3))


def _williams(chart: PriceSeries, inputs: Inputs) -> Study:
    place = of.standing(chart.prices(), chart.prices("high"), chart.prices("low"), inputs.period("in_0", 14))
    return _own(Zone(-80, -20, (*PURPLE, _FAINT)), Line([value - 100 for value in place], PURPLE))


def _channel_index(chart: PriceSeries, inputs: Inputs) -> Study:
    values = of.commodity_channel(chart.prices("hlc3"), inputs.period("in_0", 20))
    return _own(Zone(-100, 100, (*BLUE, _FAINT)), Line(values, BLUE))


def _money_flow(chart: PriceSeries, inputs: Inputs) -> Study:
    period = inputs.period("in_0", 20)
    flows, volumes = of.total(of.money_flow(chart.candles), period), of.total(chart.volumes(), period)
    return _own(Line([flow / volume for flow, volume in zip(flows, volumes, strict=True)], (76, 145, 65)))


def _aroon(chart: PriceSeries, inputs: Inputs) -> Study:
    length = inputs.period("in_0", 14)
    up = of.aroon(chart.prices("high"), length, max)
    return _own(Line(up, ORANGE), Line(of.aroon(chart.prices("low"), length, min), BLUE))


def _momentum(chart: PriceSeries, inputs: Inputs) -> Study:
    return _own(Line(of.change(chart.prices(inputs.source("in_1")), inputs.period("in_0", 10)), BLUE))


def _rate_of_change(chart: PriceSeries, inputs: Inputs) -> Study:
    closes = chart.prices()
    moves = zip(closes, of.change(closes, inputs.period("in_0", 9)), strict=True)
    return _own(Line([100 * move / (close - move) for close, move in moves], BLUE))


def _awesome(chart: PriceSeries, _: Inputs) -> Study:
    middles = chart.prices("hl2")
    pairs = zip(of.average(middles, 5), of.average(middles, 34), strict=True)
    return _own(_histogram([near - far for near, far in pairs]))


def _true_range(chart: PriceSeries, inputs: Inputs) -> Study:
    ranges = of.average(of.true_range(chart.candles), inputs.period("in_0", 14), "Smoothed")
    return _own(Line(ranges, (178, 40, 51)))


def _deviation(chart: PriceSeries, inputs: Inputs) -> Study:
    times = inputs.number("deviations", 1, 0.01, 50)
    return _own(Line([times * value for value in of.deviation(chart.prices(), inputs.period("periods", 5))], BLUE))


def _weighed(chart: PriceSeries, inputs: Inputs) -> Study:
    return Study([Line(of.weighed(chart.prices(), chart.volumes(), inputs.period("in_0", 20)), BLUE, 2)])


def _day_weighed(chart: PriceSeries, _: Inputs) -> Study:
    """Return the average price paid, over about half of the shown candles."""
    return Study([Line(of.weighed(chart.prices("hlc3"), chart.volumes(), max(1, chart.count // 2)), BLUE, 2)])


def _cloud(chart: PriceSeries, inputs: Inputs) -> Study:
    """Return Ichimoku's lines, not displaced."""
    highs, lows = chart.prices("high"), chart.prices("low")

    def middle(name: str, default: int) -> of.Values:
        period = inputs.period(name, default)
        pairs = zip(of.extremes(highs, period, max), of.extremes(lows, period, min), strict=True)
        return [(high + low) / 2 for high, low in pairs]

    near, base, far = middle("in_0", 9), middle("in_1", 26), middle("in_2", 52)
    lead = [(left + right) / 2 for left, right in zip(near, base, strict=True)]
    edges = [Line(lead, GREEN, 1), Line(far, RED, 1)]
    return Study([Band(lead, far, (*GREEN, _FAINT)), *edges, Line(near, BLUE), Line(base, (178, 40, 51))])


def _volume_profile(chart: PriceSeries, inputs: Inputs) -> Study:
    shelves = of.volume_profile(chart.candles[-chart.count :], int(inputs.number("rows", 24, 1, 200)))
    return Study([Profile(shelves, of.value_area(shelves, inputs.number("vaVolume", 70, 1, 100)))])


_PERIODS: Final = {"firstPeriods": 14, "secondPeriods": 21, "thirdPeriods": 35, "fourthPeriods": 50}
_MORE: Final = {"fifthPeriods": 100, "sixthPeriods": 200}

STUDIES: Final[Mapping[str, Maker]] = {
    "Accumulation/Distribution": _large(lambda candles: [*accumulate(of.money_flow(candles))]),
    "Aroon": _aroon,
    "Average Directional Index": _directional_index,
    "Average True Range": _true_range,
    "Awesome Oscillator": _awesome,
    "Bollinger Bands": _bollinger,
    "Chaikin Money Flow": _money_flow,
    "Commodity Channel Index": _channel_index,
    "Donchian Channels": _donchian,
    "Double EMA": _over(of.double_average, 9),
    "Envelopes": _envelopes,
    "Hull Moving Average": _over(of.hull, 9),
    "Ichimoku Cloud": _cloud,
    "Keltner Channels": _keltner,
    "MA Cross": _averages({"in_0": 9, "in_1": 26}),
    "MA with EMA Cross": _averages({"in_0": 10, "in_1": 10}, ("Simple", "Exponential")),
    "MACD": _macd,
    "Momentum": _momentum,
    "Moving Average": _over(of.average, 9, "length", "source"),
    "Moving Average Channel": _average_channel,
    "Moving Average Double": _averages({name: _PERIODS[name] for name in ("firstPeriods", "secondPeriods")}),
    "Moving Average Exponential": _over(partial(of.average, method="Exponential"), 9, "length", "source"),
    "Moving Average Multiple": _averages(_PERIODS | _MORE),
    "Moving Average Triple": _averages({name: _PERIODS[name] for name in [*_PERIODS][:3]}),
    "Moving Average Weighted": _over(partial(of.average, method="Weighted"), 9, source="in_1"),
    "On Balance Volume": _large(of.on_balance_volume),
    "Parabolic SAR": _parabolic_sar,
    "Price Channel": _donchian,
    "Rate Of Change": _rate_of_change,
    "Relative Strength Index": _relative_strength,
    "Smoothed Moving Average": _over(partial(of.average, method="Smoothed"), 7, source="in_1"),
    "Standard Deviation": _deviation,
    "Stochastic": _stochastic,
    "Stochastic RSI": _stochastic_rsi,
    "Triple EMA": _over(of.triple_average, 9),
    "VWAP": _day_weighed,
    "VWMA": _weighed,
    "Volume": _volume,
    "Volume Profile Visible Range": _volume_profile,
    "Williams %R": _williams,
    "Williams Alligator": _averages({"in_0": 21, "in_1": 13, "in_2": 8}, ("Smoothed",) * 3),
}
"""The makers of the studies."""
