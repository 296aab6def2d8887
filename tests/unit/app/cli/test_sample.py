"""Samples: pieces that can be pasted into a body as they are."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from chartimg.adapters.catalog import shipped_catalog
from chartimg.app.bootstrap import check
from chartimg.app.cli.sample import sample_drawing, sample_study, sample_style
from chartimg.domain.check.catalog import Catalog, Entry, Parameter, ValueType
from rows import for_each

CATALOG = shipped_catalog()
TYPES = (
    ValueType.STRING,
    ValueType.INTEGER,
    ValueType.FLOAT,
    ValueType.BOOLEAN,
    ValueType.COLOUR,
    ValueType.MOMENT,
)


@st.composite
def parameters(draw: st.DrawFn) -> Parameter:
    """Draw a required row of a host's catalog that some value satisfies."""
    name, kind, label = draw(st.text(min_size=1)), draw(st.sampled_from(TYPES)), draw(st.sampled_from(["", "a label"]))
    if kind is ValueType.STRING and draw(st.booleans()):
        return Parameter(name, kind, required=True, enum=tuple(draw(st.lists(st.text("abc", min_size=1), min_size=1))))
    if kind in {ValueType.INTEGER, ValueType.FLOAT}:
        least, most = sorted(draw(st.tuples(st.integers(-1_000, 1_000), st.integers(-1_000, 1_000))))
        return Parameter(
            name, kind, required=True, min=draw(st.sampled_from([None, least])), max=draw(st.sampled_from([None, most]))
        )
    return Parameter(name, kind, required=True, label=label)


def body(**fields: object) -> Mapping[str, object]:
    """Return a body in which only *fields* can be wrong."""
    return {"symbol": "BINANCE:BTCUSDT", "interval": "1h", **fields}


@for_each("study", CATALOG.studies)
def test_every_study_is_right_as_it_is_written(study: Entry) -> None:
    """The sample of a study passes the check, and has each documented input with its default."""
    piece = sample_study(study)

    assert [] == check(body(studies=[piece]))
    assert {row.name: row.default for row in study.inputs} == piece.get("input", {})


@for_each("drawing", CATALOG.drawings)
def test_every_drawing_is_right_as_it_is_written(drawing: Entry) -> None:
    """The sample of a drawing passes the check, and its values differ, so that a line has two ends."""
    piece = sample_drawing(drawing)
    inputs = piece["input"]

    assert [] == check(body(drawings=[piece]))
    assert isinstance(inputs, dict)
    assert len(inputs) == len(set(inputs.values()))


@for_each("style", CATALOG.styles)
def test_every_style_is_right_as_it_is_written(style: Entry) -> None:
    """The sample of a chart style passes the check."""
    assert [] == check(body(**sample_style(style)))


@given(st.lists(parameters(), unique_by=lambda row: row.name))
def test_a_drawing_of_the_hosts_is_written_with_all_it_requires(rows: list[Parameter]) -> None:
    """The values made up for the required inputs of any catalog pass the check."""
    drawing = Entry("Mine", tuple(rows))
    catalog = CATALOG.extended(Catalog(drawings=(drawing,)))

    assert [] == check(body(drawings=[sample_drawing(drawing)]), catalog=catalog)
