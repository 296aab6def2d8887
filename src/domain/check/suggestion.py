"""Find the existing name that a wrong one most likely means.

The first rule that fits any name decides. If it fits several names, there is no suggestion.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import attrs

from ..finding import Finding, Severity

__all__ = [
    "Unknown",
    "bare",
    "hint",
    "likely_interval",
    "likely_name",
    "likely_timezone",
    "names_called",
    "timezone_called",
    "with_suggestions",
]

_MAX_NAME_CHARACTERS: Final = 64  # a longer text is not a slip, and comparing it takes long
_MIN_LIKENESS: Final = 0.7  # 1 is the same word or name
_MIN_LIKENESS_OF_THREE: Final = 2 / 3  # one slip in a word of three letters, in a name that is alike
_MIN_JOINED_LIKENESS: Final = 0.9  # 1 is the same text without its spaces
_SHORT_WORD_CHARACTERS: Final = 3
_MIN_PART_CHARACTERS: Final = 4  # a shorter part of a name fits too many names
_MAX_SUGGESTIONS: Final = 16  # a search takes about a millisecond
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SPAN: Final = re.compile(r"(\d{1,5})?[\s_-]*([a-z]{1,8})", re.IGNORECASE)
_METATRADER: Final = re.compile(r"([a-z]{1,8})[\s_-]*(\d{1,5})", re.IGNORECASE)
_PLURAL: Final = re.compile(r"(?<=..)s$")  # ms is a millisecond, not a plural
_MONTH: Final = 43_200  # minutes; 12 of them are a year
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
"""Per zone, other texts for the same time today: abbreviations, older names, and cities nearby."""
_ZONE_BY_NAME: Final[Mapping[str, str]] = {name: zone for zone, names in _ZONES.items() for name in names.split()}


@attrs.frozen
class Unknown:
    """An unknown name, before the search for a suggestion.

    Attributes:
        path: the place, as in a finding.
        severity: the severity, as in a finding.
        message: the message, without a suggestion.
        likely: the search for the name that is meant.
        otherwise: the end of the message without a suggestion.
    """

    path: str
    severity: Severity
    message: str
    likely: Callable[[], str | None]
    otherwise: str = ""


def with_suggestions(problems: Iterable[Finding | Unknown]) -> list[Finding]:
    """Add a suggestion to the first 16 unknown names, where one is likely."""
    found, searches = [], 0
    for each in problems:
        if isinstance(each, Finding):
            found.append(each)
            continue
        searches += 1
        likely = each.likely() if searches <= _MAX_SUGGESTIONS else None
        end = hint(None if likely is None else f'"{likely}"', each.otherwise)
        found.append(Finding(each.path, each.severity, f"{each.message}; {end}" if end else each.message, likely))
    return found


def hint(likely: str | None, otherwise: str) -> str:
    """Return the end of a message about an unknown name: the *likely* one, or else *otherwise*."""
    return otherwise if likely is None else f"did you mean {likely}?"


def bare(name: str) -> str:
    """Return the letters and digits of *name* in one case. Two spellings of the same name are equal then."""
    return "".join(filter(str.isalnum, name)).casefold()


def likely_name(wrong: str, names: Iterable[str], aliases: Mapping[str, Sequence[str]] | None = None) -> str | None:
    """Return the one name *wrong* most likely means: by :func:`names_called`, spelling, beginning or shared words."""
    if not 0 < len(wrong) <= _MAX_NAME_CHARACTERS:
        return None
    known = tuple(names)
    return _sole(names_called(wrong, known, aliases) or _resembling(wrong, known))


def names_called(text: str, names: Iterable[str], aliases: Mapping[str, Sequence[str]] | None = None) -> Sequence[str]:
    """List the names with the spelling (but for case and punctuation), the alias, the words, or the initials *text*.

    Args:
        text: a name, as a person writes it.
        names: the existing names.
        aliases: names by alias, the alias written as by :func:`bare`.
    """
    known, key = tuple(names), bare(text)
    if text in known:
        return (text,)
    if not key:
        return ()
    words = sorted(_words(text))
    return (
        [name for name in known if bare(name) == key]
        or [name for name in (aliases or {}).get(key, ()) if name in known]
        or [name for name in known if sorted(_words(name)) == words]
        or [name for name in known if len(key) > 1 and _initials(name) == key]
    )


def likely_interval(wrong: str, intervals: Sequence[str]) -> str | None:
    """Return the interval of the same length: ``60``, ``1 hour``, ``H1`` are ``1h``, ``24h`` and ``daily`` are ``1D``."""
    minutes = _minutes(wrong)
    if minutes is None:
        return None
    return next((each for each in intervals if _minutes(each) == minutes), None)


def likely_timezone(wrong: str, timezones: Sequence[str]) -> str | None:
    """Return the zone by :func:`timezone_called`, or else by a city of similar spelling."""
    if not 0 < len(wrong) <= _MAX_NAME_CHARACTERS:
        return None
    if called := timezone_called(wrong, timezones):
        return called
    city = _sole(_resembling(_city(wrong), tuple(dict.fromkeys(map(_city, timezones)))))
    return _sole([zone for zone in timezones if _city(zone) == city])


def timezone_called(text: str, timezones: Sequence[str]) -> str | None:
    """Return the zone with the spelling (but for case and punctuation), the other name, such as EST, or the city *text*."""
    key = bare(text)
    if text in timezones or not key:
        return text if key else None
    if same := [zone for zone in timezones if bare(zone) == key]:
        return _sole(same)
    zone = _ZONE_BY_NAME.get(key)
    if zone in timezones:
        return zone
    city = bare(_city(text))
    return _sole([zone for zone in timezones if bare(_city(zone)) == city])


def _resembling(wrong: str, known: Sequence[str]) -> Sequence[str]:
    """List the names spelled most like *wrong*, or else those that begin with it, or else those with all of its words."""
    key, words = bare(wrong), set(_words(wrong))
    if not key:
        return ()
    if near := _nearest(wrong, known):
        return near
    if len(key) < _MIN_PART_CHARACTERS:
        return ()
    return [name for name in known if bare(name).startswith(key)] or [
        name for name in known if words <= set(_words(name))
    ]


def _nearest(wrong: str, known: Sequence[str]) -> Sequence[str]:
    """List the names with the spelling most like *wrong*."""
    by_likeness: dict[float, list[str]] = {}
    key, words = bare(wrong), _words(wrong)
    for name in known:
        likeness = _likeness(key, bare(name))
        if likeness and _is_slip(words, _words(name)):
            by_likeness.setdefault(likeness, []).append(name)
    return by_likeness[max(by_likeness)] if by_likeness else ()


def _is_slip(some: Sequence[str], others: Sequence[str]) -> bool:
    """Return whether the words that two names do not share are nearly the same.

    As many words are compared one by one, others as one text. Hull and Triangular Moving Average are different things,
    and so are True and Trend Strength Index. A plural makes no difference.
    """
    mine, theirs = (Counter(word.removesuffix("s") for word in words) for words in (some, others))
    left, right = list((mine - theirs).elements()), list((theirs - mine).elements())
    if len(left) != len(right):
        return _likeness("".join(left), "".join(right)) >= _MIN_JOINED_LIKENESS
    return all(map(_is_nearly, left, right))


def _is_nearly(one: str, other: str) -> bool:
    """Return whether two words have nearly the same spelling, the same first letter and the same digits.

    People seldom slip at the first letter, so VWAP is not TWAP. Another number is meant, so UTC is not UTC1.
    """
    if one[:1] != other[:1] or [*filter(str.isdigit, one)] != [*filter(str.isdigit, other)]:
        return False
    short = len(one) == len(other) == _SHORT_WORD_CHARACTERS
    return _likeness(one, other, _MIN_LIKENESS_OF_THREE if short else _MIN_LIKENESS) > 0


def _likeness(one: str, other: str, minimum: float = _MIN_LIKENESS) -> float:
    """Return how similar two texts are, of 1; 0 below the *minimum*."""
    matcher = difflib.SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < minimum or matcher.quick_ratio() < minimum:
        return 0
    ratio = matcher.ratio()
    return ratio if ratio >= minimum else 0


def _sole(names: Sequence[str]) -> str | None:
    return names[0] if len(names) == 1 else None


def _words(text: str) -> Sequence[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _initials(name: str) -> str:
    return "".join(word[0] for word in _words(name))


def _city(timezone: str) -> str:
    return timezone.rpartition("/")[2]


def _minutes(interval: str) -> int | None:
    """Return the length of an interval in any common notation; None for other texts."""
    text = interval.strip()
    if text.isascii() and text.isdigit() and len(text) < _MAX_NAME_CHARACTERS:
        return int(text)  # TradingView's own notation
    if span := _SPAN.fullmatch(text):
        number, unit = span[1], span[2]
    elif span := _METATRADER.fullmatch(text):
        number, unit = span[2], span[1].casefold()  # M5 is five minutes
    else:
        return None
    if unit == "M":
        return int(number or 1) * _MONTH
    minutes = _MINUTES.get(_PLURAL.sub("", unit.casefold()))
    return None if minutes is None else int(number or 1) * minutes
