"""Which of the names that exist was meant.

The first rule that fits any name decides; where it fits several, none is meant more than the others, and none is given.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final

import attrs

__all__ = ["bare", "likely_interval", "likely_name", "likely_timezone", "names_called", "timezone_called"]

_LONGEST: Final = 64  # characters; beyond that it is no slip of the pen, and comparing takes its time
_ALIKE: Final = 0.7  # of 1, how much of what is spelled nearly so must be the same
_SAME: Final = 0.9  # of 1, where words are parted otherwise
_FEWEST: Final = 4  # letters that begin a name, or are a word of it; fewer fit too many
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SPAN: Final = re.compile(r"(\d{1,5})?[\s_-]*([a-z]{1,8})", re.IGNORECASE)
_METATRADER: Final = re.compile(r"([a-z]{1,8})[\s_-]*(\d{1,5})", re.IGNORECASE)
_PLURAL: Final = re.compile(r"(?<=..)s$")  # not that of ms, a millisecond
_MONTH: Final = 43_200  # minutes; a year of months is as long as twelve of them
_MINUTES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("m", "min", "minute"), 1),
    **dict.fromkeys(("h", "hr", "hour", "hourly"), 60),
    **dict.fromkeys(("d", "day", "daily"), 1_440),
    **dict.fromkeys(("w", "wk", "week", "weekly"), 10_080),
    **dict.fromkeys(("mo", "mon", "mn", "month", "monthly"), _MONTH),
    **dict.fromkeys(("y", "yr", "year", "yearly"), 12 * _MONTH),
}
_ZONES: Final[Mapping[str, str]] = {
    "Etc/UTC": "utc gmt z zulu uct universal greenwich utc0 gmt0 utc0000 etcgmt etcgmt0 etczulu etcuct",
    "America/New_York": "est edt et est5edt eastern useastern nyc americadetroit",
    "America/Chicago": "cst cdt ct cst6cdt central uscentral",
    "US/Mountain": "mst mdt mt mst7mdt americadenver denver",
    "America/Phoenix": "usarizona arizona",
    "America/Los_Angeles": "pst pdt pt pst8pdt pacific uspacific sanfrancisco",
    "America/Juneau": "akst akdt usalaska alaska americaanchorage",
    "America/Toronto": "canadaeastern americamontreal montreal",
    "America/Vancouver": "canadapacific",
    "America/Sao_Paulo": "brt brazileast brasilia",
    "America/Argentina/Buenos_Aires": "art",
    "Pacific/Honolulu": "hst ushawaii hawaii",
    "Pacific/Auckland": "nzst nzdt nz",
    "Africa/Johannesburg": "sast",
    "Africa/Lagos": "wat",
    "Asia/Kolkata": "ist asiacalcutta calcutta india mumbai delhi newdelhi",
    "Asia/Ho_Chi_Minh": "asiasaigon saigon hochiminhcity",
    "Asia/Ashkhabad": "asiaashgabat ashgabat",
    "Asia/Jerusalem": "asiatelaviv telaviv israel",
    "Asia/Shanghai": "prc beijing asiabeijing china",
    "Asia/Tokyo": "jst japan",
    "Asia/Seoul": "kst rok korea",
    "Asia/Hong_Kong": "hkt",
    "Asia/Singapore": "sgt",
    "Asia/Bangkok": "ict",
    "Asia/Jakarta": "wib",
    "Asia/Karachi": "pkt",
    "Asia/Manila": "pht",
    "Asia/Dubai": "gst",
    "Australia/Sydney": "aest aedt australiamelbourne melbourne",
    "Australia/ACT": "australiacanberra canberra",
    "Australia/Perth": "awst",
    "Australia/Adelaide": "acst acdt",
    "Europe/London": "bst gb uk",
    "Europe/Lisbon": "wet west",
    "Europe/Berlin": "cet cest met frankfurt europevienna vienna",
    "Europe/Bratislava": "europeprague prague",
    "Europe/Helsinki": "eet eest",
    "Europe/Bucharest": "europekiev kiev europekyiv kyiv europesofia sofia",
    "Europe/Istanbul": "trt turkey",
    "Europe/Moscow": "msk",
}
"""Zones that keep the same time, now, as what people write: abbreviations, older names, and cities nearby."""
_ZONE_BY_NAME: Final[Mapping[str, str]] = {name: zone for zone, names in _ZONES.items() for name in names.split()}


def bare(name: str) -> str:
    """Give the letters and digits of *name* alone, in one case: what makes it the same name however it is written."""
    return "".join(filter(str.isalnum, name)).casefold()


def likely_name(wrong: str, names: Iterable[str], aliases: Mapping[str, Sequence[str]] | None = None) -> str | None:
    """Give the name that *wrong* calls (:func:`names_called`), or is nearly spelled like, or begins, or has words of."""
    if not 0 < len(wrong) <= _LONGEST:
        return None
    known = tuple(names)
    return _sole(names_called(wrong, known, aliases) or _resembling(wrong, known))


def names_called(text: str, names: Iterable[str], aliases: Mapping[str, Sequence[str]] | None = None) -> Sequence[str]:
    """List the names that *text* is, but for case and punctuation, or an alias of, or has the words or initials of.

    Args:
        text: what is written.
        names: the names that exist.
        aliases: names by what else they are called, as :func:`bare` writes it.
    """
    known = tuple(names)
    if text in known:
        return (text,)
    index, key = _index(known), bare(text)
    if not key:
        return ()
    return (
        index.by_spelling.get(key)
        or [name for name in (aliases or {}).get(key, ()) if name in known]
        or index.by_words.get(_sorted_words(text))
        or (index.by_initials.get(key) if len(key) > 1 else None)
        or ()
    )


def likely_interval(wrong: str, intervals: Sequence[str]) -> str | None:
    """Give the interval of the same length: ``60``, ``1 hour``, ``H1`` are ``1h``, ``24h`` and ``daily`` are ``1D``."""
    minutes = _minutes(wrong)
    if minutes is None:
        return None
    return next((each for each in intervals if _minutes(each) == minutes), None)


def likely_timezone(wrong: str, timezones: Sequence[str]) -> str | None:
    """Give the zone that *wrong* calls (:func:`timezone_called`), or whose city is nearly spelled so."""
    if not 0 < len(wrong) <= _LONGEST:
        return None
    if called := timezone_called(wrong, timezones):
        return called
    by_city = _by_city(tuple(timezones))
    city = _sole(_resembling(_city(wrong), tuple(by_city)))
    return None if city is None else _sole(by_city[city])


def timezone_called(text: str, timezones: Sequence[str]) -> str | None:
    """Give the zone that *text* is, but for case and punctuation, or another name of, such as EST, or the city of."""
    known, key = tuple(timezones), bare(text)
    if text in known or not key:
        return text if key else None
    if same := _index(known).by_spelling.get(key):
        return _sole(same)
    zone = _ZONE_BY_NAME.get(key)
    return zone if zone in known else _sole(_by_bare_city(known).get(bare(_city(text)), ()))


@attrs.frozen
class _Index:
    """Names by what they may be called."""

    by_spelling: Mapping[str, Sequence[str]]
    by_words: Mapping[str, Sequence[str]]
    by_initials: Mapping[str, Sequence[str]]


@lru_cache(maxsize=64)
def _index(known: tuple[str, ...]) -> _Index:
    return _Index(_grouped(known, bare), _grouped(known, _sorted_words), _grouped(known, _initials))


@lru_cache(maxsize=16)
def _by_city(timezones: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    return _grouped(timezones, _city)


@lru_cache(maxsize=16)
def _by_bare_city(timezones: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    return _grouped(timezones, lambda zone: bare(_city(zone)))


@lru_cache(maxsize=512)  # a host that makes a mistake makes it again
def _resembling(wrong: str, known: tuple[str, ...]) -> Sequence[str]:
    """List the names spelled most nearly like *wrong*, or else those that begin with it, or else those with its words."""
    key = bare(wrong)
    if near := _nearest(wrong, known):
        return near
    if len(key) < _FEWEST:
        return ()
    words = set(_words(wrong))
    return [name for name in known if bare(name).startswith(key)] or [
        name for name in known if words <= set(_words(name))
    ]


def _nearest(wrong: str, known: Sequence[str]) -> Sequence[str]:
    """List the names that are spelled most nearly like *wrong*."""
    by_likeness: dict[float, list[str]] = {}
    key, words = bare(wrong), _words(wrong)
    for name in known:
        likeness = _likeness(key, bare(name))
        if likeness and _is_slip(words, _words(name)):
            by_likeness.setdefault(likeness, []).append(name)
    return by_likeness[max(by_likeness)] if by_likeness else ()


def _is_slip(some: Sequence[str], others: Sequence[str]) -> bool:
    """Whether words that the two don't share are nearly the same, one by one, or together where they are not as many.

    Hull and Triangular Moving Average are two things, and so are True and Trend Strength Index. A plural is no difference.
    """
    mine, theirs = (Counter(word.removesuffix("s") for word in words) for words in (some, others))
    left, right = list((mine - theirs).elements()), list((theirs - mine).elements())
    if len(left) != len(right):
        return _likeness("".join(left), "".join(right)) >= _SAME
    return all(map(_is_nearly, left, right))


def _is_nearly(one: str, other: str) -> bool:
    """Whether two words are spelled nearly the same.

    VWAP and TWAP are not, nor UTC and UTC1: people seldom slip at the first letter, and by another number they mean it.
    """
    if one[:1] != other[:1] or [*filter(str.isdigit, one)] != [*filter(str.isdigit, other)]:
        return False
    return _likeness(one, other) > 0


def _likeness(one: str, other: str) -> float:
    """Say how much alike two words are, of 1; 0 where it is not enough."""
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < _ALIKE or matcher.quick_ratio() < _ALIKE:
        return 0
    ratio = matcher.ratio()
    return ratio if ratio >= _ALIKE else 0


def _grouped(names: Iterable[str], key: Callable[[str], str]) -> Mapping[str, Sequence[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(key(name), []).append(name)
    return groups


def _sole(names: Sequence[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _words(text: str) -> Sequence[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _sorted_words(text: str) -> str:
    return " ".join(sorted(_words(text)))


def _initials(name: str) -> str:
    return "".join(word[0] for word in _words(name))


def _city(timezone: str) -> str:
    return timezone.rpartition("/")[2]


def _minutes(interval: str) -> int | None:
    """Say how long an interval is, however it is written."""
    text = interval.strip()
    if text.isascii() and text.isdigit() and len(text) < _LONGEST:
        return int(text)  # TradingView's own way
    if span := _SPAN.fullmatch(text):
        number, unit = span[1], span[2]
    elif span := _METATRADER.fullmatch(text):
        number, unit = span[2], span[1].casefold()  # M5 is five minutes
    else:
        return None
    if unit == "M":
        return int(number or 1) * _MONTH
    minutes = _MINUTES.get(unit.casefold()) or _MINUTES.get(_PLURAL.sub("", unit.casefold()))
    return None if minutes is None else int(number or 1) * minutes
