"""Dates of HTTP in their three forms."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.reply.http_date import read_http_date
from samples import NOON

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@given(moment=st.datetimes(datetime(1977, 1, 1), datetime(2075, 12, 31)))  # noqa: DTZ001 (the zone is added below)
def test_a_moment_is_read_from_each_of_its_forms(moment: datetime) -> None:
    """Every moment within fifty years is read from the three forms of RFC 9110 alike."""
    moment = moment.replace(microsecond=0, tzinfo=UTC)
    day, month, time = DAYS[moment.weekday()], MONTHS[moment.month - 1], f"{moment:%H:%M:%S}"
    forms = (
        f"{day[:3]}, {moment:%d} {month} {moment:%Y} {time} GMT",
        f"{day}, {moment:%d}-{month}-{moment:%y} {time} GMT",
        f"{day[:3]} {month} {moment.day:2} {time} {moment:%Y}",
    )

    assert [moment] * 3 == [read_http_date(form, NOON) for form in forms]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sunday, 06-Nov-94 08:49:37 GMT", datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Friday, 06-Nov-76 08:49:37 GMT", datetime(2076, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sunday, 06-Nov-77 08:49:37 GMT", datetime(1977, 11, 6, 8, 49, 37, tzinfo=UTC)),
        ("Sat, 31 Dec 2016 23:59:60 GMT", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_odd_years_and_seconds_are_read(text: str, moment: datetime) -> None:
    """A year of two digits is at most fifty years ahead, and the second 60, a leap second, counts as the one before."""
    assert moment == read_http_date(text, NOON)


@given(
    text=st.text()
    | st.sampled_from(
        [
            "Mon, 32 Jan 2026 11:00:00 GMT",
            "Mon, 05 Foo 2026 11:00:00 GMT",
            "Mon, 05 Jan 2026 24:00:00 GMT",
            "Mon, 05 Jan 2026 11:00:00 CET",
            "Mon, 05 Jan 0000 11:00:00 GMT",
            "Mon, \u0660\u0665 Jan 2026 11:00:00 GMT",
            "2026-01-05T12:00:00Z",
        ]
    )
)
def test_other_text_is_not_a_date(text: str) -> None:
    """Any other text gives None and raises nothing."""
    assert read_http_date(text, NOON) is None
