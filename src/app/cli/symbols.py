"""The command ``chartimg symbols``: the exchanges that the provider lists, or the symbols of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

import attrs
import typer

from ...domain.chart.listing import Exchange, Symbol
from ...domain.listing import Listing
from ...domain.result import ChartApiFailure, Source
from ..bootstrap import ChartClient
from ..config import WorkerConfig
from .catalog_view import show_names
from .options import Json, emit
from .process import Calls, Doubts, complain, of_call, refuse_missing_fixtures, terminable, told_end
from .text import add_row, counted, show_table, table

__all__ = ["symbols"]

_Listed = Listing[Exchange] | Listing[Symbol]


def symbols(
    exchange: Annotated[
        str | None, typer.Argument(metavar="EXCHANGE", help="The id of an exchange, in any case.")
    ] = None,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help="List only symbols with this text in ticker or name.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """List the exchanges, or the symbols of one. A new list costs a call, and is kept for a day."""
    config = WorkerConfig.from_env()
    refuse_missing_fixtures(config)
    what = "exchanges" if exchange is None else f"symbols {exchange.upper()}"
    calls, doubts = Calls(), Doubts()
    with ChartClient(config, listener=[calls, doubts]) as client, terminable() as codes:
        try:
            result: _Listed | ChartApiFailure = (
                client.exchanges() if exchange is None else client.symbols(exchange, search=" ".join(text or ()))
            )
        except KeyboardInterrupt:
            complain(f"{what}: interrupted; {calls}")
            raise SystemExit(codes[0]) from None
    emit(_report(result, what.partition(" ")[0]), lambda: _show(result), as_json=as_json)
    told_end(what, result, doubts)


def _show(result: _Listed | ChartApiFailure) -> None:
    """Print the exchanges in columns, or a row for each symbol; and where they came from."""
    if not result.ok:
        return
    names = [row.id for row in result if isinstance(row, Exchange)]
    listed = [row for row in result if isinstance(row, Symbol)]
    if names:
        show_names(dict.fromkeys(names, ""))
    if listed:
        rows = table("symbol", "type", "currency", "description", folding=("description",))
        for row in listed:
            add_row(rows, str(row), row.type, row.currency, row.description)
        show_table(rows)
    typer.echo(f"{counted(len(result), 'exchange' if names else 'symbol')}, from {_origin(result)}")


def _origin(result: _Listed) -> str:
    """Return where a list came from."""
    if result.source is Source.CACHE:
        return f"the cache, taken at {result.taken_at:%Y-%m-%d %H:%M:%S} UTC"
    return f"fixture {result.fixture_path}" if result.from_fixture else f"account {result.account_id}"


def _report(result: _Listed | ChartApiFailure, part: str) -> Mapping[str, object]:
    """Return a result in the form that --json prints."""
    return {
        "ok": result.ok,
        part: list(_rows(result)) if result.ok else None,
        "updatedAt": result.updated_at if result.ok else None,
        "fromFixture": result.from_fixture,
        **of_call(result),
    }


def _rows(result: _Listed) -> Iterable[object]:
    """Return an exchange as its id, and a symbol as an object with its whole name."""
    for row in result:
        yield row.id if isinstance(row, Exchange) else {"symbol": str(row), **attrs.asdict(row)}
