"""The 116 request examples of the provider's page, one for each study, drawing and style, written again from its tables.

An example states every input and override at its default. :data:`CONTRADICTIONS` holds the places where the page's example
differs from its own table; the value of the example counts here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from chartimg.adapters.catalog import shipped_catalog
from chartimg.domain.check.catalog import Entry, Parameter, ValueType

CONTRADICTIONS: Final[Mapping[tuple[str, str], object]] = {
    ("Chaikin Oscillator", "Plot.color"): "rgb(67,160,71)",
    ("Chop Zone", "Plot.plottype"): "columns",
    ("Directional Movement", "-DI.color"): "rgb(255,109,0)",
    ("MACD", "Histogram.plottype"): "columns",
    ("Money Flow Index", "LowerLimit.value"): 20,
    ("Money Flow Index", "Hlines Background.color"): "rgba(126,87,194,0.1)",
    ("Stochastic", "UpperLimit.value"): 80,
    ("Volume", "Volume.plottype"): "columns",
    ("Fib Retracement", "extendLines"): True,
}
"""The value of an example, by entry and key, if its table has another one or none."""

_EXAMPLES: Final[Mapping[ValueType, object]] = {
    ValueType.STRING: "text",
    ValueType.INTEGER: 1,
    ValueType.FLOAT: 23520.5,
    ValueType.BOOLEAN: True,
    ValueType.COLOUR: "rgb(33,150,243)",
    ValueType.MOMENT: "2024-02-16T09:30:00.000Z",
}


def documented_examples(*, as_in_the_table: bool = False) -> Mapping[str, dict[str, object]]:
    """Return the bodies by name, ``study MACD``, with the values of the examples or with those of the tables."""
    catalog = shipped_catalog()
    base = {"symbol": "BINANCE:BTCUSDT", "interval": "1D"}
    examples: dict[str, dict[str, object]] = {}
    for study in catalog.studies:
        piece: dict[str, object] = {"name": study.name, "forceOverlay": False, **piece_of(study, as_in_the_table)}
        examples[f"study {study.name}"] = {**base, "override": {"showMainPane": False}, "studies": [piece]}
    for drawing in catalog.drawings:
        piece = {"name": drawing.name, **piece_of(drawing, as_in_the_table), "zOrder": "top"}
        examples[f"drawing {drawing.name}"] = {**base, "drawings": [piece]}
    for style in catalog.styles:
        overrides = _values(style.name, style.overrides, as_in_the_table)
        examples[f"style {style.name}"] = {**base, "style": style.name, "override": {"style": overrides}}
    return examples


def piece_of(entry: Entry, as_in_the_table: bool = False) -> dict[str, object]:  # noqa: FBT001, FBT002
    """Return the inputs and overrides of a study or a drawing, as its example states them."""
    piece: dict[str, object] = {}
    if entry.inputs:
        piece["input"] = _values(entry.name, entry.inputs, as_in_the_table)
    if entry.overrides:
        piece["override"] = _values(entry.name, entry.overrides, as_in_the_table)
    return piece


def _values(name: str, rows: Sequence[Parameter], as_in_the_table: bool) -> dict[str, object]:  # noqa: FBT001
    return {
        row.name: row.default
        if as_in_the_table and row.default is not None
        else CONTRADICTIONS.get((name, row.name), _value(row))
        for row in rows
    }


def _value(row: Parameter) -> object:
    if row.fields:
        return {field.name: _value(field) for field in row.fields}
    return _EXAMPLES[row.type] if row.default is None else row.default
