"""The rows of the provider's tables: a key of a body, the type and the range of its value, and the keys of an entry."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cached_property

import attrs

from .colour import is_colour

__all__ = ["Entry", "Parameter", "Table", "ValueType"]


class ValueType(StrEnum):
    """The type of a value, in the words of the documentation's tables."""

    STRING = "String"
    INTEGER = "Integer"
    FLOAT = "Float"
    BOOLEAN = "Boolean"
    COLOUR = "Color"
    MOMENT = "DateTime"
    OBJECT = "Object"
    OBJECTS = "Object[]"
    STRING_OR_OBJECT = "String or Object"


@attrs.frozen
class Parameter:
    """One row of a table of the documentation.

    Attributes:
        name: key in the body.
        type: type of the value.
        required: the key must be there.
        min: smallest number.
        max: largest number.
        enum: allowed values; empty if any is allowed.
        default: documented value of a missing key.
        label: meaning, for people.
        fields: keys of an object, or of each object of an array; empty if they are unknown.
    """

    name: str
    type: ValueType
    required: bool = False
    min: float | None = None
    max: float | None = None
    enum: tuple[str | int, ...] = ()
    default: str | float | bool | None = None
    label: str = ""
    fields: tuple[Parameter, ...] = ()

    @cached_property
    def field_by_name(self) -> Table:
        """The fields by name."""
        return Table(self.fields)

    @cached_property
    def surely_fits(self) -> Callable[[object], bool]:
        """A quick test: a value that passes is right. One that does not pass may be right, too, and needs a closer look."""
        return _quick_test(self)


@attrs.frozen
class Entry:
    """A study, a drawing, or a style of the chart.

    Attributes:
        name: exact name in the body.
        inputs: keys of ``input``.
        overrides: keys of ``override``.
        aliases: names among people, for suggestions only; the provider refuses them.
    """

    name: str
    inputs: tuple[Parameter, ...] = ()
    overrides: tuple[Parameter, ...] = ()
    aliases: tuple[str, ...] = ()

    @cached_property
    def input_by_name(self) -> Table:
        """The inputs by name."""
        return Table(self.inputs)

    @cached_property
    def override_by_name(self) -> Table:
        """The overrides by name."""
        return Table(self.overrides)


class Table(dict[str, Parameter]):
    """The rows of a table by name; *required* are the names of those whose key must be there."""

    __slots__ = ("required",)

    def __init__(self, rows: Iterable[Parameter] = ()) -> None:
        super().__init__((row.name, row) for row in rows)
        self.required = tuple(name for name, row in self.items() if row.required)


def _quick_test(row: Parameter) -> Callable[[object], bool]:
    """Return a test without false praise: of numbers, choices, colours, plain texts, and objects without a table."""
    match row.type:
        case ValueType.BOOLEAN if not row.enum and row.min is row.max is None:
            return lambda value: value is True or value is False
        case ValueType.INTEGER | ValueType.FLOAT if not row.enum:
            low, high = (-math.inf if row.min is None else row.min), (math.inf if row.max is None else row.max)
            numbers = (int,) if row.type is ValueType.INTEGER else (int, float)
            return lambda value: type(value) in numbers and low <= value <= high  # type: ignore[operator]
        case ValueType.STRING | ValueType.STRING_OR_OBJECT if row.enum:
            choices = frozenset(row.enum)
            return lambda value: type(value) is str and value in choices
        case ValueType.COLOUR if not row.enum:
            return lambda value: type(value) is str and is_colour(value)
        case ValueType.STRING if not row.required:
            return lambda value: type(value) is str
        case ValueType.OBJECT if not row.fields:
            return lambda value: type(value) is dict
        case _:
            return lambda _: False
