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


@pytest.mark.parametrize("name", ["one", "Zig Zag"])
def test_each_title_has_a_line_of_its_own(name: str) -> None:
    """The same name gives the same line; another name or input gives another one."""
    assert values(name) == values(name)
    assert values(name) != values(f"{name}s")
    assert values(name) != values(name, length=3)


@pytest.mark.parametrize(("name", "own_pane"), [("Zig Zag", False), ("Super Trend", False), ("Coppock Curve", True)])
def test_a_line_is_near_the_price_if_its_name_says_so(name: str, *, own_pane: bool) -> None:
    """Another line lies between 0 and 100 in a pane of its own."""
    assert own_pane == invented(CHART, Inputs(name)).own_pane
    assert all(0 <= value <= 100 for value in values(name)) or not own_pane
