"""Is this a whole, valid PNG, and how large?

Checked is what tells a complete picture from a damaged one (PNG specification, third edition, sections 5, 11.2 and
13.2): signature, a legal IHDR, the order of the critical chunks, the CRC of every chunk, image data that begins a
zlib stream, IEND, and nothing after it. Nothing is inflated, so the check costs little more than the CRC and no memory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

import attrs

__all__ = ["Header", "Picture", "image_data", "inspect", "read_header"]

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEAD: Final = struct.Struct(">I4s")
_CRC: Final = struct.Struct(">I")
_MAX_LENGTH: Final = 2**31 - 1
_OVERHEAD: Final = 12  # length, type and CRC of a chunk
_IHDR: Final = struct.Struct(">IIBBBBB")
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_INDEXED: Final = 3
_GREYSCALE: Final = (0, 4)
_MAX_PALETTE: Final = 256 * 3


@attrs.frozen
class Picture:
    """The size in pixels of a valid PNG."""

    width: int
    height: int


@attrs.frozen
class Header:
    """What IHDR says: the size in pixels, the bits of a sample, the colour type, and whether it is interlaced."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool


@attrs.define
class _Scan:
    """What has been seen of the chunks so far."""

    colour: int = 0
    depth: int = 0
    palette: bool = False
    data_open: bool = False
    data_closed: bool = False
    zlib_head: bytes = b""


def inspect(data: bytes | memoryview) -> Picture | str:
    """Say the size of the picture in *data*, or in one phrase why it isn't a whole PNG. Never raises."""
    if bytes(data[:8]) != _SIGNATURE:
        return "it does not begin with the PNG signature" if len(data) else "it is empty"
    view = memoryview(data)
    picture: Picture | None = None
    scan = _Scan()
    position, end = len(_SIGNATURE), len(view)
    while position < end:
        if end - position < _OVERHEAD:
            return f"it is cut off at byte {end}"
        length, kind = _HEAD.unpack_from(view, position)
        if length > _MAX_LENGTH or not (kind.isalpha() and kind.isascii()):
            return f"the chunk at byte {position} has no legal head"
        if length > end - position - _OVERHEAD:
            return f"it is cut off at byte {end}, inside {kind.decode()}"
        body_end = position + 8 + length
        if zlib.crc32(view[position + 4 : body_end]) != _CRC.unpack_from(view, body_end)[0]:
            return f"the checksum of {kind.decode()} at byte {position} is wrong"
        content = view[position + 8 : body_end]
        position = body_end + 4
        if picture is None:
            header = _header(kind, content)
            if isinstance(header, str):
                return header
            picture, scan.depth, scan.colour = Picture(header.width, header.height), header.depth, header.colour
        elif kind == b"IEND":
            return _ending(scan, len(content), end - position) or picture
        elif problem := _middle(kind, content, scan):
            return problem
    return "it has no IEND"


def read_header(png: bytes) -> Header | None:
    """Read what IHDR says of a PNG that :func:`inspect` has found whole; of anything else perhaps None."""
    header = _header(png[12:16], png[16:29])
    return None if isinstance(header, str) else header


def image_data(png: bytes) -> Iterator[memoryview]:
    """Go through what the IDAT chunks hold of a PNG that :func:`inspect` has found whole; of anything else, whatever."""
    view, position = memoryview(png), len(_SIGNATURE)
    while len(view) - position >= _OVERHEAD:
        length, kind = _HEAD.unpack_from(view, position)
        if kind == b"IDAT":
            yield view[position + 8 : position + 8 + length]
        position += _OVERHEAD + length


def _header(kind: bytes, content: bytes | memoryview) -> Header | str:
    """Read IHDR (section 11.2.1)."""
    if kind != b"IHDR" or len(content) != _IHDR.size:
        return "its first chunk is not a legal IHDR"
    width, height, depth, colour, compression, filtering, interlace = _IHDR.unpack(content)
    if not (0 < width <= _MAX_LENGTH and 0 < height <= _MAX_LENGTH):
        return f"IHDR states an impossible size, {width} x {height}"
    if depth not in _DEPTHS.get(colour, ()):
        return f"IHDR states an impossible colour, type {colour} with {depth} bits"
    if compression or filtering or interlace > 1:
        return "IHDR states an unknown compression, filter or interlace method"
    return Header(width, height, depth, colour, bool(interlace))


def _middle(kind: bytes, content: memoryview, scan: _Scan) -> str | None:
    """Take one chunk between IHDR and IEND (section 5.6, ordering)."""
    if kind == b"IDAT":
        if scan.data_closed:
            return "its IDAT chunks are not consecutive"
        if scan.colour == _INDEXED and not scan.palette:
            return "it has indexed colours and no PLTE before IDAT"
        scan.data_open = True
        if len(scan.zlib_head) < 2:  # noqa: PLR2004 (the two bytes of a zlib header)
            scan.zlib_head += bytes(content[: 2 - len(scan.zlib_head)])
        return None
    scan.data_closed = scan.data_open
    if kind == b"PLTE":
        return _palette(content, scan)
    if kind[0:1].isupper():
        return f"it has the unknown critical chunk {kind.decode()}"
    return None


def _palette(content: memoryview, scan: _Scan) -> str | None:
    """Take PLTE (section 11.2.2)."""
    entries, odd = divmod(len(content), 3)
    too_many = scan.colour == _INDEXED and entries > 2**scan.depth
    if odd or not entries or len(content) > _MAX_PALETTE or too_many:
        return "its PLTE has an impossible length"
    if scan.palette or scan.data_open or scan.colour in _GREYSCALE:
        return "its PLTE is in a place where none may be"
    scan.palette = True
    return None


def _ending(scan: _Scan, length: int, rest: int) -> str | None:
    """Take IEND (section 11.2.4)."""
    if not scan.data_open:
        return "it has no IDAT"
    head = scan.zlib_head
    # RFC 1950, section 2.2: deflate, a window of at most 32 KiB, a check that divides by 31, no preset dictionary.
    if len(head) < 2 or head[0] & 0x0F != 8 or head[0] > 0x7F or int.from_bytes(head) % 31 or head[1] & 0x20:  # noqa: PLR2004
        return "its IDAT does not begin a zlib stream"
    if length:
        return "its IEND is not empty"
    return f"{rest} bytes follow IEND" if rest else None
