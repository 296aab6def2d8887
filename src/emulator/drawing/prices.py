"""The price, drawn in the provider's styles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Final

from .canvas import Canvas, Point
from .layers import Colour
from .market import Candle
from .panes import Pane, middle
from .theme import Theme

Style = Callable[[Canvas, Theme, Pane, Sequence[Candle]], None]

_SHADE: Final = 45  # opacity of the area under a line, of 255


def draw_price(canvas: Canvas, theme: Theme, pane: Pane, candles: Sequence[Candle], style: str) -> None:
    """Draw the shown candles in a style; an unknown style draws candles."""
    STYLES.get(style, _candles)(canvas, theme, pane, candles[-pane.count :])


def price_colour(theme: Theme, candle: Candle, style: str) -> Colour:
    """Return the colour of the newest price: its candle's or the line's."""
    return theme.line if style in {"line", "area", "hiLo"} else theme.tint(rising=candle.rising)


def _candles(canvas: Canvas, theme: Theme, pane: Pane, candles: Sequence[Candle]) -> None:
    """Draw wicks and bodies, on whole pixels so that they are sharp."""
    for number, candle in enumerate(candles):
        x, colour = middle(number), theme.tint(rising=candle.rising)
        top, bottom = _body(pane, candle)
        canvas.box(x, round(pane.y(candle.high)), x + 1, round(pane.y(candle.low)) + 1, colour)
        canvas.box(x - 2, top, x + 3, bottom, colour)


def _hollow(canvas: Canvas, theme: Theme, pane: Pane, candles: Sequence[Candle]) -> None:
    """Draw rising candles as outlines, in the colour of the change since the candle before."""
    for number, (before, candle) in enumerate(pairwise([candles[0], *candles])):
        x, colour = middle(number), theme.tint(rising=candle.close >= before.close)
        top, bottom = _body(pane, candle)
        canvas.box(x, round(pane.y(candle.high)), x + 1, top, colour)
        canvas.box(x, bottom, x + 1, round(pane.y(candle.low)) + 1, colour)
        canvas.box(x - 2, top, x + 3, bottom, colour)
        if candle.rising and bottom - 1 > top + 1:
            canvas.box(x - 1, top + 1, x + 2, bottom - 1, theme.background)


def _bars(canvas: Canvas, theme: Theme, pane: Pane, candles: Sequence[Candle]) -> None:
    """Draw the opening price at the left of each bar, the closing one at the right."""
    for number, candle in enumerate(candles):
        x, colour = middle(number), theme.tint(rising=candle.rising)
        start, end = round(pane.y(candle.open)), round(pane.y(candle.close))
        canvas.box(x, round(pane.y(candle.high)), x + 1, round(pane.y(candle.low)) + 1, colour)
        canvas.box(x - 2, start, x, start + 1, colour)
        canvas.box(x + 1, end, x + 3, end + 1, colour)


def _line(canvas: Canvas, theme: Theme, pane: Pane, candles: Sequence[Candle]) -> None:
    canvas.line(_closes(pane, candles), theme.line, 2)


def _area(canvas: Canvas, theme: Theme, pane: Pane, candles: Sequence[Candle]) -> None:
    """Join the closing prices and shade the area below."""
    points = _closes(pane, candles)
    canvas.shape([*points, (points[-1][0], pane.bottom), (points[0][0], pane.bottom)], (*theme.line, _SHADE))
    canvas.line(points, theme.line, 2)


def _baseline(canvas: Canvas, theme: Theme, pane: Pane, candles: Sequence[Candle]) -> None:
    """Join the closing prices, in one colour above the middle of the pane and in another below."""
    base = (pane.ceiling + pane.floor) / 2
    points = _crossing(_closes(pane, candles), base)
    for choose, colour in ((min, theme.up), (max, theme.down)):
        edge = [(x, choose(y, base)) for x, y in points]
        canvas.shape([*edge, (points[-1][0], base), (points[0][0], base)], (*colour, _SHADE))
    canvas.dashes(base, pane.width, (*theme.muted, 150))
    for left, right in pairwise(points):
        canvas.line([left, right], theme.up if left[1] + right[1] < 2 * base else theme.down, 2)


def _crossing(points: Sequence[Point], base: float) -> list[Point]:
    """Return *points* and the points between them at the height *base*."""
    made = [points[0]]
    for (x, y), (end, floor) in pairwise(points):
        if (y - base) * (floor - base) < 0:
            made.append((x + (end - x) * (base - y) / (floor - y), base))
        made.append((end, floor))
    return made


def _high_low(canvas: Canvas, theme: Theme, pane: Pane, candles: Sequence[Candle]) -> None:
    """Draw a box from the lowest to the highest price of each."""
    for number, candle in enumerate(candles):
        x, top, bottom = middle(number), round(pane.y(candle.high)), round(pane.y(candle.low)) + 1
        canvas.box(x - 2, top, x + 3, bottom, theme.line)
        if bottom - 1 > top + 1:
            canvas.box(x - 1, top + 1, x + 2, bottom - 1, theme.background)
            canvas.box(x - 1, top + 1, x + 2, bottom - 1, (*theme.line, 2 * _SHADE))


def _columns(canvas: Canvas, theme: Theme, pane: Pane, candles: Sequence[Candle]) -> None:
    """Draw a column up to each closing price, in the colour of the change since the candle before."""
    for number, (before, candle) in enumerate(pairwise([candles[0], *candles])):
        x, colour = middle(number), theme.tint(rising=candle.close >= before.close)
        canvas.box(x - 2.5, round(pane.y(candle.close)), x + 2.5, pane.bottom, (*colour, 128))


def _body(pane: Pane, candle: Candle) -> tuple[int, int]:
    """Return the top and the bottom of a candle's body, at least a pixel apart."""
    top, bottom = sorted((round(pane.y(candle.open)), round(pane.y(candle.close))))
    return top, max(bottom, top + 1)


def _closes(pane: Pane, candles: Sequence[Candle]) -> list[Point]:
    return pane.points([candle.close for candle in candles])


STYLES: Final[Mapping[str, Style]] = {
    "area": _area,
    "bar": _bars,
    "baseline": _baseline,
    "candle": _candles,
    "column": _columns,
    "heikinAshi": _candles,
    "hiLo": _high_low,
    "hollowCandle": _hollow,
    "line": _line,
}
"""The styles by name; the candles of ``heikinAshi`` are already averaged."""
