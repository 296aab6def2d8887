"""An invented study, for a name without a formula here."""

from __future__ import annotations

import random
import re
from itertools import accumulate
from typing import Final

from ..drawing import indicators as of
from .layers import Inputs, Line, PriceSeries, Study

_FOLLOWS_PRICE: Final = re.compile(
    r"Average|EMA|VWMA|Bands$|Channel|Cloud|Stop$|Super Trend|McGinley|Curve$|Zig Zag|Fractal|Envelope|Alligator"
)


def invented(chart: PriceSeries, inputs: Inputs) -> Study:
    """Return a line of its own for each title: near the price if its name says so, else from 0 to 100."""
    chance = random.Random(inputs.title)  # noqa: S311 (a picture, not a secret)
    length = chance.randint(8, 30)
    prices = chart.prices()
    if _FOLLOWS_PRICE.search(inputs.name) and inputs.name != "Coppock Curve":
        size = of.average(of.true_range(chart.candles), 20)
        drift = accumulate((chance.gauss(0, 0.3) for _ in prices), lambda before, step: 0.9 * before + step)
        base = of.average(prices, length, "Exponential")
        values = [price + away * reach for price, away, reach in zip(base, drift, size, strict=True)]
        return Study([Line(values, inputs.colour)])
    noise = [chance.gauss(0, 1) for _ in prices]
    wave = zip(of.average(of.rsi([*accumulate(noise)], length), 3), of.rsi(prices, length), strict=True)
    return Study([Line([(own + market) / 2 for own, market in wave], inputs.colour)], own_pane=True)
