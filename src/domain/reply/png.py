"""Is this a whole, valid PNG, and how large?

These parts are checked (PNG specification, third edition, sections 5, 11.2 and 13.2):

- the signature, a legal IHDR, and the order of the critical chunks;
- the CRC of every chunk, and image data that begins a zlib stream;
- IEND at the end, before at most a few bytes of padding.

The image data is not inflated, so the check costs little more than the CRC and no memory.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Final

import attrs

__all__ = ["SIGNATURE", "Header", "Picture", "image_data", "inspect", "read_header"]

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEAD: Final = struct.Struct(">I4s")
_CRC: Final = struct.Struct(">I")
_MAX_PADDING_BYTES: Final = 64
_PADDING: Final = b"\0\t\n\r "
_MAX_CHUNK_BYTES: Final = 2**31 - 1
_OVERHEAD: Final = 12  # length, type and CRC of a chunk
_IHDR: Final = struct.Struct(">IIBBBBB")
_DEPTHS: Final = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_INDEXED: Final = 3
_GREYSCALE: Final = (0, 4)
_MAX_PALETTE_BYTES: Final = 256 * 3
_ZLIB_HEAD_BYTES: Final = 2
_DEFLATE: Final = range(0x08, 0x80, 0x10)  # deflate with each window up to 32 KiB (RFC 1950, section 2.2)


@attrs.frozen
class Picture:
    """The size in pixels of a valid PNG."""

    width: int
    height: int


@attrs.frozen
class Header:
    """The content of IHDR: size in pixels, bits of a sample, colour type, and whether the picture is interlaced."""

    width: int
    height: int
    depth: int
    colour: int
    interlaced: bool


@attrs.define
class _Scan:
    """The chunks seen so far."""

    header: Header
    palette: bool = False
    data_open: bool = False
    data_closed: bool = False
    zlib_head: bytes = b""


def inspect(data: bytes | memoryview) -> Picture | str:
    """Return the size of the picture in *data*, or one phrase about why it isn't a whole PNG. Never raises."""
    if bytes(data[:8]) != SIGNATURE:
        return "it does not begin with the PNG signature" if len(data) else "it is empty"
    view = memoryview(data)
    scan: _Scan | None = None
    position, end = len(SIGNATURE), len(view)
    while position < end:
        if end - position < _OVERHEAD:
            return f"it is cut off at byte {end}"
        length, kind = _HEAD.unpack_from(view, position)
        if length > _MAX_CHUNK_BYTES or not (kind.isalpha() and kind.isascii()):
            return f"the head of the chunk at byte {position} is not legal"
        if length > end - position - _OVERHEAD:
            return f"it is cut off at byte {end}, inside {kind.decode()}"
        body_end = position + 8 + length
        if zlib.crc32(view[position + 4 : body_end]) != _CRC.unpack_from(view, body_end)[0]:
            return f"the checksum of {kind.decode()} at byte {position} is wrong"
        content = view[position + 8 : body_end]
        position = body_end + 4
        if scan is None:
            header = _header(kind, content)
            if isinstance(header, str):
                return header
            scan = _Scan(header)
        elif kind == b"IEND":
            return _ending(scan, content, view[position:], position) or Picture(scan.header.width, scan.header.height)
        elif problem := _middle(kind, content, scan):
            return problem
    return "it has no IEND"


def read_header(png: bytes) -> Header | None:
    """Read IHDR of a PNG that passed :func:`inspect`; other bytes may give None."""
    header = _header(png[12:16], png[16:29])
    return None if isinstance(header, str) else header


def image_data(png: bytes) -> Iterator[memoryview]:
    """Iterate over the content of the IDAT chunks of a PNG that passed :func:`inspect`; other bytes give any content."""
    view, position = memoryview(png), len(SIGNATURE)
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
    if not (0 < width <= _MAX_CHUNK_BYTES and 0 < height <= _MAX_CHUNK_BYTES):
        return f"IHDR states an impossible size: {width} x {height}"
    if depth not in _DEPTHS.get(colour, ()):
        return f"IHDR states an impossible colour: type {colour} with {depth} bits"
    if compression or filtering or interlace > 1:
        return "IHDR states an unknown compression, filter or interlace method"
    return Header(width, height, depth, colour, bool(interlace))


def _middle(kind: bytes, content: memoryview, scan: _Scan) -> str | None:
    """Check one chunk between IHDR and IEND (section 5.6, ordering)."""
    if kind == b"IDAT":
        if scan.data_closed:
            return "its IDAT chunks are not consecutive"
        if scan.header.colour == _INDEXED and not scan.palette:
            return "it has indexed colours and no PLTE before IDAT"
        scan.data_open = True
        if (missing := _ZLIB_HEAD_BYTES - len(scan.zlib_head)) > 0:
            scan.zlib_head += bytes(content[:missing])
        return None
    scan.data_closed = scan.data_open
    if kind == b"PLTE":
        return _palette(content, scan)
    if kind[:1].isupper():
        return f"it has the unknown critical chunk {kind.decode()}"
    return None


def _palette(content: memoryview, scan: _Scan) -> str | None:
    """Check PLTE (section 11.2.2)."""
    entries, odd = divmod(len(content), 3)
    too_many = scan.header.colour == _INDEXED and entries > 2**scan.header.depth
    if odd or not entries or len(content) > _MAX_PALETTE_BYTES or too_many:
        return "its PLTE has an impossible length"
    if scan.palette or scan.data_open or scan.header.colour in _GREYSCALE:
        return "its PLTE is in the wrong place"
    scan.palette = True
    return None


def _ending(scan: _Scan, content: memoryview, rest: memoryview, end: int) -> str | None:
    """Check IEND (section 11.2.4), and the *rest* of the data from byte *end* on: a few bytes of padding are no damage."""
    if not scan.data_open:
        return "it has no IDAT"
    if not _is_zlib(scan.zlib_head):
        return "its IDAT does not begin a zlib stream"
    if content:
        return "its IEND is not empty"
    if len(rest) > _MAX_PADDING_BYTES or bytes(rest).strip(_PADDING):
        return f"data follows IEND at byte {end}"
    return None


def _is_zlib(head: bytes) -> bool:
    """Check the head of a zlib stream (RFC 1950, section 2.2): deflate, a check by 31, no preset dictionary."""
    is_whole = len(head) == _ZLIB_HEAD_BYTES
    return is_whole and head[0] in _DEFLATE and int.from_bytes(head) % 31 == 0 and not head[1] & 0x20
