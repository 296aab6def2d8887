"""File names for charts: deterministic, readable, safe on every file system, and never outside their folder."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

from .request import ChartKey

__all__ = ["distinct_stem", "slug", "stem"]

_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_.!+&=@(),\-]")
_MAX_STEM: Final = 120
_HEAD: Final = 80
_DIGEST: Final = 16
_MAX_SLUG: Final = 40


@lru_cache(maxsize=4096)
def stem(key: ChartKey) -> str:
    """Name the file of *key*, without suffix: ``BINANCE_BTCUSDT__1h__price_v1``.

    ``:`` in the symbol is written ``_``; what a file system might not bear is written as ``%`` and two hexadecimal
    digits for each byte of UTF-8; a name that grows too long is cut and ends in a digest of the key. Two keys can
    share a stem, which is what :func:`distinct_stem` is for.
    """
    plain = "__".join((_escape(key.symbol.replace(":", "_")), _escape(key.timeframe), _escape(key.chart_template_id)))
    return plain if len(plain) <= _MAX_STEM else f"{plain[:_HEAD]}~{_digest(key)}"


def distinct_stem(key: ChartKey) -> str:
    """Name the file of *key* by a name that no other key has, not even where upper and lower case are the same."""
    return f"{stem(key)[:_HEAD]}~{_digest(key)}"


def slug(text: str) -> str:
    """Write *text* as a part of a file name: ``Limit Exceeded`` is ``LIMIT_EXCEEDED``; empty when nothing is left."""
    return "_".join(re.findall(r"[A-Z0-9]+", text.upper()))[:_MAX_SLUG].strip("_")


def _escape(text: str) -> str:
    """Write every unsafe character, and a dot in front, as percent escapes."""
    escaped = _UNSAFE.sub(lambda match: _percent(match[0]), text)
    return f"%2E{escaped[1:]}" if escaped.startswith(".") else escaped


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))


def _digest(key: ChartKey) -> str:
    """Tell *key* from every other; the fields can't run into each other, whatever they hold."""
    exact = "".join(f"{len(part)}:{part}" for part in (key.symbol, key.timeframe, key.chart_template_id))
    return hashlib.sha256(exact.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
