"""Names in the notation of other tools: of studies, ``RSI@tv-basicstudies``, ``EMA:200``, ``ema(20)``, of keys, and of ranges.

The first is that of TradingView's widgets, the second that of the provider's API v1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from .suggestion import likely_interval, likely_name

__all__ = ["likely_key", "likely_range", "plain_name"]

_MAX_CHARACTERS: Final = 64
_WIDGET: Final = re.compile(r"@tv-[a-z]+(?:-\d+)?(?:!)?\Z", re.ASCII)
_NUMBER: Final = r"-?\d{1,6}(?:\.\d{1,4})?"
_ARGUMENTS: Final = re.compile(
    rf"(?P<name>[^:()]*[^:()\s_])(?:\s?:\s?{_NUMBER}(?:\s?,\s?{_NUMBER}){{0,9}}"
    rf"|\s?\(\s?{_NUMBER}(?:\s?,\s?{_NUMBER}){{0,9}}\s?\))|(?P<word>[A-Za-z][A-Za-z ]*[A-Za-z])[ _-]?\d{{1,4}}",
    re.ASCII,
)
_KEYS: Final[Mapping[str, Sequence[str]]] = {
    **dict.fromkeys(("indicators", "indicator", "study"), ("studies",)),
    "shapes": ("drawings",),
    **dict.fromkeys(("params", "parameters"), ("input",)),
    "charttype": ("style",),
    "colortheme": ("theme",),
    "ticker": ("symbol",),
    "timeframe": ("interval",),
    "tz": ("timezone",),
    "shiftleft": ("moveLeft",),
    "shiftright": ("moveRight",),
}
"""Names of keys among people, and former ones of a layout's; an alias counts only where its key exists."""
_RANGES: Final[Mapping[str, Sequence[str]]] = {"max": ("ALL",)}


def plain_name(text: str) -> tuple[str, bool]:
    """Return *text* without the marks of other tools, and whether there were numbers in it, which belong in ``input``."""
    if len(text) > _MAX_CHARACTERS:
        return text, False
    name = _WIDGET.sub("", text)
    numbered = _ARGUMENTS.fullmatch(name.strip())
    return (name, False) if numbered is None else (numbered["name"] or numbered["word"], True)


def likely_key(wrong: str, keys: Iterable[str]) -> str | None:
    """Return the key by its name among people, ``indicators``, or by its spelling."""
    return likely_name(wrong, keys, _KEYS)


def likely_range(wrong: str, ranges: Sequence[str]) -> str | None:
    """Return the range by its name, or else by its length: ``12M`` is ``1Y``."""
    return likely_name(wrong, ranges, _RANGES) or likely_interval(wrong, ranges)
