"""Each style of the price is another picture of the same candles."""

from __future__ import annotations

from chartimg.emulator.drawing.canvas import Canvas
from chartimg.emulator.drawing.market import Candle, walk
from chartimg.emulator.drawing.panes import Pane
from chartimg.emulator.drawing.prices import STYLES, draw_price, price_colour
from chartimg.emulator.drawing.theme import THEMES

THEME = THEMES["light"]
CANDLES = [*walk("prices", 30, 20, 100, 0.2), Candle(100, 100, 100, 100, 1)]
PANE = Pane(0, 120, 10, 110, 80.0, 125.0, 20)


def drawn(style: str) -> bytes:
    """Return the picture of the candles in a style."""
    canvas = Canvas(200, 120, THEME.background)
    draw_price(canvas, THEME, PANE, CANDLES, style)
    return canvas.encoded("png")


def test_every_style_looks_different() -> None:
    """Every style has its own picture, and a colour; heikinAshi and an unknown style draw the given candles."""
    pictures, falling = {style: drawn(style) for style in STYLES}, Candle(2, 2, 1, 1, 1)

    assert len(STYLES) - 1 == len(set(pictures.values()))
    assert pictures["candle"] == pictures["heikinAshi"] == drawn("no such style")
    assert [THEME.line, THEME.down] == [price_colour(THEME, falling, style) for style in ("area", "candle")]
