"""The provider's rules for a chart request, as values: what a body may hold, and what each plan allows.

The shipped rules are in ``src/data``; ``chartimg.adapters.catalog`` reads them. A host that knows better lays its own over it (:meth:`Catalog.extended`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from typing import Any, Final, TypeVar

import attrs

from ..errors import ConfigError
from ..plan import Plan, PlanName
from .suggestion import bare

__all__ = ["Catalog", "Endpoint", "Entry", "Parameter", "ValueType"]


class ValueType(StrEnum):
    """What a value is, in the words of the documentation's tables."""

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
        name: the key in the body.
        type: what the value must be.
        required: the key must be there.
        min: the least number.
        max: the largest number.
        enum: the values it may have; any when there are none.
        default: what is taken when the key isn't there, if that is stated.
        label: what it means.
        fields: the keys of an object, or of each object of an array, if they are known.
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
    def field_by_name(self) -> Mapping[str, Parameter]:
        """The fields by name."""
        return _by_name(self.fields)


@attrs.frozen
class Entry:
    """A study, a drawing, or a style of the chart: its name, its inputs, and how it can be made to look.

    Attributes:
        name: the exact name in the body.
        inputs: the keys of ``input``.
        overrides: the keys of ``override``.
        aliases: what people call it, though the provider doesn't; only to find out what was meant.
    """

    name: str
    inputs: tuple[Parameter, ...] = ()
    overrides: tuple[Parameter, ...] = ()
    aliases: tuple[str, ...] = ()

    @cached_property
    def input_by_name(self) -> Mapping[str, Parameter]:
        """The inputs by name."""
        return _by_name(self.inputs)

    @cached_property
    def override_by_name(self) -> Mapping[str, Parameter]:
        """The overrides by name."""
        return _by_name(self.overrides)


@attrs.frozen
class Endpoint:
    """A path of the documented API."""

    version: str
    method: str
    path: str


@attrs.frozen(eq=False)
class Catalog:
    """All rules. A part that is empty rules nothing out.

    Attributes:
        source: where they are from.
        intervals: the intervals; case matters.
        unconfirmed_intervals: those that only the documentation's change log names.
        timezones: the time zones.
        exchanges: the ids before the colon of a symbol.
        unavailable_exchanges: those of which the provider serves nothing.
        plans: from the smallest to the largest.
        parameters: the keys of a body.
        styles: the styles of the chart, with the keys of ``override.style``.
        drawings: the drawings by their exact names.
        studies: the studies by their exact names.
        paths: the paths of the documented API.
        replace: the parts, by name, that take the place of what they are laid over, rather than add to it.

    Raises:
        ConfigError: *replace* names what is no part.
    """

    source: str = ""
    intervals: tuple[str, ...] = ()
    unconfirmed_intervals: tuple[str, ...] = ()
    timezones: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    unavailable_exchanges: tuple[str, ...] = ()
    plans: tuple[Plan, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    styles: tuple[Entry, ...] = ()
    drawings: tuple[Entry, ...] = ()
    studies: tuple[Entry, ...] = ()
    paths: tuple[Endpoint, ...] = ()
    replace: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if unknown := [name for name in self.replace if name not in _PARTS]:
            raise ConfigError(f"replace names {', '.join(map(ascii, unknown))}; parts are {', '.join(_PARTS)}")

    def extended(self, more: Catalog) -> Catalog:
        """Give these rules with *more* laid over them: names are added, a row or an entry of a known name is replaced."""
        parts: dict[str, Any] = {
            part: getattr(more, part) if name in more.replace else _laid_over(getattr(self, part), getattr(more, part))
            for name, part in _PARTS.items()
        }
        return Catalog(more.source or self.source, **parts)

    @cached_property
    def plan_by_name(self) -> Mapping[PlanName, Plan]:
        """The plans by name."""
        return {plan.name: plan for plan in self.plans}

    @cached_property
    def parameter_by_name(self) -> Mapping[str, Parameter]:
        """The keys of a body by name."""
        return _by_name(self.parameters)

    @cached_property
    def study_by_name(self) -> Mapping[str, Entry]:
        """The studies by name."""
        return _by_name(self.studies)

    @cached_property
    def drawing_by_name(self) -> Mapping[str, Entry]:
        """The drawings by name."""
        return _by_name(self.drawings)

    @cached_property
    def study_by_alias(self) -> Mapping[str, Sequence[str]]:
        """The names of the studies by each alias, as :func:`~chartimg.domain.check.suggestion.bare` writes it."""
        return _by_alias(self.studies)

    @cached_property
    def drawing_by_alias(self) -> Mapping[str, Sequence[str]]:
        """The names of the drawings by each alias, as :func:`~chartimg.domain.check.suggestion.bare` writes it."""
        return _by_alias(self.drawings)

    @cached_property
    def style_override_by_name(self) -> Mapping[str, Parameter]:
        """The keys of ``override.style`` of all styles by name."""
        return _by_name(row for style in self.styles for row in style.overrides)

    @cached_property
    def interval_set(self) -> frozenset[str]:
        """The intervals, unconfirmed ones too, for looking up."""
        return frozenset(self.intervals + self.unconfirmed_intervals)

    @cached_property
    def timezone_set(self) -> frozenset[str]:
        """The time zones, for looking up."""
        return frozenset(self.timezones)

    @cached_property
    def exchange_set(self) -> frozenset[str]:
        """The exchanges, for looking up."""
        return frozenset(self.exchanges)


_PARTS: Final[Mapping[str, str]] = {
    "intervals": "intervals",
    "unconfirmedIntervals": "unconfirmed_intervals",
    "timezones": "timezones",
    "exchanges": "exchanges",
    "unavailableExchanges": "unavailable_exchanges",
    "plans": "plans",
    "parameters": "parameters",
    "styles": "styles",
    "drawings": "drawings",
    "studies": "studies",
    "paths": "paths",
}
"""The parts by their names in a file."""

Named = TypeVar("Named", Parameter, Entry)
Row = str | Endpoint | Parameter | Entry | Plan


def _by_name(rows: Iterable[Named]) -> Mapping[str, Named]:
    return {row.name: row for row in rows}


def _by_alias(entries: Iterable[Entry]) -> Mapping[str, Sequence[str]]:
    names: dict[str, list[str]] = {}
    for entry in entries:
        for key in dict.fromkeys(map(bare, entry.aliases)):
            names.setdefault(key, []).append(entry.name)
    return names


def _laid_over(some: tuple[Row, ...], more: tuple[Row, ...]) -> tuple[Row, ...]:
    """Add *more*, each in the place of the one it is named like."""
    return tuple({getattr(row, "name", row): row for row in some + more}.values())
