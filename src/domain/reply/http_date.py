"""Dates of HTTP, in the three forms that a recipient must read (RFC 9110, section 5.6.7)."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

__all__ = ["read_http_date"]

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TIME: Final = r"(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})"
_MONTH: Final = rf"(?P<month>{'|'.join(_MONTHS)})"
_FORMS: Final = tuple(
    re.compile(form, re.ASCII)
    for form in (
        rf"[A-Z][a-z]{{2}}, (?P<day>\d{{2}}) {_MONTH} (?P<year>\d{{4}}) {_TIME} GMT",
        rf"[A-Z][a-z]{{5,8}}, (?P<day>\d{{2}})-{_MONTH}-(?P<year>\d{{2}}) {_TIME} GMT",  # RFC 850
        rf"[A-Z][a-z]{{2}} {_MONTH} (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})",  # asctime
    )
)
_MAX_YEARS_AHEAD: Final = 50
"""A year of two digits that seems further ahead is of the century before."""


def read_http_date(text: str, now: datetime) -> datetime | None:
    """Return the moment (UTC) of an HTTP date; None for any other text. *now* tells the century of a year of two digits."""
    match = next(filter(None, (form.fullmatch(text) for form in _FORMS)), None)
    if match is None:
        return None
    year = int(match["year"])
    if len(match["year"]) == 2:  # noqa: PLR2004 (digits)
        year += now.year - now.year % 100
        year -= 100 * (year > now.year + _MAX_YEARS_AHEAD)
    try:
        return datetime(
            year,
            _MONTHS.index(match["month"]) + 1,
            int(match["day"]),
            int(match["hour"]),
            int(match["minute"]),
            min(int(match["second"]), 59),  # a leap second is 60
            tzinfo=UTC,
        )
    except ValueError:
        return None
