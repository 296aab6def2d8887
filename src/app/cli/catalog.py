"""The commands ``chartimg catalog``: what the provider knows, with inputs, defaults and ranges.

They need no account and make no call. What ``--json`` prints is a catalog file, to be changed and named in
``CHARTS_CATALOG``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated

import typer

from ...codec import dump
from ...domain.check.catalog import Entry
from ...domain.check.suggestion import likely_interval, likely_name, likely_timezone, names_called, timezone_called
from ...domain.errors import ConfigError
from ...domain.plan import PlanName
from ..bootstrap import open_catalog
from .catalog_view import rows_by_path, show_entries, show_entry, show_names, show_parameters, show_plans
from .process import Json
from .sample import sample_drawing, sample_study, sample_style

__all__ = ["catalog_app", "meant"]

catalog_app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Show what a chart request may hold, and what the plans allow.",
)

Name = Annotated[list[str] | None, typer.Argument(metavar="NAME", help="A name, in any case, or a part of one.")]
Part = Annotated[list[str] | None, typer.Argument(metavar="TEXT", help="Show only names that hold this.")]
Likely = Callable[[str, Sequence[str]], str | None]


@catalog_app.command()
def studies(name: Name = None, *, as_json: Json = False) -> None:
    """List the studies; or show all of one, and how to write it."""
    catalog = open_catalog()
    _entries("study", "studies", catalog.studies, catalog.study_by_alias, name, sample_study, as_json=as_json)


@catalog_app.command()
def drawings(name: Name = None, *, as_json: Json = False) -> None:
    """List the drawings; or show all of one, and how to write it."""
    catalog = open_catalog()
    _entries("drawing", "drawings", catalog.drawings, catalog.drawing_by_alias, name, sample_drawing, as_json=as_json)


@catalog_app.command()
def styles(name: Name = None, *, as_json: Json = False) -> None:
    """List the chart styles; or show all of one, and how to write it."""
    _entries("style", "styles", open_catalog().styles, {}, name, sample_style, as_json=as_json)


@catalog_app.command()
def parameters(name: Part = None, *, as_json: Json = False) -> None:
    """List the keys of a body, with defaults and ranges."""
    top = open_catalog().parameters
    whole = {path: parameter for parameter in top for path in rows_by_path([parameter])}
    shown = _holding("parameter", whole, name)
    if as_json:
        typer.echo(dump({"parameters": tuple({whole[path].name: whole[path] for path in shown}.values())}), nl=False)
    else:
        rows = rows_by_path(top)
        show_parameters({path: rows[path] for path in shown})


@catalog_app.command()
def intervals(name: Part = None, *, as_json: Json = False) -> None:
    """List the intervals; case matters: 1m is a minute, 1M a month."""
    catalog = open_catalog()
    doubtful = set(catalog.unconfirmed_intervals)
    found = _holding("interval", (*catalog.intervals, *catalog.unconfirmed_intervals), name, likely=likely_interval)
    if as_json:
        sure, unsure = ([each for each in found if (each in doubtful) is wanted] for wanted in (False, True))
        typer.echo(dump({"intervals": sure, "unconfirmedIntervals": unsure}), nl=False)
    else:
        note = "in the documentation's change log only"
        show_names({each: note if each in doubtful else "" for each in found})


@catalog_app.command()
def timezones(name: Part = None, *, as_json: Json = False) -> None:
    """List the time zones; one is found by what else it is called, too, such as EST."""
    known, text = open_catalog().timezones, "_".join(name or ())
    at_word = re.compile(rf"(?<![^\W_]){re.escape(text)}", re.IGNORECASE)
    called = timezone_called(text, known)
    found = [zone for zone in known if zone == called or at_word.search(zone)]
    _names(
        "timezones",
        found or _holding("time zone", known, [text], likely=likely_timezone),
        as_json=as_json,
    )


@catalog_app.command()
def exchanges(name: Part = None, *, as_json: Json = False) -> None:
    """List the exchanges, which stand before the colon of a symbol."""
    catalog = open_catalog()
    found = _holding("exchange", catalog.exchanges, name)
    dead = [each for each in catalog.unavailable_exchanges if each in found]
    if as_json:
        typer.echo(dump({"exchanges": found, "unavailableExchanges": dead}), nl=False)
    else:
        show_names({each: "unavailable" if each in dead else "" for each in found})


@catalog_app.command()
def plans(name: Part = None, *, as_json: Json = False) -> None:
    """List the plans, with what they allow."""
    known = open_catalog().plan_by_name
    found = tuple(known[PlanName(each)] for each in _holding("plan", tuple(known), name))
    if as_json:
        typer.echo(dump({"plans": found}), nl=False)
    else:
        show_plans(found)


def meant(
    noun: str, names: Iterable[str], text: str, aliases: Mapping[str, Sequence[str]] | None = None
) -> Sequence[str]:
    """List the *names* that *text* may mean: that it calls, or else begins, or else is a part of.

    Raises:
        ConfigError: it means none.
    """
    known, folded = tuple(names), text.casefold()
    if called := names_called(text, known, aliases):
        return called
    for fits in (str.startswith, str.__contains__):
        if found := [name for name in known if fits(name.casefold(), folded)]:
            return found
    raise _none(noun, text, likely_name(text, known, aliases))


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
    """Show all entries, those that *words* may mean, or everything of the one they mean."""
    by_name = {entry.name: entry for entry in entries}
    found = tuple(by_name[name] for name in (meant(noun, by_name, " ".join(words), aliases) if words else by_name))
    if as_json:
        typer.echo(dump({key: found}), nl=False)
    elif words and len(found) == 1:
        show_entry(found[0], key, sample(found[0]))
    else:
        show_entries(found, noun)


def _names(key: str, names: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(dump({key: names}), nl=False)
    else:
        show_names(dict.fromkeys(names, ""))


def _holding(
    noun: str, names: Iterable[str], words: Sequence[str] | None, *, likely: Likely = likely_name
) -> list[str]:
    """List the *names* that hold *words* in any case.

    Raises:
        ConfigError: there are none.
    """
    known, text = list(names), " ".join(words or ())
    if found := [name for name in known if text.casefold() in name.casefold()]:
        return found
    raise _none(noun, text, likely(text, known))


def _none(noun: str, text: str, near: str | None) -> ConfigError:
    hint = f"did you mean {near}?" if near else "leave the name out to list all there are"
    return ConfigError(f"there is no {noun} {text!r}; {hint}")
