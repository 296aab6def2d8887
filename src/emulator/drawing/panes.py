"""The layout: the pane of each study, the height of each pane, and the place of a value in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import attrs

from .indicators import Values
from .layers import Colour, Columns, Layer, Line, PriceSeries, Study, Zone
from .market import Candle

SLOT: Final = 7  # pixels from a candle to the next
AHEAD: Final = 5  # free slots after the newest candle
TAG: Final = 16  # height of a tag on the axis, in pixels
_MIN_HEIGHT_PIXELS: Final = 30  # a lower pane has no room for its title
_MAX_OVERHANG: Final = 0.35  # a wider scale would flatten the candles; share of their reach
_MIN_REACH: Final = 1e-9  # equal values need a scale, too; share of the values

Titled = tuple[str, Study]


@attrs.frozen
class Pane:
    """The place of values: *low* at the pixel *floor*, *high* at *ceiling*, between the pane's *top* and *bottom*."""

    top: int
    bottom: int
    ceiling: float
    floor: float
    low: float
    high: float
    count: int

    @property
    def width(self) -> int:
        """The width of the plot, up to the axis."""
        return (self.count + AHEAD) * SLOT

    def y(self, value: float) -> float:
        """Return the height of *value*, or the pane's edge if it is out of sight."""
        place = self.ceiling + (self.floor - self.ceiling) * (self.high - value) / (self.high - self.low)
        return min(max(place, self.top), self.bottom)

    def points(self, values: Values) -> list[tuple[float, float]]:
        """Return the place of each shown value."""
        return [(middle(number) + 0.5, self.y(value)) for number, value in enumerate(values[-self.count :])]


@attrs.frozen
class Panel:
    """The content of a pane: its studies with their titles, and the price if it has *candles*.

    The *guests* of the price pane are studies with scales of their own.
    """

    titled: Sequence[Titled]
    candles: Sequence[Candle] = ()
    guests: Sequence[Titled] = ()
    digits: int = 2

    @property
    def layers(self) -> list[Layer]:
        """The layers of all studies on the pane's scale."""
        return [layer for _, study in self.titled for layer in study.layers]

    @property
    def large(self) -> bool:
        """Whether values are written like volumes."""
        return not self.candles and any(study.large for _, study in self.titled)

    def write(self, value: float) -> str:
        """Return *value* as the pane's axis shows it."""
        return short(value) if self.large else plain(value, self.digits)

    def reach(self, count: int) -> tuple[float, float]:
        """Return the least and the greatest value to show; they always differ."""
        values = [price for candle in self.candles[-count:] for price in (candle.low, candle.high)]
        limits = (-math.inf, math.inf)
        if values:
            room = (max(values) - min(values)) * _MAX_OVERHANG
            limits = (min(values) - room, max(values) + room)
        for layer in self.layers:
            match layer:
                case Line():
                    values += layer.values[-count:]
                case Columns():
                    values += [0.0, *layer.values[-count:]]
                case Zone():
                    values += [layer.low, layer.high]
        low, high = max(min(values), limits[0]), min(max(values), limits[1])
        if high - low > _MIN_REACH * max(abs(low), abs(high)):
            return low, high
        room = max(abs(high) * 0.01, _MIN_REACH)
        return low - room, high + room


def plain(value: float, digits: int = 2) -> str:
    """Return a value like a price."""
    return f"{value:,.{digits}f}"


def short(value: float) -> str:
    """Return a value like a volume: ``1.25K``."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= size:
            return plain(value / size) + unit
    return plain(value)


def middle(number: int) -> int:
    """Return the left edge of a candle's middle pixel."""
    return number * SLOT + SLOT // 2


def arranged(chart: PriceSeries, made: Sequence[tuple[str, Study, bool]], digits: int, *, price: bool) -> list[Panel]:
    """Return the panels of the studies, the price's first, with overlaid studies as its guests.

    Without the *price*, the other panels move up, and studies over the price are not shown.
    """
    below = [(title, study) for title, study, overlay in made if study.own_pane and not (overlay and price)]
    panels = [_panel(chart, titled, digits) for titled in below]
    if panels and not price:
        return panels
    over = [(title, study) for title, study, _ in made if not study.own_pane]
    guests = [(title, study) for title, study, overlay in made if study.own_pane and overlay and price]
    return [Panel(over, chart.candles, guests, digits), *panels]


def _panel(chart: PriceSeries, titled: Titled, digits: int) -> Panel:
    """Return the panel of one study, with decimals for its reach."""
    low, high = Panel([titled]).reach(chart.count)
    wanted = math.ceil(2.5 - math.log10(high - low))
    return Panel([titled], digits=min(max(2, wanted), digits + 1))


def placed(panels: Sequence[Panel], chart: PriceSeries, height: int, head: int) -> list[Pane]:
    """Return the panes that share *height*, the first one the highest; panels without room are left out.

    *head* is the height of the first pane's legend.
    """
    studies = len(panels) - 1
    room = round(height * min(0.62, 0.26 if studies == 1 else 0.22 * studies))
    shown = panels[: 1 + room // _MIN_HEIGHT_PIXELS]
    lower = room // max(1, len(shown) - 1) if len(shown) > 1 else 0
    top, panes = 0, []
    for place, panel in enumerate(shown):
        bottom = top + (lower if place else height - lower * (len(shown) - 1))
        # With little room the legend lies over the drawing, as in the provider's pictures.
        above = min(26, round(0.3 * lower)) if place else min(head, round(0.4 * (bottom - top)))
        foot = 8 if place else min(26, round(0.1 * (bottom - top)))
        low, high = panel.reach(chart.count)
        if any(isinstance(layer, Columns) for layer in panel.layers) and low == 0:
            foot = 0
        panes.append(Pane(top, bottom, top + above, bottom - foot, low, high, chart.count))
        top = bottom
    return panes


def hosted(pane: Pane, study: Study) -> Pane:
    """Return *pane* with the scale of a guest: columns in the lowest quarter, lines over all of it."""
    low, high = Panel([("", study)]).reach(pane.count)
    if any(isinstance(layer, Columns) for layer in study.layers):
        pane = attrs.evolve(pane, ceiling=pane.bottom - 0.25 * (pane.bottom - pane.top), floor=pane.bottom)
    return attrs.evolve(pane, low=low, high=high)


def newest(layer: Layer) -> list[tuple[float, Colour]]:
    """Return the newest value of a layer with its colour, if it has values."""
    match layer:
        case Line():
            return [(layer.values[-1], layer.colour)]
        case Columns():
            return [(layer.values[-1], layer.colours[-1][:3])]
        case _:
            return []


def ticks(pane: Pane) -> list[float]:
    """Return round values at least 44 pixels apart, or closer in a low pane, over the whole pane."""
    height = pane.floor - pane.ceiling
    unit = (pane.high - pane.low) / height
    rough = unit * min(44, max(18, height / 5))
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10, 20) if size * factor >= rough)
    first = math.floor((pane.low - (pane.bottom - pane.floor) * unit) / step)
    last = math.ceil((pane.high + (pane.ceiling - pane.top) * unit) / step)
    return [number * step for number in range(first, last + 1)]


def spread(wanted: Sequence[float], pane: Pane) -> list[float]:
    """Return the places of tags, moved apart where they overlap; the first one moves least."""
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    spots, first = list(wanted), order.index(0) if order else 0
    for above, below in pairwise(order[first:]):
        spots[below] = max(spots[below], spots[above] + TAG)
    for below, above in pairwise(reversed(order[: first + 1])):
        spots[above] = min(spots[above], spots[below] - TAG)
    limit = pane.bottom - TAG / 2
    for number in reversed(order):
        spots[number] = min(spots[number], limit)
        limit = spots[number] - TAG
    limit = pane.top + TAG / 2
    for number in order:
        spots[number] = max(spots[number], limit)
        limit = spots[number] + TAG
    return spots
