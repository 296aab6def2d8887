"""Every name with any inputs gives finite layers, as long as the walk."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from chartimg.emulator.drawing.layers import Band, Columns, Inputs, Line, PriceSeries, Profile, Study, Zone
from chartimg.emulator.drawing.market import walk
from chartimg.emulator.drawing.studies import STUDIES, study
from rows import for_each

CHART = PriceSeries(walk("studies", 90, 60, 100, 0.2), 40)
NAMES = [
    *("in_0", "in_1", "in_2", "in_3", "in_4", "length", "source", "periods", "deviations", "firstPeriods"),
    *("secondPeriods", "thirdPeriods", "method", "rows", "vaVolume"),
]
ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([0, -1, 1, 1e-9, 500, 501, 10**30, "20", "close", "hlc3", "Weighted", [], {}])
)


def numbers(made: Study) -> list[list[float]]:
    """Return every list of values of a study."""
    found: list[list[float]] = []
    for layer in made.layers:
        match layer:
            case Line():
                found.append(layer.values)
            case Columns():
                assert len(layer.values) == len(layer.colours)
                found.append(layer.values)
            case Band():
                found += [layer.upper, layer.lower]
            case Zone() | Profile():
                pass
    return found


@given(
    name=st.sampled_from([*STUDIES, "Klinger Oscillator", "Super Trend", "Coppock Curve"]) | st.text(),
    inputs=st.dictionaries(st.sampled_from(NAMES), ODD),
)
def test_any_study_with_any_input_shows_something(name: str, inputs: dict[str, object]) -> None:
    """Any name with any inputs has layers of finite values, one for each candle."""
    made = study(CHART, Inputs(name, inputs))

    assert made.layers
    for values in numbers(made):
        assert len(CHART.candles) == len(values)
        assert all(map(math.isfinite, values))


@for_each("name", STUDIES)
def test_inputs_without_sense_count_as_missing(name: str) -> None:
    """Booleans instead of periods, numbers and words give the defaults."""
    odd = study(CHART, Inputs(name, dict.fromkeys(NAMES, False)))

    assert numbers(study(CHART, Inputs(name))) == numbers(odd)


@for_each(
    ("name", "own_pane"),
    [("Volume", True), ("MACD", True), ("Moving Average", False), ("Bollinger Bands", False), ("Zig Zag", False),
     ("Coppock Curve", True), ("Klinger Oscillator", True), ("no such study", True)],
)  # fmt: skip
def test_studies_are_where_their_values_fit(name: str, own_pane: bool) -> None:  # noqa: FBT001 (a column of the table)
    """A study that follows the price is over it, and another has a pane of its own."""
    assert own_pane == study(CHART, Inputs(name)).own_pane


def test_inputs_decide_the_lines() -> None:
    """A period may be written as a text, and another method gives other lines."""
    number, text = (study(CHART, Inputs("Moving Average", {"length": length})) for length in (20, "20"))
    simple, weighted = (
        numbers(study(CHART, Inputs("Moving Average Double", {"method": method}))) for method in ("Simple", "Weighted")
    )

    assert numbers(number) == numbers(text)
    assert 2 == len(simple)
    assert simple != weighted


def test_volume_has_the_colour_of_its_candle() -> None:
    """Rising and falling candles have two colours."""
    layer = study(CHART, Inputs("Volume")).layers[0]

    assert isinstance(layer, Columns)
    pairs = zip(CHART.candles, layer.colours, strict=True)
    assert 2 == len(set(layer.colours)) == len({(candle.rising, colour) for candle, colour in pairs})
