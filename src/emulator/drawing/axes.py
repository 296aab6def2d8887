"""The axes: round prices and the newest ones at the right, the time at the bottom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo
from typing import Final

from .canvas import Canvas
from .layers import Colour
from .market import Interval
from .panes import AHEAD, SLOT, TAG, Pane, middle, spread, ticks
from .theme import Theme

HEIGHT: Final = 28
"""The height of the time axis, in pixels."""

PADDING: Final = 9
"""The distance of a price from the edge of its axis, in pixels."""

_APART: Final = 70  # pixels between the names of two moments
_MARGIN: Final = 24  # pixels on each side of a name
_HOUR, _DAY = 60, 1440
_MINUTES: Final = (1, 2, 5, 10, 15, 30, *(_HOUR * n for n in (1, 2, 3, 6, 12)), *(_DAY * n for n in (1, 2, 4, 7, 14)))
_MONTHS: Final = (1, 2, 3, 6, *(12 * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000)))
_MONTH: Final = 30 * _DAY


Tag = tuple[float, Colour]
"""A marked value on the axis."""


def draw_grid(canvas: Canvas, theme: Theme, pane: Pane) -> list[float]:
    """Draw a line at each round value, and return the values."""
    marks = [tick for tick in ticks(pane) if pane.top + TAG / 2 < pane.y(tick) < pane.bottom - TAG / 2]
    for mark in marks:
        canvas.box(0, round(pane.y(mark)), pane.width, round(pane.y(mark)) + 1, theme.grid)
    return marks


def draw_prices(
    canvas: Canvas, theme: Theme, pane: Pane, marks: Sequence[float], tags: Sequence[Tag], write: Callable[[float], str]
) -> None:
    """Write the round values and the tags; without room for all tags, the last ones are left out."""
    left, room = pane.width + PADDING, canvas.width - pane.width - PADDING - 3
    shown = [*dict.fromkeys(tags)][: (pane.bottom - pane.top) // TAG]
    spots = spread([pane.y(value) for value, _ in shown], pane)
    for mark in marks:
        if all(abs(pane.y(mark) - spot) > TAG - 2 for spot in spots):
            canvas.text((left, pane.y(mark) + 0.5), canvas.fitted(write(mark), room, 11), theme.text, 11)
    for (value, colour), spot in zip(shown, spots, strict=True):
        top = round(spot) - TAG // 2
        canvas.box(pane.width + 1, top, canvas.width - 2, top + TAG, colour)
        canvas.text((left, round(spot)), canvas.fitted(write(value), room, 11), theme.on(colour), 11)


def draw_time(
    canvas: Canvas, theme: Theme, panes: Sequence[Pane], interval: Interval, zone: tzinfo, back: int = 0
) -> None:
    """Draw the grid of the time, and write the time at the bottom; the newest candle is *back* candles old."""
    count, bottom = panes[0].count, panes[-1].bottom
    moments = [interval.moment(back + count - 1 - number) for number in range(count + AHEAD)]
    if interval.intraday:
        moments = [moment.astimezone(zone) for moment in moments]
    for number, name in time_marks(moments, interval):
        canvas.box(middle(number), 0, middle(number) + 1, bottom, theme.grid)
        canvas.text((middle(number) + 0.5, bottom + HEIGHT / 2), name, theme.text, 11, "mm")


def time_marks(moments: Sequence[datetime], interval: Interval) -> Iterator[tuple[int, str]]:
    """List the moments to name: the beginnings of the shortest period that leaves room for the names.

    A moment has the name of the largest unit that changed: year, month, day or time of day.
    """
    period = _period(interval)
    end, last = len(moments) * SLOT - _MARGIN, -_APART
    before = moments[0]
    for number in range(1, len(moments)):
        now, x = moments[number], middle(number)
        if period(now) == period(moments[number - 1]) or not _MARGIN <= x <= end or x - last < _APART * 0.7:
            continue
        if now.year != before.year:
            name = f"{now.year}"
        elif now.month != before.month:
            name = f"{now:%b}"
        elif now.day != before.day:
            name = f"{now.day}"
        else:
            name = f"{now:%H:%M}"
        yield number, name
        before, last = now, x


def _period(interval: Interval) -> Callable[[datetime], int]:
    """Return a function that numbers the shortest periods of at least 70 pixels."""
    candle = interval.step.total_seconds() / 60
    for minutes in _MINUTES:
        if minutes / candle * SLOT >= _APART:
            return lambda moment: (moment.toordinal() * _DAY + moment.hour * 60 + moment.minute) // minutes
    months = next((months for months in _MONTHS if months * _MONTH / candle * SLOT >= _APART), _MONTHS[-1])
    return lambda moment: (moment.year * 12 + moment.month - 1) // months
