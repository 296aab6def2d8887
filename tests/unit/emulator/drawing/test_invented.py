"""A study without a formula has an invented line."""

from __future__ import annotations

import pytest

from chartimg.emulator.drawing.invented import invented
from chartimg.emulator.drawing.layers import Inputs, Line, PriceSeries
from chartimg.emulator.drawing.market import walk

CHART = PriceSeries(walk("invented", 90, 60, 100, 0.2), 40)


def values(name: str, **inputs: object) -> list[float]:
    """Return the values of an invented line."""
    (line,) = invented(CHART, Inputs(name, inputs)).layers
    assert isinstance(line, Line)
    return line.values


@pytest.mark.parametrize(
    ("name", "own_pane"), [("one", True), ("Zig Zag", False), ("Super Trend", False), ("Coppock Curve", True)]
)
def test_each_title_has_a_line_of_its_own(name: str, *, own_pane: bool) -> None:
    """A title has one line, near the price if its name says so, or from 0 to 100; another name or input has another."""
    assert own_pane == invented(CHART, Inputs(name)).own_pane
    assert all(0 <= value <= 100 for value in values(name)) or not own_pane
    assert values(name) == values(name)
    assert values(name) != values(f"{name}s")
    assert values(name) != values(name, length=3)
