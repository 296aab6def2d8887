"""Freshness: a host's words for it, and the pictures that it allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.chart.candle import Grid
from chartimg.domain.chart.freshness import Freshness
from chartimg.domain.errors import ConfigError
from rows import for_each

CLOSE = datetime(2024, 2, 29, 11, tzinfo=UTC)
ages = st.floats(0, 10_000).map(lambda seconds: timedelta(seconds=seconds))


@for_each(
    ("given_one", "expected", "text"),
    [
        ("off", Freshness(), "off"),
        (0, Freshness(), "off"),
        ("candle", Freshness(by_candle=True), "candle"),
        (30, Freshness(30.0), "30"),
        ("0.5", Freshness(0.5), "0.5"),
        (Freshness(7.0), Freshness(7.0), "7"),
        (31_622_400, Freshness(31_622_400.0), "3.16224e+07"),
    ],
)
def test_freshness_is_read_from_words_and_seconds(given_one: Any, expected: Freshness, text: str) -> None:
    """Each form has one value, and the value is shown in the same words."""
    assert expected == Freshness.of(given_one, where="fresh")
    assert text == str(expected)


@for_each(
    ("wrong", "shown"),
    [
        ("", "''"),
        ("on", "'on'"),
        ("Candle", "'Candle'"),
        ("-1", "'-1'"),
        ("x" * 99, f"'{'x' * 59}"),
        (-1, "-1"),
        (31_622_400.5, "31622400.5"),
        (10**15 - 1, "999999999999999"),
        (10**15, "a larger number"),
        (-(10**15), "a larger number"),
        ("nan", "'nan'"),
        ("inf", "'inf'"),
        (1e12, "1000000000000.0"),
        (True, "True"),
        (None, "NoneType"),
        ([3], "list"),
    ],
)
def test_another_value_is_refused_with_the_place_of_it(wrong: Any, shown: str) -> None:
    """The message names the argument, the values that it may have, and a wrong text or number of at most 15 digits."""
    with pytest.raises(ConfigError) as caught:
        Freshness.of(wrong, where="fresh")

    assert f"fresh must be off, candle or seconds from 0 to 31622400, not {shown}" == str(caught.value)


@given(age=ages)
def test_without_freshness_no_picture_is_fresh(age: timedelta) -> None:
    """Off is off, also for a picture of this moment."""
    assert not Freshness().allows(CLOSE - age, CLOSE, "1h", Grid(0))


@given(age=ages, seconds=st.floats(0.001, 10_000))
def test_a_picture_is_fresh_for_the_seconds_asked_for(age: timedelta, seconds: float) -> None:
    """The seconds are the longest age, and candles do not matter."""
    fresh = Freshness(seconds).allows(CLOSE - age, CLOSE, "1m", Grid(0))

    assert (age < timedelta(seconds=seconds)) is fresh


@for_each(
    ("drawn", "now", "expected"),
    [
        (-1, 0, False),
        (-1, -0.5, True),
        (0, 1, False),
        (4.9, 6, False),
        (4.9, 4.95, False),
        (5, 6, True),
        (5.1, 3599.9, True),
        (5.1, 3600, False),
        (8, 5, True),
        (5000, 10, False),
    ],
)
def test_a_picture_is_fresh_until_a_candle_closes(drawn: float, now: float, *, expected: bool) -> None:
    """One drawn within five seconds after a close counts as before it, and one from the future is not fresh."""
    drawn_at, moment = CLOSE + timedelta(seconds=drawn), CLOSE + timedelta(seconds=now)

    assert expected is Freshness(by_candle=True).allows(drawn_at, moment, "1h", Grid(0))


@for_each(
    ("drawn", "taken", "asked", "of_candle", "of_seconds"),
    [
        (2, 8, 1, True, True),
        (2, 8, 2.1, True, True),
        (2, 8, 7.9, True, True),
        (2, 8, 8, False, False),
        (-10, 8, -5, True, True),
        (-10, 8, 2, False, True),
        (-10, 8, 9, False, False),
    ],
)
def test_a_picture_of_a_call_that_was_under_way_is_shared_within_a_candle(
    drawn: float, taken: float, asked: float, *, of_candle: bool, of_seconds: bool
) -> None:
    """A call that was sent before a close is not shared with one who asks after it, if candles matter."""
    moments = [CLOSE + timedelta(seconds=seconds) for seconds in (drawn, taken, asked)]
    drawn_at, taken_at, asked_at = moments

    assert of_candle is Freshness(by_candle=True).shares(drawn_at, taken_at, asked_at, "1h", Grid(0))
    assert of_seconds is Freshness(0.1).shares(drawn_at, taken_at, asked_at, "1h", Grid(0))


def test_a_picture_of_an_unknown_interval_is_never_fresh_by_candle() -> None:
    """A candle of it may have closed at any moment."""
    assert not Freshness(by_candle=True).allows(CLOSE, CLOSE, "1x", Grid(0))
