"""A picture for tests."""

from __future__ import annotations

import struct
import zlib
from typing import Final

from ..domain.argument import require
from ..domain.reply.png import SIGNATURE

_MAX_PIXELS: Final = 2**31 - 1  # each side may have as many (PNG, "IHDR")


def picture(width: int = 800, height: int = 600) -> bytes:
    """Return a small valid PNG of *width* by *height* pixels: white below a black line, since one colour is a warning.

    Raises:
        ConfigError: a side is not a whole number.
        ValueError: a PNG can't have that size.
    """
    require("width", width, int)
    require("height", height, int)
    if not (0 < width <= _MAX_PIXELS and 0 < height <= _MAX_PIXELS):
        raise ValueError(f"a picture can't be {width} by {height} pixels")
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)  # greyscale of one bit, not interlaced
    row_bytes = (width + 7) // 8
    rows = bytes(1 + row_bytes) + (b"\x00" + b"\xff" * row_bytes) * (height - 1)  # each row begins with filter 0
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
