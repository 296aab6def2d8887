"""Check a picture against its request. A warning never costs the picture."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Mapping
from typing import Final

from ..chart import Request
from ..finding import Finding, Severity
from ..reply.png import Header, image_data, read_header
from .catalog import Parameter

__all__ = ["duplicate_of", "is_duplicate", "mean_the_same", "picture_warnings"]

_DUPLICATE: Final = "its bytes are those of "

_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Numbers of a pixel, by colour type (PNG specification, third edition, section 11.2.1)."""
_MIN_RATIO: Final = 50  # raw size / compressed size; charts reach 20 to 180, one colour 80 to 1,000
_MAX_RAW_BYTES: Final = 2**25  # 2048 x 1920 pixels have at most 2**25
_FIRST_ROWS: Final = (8, 64)  # so many are tried before the whole picture is inflated; a title is in the first eight


def picture_warnings(png: bytes, request: Request) -> tuple[Finding, ...]:
    """Report how *png* differs from what *request* asked for; it has passed :func:`~chartimg.domain.reply.png.inspect`."""
    header = read_header(png)
    if header is None:
        return ()
    asked, findings = request.demand, []
    if header.width != asked.width:
        findings.append(_size("width", header.width, "wide", asked.width, request))
    if header.height != asked.height:
        findings.append(_size("height", header.height, "high", asked.height, request))
    if _is_of_one_colour(header, png):
        findings.append(_warning("the picture is of one colour"))
    return tuple(findings)


def duplicate_of(other: Request) -> Finding:
    """Return the warning about a picture with the same bytes as that of *other*, a different request."""
    return _warning(f"{_DUPLICATE}{other.key}, which was asked for with another body")


def is_duplicate(warning: Finding) -> bool:
    """Return whether *warning* is one of :func:`duplicate_of`."""
    return not warning.path and warning.message.startswith(_DUPLICATE)


def mean_the_same(one: Request, other: Request, parameters: Iterable[Parameter]) -> bool:
    """Return whether two bodies ask for the same picture: they differ only in nulls and in the defaults of *parameters*."""
    default_by_name = {parameter.name: parameter.default for parameter in parameters}
    return _stated(one, default_by_name) == _stated(other, default_by_name)


def _is_of_one_colour(header: Header, png: bytes) -> bool:
    """Return whether all pixels are alike. Interlaced pictures, and rows that end within a byte, are not told apart."""
    bits = _SAMPLES[header.colour] * header.depth
    length, unit = 1 + -(-header.width * bits // 8), max(1, bits // 8)
    raw = length * header.height
    if header.interlaced or raw > _MAX_RAW_BYTES or len(png) * _MIN_RATIO > raw:
        return False
    data = b"".join(image_data(png))
    return all(_are_alike(data, length, unit, min(rows, header.height)) for rows in (*_FIRST_ROWS, header.height))


def _are_alike(data: bytes, length: int, unit: int, rows: int) -> bool:
    """Return whether the first *rows* of compressed *data* are of one colour.

    A row is *length* bytes: its filter, and pixels of *unit* bytes each. The first pixel of the first row is the same under each
    filter. So all forms of a row of its colour are known (section 9.2): None, Sub, Up, Average and Paeth.
    """
    try:
        inflated = zlib.decompressobj().decompress(data, rows * length)
    except zlib.error:
        return False
    pixel, blank, rest = inflated[1 : 1 + unit], bytes(length - 1), bytes(length - 1 - unit)
    half = bytes(value - value // 2 for value in pixel)
    same, alone, halved = pixel * (len(blank) // unit), pixel + rest, pixel + half * (len(rest) // unit)
    first = {b"\0" + same, b"\1" + alone, b"\2" + same, b"\3" + halved, b"\4" + alone}
    later = {b"\0" + same, b"\1" + alone, b"\2" + blank, b"\3" + half + rest, b"\4" + blank}
    forms = {inflated[start : start + length] for start in range(length, len(inflated), length)}
    return len(inflated) == rows * length and inflated[:length] in first and forms <= later


def _stated(request: Request, default_by_name: Mapping[str, object]) -> Mapping[str, object]:
    """Return the fields of the posted body that are neither null nor a default."""
    body = json.loads(request.encoded)
    return {name: value for name, value in body.items() if value not in (None, default_by_name.get(name))}


def _warning(message: str, path: str = "") -> Finding:
    return Finding(path, Severity.WARNING, message)


def _size(name: str, pixels: int, side: str, asked: float, request: Request) -> Finding:
    """Return the warning about a side of another length; it says where the expected length comes from."""
    stated = request.payload.get(name) == asked
    expected = f"{asked} were asked for" if stated else f"the default is {asked}"
    return _warning(f"the picture is {pixels} {'pixel' if pixels == 1 else 'pixels'} {side}; {expected}", name)
