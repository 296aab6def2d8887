"""The legend: the symbol, its newest candle, and the studies with their newest values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs

from .canvas import Canvas
from .layers import Colour
from .theme import Theme

ROW: Final = 18
"""The height of a line, in pixels."""

LEFT: Final = 10
"""The distance of the legend from the left edge, in pixels."""

_GAP: Final = 8


@attrs.frozen
class Value:
    """A number with its colour, and the letter before it."""

    text: str
    colour: Colour
    letter: str = ""


@attrs.frozen
class LegendRow:
    """A line of the legend."""

    title: str
    values: Sequence[Value] = ()
    size: int = 12


def header(canvas: Canvas, names: tuple[str, str, str], values: Sequence[Value], room: float) -> list[LegendRow]:
    """Return the symbol, interval and exchange with *values*, in two lines if one has no room.

    A long symbol is shortened first.
    """
    ticker, interval, exchange = names
    rest = "".join(f" · {name}" for name in (interval, exchange) if name)
    title = canvas.fitted(ticker, max(room * 0.3, room - canvas.measure(rest, 14)), 14) + rest
    entry = LegendRow(title, values, 14)
    if _width(canvas, entry) <= room:
        return [entry]
    return [LegendRow(title, size=14), LegendRow("", values)]


def cut(entries: Sequence[LegendRow], rows: int) -> list[LegendRow]:
    """Return at most *rows* entries; the last one counts those that are left out."""
    if len(entries) <= rows:
        return list(entries)
    if rows < 1:
        return []
    return [*entries[: rows - 1], LegendRow(f"+{len(entries) - rows + 1} more")]


def write(canvas: Canvas, theme: Theme, entries: Sequence[LegendRow], top: int, room: float) -> None:
    """Write the entries one below the other, each as far as there is room."""
    for number, entry in enumerate(entries):
        y = top + 14 + number * ROW
        title = canvas.fitted(entry.title, room, entry.size)
        values = entry.values
        while values and _width(canvas, LegendRow(title, values, entry.size)) > room:
            values = values[:-1]
        width = _width(canvas, LegendRow(title, values, entry.size))
        canvas.box(LEFT - 4, y - ROW // 2, LEFT + width + 3, y + ROW // 2, theme.ghost)
        x = LEFT + canvas.text((LEFT, y), title, theme.text, entry.size) + (_GAP if title else 0)
        for value in values:
            if value.letter:
                x += canvas.text((x, y), value.letter, theme.text) + 1
            x += canvas.text((x, y), value.text, theme.ink(value.colour)) + _GAP


def _width(canvas: Canvas, entry: LegendRow) -> float:
    title = canvas.measure(entry.title, entry.size)
    parts = (
        canvas.measure(value.text) + (canvas.measure(value.letter) + 1 if value.letter else 0) for value in entry.values
    )
    return (
        title + sum(part + _GAP for part in parts) + (_GAP if title and entry.values else 0) - _GAP * bool(entry.values)
    )
