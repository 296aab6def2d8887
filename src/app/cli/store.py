"""The command ``chartimg store``: let the provider store one picture, and print its address."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated

import typer

from ...domain.chart import LayoutRequest, PictureRequest
from ...domain.errors import ConfigError
from ...domain.stored import StoreResult
from ..bootstrap import ChartClient, open_templates
from ..config import WorkerConfig
from .options import Json, emit
from .process import (
    Calls,
    Doubts,
    complain,
    of_call,
    refuse_missing_fixtures,
    refuse_problems,
    terminable,
    told_end,
)

__all__ = ["store"]


def store(
    symbol: Annotated[
        str | None,
        typer.Argument(
            metavar="SYMBOL", help="BINANCE:BTCUSDT; with --layout in place of the layout's own, and '' keeps it."
        ),
    ] = None,
    timeframe: Annotated[
        str | None, typer.Argument(metavar="TIMEFRAME", help="The interval, such as 1h; case matters.")
    ] = None,
    *,
    template: Annotated[str | None, typer.Option(metavar="ID", help="The id of the chart template.")] = None,
    layout: Annotated[
        str | None, typer.Option(metavar="ID", help="The id of a layout, in place of a template.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Store one chart at the provider, and print its address. Whoever has the address sees the picture."""
    config = WorkerConfig.from_env()
    request = _request(config, symbol, timeframe, template, layout)
    refuse_problems(request)
    if sys.stdout is None:
        raise ConfigError("standard output is closed, and the address would be lost; redirect it to a file")
    refuse_missing_fixtures(config)
    calls, doubts = Calls(), Doubts()
    with ChartClient(config, listener=[calls, doubts]) as client, terminable() as codes:
        if template is not None:
            request = client.request(symbol or "", timeframe or "", template=template)
        try:
            result = client.store(request)
        except KeyboardInterrupt:
            complain(f"{request.key}: interrupted; {calls}")
            raise SystemExit(codes[0]) from None

    def show() -> None:
        if result.ok:
            typer.echo(result.url)
            until = "" if result.expires_at is None else f" until {result.expires_at:%Y-%m-%d %H:%M} UTC"
            complain(f"{request.key}: whoever has the address sees the picture{until}")

    try:
        emit(_report(request, result), show, as_json=as_json)
    except OSError:
        if result.ok:  # it is paid for, and nothing else has its address
            complain(f"{request.key}: standard output has not taken the address {result.url}; {calls}")
        raise
    told_end(request.key, result, doubts)


def _request(
    config: WorkerConfig, symbol: str | None, timeframe: str | None, template: str | None, layout: str | None
) -> PictureRequest:
    """Return the request that the arguments name.

    Raises:
        ConfigError: they name none, or two.
    """
    if (template is None) is (layout is None):
        raise ConfigError("name the picture by SYMBOL TIMEFRAME --template ID, or by --layout ID")
    if layout is not None:
        return LayoutRequest(layout, symbol or None, timeframe or None)
    if template is None or symbol is None or timeframe is None:
        raise ConfigError("a chart needs SYMBOL and TIMEFRAME, such as BINANCE:BTCUSDT 1h")
    return open_templates(config, [template])[0].request(symbol, timeframe)


def _report(request: PictureRequest, result: StoreResult) -> Mapping[str, object]:
    """Return a result in the form that --json prints."""
    key = request.key
    return {
        "ok": result.ok,
        **({} if key.layout_id is None else {"layoutId": key.layout_id}),
        "symbol": key.symbol,
        "timeframe": key.timeframe,
        "template": key.chart_template_id,
        "url": result.url if result.ok else None,
        "etag": result.etag if result.ok else None,
        "expiresAt": result.expires_at if result.ok else None,
        "bytes": result.size if result.ok else None,
        **of_call(result),
    }
