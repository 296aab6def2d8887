"""The provider's rules for a chart request, as values: the allowed keys and names of a body, and the limits of each plan.

``chartimg.adapters.catalog`` reads the shipped rules from ``src/data``. A host changes them by :meth:`Catalog.extended`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any, Final

import attrs

from ..argument import require, typed
from ..chart.candle import Grid
from ..chart.endpoint import LAYOUT_CHART, ChartEndpoint
from ..errors import ConfigError
from ..plan import Plan, PlanName
from .parameter import Entry, Parameter, Table, ValueType
from .suggestion import bare

__all__ = ["Catalog", "Endpoint", "Entry", "Opening", "Parameter", "ValueType"]


@attrs.frozen
class Opening:
    """When trade opens at an exchange.

    Attributes:
        name: the id of the exchange.
        minutes: each opening of a session is a multiple of these minutes after midnight.
    """

    name: str
    minutes: int = attrs.field(validator=[attrs.validators.ge(1), attrs.validators.le(30)])


@attrs.frozen
class Endpoint:
    """A path of the documented API."""

    version: str
    method: str
    path: str


@attrs.frozen(eq=False, field_transformer=typed)
class Catalog:
    """All rules. An empty part allows anything.

    Attributes:
        source: origin of the rules.
        intervals: intervals; case matters.
        unconfirmed_intervals: further intervals, from the documentation's change log alone.
        timezones: time zones.
        exchanges: ids before the colon of a symbol.
        unavailable_exchanges: exchanges without charts.
        crypto_exchanges: exchanges where trade never rests, so that candles close by UTC.
        openings: exchanges where trade opens at other moments than the half hours.
        plans: plans, from the smallest to the largest.
        parameters: keys of a body.
        layout_parameters: keys of the body of a layout.
        styles: styles of the chart, with the keys of ``override.style``.
        drawings: drawings.
        studies: studies.
        paths: paths of the documented API.
        replace: names of the parts that replace those of another catalog in :meth:`extended`.

    Raises:
        ConfigError: a part is of a wrong type, or *replace* has an unknown name.
    """

    source: str = ""
    intervals: tuple[str, ...] = ()
    unconfirmed_intervals: tuple[str, ...] = ()
    timezones: tuple[str, ...] = ()
    exchanges: tuple[str, ...] = ()
    unavailable_exchanges: tuple[str, ...] = ()
    crypto_exchanges: tuple[str, ...] = ()
    openings: tuple[Opening, ...] = ()
    plans: tuple[Plan, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    layout_parameters: tuple[Parameter, ...] = ()
    styles: tuple[Entry, ...] = ()
    drawings: tuple[Entry, ...] = ()
    studies: tuple[Entry, ...] = ()
    paths: tuple[Endpoint, ...] = ()
    replace: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        if unknown := [name for name in self.replace if name not in _PARTS]:
            raise ConfigError(f"replace names {', '.join(map(ascii, unknown))}; parts are {', '.join(_PARTS)}")

    def extended(self, more: Catalog) -> Catalog:
        """Return these rules with those of *more*. New names are added; a known name replaces its row or entry."""
        require("more", more, Catalog)
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
    def parameter_by_name(self) -> Table:
        """The keys of a body by name."""
        return Table(self.parameters)

    @cached_property
    def _layout_parameter_by_name(self) -> Table:
        """The keys of the body of a layout by name."""
        return Table(self.layout_parameters)

    def rows_of(self, endpoint: ChartEndpoint) -> Table:
        """Return the keys of a body for *endpoint* by name."""
        return self._layout_parameter_by_name if endpoint is LAYOUT_CHART else self.parameter_by_name

    @cached_property
    def study_by_name(self) -> Mapping[str, Entry]:
        """The studies by name."""
        return {entry.name: entry for entry in self.studies}

    @cached_property
    def drawing_by_name(self) -> Mapping[str, Entry]:
        """The drawings by name."""
        return {entry.name: entry for entry in self.drawings}

    @cached_property
    def study_by_alias(self) -> Mapping[str, Sequence[str]]:
        """The names of the studies by each alias, written as by :func:`~chartimg.domain.check.suggestion.bare`."""
        return _by_alias(self.studies)

    @cached_property
    def drawing_by_alias(self) -> Mapping[str, Sequence[str]]:
        """The names of the drawings by each alias, written as by :func:`~chartimg.domain.check.suggestion.bare`."""
        return _by_alias(self.drawings)

    @cached_property
    def style_override_by_name(self) -> Table:
        """The keys of ``override.style`` of all styles by name."""
        return Table(row for style in self.styles for row in style.overrides)

    @cached_property
    def interval_set(self) -> frozenset[str]:
        """All intervals, including unconfirmed ones."""
        return frozenset(self.intervals + self.unconfirmed_intervals)

    @cached_property
    def timezone_set(self) -> frozenset[str]:
        """The time zones."""
        return frozenset(self.timezones)

    @cached_property
    def exchange_set(self) -> frozenset[str]:
        """The exchanges."""
        return frozenset(self.exchanges)

    @cached_property
    def _grids(self) -> Mapping[str, Grid]:
        """The grids of the exchanges that have one of their own."""
        return {
            **dict.fromkeys(self.crypto_exchanges, Grid(0)),
            **{row.name: Grid(row.minutes) for row in self.openings},
        }

    def grid_of_exchange(self, exchange: str) -> Grid:
        """Return the grid of the candles of *exchange*: half an hour if it is not known better."""
        return self._grids.get(exchange, _HALF_HOURS)


_HALF_HOURS: Final = Grid()
_PARTS: Final[Mapping[str, str]] = {
    "intervals": "intervals",
    "unconfirmedIntervals": "unconfirmed_intervals",
    "timezones": "timezones",
    "exchanges": "exchanges",
    "unavailableExchanges": "unavailable_exchanges",
    "cryptoExchanges": "crypto_exchanges",
    "openings": "openings",
    "plans": "plans",
    "parameters": "parameters",
    "layoutParameters": "layout_parameters",
    "styles": "styles",
    "drawings": "drawings",
    "studies": "studies",
    "paths": "paths",
}
"""The attribute of each part, by its name in a file."""

Row = str | Endpoint | Opening | Parameter | Entry | Plan


def _by_alias(entries: Iterable[Entry]) -> Mapping[str, Sequence[str]]:
    names: dict[str, list[str]] = {}
    for entry in entries:
        for key in dict.fromkeys(map(bare, entry.aliases)):
            names.setdefault(key, []).append(entry.name)
    return names


def _laid_over(some: tuple[Row, ...], more: tuple[Row, ...]) -> tuple[Row, ...]:
    """Return *some* with each of *more* in the place of its namesake, or at the end."""
    return tuple({getattr(row, "name", row): row for row in some + more}.values())
