"""Panes fill the height, values stand in sight, and tags do not overlap."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chartimg.emulator.drawing.layers import Columns, Inputs, Line, PriceSeries, Study
from chartimg.emulator.drawing.market import walk
from chartimg.emulator.drawing.panes import (
    TAG,
    Pane,
    Panel,
    arranged,
    hosted,
    newest,
    placed,
    plain,
    short,
    spread,
    ticks,
)
from chartimg.emulator.drawing.studies import study
from rows import for_each

CHART = PriceSeries(walk("panes", 60, 40, 100, 0.2), 30)
OWN, OVER = study(CHART, Inputs("MACD")), study(CHART, Inputs("Moving Average"))
VOLUME = study(CHART, Inputs("Volume"))
PANE = Pane(0, 200, 20, 190, 0.0, 10.0, 30)


@given(count=st.integers(0, 50), height=st.integers(272, 1892), head=st.integers(16, 1000), price=st.booleans())
def test_panes_fill_the_height(count: int, height: int, head: int, *, price: bool) -> None:
    """Panes follow each other down to the time axis, each high enough for its title, the first one the highest."""
    panels = arranged(CHART, [(str(n), OWN, False) for n in range(count)], 2, price=price)
    panes = placed(panels, CHART, height, head)

    assert 0 == panes[0].top
    assert height == panes[-1].bottom
    assert all(above.bottom == below.top for above, below in pairwise(panes))
    assert all(pane.bottom - pane.top >= 30 and pane.floor > pane.ceiling for pane in panes)
    assert panes[0].bottom >= max(pane.bottom - pane.top for pane in panes)


@given(value=st.floats(-1e300, 1e300))
def test_every_value_stands_in_its_pane(value: float) -> None:
    """The limits stand at ceiling and floor, other values in proportion, and one out of sight at the edge."""
    assert [20, 105, 190] == [PANE.y(limit) for limit in (10, 5, 0)]
    assert PANE.top <= PANE.y(value) <= PANE.bottom


def test_studies_go_where_they_belong() -> None:
    """A study is over the price, below it, or a guest on request; without the price the others move up, if there are any."""
    made = [("a", OWN, False), ("b", OVER, False), ("c", VOLUME, True), ("d", OVER, True)]
    price, lower = arranged(CHART, made, 2, price=True)

    assert [["b", "d"], ["c"], ["a"]] == [[t for t, _ in list_] for list_ in (price.titled, price.guests, lower.titled)]
    assert ["a", "c"] == [panel.titled[0][0] for panel in arranged(CHART, made, 2, price=False)]
    assert arranged(CHART, [("b", OVER, False)], 2, price=False)[0].candles


def test_a_far_line_does_not_flatten_the_candles() -> None:
    """A line pulls the scale by at most 0.35 of the candles' reach."""
    far = Study([Line([1e9] * 60, (0, 0, 0))])
    low, high = Panel([], CHART.candles).reach(30)

    assert [low, high + 0.35 * (high - low)] == pytest.approx([*Panel([("far", far)], CHART.candles).reach(30)])


@given(value=st.floats(-1e9, 1e9))
def test_a_flat_line_has_a_scale(value: float) -> None:
    """The reach of equal values is not empty."""
    low, high = Panel([("flat", Study([Line([value] * 30, (0, 0, 0))]))]).reach(30)

    assert low < value < high


def test_a_guest_has_its_own_scale() -> None:
    """Columns stand in the lowest quarter of the price pane, and lines use all of it."""
    volume, line = hosted(PANE, VOLUME), hosted(PANE, study(CHART, Inputs("Relative Strength Index")))

    assert (150, 200) == (volume.ceiling, volume.floor)
    assert (PANE.ceiling, PANE.floor) == (line.ceiling, line.floor)
    assert line.low <= 30
    assert line.high >= 70


@given(low=st.floats(-1e6, 1e6), reach=st.floats(1e-6, 1e6), top=st.integers(0, 500), height=st.integers(30, 1500))
def test_round_values_are_few_and_cover_the_pane(low: float, reach: float, top: int, height: int) -> None:
    """There are at least two round values, in order, and at least 17 pixels for each."""
    pane = Pane(top, top + height, top + 0.3 * height, top + 0.9 * height, low, low + reach, 30)
    marks = ticks(pane)

    assert 2 <= len(marks) <= height / 17 + 4
    assert marks == sorted(marks)


@given(wanted=st.lists(st.floats(0, 200), max_size=12))
def test_tags_do_not_lie_on_each_other(wanted: list[float]) -> None:
    """Tags are spread over the pane in their order, at least a tag's height apart."""
    spots = spread(wanted, PANE)

    assert all(TAG / 2 - 1e-9 <= spot <= 200 - TAG / 2 + 1e-9 for spot in spots)
    assert all(after - before >= TAG - 1e-9 for before, after in pairwise(sorted(spots)))
    order = sorted(range(len(wanted)), key=wanted.__getitem__)
    assert sorted(spots) == [spots[number] for number in order]


@for_each(
    ("written", "expected"),
    [
        *((short(value), text) for value, text in ((12.5, "12.50"), (1250, "1.25K"), (-3.5e6, "-3.50M"), (0, "0.00"))),
        *((short(2e9), "2.00B"), (plain(64588.42), "64,588.42"), (plain(0.0001234, 8), "0.00012340")),
        *((Panel([("", VOLUME)]).write(1250), "1.25K"), (Panel([], CHART.candles, digits=3).write(1250), "1,250.000")),
    ],
)
def test_values_are_written_as_prices_or_volumes(written: str, expected: str) -> None:
    """Volumes of thousands, millions and billions have a letter, and prices their decimals."""
    assert expected == written


def test_small_values_get_decimals_of_their_own() -> None:
    """A pane with a small reach has more than two decimals, at most one more than the prices."""
    little = Study([Line([n * 1e-7 for n in range(60)], (0, 0, 0))], own_pane=True)

    assert 9 == arranged(CHART, [("", little, False)], 8, price=True)[1].digits
    assert 3 == arranged(CHART, [("", little, False)], 2, price=True)[1].digits


def test_lines_and_columns_have_a_newest_value() -> None:
    """The newest value has the colour of its line or column, without opacity."""
    assert [(2, (1, 1, 1))] == newest(Line([1, 2], (1, 1, 1)))
    assert [(4, (2, 2, 2))] == newest(Columns([3, 4], [(1, 1, 1), (2, 2, 2, 140)]))
    assert [] == newest(study(CHART, Inputs("Bollinger Bands")).layers[0])
