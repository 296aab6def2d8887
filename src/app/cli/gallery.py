"""The gallery: every fixture of a folder on one HTML page that needs nothing else, no network either."""

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

_MOST_SHOWN: Final = 20_000  # characters of an error's body


@attrs.frozen
class _Card:
    """What the page shows of one fixture, as text that is escaped where it is put.

    Attributes:
        name: the key's three parts, or the stem alone.
        facts: size, date and origin, as far as they are known.
        picture: a ``data:`` URI.
        searched: what the filter looks at.
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
    """Write the page of *entries*; *read* gives the content of a file by its name, or raises OSError.

    The page holds all pictures itself. Whatever a name or an error holds is shown as text: it is escaped, and the page's
    own policy lets no script run but the page's.
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
    return page.encode("utf-8", "backslashreplace").decode()  # half a character of an error's body has no UTF-8


def _card(entry: FixtureEntry, read: Callable[[str], bytes]) -> _Card:
    key = entry.key
    exact = (entry.stem,) if key is None else (key.symbol, key.timeframe, key.chart_template_id)
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
    if entry.kind is FixtureKind.ERROR:
        return attrs.evolve(card, body=_body(content))
    return attrs.evolve(card, picture=f"data:image/png;base64,{base64.b64encode(content).decode()}")


def _facts(entry: FixtureEntry) -> Iterator[str]:
    """Say what is known of a fixture, in the order of its importance."""
    if entry.width is not None:
        yield f"{entry.width} × {entry.height}"  # noqa: RUF001 (the sign is meant)
    if entry.kind is not FixtureKind.OTHER:
        yield f"{entry.size / 1000:,.1f} KB"
    if entry.recorded_at is not None:
        yield f"{entry.recorded_at:%Y-%m-%d %H:%M} UTC"
    if entry.origin is not None:
        yield entry.origin


def _body(content: bytes) -> str:
    """Lay out the body of an error fixture for people; what can't be read is shown as it is."""
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
    rest = len(text) - _MOST_SHOWN
    return f"{text[:_MOST_SHOWN]}\n… {rest:,} characters more" if rest > 0 else text
