"""The values of studies: the layers to draw, and the inputs and candles behind them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final

import attrs

from .indicators import Shelf, Values
from .market import Candle

Colour = tuple[int, ...]
"""Red, green, blue, and the opacity if it is less than full; each from 0 to 255."""

MAX_PERIOD_CANDLES: Final = 500
"""The longest period of a study, about the length of the walk."""

_PALETTE: Final[tuple[Colour, ...]] = (
    (41, 98, 255), (255, 109, 0), (156, 39, 176), (0, 151, 167), (233, 30, 99), (76, 145, 65), (126, 87, 194),
    (192, 132, 12),
)  # fmt: skip
_PRICES: Final = ("open", "high", "low", "close")
_SOURCES: Final = (*_PRICES, "hl2", "hlc3", "ohlc4")


@attrs.frozen
class Line:
    """One value for each candle, joined, or as dots."""

    values: Values
    colour: Colour
    width: float = 1.5
    dotted: bool = False


@attrs.frozen
class Columns:
    """One value for each candle, as a column that stands on zero."""

    values: Values
    colours: Sequence[Colour]


@attrs.frozen
class Band:
    """The area between two lines."""

    upper: Values
    lower: Values
    colour: Colour


@attrs.frozen
class Zone:
    """The area between two limits, and the limits."""

    low: float
    high: float
    colour: Colour


@attrs.frozen
class Profile:
    """The volume at each price; the shelves *inside* are the value area."""

    shelves: Sequence[Shelf]
    inside: range


Layer = Line | Columns | Band | Zone | Profile


@attrs.frozen
class Study:
    """The layers of a study, lowest first; over the price, unless it has a pane of its own.

    The values of a *large* study are written like volumes.
    """

    layers: Sequence[Layer]
    own_pane: bool = False
    large: bool = False


@attrs.frozen
class PriceSeries:
    """The candles behind the studies; the last *count* are shown."""

    candles: Sequence[Candle]
    count: int

    def prices(self, source: str = "close") -> Values:
        """Return one price of each candle by its name, or a mean of several by their initials: ``hlc3``."""
        names = [source] if source in _PRICES else [name for name in _PRICES if name[0] in source]
        if len(names) == 1:
            return [getattr(candle, names[0]) for candle in self.candles]
        return [fmean(getattr(candle, name) for name in names) for candle in self.candles]

    def volumes(self) -> Values:
        """Return the volume of each candle."""
        return [candle.volume for candle in self.candles]


@attrs.frozen
class Inputs:
    """The inputs of a study in a request: any JSON. A value without sense counts as missing."""

    name: str
    given: Mapping[str, object] = attrs.field(factory=dict)

    @property
    def title(self) -> str:
        """The study's name and its inputs, as text."""
        shown = (value for value in self.given.values() if isinstance(value, int | float | str) and value != "")
        return " ".join([self.name, *map(_written, shown)])

    @property
    def colour(self) -> Colour:
        """A colour chosen by the title, so that studies with other periods differ."""
        return _PALETTE[zlib.crc32(self.title.encode(errors="backslashreplace")) % len(_PALETTE)]

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """Return a number, or the *default* unless it is from *least* to *most*."""
        value = number(self.given.get(name))
        return value if value is not None and least <= value <= most else default

    def period(self, name: str, default: int) -> int:
        """Return a number of candles."""
        return int(self.number(name, default, 1, MAX_PERIOD_CANDLES))

    def text(self, name: str, default: str) -> str:
        """Return a text."""
        value = self.given.get(name)
        return value if isinstance(value, str) else default

    def source(self, name: str) -> str:
        """Return one of the provider's price sources."""
        value = self.text(name, "close")
        return value if value in _SOURCES else "close"


def number(value: object) -> float | None:
    """Return *value* as a finite number, also from a text, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def _written(value: object) -> str:
    """Return a value as in JSON, but a whole number without its point."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
