"""The inputs of a study accept any JSON, and a value without sense is its default."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.emulator.drawing.layers import MAX_PERIOD_CANDLES, Inputs, PriceSeries, number
from chartimg.emulator.drawing.market import Candle
from rows import for_each

ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["14", "1e999", "nan", " 3 "]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)
CANDLE = Candle(1, 4, 0.5, 2, 10)


@given(value=ANY)
def test_every_input_is_read_or_replaced(value: object) -> None:
    """Any JSON is read or replaced by a default within the limits."""
    inputs = Inputs("Any", {"in": value})

    assert 1 <= inputs.period("in", 14) <= MAX_PERIOD_CANDLES
    assert 0.1 <= inputs.number("in", 2.0, 0.1, 50) <= 50
    assert inputs.source("in") in {"open", "high", "low", "close", "hl2", "hlc3", "ohlc4"}
    assert isinstance(inputs.text("in", "x"), str)
    assert inputs.title.startswith("Any")
    assert 3 == len(inputs.colour)


@for_each(
    ("value", "expected"),
    [(3, 3.0), ("14", 14.0), (2.5, 2.5), (True, None), ("x", None), (None, None), ([1], None), (10**400, None),
     ("inf", None), (float("nan"), None)],
)  # fmt: skip
def test_numbers_may_stand_in_texts(value: object, expected: float | None) -> None:
    """A finite number is read, also from a text; a boolean and anything else is None."""
    assert expected == number(value)


def test_a_title_has_the_inputs_in_their_order() -> None:
    """Whole numbers have no point, booleans are written as in JSON, and nested values are left out."""
    given_inputs = {"a": 20, "b": 2.0, "c": "close", "d": True, "e": None, "f": [1], "g": "", "h": 0.02}

    assert "Bands 20 2 close true 0.02" == Inputs("Bands", given_inputs).title


@for_each(
    ("source", "expected"), [("open", 1), ("high", 4), ("low", 0.5), ("close", 2), ("hl2", 2.25), ("ohlc4", 1.875)]
)
def test_a_source_is_a_price_or_the_mean_of_some(source: str, expected: float) -> None:
    """The letters of a source name its prices; each candle has one of them and one volume."""
    assert [expected, expected] == PriceSeries([CANDLE, CANDLE], 1).prices(source)
    assert [10, 10] == PriceSeries([CANDLE, CANDLE], 1).volumes()
