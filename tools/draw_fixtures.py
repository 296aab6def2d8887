"""Draw the shipped fixtures: believable charts of invented prices, in TradingView's dark theme.

``make fixtures`` writes them. Each picture follows its request, and the same request gives the same picture.
"""

from __future__ import annotations

import io
import json
import math
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from PIL import Image, ImageDraw, ImageFont

import indicators as studies
from chartimg.adapters.recording import RecordingTransport
from chartimg.adapters.templates import load_templates
from chartimg.domain.account import Account
from chartimg.domain.chart import ChartRequest
from chartimg.domain.filename import stem
from chartimg.domain.reply import Reply

Colour = studies.Colour
Point = tuple[float, float]

SYMBOL, TIMEFRAMES = "BINANCE:BTCUSDT", ("1h", "4h")
FOLDER = Path(__file__).parent.parent / "fixtures/chart-api/chart-img/advanced-chart-v2"
MARK = "drawn by chartimg, not market data"
NEWEST = datetime(2024, 10, 14, 16, tzinfo=UTC)  # BTCUSDT was between 60 and 70 thousand
MINUTES = {"m": 1, "h": 60, "D": 1440, "W": 10_080, "M": 43_200, "Y": 525_600}
MIDDLES = {"BTCUSDT": 65_000.0}
SALT = 465  # of some, the one whose walks look best
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

SCALE = 3  # drawn larger by this and reduced, which smooths every edge
AXIS_WIDTH, AXIS_HEIGHT, SLOT, AHEAD = 74, 28, 7, 5
HIDDEN, AVERAGED = 120, 30  # earlier candles: all, and those that the lines at the left edge are still made of
ROW, TAG = 18, 16  # heights of a line of the legend and of a tag on the axis
BACKGROUND, GRID, BORDER = (19, 23, 34), (32, 36, 48), (54, 58, 69)
TEXT, MUTED, WHITE = (209, 212, 220), (134, 137, 147), (255, 255, 255)
PALE = 150  # a colour with no less of anything bears no white text


class Canvas:
    """Draws in the picture's own pixels, smoothly."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * SCALE, height * SCALE), BACKGROUND)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle, whose right and bottom edge are not part of it."""
        x, y, end, floor = (round(edge * SCALE) for edge in (left, top, right, bottom))
        self._draw.rectangle((x, y, max(x, end - 1), max(y, floor - 1)), fill=colour)

    def dashes(self, y: float, right: int, colour: Colour, dash: int = 4) -> None:
        """Draw a broken horizontal line from the left edge to *right*."""
        for left in range(0, right, 2 * dash):
            self.box(left, round(y), min(left + dash, right), round(y) + 1, colour)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw a line through *points*."""
        self._draw.line([_scaled(point) for point in points], fill=colour, width=round(width * SCALE), joint="curve")

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill what *points* enclose."""
        self._draw.polygon([_scaled(point) for point in points], fill=colour)

    def dot(self, centre: Point, colour: Colour) -> None:
        """Draw a small disc."""
        self._draw.circle(_scaled(centre), 1.5 * SCALE, fill=colour)

    def text(self, place: Point, text: str, colour: Colour, size: int = 12, anchor: str = "lm") -> float:
        """Write *text* and give its width."""
        font = _font(size * SCALE)
        self._draw.text(_scaled(place), text, fill=colour, font=font, anchor=anchor)
        return font.getlength(text) / SCALE

    def png(self) -> bytes:
        """Give the picture as PNG."""
        file = io.BytesIO()
        self._image.reduce(SCALE).save(file, "PNG", optimize=True, compress_type=zlib.Z_DEFAULT_STRATEGY)
        return file.getvalue()


def _scaled(point: Point) -> Point:
    return point[0] * SCALE, point[1] * SCALE


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise SystemExit("this Pillow was built without FreeType; install one that has it")
    return font


@dataclass(frozen=True)
class Pane:
    """Where values stand: *low* at the pixel *floor*, *high* at *ceiling*, between the pane's *top* and *bottom*."""

    top: int
    bottom: int
    ceiling: int
    floor: int
    low: float
    high: float
    chart: studies.Chart

    @property
    def width(self) -> int:
        """How far the plot reaches, up to the axis."""
        return (self.chart.count + AHEAD) * SLOT

    def y(self, value: float) -> float:
        """Give the height at which *value* stands."""
        return self.ceiling + (self.floor - self.ceiling) * (self.high - value) / (self.high - self.low)

    def points(self, values: studies.Values) -> list[Point]:
        """Give the place of each value that is shown."""
        return [(middle(number) + 0.5, self.y(value)) for number, value in enumerate(values[-self.chart.count :])]


@dataclass(frozen=True)
class Panel:
    """A pane's content: its studies with their titles, the price's among them if it has *candles*."""

    titled: Sequence[tuple[str, studies.Study]]
    candles: Sequence[studies.Candle] = ()

    @property
    def layers(self) -> list[studies.Layer]:
        """Give the layers of all studies."""
        return [layer for _, study in self.titled for layer in study.layers]

    def write(self, value: float) -> str:
        """Write *value* as the pane's axis does."""
        large = not self.candles and any(study.large for _, study in self.titled)
        return short(value) if large else plain(value)

    def reach(self, count: int) -> tuple[float, float]:
        """Give the least and the greatest value that must be in sight."""
        values = [price for candle in self.candles[-count:] for price in (candle.low, candle.high)]
        for layer in self.layers:
            match layer:
                case studies.Line():
                    values += layer.values[-count:]
                case studies.Columns():
                    values += [0.0, *layer.values[-count:]]
                case studies.Zone():
                    values += [layer.low, layer.high]
        return min(values), max(values)


def plain(value: float) -> str:
    """Write a value as prices are written."""
    return f"{value:,.2f}"


def short(value: float) -> str:
    """Write a value as volumes are written: ``1.25K``."""
    for size, unit in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= size:
            return plain(value / size) + unit
    return plain(value)


def middle(number: int) -> int:
    """Give the left edge of the middle pixel of a candle."""
    return number * SLOT + SLOT // 2


def newest(layer: studies.Layer) -> list[tuple[float, Colour]]:
    """Give the newest value of a layer with its colour, if it has values."""
    match layer:
        case studies.Line():
            return [(layer.values[-1], layer.colour)]
        case studies.Columns():
            return [(layer.values[-1], layer.colours[-1][:3])]
        case _:
            return []


def draw(request: ChartRequest) -> bytes:
    """Draw the chart that *request* asks for, as PNG."""
    body = cast("Mapping[str, Any]", request.body)
    canvas = Canvas(body.get("width", 800), body.get("height", 600))
    exchange, ticker = request.symbol.split(":")
    step = timedelta(minutes=int(request.timeframe[:-1]) * MINUTES[request.timeframe[-1]])
    count = (canvas.width - AXIS_WIDTH) // SLOT - AHEAD
    chart = studies.Chart(invented(request, ticker, step, count), count)
    panels = arranged(chart, body.get("studies", []))
    panes = placed(panels, chart, canvas.height - AXIS_HEIGHT)
    draw_time(canvas, panes, step)
    for panel, pane in zip(panels, panes, strict=True):
        draw_pane(canvas, panel, pane)
    draw_frame(canvas, panes)
    draw_header(canvas, f"{ticker} · {request.timeframe} · {exchange}", chart.candles)
    canvas.text((10, panes[0].bottom - 12), MARK, MUTED, 10)
    return canvas.png()


def invented(request: ChartRequest, ticker: str, step: timedelta, count: int) -> list[studies.Candle]:
    """Invent the candles of a request: the *count* shown, and earlier ones in which the studies settle."""
    seed = json.dumps([SALT, request.symbol, request.timeframe, request.payload.get("studies")])
    span = min(0.12, 0.055 * math.sqrt(step / HOUR))
    return studies.walk(seed, HIDDEN + count, count + AVERAGED, MIDDLES.get(ticker, 100.0), span)


def arranged(chart: studies.Chart, asked: Sequence[Mapping[str, Any]]) -> list[Panel]:
    """Compute the studies asked for and put them in panels, the price's first."""
    made: list[tuple[str, studies.Study]] = []
    for entry in asked:
        inputs = entry.get("input", {})
        title = " ".join(map(str, (entry["name"], *inputs.values())))
        made.append((title, studies.STUDIES[entry["name"]](chart, inputs)))
    over = [(title, study) for title, study in made if not study.own_pane]
    return [Panel(over, chart.candles), *(Panel([(title, study)]) for title, study in made if study.own_pane)]


def placed(panels: Sequence[Panel], chart: studies.Chart, height: int) -> list[Pane]:
    """Share *height* among the panels, the price getting the most."""
    lower = round(height * (0.26 if len(panels) <= 2 else 0.22))  # noqa: PLR2004 (the price and one study)
    top, panes = 0, []
    for panel in panels:
        bottom = top + (height - lower * (len(panels) - 1) if panel.candles else lower)
        head, foot = (ROW * (len(panel.titled) + 1) + 16, 26) if panel.candles else (ROW + 8, 8)
        low, high = panel.reach(chart.count)
        if any(isinstance(layer, studies.Columns) for layer in panel.layers) and low == 0:
            foot = 0
        panes.append(Pane(top, bottom, top + head, bottom - foot, low, high, chart))
        top = bottom
    return panes


def draw_pane(canvas: Canvas, panel: Panel, pane: Pane) -> None:
    """Draw all that is in a pane, and its axis."""
    marks = [tick for tick in ticks(pane) if pane.top + 8 < pane.y(tick) < pane.bottom - 8]
    for tick in marks:
        canvas.box(0, round(pane.y(tick)), pane.width, round(pane.y(tick)) + 1, GRID)
    for layer in panel.layers:
        if isinstance(layer, studies.Band | studies.Zone | studies.Profile):
            draw_ground(canvas, pane, layer)
    if panel.candles:
        draw_candles(canvas, pane)
    for layer in panel.layers:
        if isinstance(layer, studies.Columns | studies.Line):
            draw_values(canvas, pane, layer)
    draw_axis(canvas, panel, pane, marks)
    for number, (title, study) in enumerate(panel.titled, start=1 if panel.candles else 0):
        x = 10 + canvas.text((10, pane.top + 14 + number * ROW), title, TEXT) + 8
        for value, colour in (pair for layer in study.layers for pair in newest(layer)):
            text = short(value) if study.large else plain(value)
            x += canvas.text((x, pane.top + 14 + number * ROW), text, colour) + 8


def draw_ground(canvas: Canvas, pane: Pane, layer: studies.Band | studies.Zone | studies.Profile) -> None:
    """Draw what lies beneath candles and lines."""
    match layer:
        case studies.Band():
            canvas.shape([*pane.points(layer.upper), *reversed(pane.points(layer.lower))], layer.colour)
        case studies.Zone():
            canvas.box(0, round(pane.y(layer.high)), pane.width, round(pane.y(layer.low)), layer.colour)
            for limit in (layer.low, layer.high):
                canvas.dashes(pane.y(limit), pane.width, (*MUTED, 150))
        case studies.Profile():
            draw_profile(canvas, pane, layer)


def draw_profile(canvas: Canvas, pane: Pane, profile: studies.Profile) -> None:
    """Draw the rows from the right, the value area stronger, and a line at the fullest row."""
    fullest = max(profile.rows, key=lambda row: row.total)
    unit = 0.3 * pane.width / fullest.total
    for number, row in enumerate(profile.rows):
        alpha = 120 if number in profile.inside else 60
        top, bottom = round(pane.y(row.high)), round(pane.y(row.low)) - 1
        border = round(pane.width - row.up * unit)
        canvas.box(border, top, pane.width, bottom, (21, 146, 230, alpha))
        canvas.box(round(pane.width - row.total * unit), top, border, bottom, (251, 193, 35, alpha))
    y = round(pane.y((fullest.low + fullest.high) / 2))
    canvas.box(0, y - 1, pane.width, y + 1, (255, 0, 0, 200))


def draw_candles(canvas: Canvas, pane: Pane) -> None:
    """Draw wicks and bodies, on whole pixels so that they are sharp."""
    for number, candle in enumerate(pane.chart.candles[-pane.chart.count :]):
        x, colour = middle(number), tint(candle)
        top, bottom = sorted((round(pane.y(candle.open)), round(pane.y(candle.close))))
        canvas.box(x, round(pane.y(candle.high)), x + 1, round(pane.y(candle.low)) + 1, colour)
        canvas.box(x - 2, top, x + 3, max(bottom, top + 1), colour)


def tint(candle: studies.Candle) -> Colour:
    """Give the colour of a candle."""
    return studies.GREEN if candle.rising else studies.RED


def draw_values(canvas: Canvas, pane: Pane, layer: studies.Columns | studies.Line) -> None:
    """Draw columns, a line or dots."""
    points = pane.points(layer.values)
    match layer:
        case studies.Columns():
            zero = round(pane.y(0))
            for (x, y), colour in zip(points, layer.colours[-pane.chart.count :], strict=True):
                top, bottom = sorted((round(y), zero))
                canvas.box(x - 2.5, top, x + 2.5, max(bottom, top + 1), colour)
        case studies.Line(dotted=True):
            for point in points:
                canvas.dot(point, layer.colour)
        case studies.Line():
            canvas.line(points, layer.colour, layer.width)


def ticks(pane: Pane) -> list[float]:
    """Choose round values at least 44 pixels apart, or closer in a low pane, as far as the pane reaches."""
    height = pane.floor - pane.ceiling
    unit = (pane.high - pane.low) / height
    rough = unit * min(44, max(18, height / 5))
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough)
    first = math.floor((pane.low - (pane.bottom - pane.floor) * unit) / step)
    last = math.ceil((pane.high + (pane.ceiling - pane.top) * unit) / step)
    return [number * step for number in range(first, last + 1)]


def draw_axis(canvas: Canvas, panel: Panel, pane: Pane, marks: Sequence[float]) -> None:
    """Write the round values and the newest ones, which go first where there is no room for both."""
    tags = [pair for layer in panel.layers for pair in newest(layer)]
    if panel.candles:
        candle = panel.candles[-1]
        canvas.dashes(pane.y(candle.close), pane.width, tint(candle), 1)
        tags = [(candle.close, tint(candle)), *tags]
    spots = spread([pane.y(value) for value, _ in tags], pane)
    for mark in marks:
        if all(abs(pane.y(mark) - spot) > TAG - 2 for spot in spots):
            canvas.text((pane.width + 9, pane.y(mark) + 0.5), panel.write(mark), TEXT, 11)
    for (value, colour), spot in zip(tags, spots, strict=True):
        canvas.box(pane.width + 1, round(spot) - TAG // 2, canvas.width - 2, round(spot) + TAG // 2, colour)
        canvas.text((pane.width + 9, round(spot)), panel.write(value), BACKGROUND if min(colour) > PALE else WHITE, 11)


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
    return spots


def draw_time(canvas: Canvas, panes: Sequence[Pane], step: timedelta) -> None:
    """Draw the grid of the time and write it beneath: the hour, the day where one begins, the month likewise."""
    count, bottom = panes[0].chart.count, panes[-1].bottom
    moments = [NEWEST - step * (count - 1 - number) for number in range(count + AHEAD)]
    before = moments[0]
    for number, moment in time_marks(moments, step):
        x = middle(number)
        canvas.box(x, 0, x + 1, bottom, GRID)
        text = f"{moment:%H:%M}"
        if moment.month != before.month:
            text = f"{moment:%b}"
        elif moment.hour == moment.minute == 0:
            text = str(moment.day)
        before = moment
        canvas.text((x + 0.5, bottom + AXIS_HEIGHT / 2), text, TEXT, 11, "mm")


def time_marks(moments: Sequence[datetime], step: timedelta) -> Iterator[tuple[int, datetime]]:
    """Choose the moments to name, at least 70 pixels apart and 24 from the edges."""
    choices = [*(HOUR * hours for hours in (1, 2, 3, 6, 12)), *(DAY * days for days in (1, 2, 4, 7, 14, 28, 91, 364))]
    every = next((choice for choice in choices if choice / step * SLOT >= 70), choices[-1])  # noqa: PLR2004
    for number, moment in enumerate(moments):
        inside = 24 <= middle(number) <= len(moments) * SLOT - 24  # noqa: PLR2004
        if inside and not (moment - datetime(1970, 1, 1, tzinfo=UTC)) % every:
            yield number, moment


def draw_frame(canvas: Canvas, panes: Sequence[Pane]) -> None:
    """Draw the lines between panes and axes."""
    for pane in panes:
        canvas.box(0, pane.bottom, canvas.width, pane.bottom + 1, BORDER)
    canvas.box(panes[0].width, 0, panes[0].width + 1, canvas.height, BORDER)


def draw_header(canvas: Canvas, title: str, candles: Sequence[studies.Candle]) -> None:
    """Write what the chart is of, and its newest candle."""
    before, now = candles[-2:]
    x = 10 + canvas.text((10, 14), title, TEXT, 14) + 12
    for letter, price in zip("OHLC", (now.open, now.high, now.low, now.close), strict=True):
        x += canvas.text((x, 14), letter, TEXT) + 1
        x += canvas.text((x, 14), plain(price), tint(now)) + 7
    change = now.close - before.close
    canvas.text((x, 14), f"{change:+,.2f} ({change / before.close:+.2%})", tint(now))


class DrawnTransport:
    """Answers with drawn charts, and a bad interval with the array of field errors that the API page documents."""

    def send(self, request: ChartRequest, account: Account | None, *, timeout: float | None = None) -> Reply:  # noqa: ARG002 (the port's)
        """Answer one request."""
        if request.timeframe in TIMEFRAMES:
            return Reply(200, {"content-type": "image/png"}, draw(request))
        error = {"value": request.timeframe, "msg": "Invalid value", "param": "interval", "location": "body"}
        return Reply(422, {"content-type": "application/json"}, json.dumps([error], separators=(",", ":")).encode())


def main() -> None:
    """Write the pictures of all templates, and one error of each sort that a host wants to see."""
    templates = load_templates()
    recorder = RecordingTransport(DrawnTransport(), FOLDER, origin=MARK)
    for template in templates.values():
        for timeframe in TIMEFRAMES:
            recorder.send(template.request(SYMBOL, timeframe), None)
    plain = templates["price_ma1226_vol_v1"]
    recorder.send(plain.request(SYMBOL, "9h"), None)
    # The recorder keeps nothing that passes by itself; these two are here for hosts to test with.
    by_hand = {"1D": (429, "Limit Exceeded"), "1W": (500, "Something Went Wrong")}
    for timeframe, (status, message) in by_hand.items():
        name = f"{stem(plain.request(SYMBOL, timeframe).key)}__{status}_{message.upper().replace(' ', '_')}.json"
        content = json.dumps({"status": status, "body": {"message": message}}, indent=2)
        (FOLDER / name).write_text(content + "\n", encoding="utf-8")
    for path in sorted(FOLDER.iterdir()):
        print(f"{path.stat().st_size:>7,} {path.name}")


if __name__ == "__main__":
    main()
