"""Samples: pieces of a body to start from, with the documented defaults of the catalog."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ...domain.check.catalog import Entry, Parameter, ValueType

__all__ = ["sample_drawing", "sample_study", "sample_style"]


def sample_study(study: Entry) -> Mapping[str, object]:
    """Return one of the ``studies`` of a body, with the defaults of its inputs."""
    inputs = _values(study.inputs)
    return {"name": study.name, "input": inputs} if inputs else {"name": study.name}


def sample_drawing(drawing: Entry) -> Mapping[str, object]:
    """Return one of the ``drawings`` of a body. Required inputs have values to be replaced."""
    return {"name": drawing.name, "input": _values(drawing.inputs)}


def sample_style(style: Entry) -> Mapping[str, object]:
    """Return the fields of a body that choose a chart style and set all its overrides."""
    return {"style": style.name, "override": {"style": _values(style.overrides)}}


def _values(rows: Sequence[Parameter]) -> Mapping[str, object]:
    """Return the default of each row, or a value to be replaced if it is required."""
    count: Counter[str] = Counter()
    values: dict[str, object] = {}
    for row in rows:
        if row.default is not None:
            values[row.name] = row.default
        elif row.required:
            values[row.name] = _placeholder(row, count[row.type])
            count[row.type] += 1
    return values


def _placeholder(row: Parameter, number: int) -> object:
    """Make up a value; *number* makes it differ from the values before it, so that a line has two ends."""
    if row.enum:
        return row.enum[0]
    match row.type:
        case ValueType.MOMENT:
            return f"2026-01-{1 + number % 31:02}T00:00:00.000Z"
        case ValueType.INTEGER | ValueType.FLOAT:
            value = (100 if row.min is None else row.min) + 10 * number
            return value if row.max is None else min(value, row.max)
        case ValueType.BOOLEAN:
            return True
        case ValueType.COLOUR:
            return "rgb(33,150,243)"
        case _:
            return row.label.strip() or "text"
