"""The texts with rules of their own: symbols, intervals, time zones, and names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final

from ..finding import Finding, Severity
from .catalog import Catalog
from .listed import symbol_problems
from .notation import likely_key, plain_name
from .parameter import Entry
from .suggestion import Unknown, likely_interval, likely_name, likely_timezone
from .value import shown

__all__ = ["PARTICULAR", "Problems", "error", "unknown_key", "unknown_name", "warning"]

_MAX_LISTED_KEYS: Final = 12

Problems = list[Finding | Unknown]


def unknown_name(path: str, name: str, known: Mapping[str, Entry], aliases: Mapping[str, Sequence[str]]) -> Unknown:
    """Report a study or a drawing that the catalog lacks; the provider serves exactly the documented names."""
    plain, numbered = plain_name(name)
    message = f"{shown(name)} is not in the catalog" + (", and its numbers belong in input" if numbered else "")
    otherwise = "if the provider has added it, name it in CHARTS_CATALOG"
    return Unknown(f"{path}.name", Severity.ERROR, message, partial(likely_name, plain, known, aliases), otherwise)


def _symbol(found: Problems, path: str, symbol: str, catalog: Catalog) -> None:
    del path  # it is that of the symbol
    found.extend(symbol_problems(symbol, catalog))


def _interval(found: Problems, path: str, interval: str, catalog: Catalog) -> None:
    known = catalog.intervals
    if known and interval not in catalog.interval_set:
        message, otherwise = f"{shown(interval)} is not an interval", f"use one of {', '.join(known)}"
        found.append(Unknown(path, Severity.ERROR, message, partial(likely_interval, interval, known), otherwise))
    elif interval in catalog.unconfirmed_intervals:
        found.append(warning(path, f"{shown(interval)} appears only in the change log of the documentation"))


def _timezone(found: Problems, path: str, timezone: str, catalog: Catalog) -> None:
    known = catalog.timezones
    if known and timezone not in catalog.timezone_set:
        message, otherwise = f"{shown(timezone)} is not a time zone of the provider", "use one like America/New_York"
        found.append(Unknown(path, Severity.ERROR, message, partial(likely_timezone, timezone, known), otherwise))


PARTICULAR: Final[Mapping[str, Callable[[Problems, str, str, Catalog], None]]] = {
    "symbol": _symbol,
    "interval": _interval,
    "timezone": _timezone,
}
"""The texts with rules of their own, by place."""


def unknown_key(path: str, name: object, known: Collection[str]) -> Unknown:
    """Report a key that the table lacks; a short table is listed."""
    keys = f"keys are {', '.join(known)}" if known else "no keys are documented"
    return Unknown(
        path,
        Severity.WARNING,
        f"{shown(name)} is not a key here",
        partial(likely_key, str(name), known),
        keys if len(known) <= _MAX_LISTED_KEYS else "",
    )


def error(path: str, message: str, suggestion: str | None = None) -> Finding:
    """Return an ERROR."""
    return Finding(path, Severity.ERROR, message, suggestion)


def warning(path: str, message: str) -> Finding:
    """Return a WARNING."""
    return Finding(path, Severity.WARNING, message)
