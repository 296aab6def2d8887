"""What was meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.catalog import shipped_catalog
from chartimg.domain.suggestion import likely_interval, likely_name, likely_timezone

STUDIES = [study.name for study in shipped_catalog().studies]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("RSI", "Relative Strength Index"),
        ("rsi", "Relative Strength Index"),
        ("macd", "MACD"),
        ("ATR", "Average True Range"),
        ("BB", "Bollinger Bands"),
        ("EMA", "Moving Average Exponential"),
        ("Relative Strenght Index", "Relative Strength Index"),
        ("relative-strength-index", "Relative Strength Index"),
        ("Bolinger Bands", "Bollinger Bands"),
        ("Stochastics", "Stochastic"),
        ("Ichimoku", "Ichimoku Cloud"),
        ("qqqqqqqq", None),
        ("", None),
        ("x", None),
        ("?", None),
        ("R" * 65, None),
    ],
)
def test_a_study_is_found_by_what_people_write(wrong: str, right: str | None) -> None:
    """Another case, an abbreviation, a slip of the pen, a beginning; and nothing where nothing comes to mind."""
    assert right == likely_name(wrong, STUDIES)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("1H", "1h"),
        ("60", "1h"),
        ("60m", "1h"),
        ("60min", "1h"),
        ("240", "4h"),
        ("D", "1D"),
        ("1d", "1D"),
        ("24h", "1D"),
        ("7D", "1W"),
        ("w", "1W"),
        ("1mo", "1M"),
        ("12M", "1Y"),
        ("5", "5m"),
        ("9h", None),
        ("hour", None),
        ("²", None),
        ("9" * 70, None),
    ],
)
def test_an_interval_is_found_by_its_length(wrong: str, right: str | None) -> None:
    """However it is written, minutes are never taken for months."""
    assert right == likely_interval(wrong, shipped_catalog().intervals)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("UTC", "Etc/UTC"),
        ("gmt", "Etc/UTC"),
        ("Z", "Etc/UTC"),
        ("america/new_york", "America/New_York"),
        ("New York", "America/New_York"),
        ("tokyo", "Asia/Tokyo"),
        ("Europe/Belin", "Europe/Berlin"),
        ("nowhere at all", None),
    ],
)
def test_a_time_zone_is_found_by_case_city_or_a_slip(wrong: str, right: str | None) -> None:
    """UTC in all its names is the provider's Etc/UTC."""
    assert right == likely_timezone(wrong, shipped_catalog().timezones)


def test_utc_is_not_suggested_where_it_is_not() -> None:
    """A host's own list of zones may have none."""
    assert likely_timezone("UTC", ["Asia/Tokyo"]) is None


@given(wrong=st.text(max_size=80))
def test_what_is_suggested_exists(wrong: str) -> None:
    """Any text gives a name of the list, or none."""
    catalog = shipped_catalog()

    assert likely_name(wrong, STUDIES) in {None, *STUDIES}
    assert likely_interval(wrong, catalog.intervals) in {None, *catalog.intervals}
    assert likely_timezone(wrong, catalog.timezones) in {None, *catalog.timezones}
