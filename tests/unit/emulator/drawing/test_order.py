"""An order is read from any body: each key may be missing, and each symbol and time zone is accepted."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from chartimg.emulator.drawing.layers import Inputs
from chartimg.emulator.drawing.order import Order, StudyOrDrawing, zone
from rows import for_each


def test_an_empty_body_has_the_providers_defaults() -> None:
    """An empty body is a light daily chart of BTCUSDT, 800 by 600 pixels."""
    order = Order.read({})

    assert ("BINANCE:BTCUSDT", "1D", 800, 600) == (order.symbol, order.interval, order.width, order.height)
    assert ("candle", "light", "png") == (order.style, order.theme, order.form)
    assert ("", 16, 1.0) == (order.watermark, order.watermark_size, order.watermark_opacity)
    assert ((), (), True, True) == (order.studies, order.drawings, order.show_legend, order.show_main)


def test_every_part_of_a_body_is_read() -> None:
    """Studies and drawings keep their order, inputs and overlays."""
    body = {
        "symbol": "FX:EURUSD", "interval": "4h", "width": 400, "height": 300.0, "theme": "dark", "style": "bar",
        "format": "jpeg", "watermark": "mine", "watermarkSize": 32, "watermarkOpacity": 0.5,
        "studies": [{"name": "Volume", "forceOverlay": True}, {"name": "MACD", "input": {"in_0": 5}}],
        "drawings": [{"name": "Horizontal Line", "input": {"price": 1}}],
        "override": {"showLegend": False, "showMainPane": False},
    }  # fmt: skip
    order = Order.read(body)

    assert ("FX:EURUSD", "4h", 400, 300, "dark", "bar", "jpeg") == (
        order.symbol, order.interval, order.width, order.height, order.theme, order.style, order.form,
    )  # fmt: skip
    assert ("mine", 32, 0.5) == (order.watermark, order.watermark_size, order.watermark_opacity)
    assert (
        StudyOrDrawing(Inputs("Volume"), overlay=True),
        StudyOrDrawing(Inputs("MACD", {"in_0": 5})),
    ) == order.studies
    assert (StudyOrDrawing(Inputs("Horizontal Line", {"price": 1})),) == order.drawings
    assert (False, False) == (order.show_legend, order.show_main)


def test_a_null_or_odd_value_counts_as_missing() -> None:
    """A null, a wrong type and an entry without parts count as missing."""
    odd = {"symbol": None, "width": "wide", "studies": [{}, None, {"name": "A", "input": []}], "override": 3}
    order = Order.read(odd)

    assert ("BINANCE:BTCUSDT", 800, True) == (order.symbol, order.width, order.show_main)
    assert (StudyOrDrawing(Inputs("")), StudyOrDrawing(Inputs("")), StudyOrDrawing(Inputs("A"))) == order.studies


@for_each(
    ("symbol", "exchange", "ticker"),
    [("BINANCE:BTCUSDT", "BINANCE", "BTCUSDT"), ("CME_MINI:NQ1!", "CME_MINI", "NQ1!"), ("BMV:CEMEX/CPO", "BMV", "CEMEX/CPO"),
     ("(NASDAQ:MARA+NASDAQ:RIOT)/10", "", "(NASDAQ:MARA+NASDAQ:RIOT)/10"), ("(A:B)*2", "", "(A:B)*2"), ("SPX", "", "SPX")],
)  # fmt: skip
def test_a_symbol_has_an_exchange_unless_it_is_a_formula(symbol: str, exchange: str, ticker: str) -> None:
    """The exchange is split from a symbol, and a formula stays whole."""
    order = Order.read({"symbol": symbol})

    assert (exchange, ticker) == (order.exchange, order.ticker)


@for_each("name", ["", "Nowhere/Land", "America", "../etc/passwd", "\ud800", "/"])
def test_a_time_zone_is_looked_up(name: str) -> None:
    """A zone is found by its name in the machine's own data, and an unknown name is UTC."""
    assert ZoneInfo("America/New_York") == zone("America/New_York")
    assert UTC is zone(name)
