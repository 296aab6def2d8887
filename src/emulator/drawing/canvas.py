"""A picture with smooth edges: Pillow draws it larger, and reduces it."""

from __future__ import annotations

import io
import zlib
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from typing import Final

from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from .layers import Colour

Point = tuple[float, float]

_MAX_TRIPLED_PIXELS: Final = 1_000_000  # a larger picture is drawn at twice its size, not three times, to bound memory
_MAX_LETTERS: Final = 400  # a longer line has no room in any picture
_QUALITY: Final = 90  # JPEG quality, at most 100


class Canvas:
    """A picture to draw on, in its own pixels. For one thread only."""

    def __init__(self, width: int, height: int, background: Colour) -> None:
        self.width, self.height = width, height
        self._scale = 3 if width * height <= _MAX_TRIPLED_PIXELS else 2
        self._image = Image.new("RGB", (width * self._scale, height * self._scale), background)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        """Fill a rectangle without its right and bottom edge."""
        x, y, end, floor = (round(edge * self._scale) for edge in (left, top, right, bottom))
        self._draw.rectangle((x, y, max(x, end - 1), max(y, floor - 1)), fill=colour)

    def dashes(self, y: float, right: int, colour: Colour, dash: int = 4) -> None:
        """Draw a broken horizontal line from the left edge to *right*."""
        for left in range(0, right, 2 * dash):
            self.box(left, round(y), min(left + dash, right), round(y) + 1, colour)

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw a line through *points*."""
        thickness = max(1, round(width * self._scale))
        self._draw.line([self._scaled(point) for point in points], fill=colour, width=thickness, joint="curve")

    def shape(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill the polygon of *points*."""
        self._draw.polygon([self._scaled(point) for point in points], fill=colour)

    def dot(self, centre: Point, colour: Colour) -> None:
        """Draw a small disc."""
        self._draw.circle(self._scaled(centre), 1.5 * self._scale, fill=colour)

    def text(self, place: Point, text: str, colour: Colour, size: int = 12, anchor: str = "lm") -> float:
        """Write *text* and return its width."""
        font = _font(size * self._scale)
        self._draw.text(self._scaled(place), _one_line(text), fill=colour, font=font, anchor=anchor)
        return self.measure(text, size)

    def measure(self, text: str, size: int = 12) -> float:
        """Return the width of *text*."""
        return _font(size * self._scale).getlength(_one_line(text)) / self._scale

    def fitted(self, text: str, room: float, size: int = 12) -> str:
        """Return *text*, shortened with an ellipsis to the width *room*; empty if even the ellipsis is wider."""
        line = _one_line(text)
        if self.measure(line, size) <= room:
            return line
        cuts = [line[:end].rstrip() + "…" for end in range(len(line))]
        fit = bisect_right(cuts, room, key=lambda cut: self.measure(cut, size))
        return cuts[fit - 1] if fit else ""

    def encoded(self, form: str, comment: str = "") -> bytes:
        """Return the picture as ``png`` or ``jpeg``, with a *comment* in the file."""
        file = io.BytesIO()
        picture = self._image.reduce(self._scale)
        if form == "jpeg":
            picture.save(file, "JPEG", quality=_QUALITY, comment=comment)
        else:
            info = PngImagePlugin.PngInfo()
            info.add_text("Comment", comment)
            picture.save(file, "PNG", pnginfo=info, compress_level=6, compress_type=zlib.Z_DEFAULT_STRATEGY)
        return file.getvalue()

    def _scaled(self, point: Point) -> Point:
        return point[0] * self._scale, point[1] * self._scale


def _one_line(text: str) -> str:
    """Return *text* cut to MAX_LETTERS, with a blank for each character that can't be drawn."""
    whole = text if len(text) <= _MAX_LETTERS else text[:_MAX_LETTERS] + "…"
    return "".join(letter if letter.isprintable() else " " for letter in whole)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """Load Pillow's own font with its basic layout, so that text looks the same on every machine."""
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise OSError("this Pillow was built without FreeType; install one that has it: pip install pillow")
    return font.font_variant(layout_engine=ImageFont.Layout.BASIC)
