"""What studies are made of: the layers that are drawn, and the inputs and candles that they come from."""

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
"""Red, green and blue, and how opaque it is if it isn't wholly."""

MAX_PERIOD_CANDLES: Final = 500
"""The longest period a study is computed for; the walk is hardly longer."""

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
    """What is between two lines."""

    upper: Values
    lower: Values
    colour: Colour


@attrs.frozen
class Zone:
    """What is between two limits, which are drawn too."""

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
    """What is drawn for a study, the undermost first; over the price unless it has a pane of its own.

    The values of a *large* one are written as volumes are.
    """

    layers: Sequence[Layer]
    own_pane: bool = False
    large: bool = False


@attrs.frozen
class PriceSeries:
    """What the studies are computed from; the last *count* candles are shown."""

    candles: Sequence[Candle]
    count: int

    def prices(self, source: str = "close") -> Values:
        """Give one price of each candle by its name, or the mean of those whose initials the name has: ``hlc3``."""
        names = [source] if source in _PRICES else [name for name in _PRICES if name[0] in source]
        if len(names) == 1:
            return [getattr(candle, names[0]) for candle in self.candles]
        return [fmean(getattr(candle, name) for name in names) for candle in self.candles]

    def volumes(self) -> Values:
        """Give the volume of each candle."""
        return [candle.volume for candle in self.candles]


@attrs.frozen
class Inputs:
    """What a request gives a study: any JSON, so that what makes no sense is as if it weren't there."""

    name: str
    given: Mapping[str, object] = attrs.field(factory=dict)

    @property
    def title(self) -> str:
        """The study's name and its inputs."""
        return " ".join([self.name, *(_written(value) for value in self.given.values() if _plain(value))])

    @property
    def colour(self) -> Colour:
        """A colour of the study's own, which another period changes."""
        return _PALETTE[zlib.crc32(self.title.encode(errors="backslashreplace")) % len(_PALETTE)]

    def number(self, name: str, default: float, least: float, most: float) -> float:
        """Give a number, or the *default* if there is none between *least* and *most*."""
        value = number(self.given.get(name))
        return value if value is not None and least <= value <= most else default

    def period(self, name: str, default: int) -> int:
        """Give a number of candles."""
        return int(self.number(name, default, 1, MAX_PERIOD_CANDLES))

    def text(self, name: str, default: str) -> str:
        """Give a word."""
        value = self.given.get(name)
        return value if isinstance(value, str) else default

    def source(self, name: str) -> str:
        """Give one of the provider's price sources."""
        value = self.text(name, "close")
        return value if value in _SOURCES else "close"


def number(value: object) -> float | None:
    """Read *value* as a finite number, also one that stands in a text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        read = float(value)
    except (ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def _plain(value: object) -> bool:
    """Say whether a value is worth a place in a title."""
    return isinstance(value, int | float | str) and value != ""


def _written(value: object) -> str:
    """Write a value as JSON does, but a whole number without its point."""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)
