"""Which of the names that exist was meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

__all__ = ["likely_interval", "likely_name", "likely_timezone"]

_LONGEST: Final = 64  # characters; beyond that it is no slip of the pen, and comparing takes its time
_INITIALS: Final = re.compile(r"\b\w")
_SPAN: Final = re.compile(r"(\d{1,5})?(min|m|h|d|w|mo|mon|month|y)", re.IGNORECASE)
_MINUTES: Final = {"m": 1, "h": 60, "D": 1_440, "W": 10_080, "M": 43_200, "Y": 518_400}
"""Minutes of an interval's unit; a year of months is as long as twelve of them."""
_WORDS: Final = {"min": "m", "mo": "M", "mon": "M", "month": "M", "d": "D", "w": "W", "y": "Y", "h": "h"}
_UTC: Final = frozenset({"utc", "gmt", "z", "zulu", "utc+0", "gmt+0", "etc/gmt"})


def likely_name(wrong: str, names: Iterable[str]) -> str | None:
    """Give the name that differs in case only, that *wrong* abbreviates or begins, or that is spelled nearly so."""
    return _likely(wrong, tuple(names)) if 0 < len(wrong) <= _LONGEST else None


@lru_cache(maxsize=512)  # a host that makes a mistake makes it again
def _likely(wrong: str, known: tuple[str, ...]) -> str | None:
    folded = _bare(wrong)
    for name in known:
        if _bare(name) == folded:
            return name
    letters = sorted(wrong.casefold())
    if len(wrong) > 1:
        for same in (lambda name: _initials(name) == wrong.casefold(), lambda name: sorted(_initials(name)) == letters):
            if found := next(filter(same, known), None):
                return found
    if near := difflib.get_close_matches(folded, [_bare(name) for name in known], n=1, cutoff=0.7):
        return next(name for name in known if _bare(name) == near[0])
    if len(folded) > 3:  # noqa: PLR2004 (fewer letters begin too many names)
        return next((name for name in known if _bare(name).startswith(folded)), None)
    return None


def likely_interval(wrong: str, intervals: Sequence[str]) -> str | None:
    """Give the interval of the same length: ``1H``, ``60`` and ``60m`` are ``1h``, ``24h`` and ``D`` are ``1D``."""
    minutes = _minutes(wrong)
    if minutes is None:
        return None
    return next((each for each in intervals if _minutes(each) == minutes), None)


def likely_timezone(wrong: str, timezones: Sequence[str]) -> str | None:
    """Give the zone that is meant by another case, by its city alone, or nearly spelled so; UTC is ``Etc/UTC``."""
    folded = wrong.strip().casefold().replace(" ", "_")
    if folded in _UTC and "Etc/UTC" in timezones:
        return "Etc/UTC"
    for each in timezones:
        if folded == each.casefold() or folded == each.casefold().rpartition("/")[2]:
            return each
    return likely_name(wrong, timezones)


def _bare(name: str) -> str:
    """Give the letters and digits of *name* alone, in one case."""
    return "".join(filter(str.isalnum, name)).casefold()


def _initials(name: str) -> str:
    return "".join(_INITIALS.findall(name)).casefold()


def _minutes(interval: str) -> int | None:
    """Say how long an interval is, however it is written."""
    text = interval.strip()
    if text.isascii() and text.isdigit() and len(text) < _LONGEST:
        return int(text)  # TradingView's own way
    span = _SPAN.fullmatch(text)
    if span is None:
        return None
    unit = span[2] if span[2] in _MINUTES else _WORDS[span[2].casefold()]
    return int(span[1] or 1) * _MINUTES[unit]
