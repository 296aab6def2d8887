"""The commands ``chartimg catalog``: what the provider knows, with inputs, defaults and ranges.

They need no account and make no call. What ``--json`` prints is a catalog file, to be changed and named in
``CHARTS_CATALOG``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Annotated

import typer

from ...codec import dump
from ...domain.catalog import Entry, Parameter
from ...domain.errors import ConfigError
from ...domain.plan import PlanName
from ...domain.suggestion import likely_interval, likely_name, likely_timezone
from ..bootstrap import open_catalog
from ..catalog_view import show_entries, show_entry, show_names, show_parameters, show_plans
from ..sample import sample_drawing, sample_study, sample_style
from .process import Json

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
    _entries("study", "studies", open_catalog().studies, name, sample_study, as_json=as_json)


@catalog_app.command()
def drawings(name: Name = None, *, as_json: Json = False) -> None:
    """List the drawings; or show all of one, and how to write it."""
    _entries("drawing", "drawings", open_catalog().drawings, name, sample_drawing, as_json=as_json)


@catalog_app.command()
def styles(name: Name = None, *, as_json: Json = False) -> None:
    """List the chart styles; or show all of one, and how to write it."""
    _entries("style", "styles", open_catalog().styles, name, sample_style, as_json=as_json)


@catalog_app.command()
def parameters(name: Part = None, *, as_json: Json = False) -> None:
    """List the keys of a body, with defaults and ranges."""
    top = open_catalog().parameters
    rows = {path: (parameter, row) for parameter in top for path, row in _nested("", parameter)}
    shown = {path: rows[path] for path in _holding("parameter", rows, name)}
    if as_json:
        whole = {parameter.name: parameter for parameter, _ in shown.values()}
        typer.echo(dump({"parameters": tuple(whole.values())}), nl=False)
    else:
        show_parameters({path: row for path, (_, row) in shown.items()})


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
    """List the time zones."""
    words = ["_".join(name)] if name else None
    _names("timezones", _holding("time zone", open_catalog().timezones, words, likely=likely_timezone), as_json=as_json)


@catalog_app.command()
def exchanges(name: Part = None, *, as_json: Json = False) -> None:
    """List the exchanges, which stand before the colon of a symbol."""
    _names("exchanges", _holding("exchange", open_catalog().exchanges, name), as_json=as_json)


@catalog_app.command()
def plans(name: Part = None, *, as_json: Json = False) -> None:
    """List the plans, with what they allow."""
    known = open_catalog().plan_by_name
    found = tuple(known[PlanName(each)] for each in _holding("plan", tuple(known), name))
    if as_json:
        typer.echo(dump({"plans": found}), nl=False)
    else:
        show_plans(found)


def meant(noun: str, names: Iterable[str], text: str) -> list[str]:
    """List the *names* that *text* may mean: that it is, or else begins, or else abbreviates, or else is a part of.

    Raises:
        ConfigError: it means none.
    """
    known, folded = tuple(names), text.casefold()
    for fits in (str.__eq__, str.startswith, _abbreviates, str.__contains__):
        if found := [name for name in known if fits(name.casefold(), folded)]:
            return found
    raise _none(noun, known, text, likely_name)


def _entries(
    noun: str,
    key: str,
    entries: Sequence[Entry],
    words: Sequence[str] | None,
    sample: Callable[[Entry], Mapping[str, object]],
    *,
    as_json: bool,
) -> None:
    """Show all entries, those that *words* may mean, or everything of the one they mean."""
    by_name = {entry.name: entry for entry in entries}
    found = tuple(by_name[name] for name in (meant(noun, by_name, " ".join(words)) if words else by_name))
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
    raise _none(noun, known, text, likely)


def _none(noun: str, names: Sequence[str], text: str, likely: Likely) -> ConfigError:
    near = likely(text, names)
    hint = f"did you mean {near}?" if near else "leave the name out to list all there are"
    return ConfigError(f"there is no {noun} {text!r}; {hint}")


def _abbreviates(name: str, text: str) -> bool:
    """Whether *text* has the initials of *name* in any order: ``ema`` is ``moving average exponential``."""
    return sorted(text) == sorted(word[0] for word in name.split())


def _nested(path: str, row: Parameter) -> Iterator[tuple[str, Parameter]]:
    """Give a key and all keys in it, each with its path: ``override.priceRange.from``, ``studies[].name``."""
    here = f"{path}{row.name}"
    yield here, row
    inside = f"{here}[]." if row.type.endswith("[]") else f"{here}."
    for field in row.fields:
        yield from _nested(inside, field)
