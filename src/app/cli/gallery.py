"""The gallery: all fixtures of a folder on one HTML page that works alone, without a network."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from typing import Final

import attrs

from ...domain.fixture import FixtureEntry, FixtureKind
from .fixtures_view import sum_up_fixtures
from .text import printable

__all__ = ["render"]

_MAX_BODY_CHARACTERS: Final = 20_000  # a longer error is shown in part


@attrs.frozen
class _Card:
    """One fixture on the page, as text; the page escapes it.

    Attributes:
        name: the three parts of the key, or the stem alone.
        facts: size, date and origin, if known.
        picture: a ``data:`` URI.
        searched: the text that the filter searches.
    """

    kind: FixtureKind
    name: tuple[str, ...]
    facts: tuple[str, ...]
    findings: tuple[str, ...]
    searched: str
    picture: str | None = None
    status: int | None = None
    message: str | None = None
    body: str | None = None


def render(entries: Sequence[FixtureEntry], read: Callable[[str], bytes], title: str) -> str:
    """Return the page of *entries*; *read* returns the content of a file by its name, or raises OSError.

    The page holds all pictures itself. Names and errors are shown as escaped text, and the policy of the page lets only
    its own script run.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup, escape

    source = files(__package__).joinpath("gallery.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["digest"] = lambda text: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    environment.filters["breakable"] = lambda text: escape(text).replace("_", Markup("_<wbr>"))
    page = environment.from_string(source).render(
        title=printable(title), summary=sum_up_fixtures(entries), cards=[_card(entry, read) for entry in entries]
    )
    return page.encode("utf-8", "backslashreplace").decode()  # a lone surrogate in an error has no UTF-8


def _card(entry: FixtureEntry, read: Callable[[str], bytes]) -> _Card:
    key = entry.key
    exact = (entry.stem,) if key is None else key.parts
    name, facts = tuple(map(printable, exact)), tuple(map(printable, _facts(entry)))
    findings = tuple(printable(str(finding)) for finding in entry.findings)
    status, message = entry.http_status, printable(entry.message or "")
    searched = " ".join(
        (*name, printable(entry.stem), entry.kind, str(status or ""), message, *facts, *findings)
    ).lower()
    card = _Card(entry.kind, name, facts, findings, searched, status=status, message=message)
    if entry.file is None or entry.kind is FixtureKind.OTHER or (entry.kind is FixtureKind.PICTURE and not entry.width):
        return card
    try:
        content = read(entry.file)
    except OSError:
        return card
    if entry.kind is not FixtureKind.PICTURE:
        return attrs.evolve(card, body=_body(content))
    return attrs.evolve(card, picture=f"data:image/png;base64,{base64.b64encode(content).decode()}")


def _facts(entry: FixtureEntry) -> Iterator[str]:
    """Return the known facts of a fixture, the most important first."""
    if entry.width is not None:
        yield f"{entry.width} x {entry.height}"
    if entry.kind is not FixtureKind.OTHER:
        yield f"{entry.size / 1000:,.1f} KB"
    if entry.recorded_at is not None:
        yield f"{entry.recorded_at:%Y-%m-%d %H:%M} UTC"
    if entry.origin is not None:
        yield entry.origin


def _body(content: bytes) -> str:
    """Lay out the body of an error fixture for people; a body that is not JSON is shown as it is."""
    try:
        match json.loads(content):
            case {"body": str(text)}:
                pass
            case {"body": body}:
                text = json.dumps(body, indent=2, ensure_ascii=False)
            case whole:
                text = json.dumps(whole, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        text = content.decode("utf-8", "replace")
    rest = len(text) - _MAX_BODY_CHARACTERS
    return f"{text[:_MAX_BODY_CHARACTERS]}\n… {rest:,} more characters" if rest > 0 else text
