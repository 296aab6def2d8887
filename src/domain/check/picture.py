"""Is a picture the one that was asked for? What is doubtful about it is told, and never costs it.

Every picture is looked at, so only as far as need be: the size is read from IHDR; one colour alone is compressed to next
to nothing, or not at all, which a chart is not; and else rows are inflated until one is not of the first pixel's colour.
No row is unfiltered: what a row of one colour looks like under each filter is known beforehand (PNG specification, third
edition, sections 7.2, 8 and 9).
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

import attrs

from ..chart import ChartRequest
from ..finding import Finding, Severity
from ..reply.png import Header, image_data, read_header
from .catalog import Parameter

__all__ = ["duplicate_of", "is_of_one_colour", "mean_the_same", "picture_warnings"]

_MAX_SIDE: Final = 8192  # pixels; bounds the work
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_WHOLE: Final = ((0, 0, 1, 1),)
_FILTERS: Final = 5
_LEAST_RATIO: Final = 100  # zlib at its quickest makes of one colour a two-hundredth
_SMALL: Final = 4096  # bytes, which are inflated sooner than counted
_SLICE: Final = 32
_MAX_SLICE: Final = 1024  # bytes that are inflated at once, to at most 1032 times as many


def picture_warnings(png: bytes, request: ChartRequest) -> tuple[Finding, ...]:
    """Say how *png*, a whole PNG, is other than *request* leads one to expect."""
    header = read_header(png)
    if header is None:
        return ()
    asked, findings = request.demand, []
    if header.width != asked.width:
        findings.append(_size("width", f"{header.width} pixels wide", asked.width, request))
    if header.height != asked.height:
        findings.append(_size("height", f"{header.height} pixels high", asked.height, request))
    if _is_of_one_colour(header, png):
        findings.append(_warning("the picture is of one colour"))
    return tuple(findings)


def duplicate_of(other: ChartRequest) -> Finding:
    """Say that a picture has the very bytes of that of *other*, which asks for something else."""
    return _warning(f"its bytes are those of {other.key}, which was asked for with another body")


def mean_the_same(one: ChartRequest, other: ChartRequest, parameters: Iterable[Parameter]) -> bool:
    """Whether two bodies ask for one picture: they differ only in what is null, or as *parameters* have it by default."""
    default_by_name = {parameter.name: parameter.default for parameter in parameters}
    return _stated(one, default_by_name) == _stated(other, default_by_name)


def is_of_one_colour(png: bytes) -> bool:
    """Whether all pixels of *png* are the same; False for what isn't a whole picture, or has a side of over 8192 pixels.

    Three rarities pass for several colours: a palette with the same colour twice, filtered rows that end within a byte
    whose spare bits aren't as its pixels, and image data that is compressed, but hardly.
    """
    header = read_header(png)
    return header is not None and _is_of_one_colour(header, png)


def _is_of_one_colour(header: Header, png: bytes) -> bool:
    """Look at the rows, as far as need be."""
    if max(header.width, header.height) > _MAX_SIDE:
        return False
    bits = _SAMPLES[header.colour] * header.depth
    inflated = header.width * header.height * bits // 8
    least = inflated // _LEAST_RATIO + _SMALL
    if least < len(png) and least < sum(map(len, image_data(png))) < inflated:
        return False
    rows, pixel = _Rows(_inflate(image_data(png))), b""
    for width, height in _passes(header):
        length, spare = -(-width * bits // 8), -width * bits % 8
        forms: Sequence[bytes] = ()
        for number in range(height):
            row = rows.take(1 + length)
            if len(row) <= length or row[0] >= _FILTERS:
                return False
            pixel = pixel or _pixel(row, bits)
            if number < 2:  # noqa: PLR2004 (above the first row of a pass there is none, above all others one)
                forms = _forms(pixel, length, first=number == 0)
            if spare and row[0] == 0:
                row[-1] = row[-1] >> spare << spare | pixel[0] & (1 << spare) - 1
            if row != forms[row[0]]:
                return False
    return True


@attrs.define
class _Rows:
    """Cuts what *pieces* gives into rows."""

    pieces: Iterator[bytes]
    held: bytearray = attrs.Factory(bytearray)

    def take(self, count: int) -> bytearray:
        """Give the next *count* bytes, or fewer at the end."""
        while len(self.held) < count and (piece := next(self.pieces, None)) is not None:
            self.held += piece
        taken = self.held[:count]
        del self.held[:count]
        return taken


def _inflate(pieces: Iterable[memoryview]) -> Iterator[bytes]:
    """Inflate no more than is asked for, a little at first; it ends where the stream does or where it is damaged."""
    stream, size = zlib.decompressobj(), _SLICE
    for piece in pieces:
        start = 0
        while start < len(piece) and not stream.eof:
            try:
                inflated = stream.decompress(piece[start : start + size])
            except zlib.error:
                return
            yield inflated
            start, size = start + size, min(size * 2, _MAX_SLICE)


def _passes(header: Header) -> Iterator[tuple[int, int]]:
    """Give the width and height of each pass, but for those without a column (section 8.2)."""
    for left, top, across, down in _ADAM7 if header.interlaced else _WHOLE:
        width, height = -(-(header.width - left) // across), -(-(header.height - top) // down)
        if width > 0:
            yield width, height


def _pixel(row: bytearray, bits: int) -> bytes:
    """Give the first pixel of a picture; nothing is left of it or above, so it stands there under every filter.

    Of pixels that share a byte it is a byte full of them.
    """
    if bits >= 8:  # noqa: PLR2004 (the bits of a byte)
        return bytes(row[1 : 1 + bits // 8])
    return bytes([(row[1] >> 8 - bits) * (255 // (2**bits - 1))])


def _forms(pixel: bytes, length: int, *, first: bool) -> tuple[bytes, ...]:
    """Write a row of *length* bytes, all of them *pixel*, under each of the filters (section 9.2)."""
    nothing, half = bytes(len(pixel)), bytes(value - value // 2 for value in pixel)
    none, sub = (pixel, pixel), (pixel, nothing)
    same = (nothing, nothing)
    ends = (none, sub, none, (pixel, half), sub) if first else (none, sub, same, (half, nothing), same)
    count = length // len(pixel) - 1
    return tuple(bytes([kind]) + head + rest * count for kind, (head, rest) in enumerate(ends))


def _stated(request: ChartRequest, default_by_name: Mapping[str, object]) -> Mapping[str, object]:
    """Give what the body, as it is posted, has to say."""
    body = json.loads(request.encoded)
    return {name: value for name, value in body.items() if value not in (None, default_by_name.get(name))}


def _warning(message: str, path: str = "") -> Finding:
    return Finding(path, Severity.WARNING, message)


def _size(name: str, given: str, asked: float, request: ChartRequest) -> Finding:
    """Say that a side has another length, and where the expectation comes from."""
    stated = request.payload.get(name) == asked
    expected = f"{asked} were asked for" if stated else f"the default is {asked}"
    return _warning(f"the picture is {given}, {expected}", name)
