"""The commands ``chartimg cache``: list the kept pictures, or remove them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ...domain.errors import CacheUnavailable, ConfigError
from ...domain.ports import PictureCache
from ..config import read_cache
from ..stores import open_cache
from .options import Json, emit, group
from .process import FAILED, complain
from .text import add_row, counted, is_terminal, show_table, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...domain.cached import CacheEntry

__all__ = ["cache_app"]

cache_app = group("List the kept pictures, or remove them. CHARTS_CACHE names their place.")


@cache_app.command("list")
def list_(*, as_json: Json = False) -> None:
    """List the kept pictures, from the most to the least recently used."""
    with _cache() as cache:
        entries = cache.entries()
    emit({"pictures": list(entries)}, lambda: _show(entries), as_json=as_json)


@cache_app.command()
def clear(*, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False, as_json: Json = False) -> None:
    """Remove all kept pictures. On a terminal, the command asks first."""
    with _cache() as cache:
        if not yes and is_terminal(sys.stdin):
            count = counted(len(cache.entries()), "kept picture")
            typer.confirm(f"Remove {count}? A chart of them costs a call again.", abort=True, err=True)
        removed = cache.clear()
    emit({"removed": removed}, lambda: typer.echo(f"removed {counted(removed, 'picture')}"), as_json=as_json)


@contextmanager
def _cache() -> Iterator[PictureCache]:
    """Open the cache in the settings. If it can't be used, end with exit code 1."""
    place, max_bytes = read_cache()
    if place in {"off", "memory://"}:
        raise ConfigError(
            f"CHARTS_CACHE={place} keeps no picture beyond the end of a process; set it to a folder or to redis://…"
        )
    try:
        with closing(open_cache(place, max_bytes)) as cache:
            yield cache
    except CacheUnavailable as error:
        complain(str(error))
        raise SystemExit(FAILED) from None


def _show(entries: Sequence[CacheEntry]) -> None:
    """Print a row for each picture, and their number and size."""
    rows = table("chart", "taken (UTC)", "account", "bytes", right=("bytes",), folding=("chart",))
    for entry in entries:
        add_row(rows, entry.chart, f"{entry.taken_at:%Y-%m-%d %H:%M:%S}", entry.account_id or "", f"{entry.size:,}")
    if entries:
        show_table(rows)
    typer.echo(f"{counted(len(entries), 'picture')}, {sum(entry.size for entry in entries):,} bytes")
