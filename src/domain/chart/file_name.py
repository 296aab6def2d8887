"""File names for charts: deterministic, readable, safe on every file system, never outside their folder."""

from __future__ import annotations

import hashlib
import re
from typing import Final

from .key import PictureKey

__all__ = ["DISTINCT_STEM", "distinct_stem", "slug", "stem"]

_SAFE: Final = r"A-Za-z0-9_.!+&=@(),\-"
_UNSAFE: Final = re.compile(f"[^{_SAFE}]")
_MAX_STEM_CHARACTERS: Final = 120
_HEAD_CHARACTERS: Final = 80
_DIGEST_CHARACTERS: Final = 16
_MAX_SLUG_CHARACTERS: Final = 40

DISTINCT_STEM: Final = re.compile(rf"(?!\.)[{_SAFE}%]{{1,{_HEAD_CHARACTERS}}}~[0-9a-f]{{{_DIGEST_CHARACTERS}}}")
"""The form of a stem with a digest."""


def stem(key: PictureKey) -> str:
    """Return the file name of *key* without its suffix: ``BINANCE_BTCUSDT__1h__price_v1``.

    That of a layout begins with its id. ``:`` in the symbol becomes ``_``. An unsafe character becomes ``%`` and two hexadecimal
    digits for each byte of UTF-8. A long name is cut and ends in a digest of the key. If two keys share a stem, use
    :func:`distinct_stem`.
    """
    plain = "__".join(
        _escape(part.replace(":", "_") if place == key.symbol_place else part) for place, part in enumerate(key.parts)
    )
    return plain if len(plain) <= _MAX_STEM_CHARACTERS else f"{plain[:_HEAD_CHARACTERS]}~{_digest(key)}"


def distinct_stem(key: PictureKey) -> str:
    """Return a file name for *key* alone, even on file systems that ignore case."""
    return f"{stem(key)[:_HEAD_CHARACTERS]}~{_digest(key)}"


def slug(text: str) -> str:
    """Return *text* as a part of a file name: ``Limit Exceeded`` is ``LIMIT_EXCEEDED``, ``?`` is empty."""
    return "_".join(re.findall(r"[A-Z0-9]+", text.upper()))[:_MAX_SLUG_CHARACTERS].strip("_")


def _escape(text: str) -> str:
    """Return *text* with percent escapes for unsafe characters and a leading dot."""
    escaped = _UNSAFE.sub(lambda match: _percent(match[0]), text)
    return f"%2E{escaped[1:]}" if escaped.startswith(".") else escaped


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _digest(key: PictureKey) -> str:
    """Return a digest of the exact parts; their lengths keep them apart."""
    exact = "".join(f"{len(part)}:{part}" for part in key.parts)
    return hashlib.sha256(exact.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARACTERS]
