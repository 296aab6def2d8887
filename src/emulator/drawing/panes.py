"""The layout: which study goes into which pane, how high each is, and where a value stands in it."""

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
AHEAD: Final = 5  # slots left free after the newest candle
TAG: Final = 16  # the height of a tag on the axis
_LEAST: Final = 30  # the height of a pane, so that its title can be read
_OVERHANG: Final = 0.35  # how far over the candles, as a share of their reach, a line may pull the scale
_FLAT: Final = 1e-9  # a reach so small beside its values that no scale can be made of it

Titled = tuple[str, Study]


@attrs.frozen
class Pane:
    """Where values stand: *low* at the pixel *floor*, *high* at *ceiling*, between the pane's *top* and *bottom*."""

    top: int
    bottom: int
    ceiling: float
    floor: float
    low: float
    high: float
    count: int

    @property
    def width(self) -> int:
        """How far the plot reaches, up to the axis."""
        return (self.count + AHEAD) * SLOT

    def y(self, value: float) -> float:
        """Give the height at which *value* stands, or the pane's edge for one that is out of sight."""
        place = self.ceiling + (self.floor - self.ceiling) * (self.high - value) / (self.high - self.low)
        return min(max(place, self.top), self.bottom)

    def points(self, values: Values) -> list[tuple[float, float]]:
        """Give the place of each value that is shown."""
        return [(middle(number) + 0.5, self.y(value)) for number, value in enumerate(values[-self.count :])]


@attrs.frozen
class Panel:
    """A pane's content: its studies with their titles, the price's among them if it has *candles*.

    The *guests* of the price pane have scales of their own there.
    """

    titled: Sequence[Titled]
    candles: Sequence[Candle] = ()
    guests: Sequence[Titled] = ()
    digits: int = 2

    @property
    def layers(self) -> list[Layer]:
        """Give the layers of all studies on the pane's scale."""
        return [layer for _, study in self.titled for layer in study.layers]

    @property
    def large(self) -> bool:
        """Whether values are written as volumes are."""
        return not self.candles and any(study.large for _, study in self.titled)

    def write(self, value: float) -> str:
        """Write *value* as the pane's axis does."""
        return short(value) if self.large else plain(value, self.digits)

    def reach(self, count: int) -> tuple[float, float]:
        """Give the least and the greatest value that must be in sight, which are never the same."""
        values = [price for candle in self.candles[-count:] for price in (candle.low, candle.high)]
        limits = (-math.inf, math.inf)
        if values:
            room = (max(values) - min(values)) * _OVERHANG
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
        if high - low > _FLAT * max(abs(low), abs(high)):
            return low, high
        room = max(abs(high) * 0.01, _FLAT)
        return low - room, high + room


def plain(value: float, digits: int = 2) -> str:
    """Write a value as prices are written."""
    return f"{value:,.{digits}f}"


def short(value: float) -> str:
    """Write a value as volumes are written: ``1.25K``."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= size:
            return plain(value / size) + unit
    return plain(value)


def middle(number: int) -> int:
    """Give the left edge of the middle pixel of a candle."""
    return number * SLOT + SLOT // 2


def arranged(chart: PriceSeries, made: Sequence[tuple[str, Study, bool]], digits: int, *, price: bool) -> list[Panel]:
    """Put studies in panels, the price's first; those that say so as guests over the price.

    Without the *price* the others move up, and what would lie over it is not shown.
    """
    below = [(title, study) for title, study, overlay in made if study.own_pane and not (overlay and price)]
    panels = [_panel(chart, titled, digits) for titled in below]
    if panels and not price:
        return panels
    over = [(title, study) for title, study, _ in made if not study.own_pane]
    guests = [(title, study) for title, study, overlay in made if study.own_pane and overlay and price]
    return [Panel(over, chart.candles, guests, digits), *panels]


def _panel(chart: PriceSeries, titled: Titled, digits: int) -> Panel:
    """Make the panel of one study, with the decimals that what is in sight needs."""
    low, high = Panel([titled]).reach(chart.count)
    wanted = math.ceil(2.5 - math.log10(high - low))
    return Panel([titled], digits=min(max(2, wanted), digits + 1))


def placed(panels: Sequence[Panel], chart: PriceSeries, height: int, head: int) -> list[Pane]:
    """Share *height* among the panels, the first getting the most; those that find no room are left out.

    *head* is the height of the first pane's legend.
    """
    share = min(0.62, 0.26 if len(panels) == 2 else 0.22 * (len(panels) - 1))  # noqa: PLR2004 (the price and a study)
    room = round(height * share)
    shown = panels[: 1 + room // _LEAST]
    lower = room // max(1, len(shown) - 1) if len(shown) > 1 else 0
    top, panes = 0, []
    for place, panel in enumerate(shown):
        bottom = top + (lower if place else height - lower * (len(shown) - 1))
        # Where there is little room, the legend lies over what is drawn, as the provider's does.
        above = min(26, round(0.3 * lower)) if place else min(head, round(0.4 * (bottom - top)))
        foot = 8 if place else min(26, round(0.1 * (bottom - top)))
        low, high = panel.reach(chart.count)
        if any(isinstance(layer, Columns) for layer in panel.layers) and low == 0:
            foot = 0
        panes.append(Pane(top, bottom, top + above, bottom - foot, low, high, chart.count))
        top = bottom
    return panes


def hosted(pane: Pane, study: Study) -> Pane:
    """Give a guest its scale in *pane*: columns at its foot, lines over all of it."""
    low, high = Panel([("", study)]).reach(pane.count)
    if any(isinstance(layer, Columns) for layer in study.layers):
        return attrs.evolve(
            pane, ceiling=pane.bottom - 0.25 * (pane.bottom - pane.top), floor=pane.bottom, low=low, high=high
        )
    return attrs.evolve(pane, low=low, high=high)


def newest(layer: Layer) -> list[tuple[float, Colour]]:
    """Give the newest value of a layer with its colour, if it has values."""
    match layer:
        case Line():
            return [(layer.values[-1], layer.colour)]
        case Columns():
            return [(layer.values[-1], layer.colours[-1][:3])]
        case _:
            return []


def ticks(pane: Pane) -> list[float]:
    """Choose round values at least 44 pixels apart, or closer in a low pane, as far as the pane reaches."""
    height = pane.floor - pane.ceiling
    unit = (pane.high - pane.low) / height
    rough = unit * min(44, max(18, height / 5))
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10, 20) if size * factor >= rough)
    first = math.floor((pane.low - (pane.bottom - pane.floor) * unit) / step)
    last = math.ceil((pane.high + (pane.ceiling - pane.top) * unit) / step)
    return [number * step for number in range(first, last + 1)]


def spread(wanted: Sequence[float], pane: Pane) -> list[float]:
    """Move tags apart that would lie on each other, in their order, the first one least."""
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
