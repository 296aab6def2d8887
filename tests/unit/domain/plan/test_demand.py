"""What a body asks of a plan."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chartimg.domain.plan.demand import DEFAULT_HEIGHT, DEFAULT_WIDTH, Demand
from rows import for_each


def test_an_empty_body_asks_for_the_default_size_alone() -> None:
    """A body without a size is a chart of 800 x 600 without studies, drawings and watermark."""
    assert Demand(800, 600, 0, 0, watermark=False) == Demand() == Demand.of({})


def test_a_body_asks_for_its_size_studies_drawings_and_watermark() -> None:
    """Each part of the demand is read from its key, and studies and drawings count together."""
    demand = Demand.of({"width": 1024, "height": 768.5, "studies": [{}, {}], "drawings": ({},), "watermark": "mine"})

    assert Demand(1024, 768.5, 2, 1, watermark=True) == demand
    assert 3 == demand.parameters


@for_each("value", [None, "1024", True, [], {}])
def test_a_size_of_a_wrong_type_is_the_default(value: object) -> None:
    """A plan has no say about a size that is not a number."""
    demand = Demand.of({"width": value, "height": value})

    assert (DEFAULT_WIDTH, DEFAULT_HEIGHT) == (demand.width, demand.height)


@given(value=st.none() | st.text() | st.integers() | st.dictionaries(st.text(), st.none()))
def test_only_lists_of_studies_and_drawings_are_counted(value: object) -> None:
    """A plan has no say about studies and drawings that are not lists."""
    assert 0 == Demand.of({"studies": value, "drawings": value}).parameters
