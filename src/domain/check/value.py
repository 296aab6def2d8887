"""A value of a body: its type, its allowed values, and how a message shows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from .catalog import Parameter, ValueType

__all__ = ["TYPES", "Type", "choices_of", "is_later", "is_number", "kind_of", "range_of", "shown"]

_MAX_SHOWN_CHARACTERS: Final = 60
_MAX_CHOICES: Final = 12  # a message stays one readable line


def is_number(value: object) -> bool:
    """Return whether *value* is a number; JSON's true and false are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_later(one: object, other: object) -> bool:
    """Return whether *one* is a later moment than *other*; False if only one of them has a time zone."""
    first, second = _moment(one), _moment(other)
    if first is None or second is None or (first.tzinfo is None) is not (second.tzinfo is None):
        return False
    return first > second


def _moment(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_whole(value: object) -> bool:
    return value.is_integer() if isinstance(value, float) else is_number(value)


@attrs.frozen
class Type:
    """A type of the documentation: its *name* in messages, and a test of a value."""

    name: str
    includes: Callable[[object], bool]


TYPES: Final[Mapping[ValueType, Type]] = {
    ValueType.STRING: Type("text", _is_text),
    ValueType.COLOUR: Type("text, a colour like rgb(33,150,243)", _is_text),
    ValueType.INTEGER: Type("a whole number", _is_whole),
    ValueType.FLOAT: Type("a number", is_number),
    ValueType.BOOLEAN: Type("true or false", lambda value: isinstance(value, bool)),
    ValueType.OBJECT: Type("an object", lambda value: isinstance(value, Mapping)),
    ValueType.OBJECTS: Type("an array of objects", lambda value: isinstance(value, list | tuple)),
    ValueType.MOMENT: Type("text, a date and time in ISO 8601", lambda value: _moment(value) is not None),
    ValueType.STRING_OR_OBJECT: Type("text or an object", lambda value: isinstance(value, str | Mapping)),
}


def shown(value: object) -> str:
    """Return *value* as JSON, at most 60 characters of it."""
    limit = _MAX_SHOWN_CHARACTERS
    text = json.dumps(value[:limit]) if isinstance(value, str) else str(value)[: limit + 1]
    return f"{text[:limit]}…" if len(text) > limit else text


def kind_of(value: object) -> str:
    """Return the kind of *value* in the words of JSON, with short values themselves: ``the number 5``."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {shown(value)}"
        case str():
            return f"the text {shown(value)}"
        case Mapping():
            return "an object"
        case list() | tuple():
            return "an array"
        case _:
            return type(value).__name__


def range_of(row: Parameter) -> str:
    """Return the range of a number in words; *row* has one limit or both."""
    if row.max is None:
        return f"{row.min:,} or more"
    return f"from {row.min:,} to {row.max:,}" if row.min is not None else f"{row.max:,} or less"


def choices_of(values: Sequence[object]) -> str:
    """List the first 12 of *values*."""
    listed = ", ".join(map(str, values[:_MAX_CHOICES]))
    return f"{listed} …" if len(values) > _MAX_CHOICES else listed
