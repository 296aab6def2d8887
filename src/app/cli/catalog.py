"""The commands ``chartimg catalog``: list the provider's names, with inputs, defaults and ranges.

They need no account and make no call. ``--json`` prints a catalog file, to be changed and named in ``CHARTS_CATALOG``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated

import typer

from ...domain.check.catalog import Entry
from ...domain.check.exchange import likely_exchange
from ...domain.check.suggestion import likely_interval, likely_name, likely_timezone, timezone_called
from ...domain.plan import PlanName
from ..bootstrap import open_catalog
from ..search import matching_names, unknown_name
from .catalog_view import rows_by_path, show_entries, show_entry, show_names, show_parameters, show_plans
from .options import Json, emit, group
from .sample import sample_drawing, sample_study, sample_style

__all__ = ["catalog_app"]

catalog_app = group("List the names, defaults, ranges and plans of the provider.")

Name = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="A name or a part of one, in any case.")]
Part = Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="List only names with this text in them.")]
Likely = Callable[[str, Sequence[str]], str | None]


@catalog_app.command()
def studies(name: Name = None, *, as_json: Json = False) -> None:
    """List the studies, or show one. One is shown with its inputs, and with a sample for the body."""
    catalog = open_catalog()
    _entries("study", "studies", catalog.studies, catalog.study_by_alias, name, sample_study, as_json=as_json)


@catalog_app.command()
def drawings(name: Name = None, *, as_json: Json = False) -> None:
    """List the drawings, or show one. One is shown with its inputs, and with a sample for the body."""
    catalog = open_catalog()
    _entries("drawing", "drawings", catalog.drawings, catalog.drawing_by_alias, name, sample_drawing, as_json=as_json)


@catalog_app.command()
def styles(name: Name = None, *, as_json: Json = False) -> None:
    """List the chart styles, or show one. One is shown with its overrides, and with a sample for the body."""
    _entries("style", "styles", open_catalog().styles, {}, name, sample_style, as_json=as_json)


@catalog_app.command()
def parameters(name: Part = None, *, as_json: Json = False) -> None:
    """List the keys of a chart request, with defaults and ranges."""
    top = open_catalog().parameters
    whole = {path: parameter for parameter in top for path in rows_by_path([parameter])}
    found, rows = _holding("parameter", whole, name), rows_by_path(top)
    emit(
        {"parameters": tuple({whole[path].name: whole[path] for path in found}.values())},
        lambda: show_parameters({path: rows[path] for path in found}),
        as_json=as_json,
    )


@catalog_app.command()
def intervals(name: Part = None, *, as_json: Json = False) -> None:
    """List the intervals. Case matters: 1m is a minute, 1M a month."""
    catalog = open_catalog()
    found = _holding("interval", (*catalog.intervals, *catalog.unconfirmed_intervals), name, likely=likely_interval)
    unsure = [each for each in found if each in catalog.unconfirmed_intervals]
    sure = [each for each in found if each not in unsure]
    note = "in the documentation's change log only"
    emit(
        {"intervals": sure, "unconfirmedIntervals": unsure},
        lambda: show_names({each: note if each in unsure else "" for each in found}),
        as_json=as_json,
    )


@catalog_app.command()
def timezones(name: Part = None, *, as_json: Json = False) -> None:
    """List the time zones. An abbreviation such as EST finds its zone, too."""
    known, text = open_catalog().timezones, "_".join(name or ())
    at_word = re.compile(rf"(?<![^\W_]){re.escape(text)}", re.IGNORECASE)
    called = timezone_called(text, known)
    found = [zone for zone in known if zone == called or at_word.search(zone)]
    found = found or _holding("time zone", known, [text], likely=likely_timezone)
    emit({"timezones": found}, lambda: show_names(dict.fromkeys(found, "")), as_json=as_json)


@catalog_app.command()
def exchanges(name: Part = None, *, as_json: Json = False) -> None:
    """List the exchanges. An exchange is the part of a symbol before the colon."""
    catalog = open_catalog()
    found = _holding("exchange", catalog.exchanges, name, likely=likely_exchange)
    dead = [each for each in catalog.unavailable_exchanges if each in found]
    emit(
        {"exchanges": found, "unavailableExchanges": dead},
        lambda: show_names({each: "unavailable" if each in dead else "" for each in found}),
        as_json=as_json,
    )


@catalog_app.command()
def plans(name: Part = None, *, as_json: Json = False) -> None:
    """List the plans with their limits."""
    known = open_catalog().plan_by_name
    found = tuple(known[PlanName(each)] for each in _holding("plan", tuple(known), name))
    emit({"plans": found}, lambda: show_plans(found), as_json=as_json)


def _entries(
    noun: str,
    key: str,
    entries: Sequence[Entry],
    aliases: Mapping[str, Sequence[str]],
    words: Sequence[str] | None,
    sample: Callable[[Entry], Mapping[str, object]],
    *,
    as_json: bool,
) -> None:
    """List all entries, or those that *words* may mean; show the only one wholly."""
    by_name = {entry.name: entry for entry in entries}
    found = tuple(
        by_name[name] for name in (matching_names(noun, by_name, " ".join(words), aliases) if words else by_name)
    )

    def show() -> None:
        if words and len(found) == 1:
            show_entry(found[0], key, sample(found[0]))
        else:
            show_entries(found, noun)

    emit({key: found}, show, as_json=as_json)


def _holding(
    noun: str, names: Iterable[str], words: Sequence[str] | None, *, likely: Likely = likely_name
) -> list[str]:
    """List the *names* with *words* in them, in any case.

    Raises:
        ConfigError: there is no such name.
    """
    known, text = list(names), " ".join(words or ())
    if found := [name for name in known if text.casefold() in name.casefold()]:
        return found
    raise unknown_name(noun, text, known, likely(text, known))
