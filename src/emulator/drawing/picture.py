"""The picture of a request, drawn from its order.

The same body gives the same bytes, in any process and any thread. Another body gives other bytes: what is not drawn of it is
in a comment of the file, as a digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Final

from ..drawing import legend
from .axes import HEIGHT, PADDING, Tag, draw_grid, draw_prices, draw_time
from .canvas import Canvas
from .layers import Band, Columns, Line, PriceSeries, Profile, Study, Zone, number
from .legend import LegendRow, Value
from .market import MIN_DECIMALS, Interval, decimals, heikin_ashi, last_price, market
from .order import Order
from .panes import AHEAD, SLOT, Pane, Panel, arranged, hosted, newest, placed, plain, short
from .prices import draw_price, price_colour
from .studies import study
from .theme import THEMES, Theme, mixed

_MARK: Final = "emulated · not market data"  # stands at the bottom of every first pane
_HIDDEN: Final = 120  # candles before the shown ones
_CANDLES: Final = 480  # so many or more, so that averages do not depend on the width of the picture
_MIN_AXIS_PIXELS: Final = 74  # width of the price axis
_MAX_LEGEND_SHARE: Final = 0.45  # the first pane keeps room for its candles


def draw(body: Mapping[str, object]) -> bytes:
    """Return the picture of a valid advanced-chart *body*, as PNG or JPEG."""
    order = Order.read(body)
    theme = THEMES.get(order.theme, THEMES["light"])
    canvas = Canvas(order.width, order.height, theme.background)
    interval, last = Interval.read(order.interval), last_price(order.symbol)
    digits = decimals(last, interval.span)
    margin = 2 * PADDING + (8 if digits > MIN_DECIMALS else 0)
    axis = max(_MIN_AXIS_PIXELS, canvas.measure(plain(last, digits), 11) + margin)
    count = int(order.width - axis) // SLOT - AHEAD
    candles = market(order.symbol, interval, max(_CANDLES, _HIDDEN + count) + order.back)
    candles = candles[: len(candles) - order.back]
    chart = PriceSeries(heikin_ashi(candles) if order.style == "heikinAshi" else candles, count)
    _Painter(canvas, theme, order, chart, digits).paint(interval)
    return canvas.encoded(order.form, hashlib.sha256(canonical(body).encode()).hexdigest())


def canonical(body: Mapping[str, object]) -> str:
    """Return *body* as canonical JSON: the same text for bodies that are equal as JSON, with 2.0 as 2."""
    plain = json.loads(json.dumps(dict(body)), parse_float=_number)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def _number(text: str) -> int | float:
    """Return a number with a point, as an integer if it is whole."""
    value = float(text)
    return int(value) if value.is_integer() else value


class _Painter:
    """Draws one picture."""

    def __init__(self, canvas: Canvas, theme: Theme, order: Order, chart: PriceSeries, digits: int) -> None:
        self._canvas, self._theme, self._order, self._chart, self._digits = canvas, theme, order, chart, digits
        self._room = (chart.count + AHEAD) * SLOT - 2 * legend.LEFT

    def paint(self, interval: Interval) -> None:
        """Draw the whole picture."""
        order, canvas, theme = self._order, self._canvas, self._theme
        made = [(asked.inputs.title, study(self._chart, asked.inputs), asked.overlay) for asked in order.studies]
        panels = arranged(self._chart, made, self._digits, price=order.show_main)
        head = self._header()
        rows = len(head) + len(panels[0].titled) + len(panels[0].guests) + len(order.drawings)
        above = legend.ROW * rows + 16 if order.show_legend else 16
        panes = placed(panels, self._chart, canvas.height - HEIGHT, above)
        draw_time(canvas, theme, panes, interval, order.zone, order.back)
        self._watermark(panes[0])
        for panel, pane in zip(panels, panes, strict=False):
            self._pane(panel, pane)
        for pane in panes:
            canvas.box(0, pane.bottom, canvas.width, pane.bottom + 1, theme.border)
        canvas.box(panes[0].width, 0, panes[0].width + 1, canvas.height, theme.border)
        if order.show_legend:
            shown = [titled for panel in panels[: len(panes)] for titled in (*panel.titled, *panel.guests)]
            hidden = [LegendRow(title) for title, drawn, _ in made if not any(drawn is other for _, other in shown)]
            self._legend(panels, panes, head, hidden)
        self._mark(panes[0])

    def _header(self) -> list[LegendRow]:
        """Return the legend's rows for the symbol and its newest candle."""
        before, now = self._chart.candles[-2:]
        colour = price_colour(self._theme, now, "candle")
        prices = zip("OHLC", (now.open, now.high, now.low, now.close), strict=True)
        change = now.close - before.close
        values = [Value(plain(price, self._digits), colour, letter) for letter, price in prices]
        moved = f"{change:+,.{self._digits}f} ({change / before.close:+.2%})"
        names = (self._order.ticker, self._order.interval, self._order.exchange)
        return legend.header(self._canvas, names, [*values, Value(moved, colour)], self._room)

    def _legend(
        self, panels: Sequence[Panel], panes: Sequence[Pane], head: Sequence[LegendRow], hidden: Sequence[LegendRow]
    ) -> None:
        """Write the studies of each pane, and in the first one also drawings and hidden studies."""
        first, pane = panels[0], panes[0]
        drawings = [LegendRow(asked.inputs.title) for asked in self._order.drawings]
        entries = [*(self._entry(first, *titled) for titled in (*first.titled, *first.guests)), *drawings, *hidden]
        rows = max(1, int(_MAX_LEGEND_SHARE * (pane.bottom - pane.top)) // legend.ROW - len(head))
        legend.write(self._canvas, self._theme, [*head, *legend.cut(entries, rows)], pane.top, self._room)
        for panel, below in zip(panels[1:], panes[1:], strict=False):
            entry = self._entry(panel, *panel.titled[0])
            legend.write(self._canvas, self._theme, [entry], below.top, self._room)

    def _entry(self, panel: Panel, title: str, drawn: Study) -> LegendRow:
        pairs = [pair for layer in drawn.layers for pair in newest(layer)]
        return LegendRow(
            title, [Value(short(value) if drawn.large else panel.write(value), colour) for value, colour in pairs]
        )

    def _pane(self, panel: Panel, pane: Pane) -> None:
        """Draw the content of a pane, and its axis."""
        canvas, theme, style = self._canvas, self._theme, self._order.style
        marks = draw_grid(canvas, theme, pane)
        hosts = [(hosted(pane, guest), guest) for _, guest in panel.guests]
        studies = [*hosts, *((pane, drawn) for _, drawn in panel.titled)]
        for place, drawn in studies:
            self._ground(place, drawn)
        tags: list[Tag] = [tag for layer in panel.layers for tag in newest(layer)]
        lines: list[float] = []
        if panel.candles:
            draw_price(canvas, theme, pane, panel.candles, style)
            now = panel.candles[-1]
            colour = price_colour(theme, now, style)
            canvas.dashes(pane.y(now.close), pane.width, colour, 1)
            lines = self._horizontals(pane)
            tags = [(now.close, colour), *((price, theme.line) for price in lines), *tags]
        for place, drawn in studies:
            self._values(place, drawn)
        draw_prices(canvas, theme, pane, marks, tags, panel.write)

    def _horizontals(self, pane: Pane) -> list[float]:
        """Draw the horizontal lines in sight, each with its text at the right end, and return their prices."""
        asked = [drawing.inputs for drawing in self._order.drawings if drawing.inputs.name == "Horizontal Line"]
        prices = []
        for inputs in asked:
            price = number(inputs.given.get("price"))
            if price is None or not pane.top < pane.y(price) < pane.bottom:
                continue
            prices.append(price)
            y = pane.y(price)
            self._canvas.dashes(y, pane.width, self._theme.line)
            text, above = self._canvas.fitted(inputs.text("text", ""), self._room / 2), y - pane.top > legend.ROW
            place = (pane.width - 6, y - 9 if above else y + 9)
            self._canvas.text(place, text, self._theme.ink(self._theme.line), anchor="rm")
        return prices

    def _ground(self, pane: Pane, drawn: Study) -> None:
        """Draw the layers below candles and lines."""
        canvas = self._canvas
        for layer in drawn.layers:
            match layer:
                case Band():
                    canvas.shape([*pane.points(layer.upper), *reversed(pane.points(layer.lower))], layer.colour)
                case Zone():
                    canvas.box(0, round(pane.y(layer.high)), pane.width, round(pane.y(layer.low)), layer.colour)
                    for limit in (layer.low, layer.high):
                        canvas.dashes(pane.y(limit), pane.width, (*self._theme.muted, 150))
                case Profile():
                    self._profile(pane, layer)
                case Columns():
                    self._columns(pane, layer)

    def _profile(self, pane: Pane, profile: Profile) -> None:
        """Draw the shelves from the right, the value area stronger, and a line at the fullest shelf."""
        fullest = max(profile.shelves, key=lambda shelf: shelf.total)
        unit = 0.3 * pane.width / fullest.total
        for place, shelf in enumerate(profile.shelves):
            alpha = 120 if place in profile.inside else 60
            top, bottom = round(pane.y(shelf.high)), round(pane.y(shelf.low)) - 1
            border = round(pane.width - shelf.up * unit)
            self._canvas.box(border, top, pane.width, bottom, (21, 146, 230, alpha))
            self._canvas.box(round(pane.width - shelf.total * unit), top, border, bottom, (251, 193, 35, alpha))
        y = round(pane.y((fullest.low + fullest.high) / 2))
        self._canvas.box(0, y - 1, pane.width, y + 1, (255, 0, 0, 200))

    def _columns(self, pane: Pane, layer: Columns) -> None:
        zero = round(pane.y(0))
        for (x, y), colour in zip(pane.points(layer.values), layer.colours[-pane.count :], strict=True):
            top, bottom = sorted((round(y), zero))
            self._canvas.box(x - 2.5, top, x + 2.5, max(bottom, top + 1), colour)

    def _values(self, pane: Pane, drawn: Study) -> None:
        for layer in drawn.layers:
            if isinstance(layer, Line):
                points = pane.points(layer.values)
                if layer.dotted:
                    for point in points:
                        self._canvas.dot(point, layer.colour)
                else:
                    self._canvas.line(points, layer.colour, layer.width)

    def _watermark(self, pane: Pane) -> None:
        """Write the request's own text behind the candles."""
        order, theme = self._order, self._theme
        text = self._canvas.fitted(order.watermark, self._room, order.watermark_size)
        colour = mixed(theme.background, theme.muted, 0.45 * min(max(order.watermark_opacity, 0.1), 1.0))
        self._canvas.text((pane.width / 2, (pane.top + pane.bottom) / 2), text, colour, order.watermark_size, "mm")

    def _mark(self, pane: Pane) -> None:
        """Write that the picture is not market data, and the layout that it is drawn by."""
        layout = self._order.layout
        text = self._canvas.fitted(f"layout {layout} · {_MARK}" if layout else _MARK, self._room, 10)
        width, y = self._canvas.measure(text, 10), pane.bottom - 12
        self._canvas.box(legend.LEFT - 4, y - 8, legend.LEFT + width + 4, y + 8, self._theme.ghost)
        self._canvas.text((legend.LEFT, y), text, self._theme.muted, 10)
