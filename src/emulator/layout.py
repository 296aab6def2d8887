"""The layouts of the emulator: what is saved in one follows from its id.

The provider renders a layout that a person has drawn and shared at TradingView. Here an id stands for a theme, a style, some
studies, a symbol and an interval, the same each time.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["is_layout_id", "saved_look"]

_ID: Final = re.compile(r"(?!storage\Z)[A-Za-z0-9_-]{1,64}", re.ASCII)  # storage is the path of another endpoint
_SYMBOLS: Final = ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "NASDAQ:AAPL", "NASDAQ:NVDA", "FX:EURUSD", "SP:SPX")
_INTERVALS: Final = ("15m", "1h", "4h", "1D", "1W")
_STUDIES: Final = (
    "Bollinger Bands", "Ichimoku Cloud", "MACD", "Moving Average", "Moving Average Exponential",
    "Relative Strength Index", "Stochastic RSI", "Volume",
)  # fmt: skip


def is_layout_id(text: str) -> bool:
    """Return whether *text* has the form of the id of a layout."""
    return _ID.fullmatch(text) is not None


def saved_look(layout_id: str) -> Mapping[str, object]:
    """Return what is saved in a layout, as the body of a chart that looks like it."""
    chance = random.Random(f"layout {layout_id}")  # noqa: S311 (a picture, not a secret)
    return {
        "symbol": chance.choice(_SYMBOLS),
        "interval": chance.choice(_INTERVALS),
        "theme": chance.choice(("light", "dark")),
        "style": chance.choice(("candle", "candle", "hollowCandle", "heikinAshi", "bar")),
        "studies": [{"name": name} for name in chance.sample(_STUDIES, chance.randint(1, 3))],
    }
