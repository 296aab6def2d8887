"""The axes have room for their names, and each name says the largest change."""

from __future__ import annotations

from datetime import UTC, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.emulator.drawing.axes import draw_grid, draw_prices, draw_time, time_marks
from chartimg.emulator.drawing.canvas import Canvas
from chartimg.emulator.drawing.market import Interval
from chartimg.emulator.drawing.panes import SLOT, Pane
from chartimg.emulator.drawing.theme import THEMES

THEME = THEMES["light"]
PANE = Pane(0, 200, 20, 190, 0.0, 10.0, 30)


def marks(text: str, count: int, zone: tzinfo = UTC) -> list[tuple[int, str]]:
    """Return the named moments of a chart."""
    interval = Interval.read(text)
    moments = [interval.moment(count - 1 - number) for number in range(count)]
    if interval.intraday:
        moments = [moment.astimezone(zone) for moment in moments]
    return list(time_marks(moments, interval))


@given(
    number=st.integers(1, 999),
    unit=st.sampled_from("mhDWMY"),
    count=st.integers(40, 290),
    zone=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu"]),
)
def test_names_have_room(number: int, unit: str, count: int, zone: str) -> None:
    """Two names are at least 48 pixels apart and away from the edges, for any interval and zone."""
    found = [place * SLOT for place, _ in marks(f"{number}{unit}", count, ZoneInfo(zone))]

    assert all(right - left >= 48 for left, right in pairwise(found))
    assert all(20 <= x <= count * SLOT - 24 for x in found)


@pytest.mark.parametrize(
    ("text", "expected", "has_time"),
    [
        ("1h", ["12:00", "14", "12:00"], True),
        ("1D", ["Sep", "15", "29"], False),
        ("1M", ["2023", "2024"], False),
        ("1Y", ["1980", "2000", "2020"], False),
    ],
)
def test_moments_are_named_by_the_largest_change(text: str, expected: list[str], *, has_time: bool) -> None:
    """A moment is named by the largest of year, month, day and time of day that changed; only a time of day has a zone."""
    assert expected == [name for _, name in marks(text, 60)][-len(expected) :]
    assert has_time == (marks(text, 80) != marks(text, 80, ZoneInfo("Asia/Tokyo")))


def test_axes_are_drawn() -> None:
    """Tags and names leave ink, even with more tags than there is room for."""
    canvas, empty = Canvas(320, 240, THEME.background), Canvas(320, 240, THEME.background)
    lines = draw_grid(canvas, THEME, PANE)
    draw_prices(canvas, THEME, PANE, lines, [(float(n), THEME.up) for n in range(40)], str)
    draw_time(canvas, THEME, [PANE], Interval(1, "D"), UTC)

    assert lines
    assert canvas.encoded("png") != empty.encoded("png")
