"""Pieces of a body as one would write them first: names of the catalog with their documented defaults."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...domain.check.catalog import Entry, Parameter, ValueType

__all__ = ["sample_drawing", "sample_study", "sample_style"]


def sample_study(study: Entry) -> Mapping[str, object]:
    """Write one of the body's ``studies``, with the defaults of its inputs."""
    inputs = _values(study.inputs)
    return {"name": study.name, "input": inputs} if inputs else {"name": study.name}


def sample_drawing(drawing: Entry) -> Mapping[str, object]:
    """Write one of the body's ``drawings``, with values to be replaced for the inputs that have no default."""
    return {"name": drawing.name, "input": _values(drawing.inputs)}


def sample_style(style: Entry) -> Mapping[str, object]:
    """Write the fields of the body that choose a style of the chart and set everything about it."""
    return {"style": style.name, "override": {"style": _values(style.overrides)}}


def _values(rows: Sequence[Parameter]) -> Mapping[str, object]:
    """Give each row its default, or a value if it is required."""
    met: Counter[str] = Counter()
    values: dict[str, object] = {}
    for row in rows:
        if row.default is not None:
            values[row.name] = row.default
        elif row.required:
            values[row.name] = _stand_in(row, met[row.type])
            met[row.type] += 1
    return values


def _stand_in(row: Parameter, number: int) -> object:
    """Make up a value; *number* tells it from those before it, so that a line has two ends."""
    if row.enum:
        return row.enum[0]
    match row.type:
        case ValueType.MOMENT:
            return f"2026-01-{1 + number % 31:02}T00:00:00.000Z"
        case ValueType.INTEGER | ValueType.FLOAT:
            least = 100 if row.min is None else row.min
            return least + 10 * number if row.max is None else min(least + 10 * number, row.max)
        case ValueType.BOOLEAN:
            return True
        case ValueType.COLOUR:
            return "rgb(33,150,243)"
        case _:
            return row.label.strip() or "text"
