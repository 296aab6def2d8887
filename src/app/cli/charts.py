"""The commands ``chartimg fetch`` and ``chartimg layout``: get one picture."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from ...domain.chart import LayoutRequest, PictureRequest
from ...domain.chart.freshness import Freshness
from ...domain.chart.leeway import Leeway
from ...domain.errors import ConfigError
from ...domain.result import ChartApiResult, Source
from ..bootstrap import ChartClient, open_templates
from ..config import WorkerConfig
from .options import Exchanges, Fit, Fresh, Json, emit, leeway_of
from .process import (
    FAILED,
    STANDARD_OUTPUT,
    Calls,
    Doubts,
    check_out_file,
    complain,
    of_call,
    refuse_missing_fixtures,
    refuse_problems,
    terminable,
    told_end,
    write,
)
from .request_file import read_posted_body

__all__ = ["fetch", "layout"]

Out = Annotated[Path, typer.Option(metavar="FILE", help="The PNG file to write, or - for standard output.")]


def fetch(
    symbol: Annotated[
        str, typer.Argument(metavar="SYMBOL", help="BINANCE:BTCUSDT, or BTCUSDT for the template's exchange.")
    ],
    timeframe: Annotated[str, typer.Argument(metavar="TIMEFRAME", help="The interval, such as 1h; case matters.")],
    *,
    template: Annotated[str, typer.Option(metavar="ID", help="The id of the chart template.")],
    out: Out,
    fresh: Fresh = None,
    exchanges: Exchanges = None,
    fit: Fit = None,
    as_json: Json = False,
) -> None:
    """Fetch one chart into a file."""
    asked, leeway = _fresh(fresh), leeway_of(exchanges, fit)
    config = WorkerConfig.from_env()
    request = open_templates(config, [template], fits=leeway.fits)[0].request(symbol, timeframe)
    placed = partial(ChartClient.request, symbol=symbol, timeframe=timeframe, template=template)
    _fetch(config, request, out, asked, leeway, as_json=as_json, placed=placed)


def layout(  # noqa: PLR0913 (one for each option)
    layout_id: Annotated[
        str, typer.Argument(metavar="ID", help="The id in the address of the layout: tradingview.com/chart/ID/.")
    ],
    *,
    symbol: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="BINANCE:BTCUSDT in place of the layout's own.")
    ] = None,
    interval: Annotated[
        str | None, typer.Option(metavar="INTERVAL", help="The interval, such as 1h, in place of the layout's own.")
    ] = None,
    body: Annotated[
        Path | None, typer.Option(metavar="FILE", help='Further fields as JSON, such as {"width": 800, "zoomIn": 2}.')
    ] = None,
    out: Out,
    fresh: Fresh = None,
    exchanges: Exchanges = None,
    fit: Fit = None,
    as_json: Json = False,
) -> None:
    """Fetch the picture of a TradingView layout into a file. A private layout needs CHARTS_TRADINGVIEW_SESSION_JSON."""
    asked, leeway = _fresh(fresh), leeway_of(exchanges, fit)
    request = LayoutRequest(layout_id, symbol, interval, {} if body is None else _fields(body))
    _fetch(WorkerConfig.from_env(), request, out, asked, leeway, as_json=as_json)


def _fresh(fresh: str | None) -> Freshness | None:
    return None if fresh is None else Freshness.of(fresh, where="--fresh")


def _fields(path: Path) -> Mapping[str, object]:
    """Return the fields of a body in a file.

    Raises:
        ConfigError: the file can't be read, or has no body.
    """
    try:
        return read_posted_body(str(path), path.read_bytes())
    except OSError as error:
        raise ConfigError(f"--body: {path} can't be read: {error.strerror}") from None


def _fetch(
    config: WorkerConfig,
    request: PictureRequest,
    out: Path,
    asked: Freshness | None,
    leeway: Leeway,
    *,
    as_json: bool,
    placed: Callable[[ChartClient], PictureRequest] | None = None,
) -> None:
    """Fetch one picture into *out*, and report it. What the client makes of its symbol is *placed*."""
    refuse_problems(request)
    check_out_file(out, as_json=as_json)
    refuse_missing_fixtures(config)
    calls, doubts = Calls(), Doubts()
    with ChartClient(config, listener=[calls, doubts]) as client, terminable() as codes:
        request = request if placed is None else placed(client)
        try:
            result = client.fetch(request, fresh=asked, on_invalid_symbol=leeway.exchanges, fit=leeway.fit)
            if result.ok:
                _save(out, result.unwrap(), calls)
        except KeyboardInterrupt:
            complain(f"{request.key}: interrupted; {calls}")
            raise SystemExit(codes[0]) from None

    def show() -> None:
        if result.error is None and out != STANDARD_OUTPUT:
            source = f"fixture {result.fixture_path}" if result.from_fixture else f"account {result.account_id}"
            if result.source is Source.CACHE:
                source = f"the cache, taken at {result.taken_at:%Y-%m-%d %H:%M:%S} UTC"
            typer.echo(f"{request.key}: {out} ({len(result.unwrap()):,} bytes, from {source})")

    emit(_report(request, result, out), show, as_json=as_json)
    told_end(request.key, result, doubts)


def _save(out: Path, picture: bytes, calls: Calls) -> None:
    """Write a picture. If it can't be written, say which calls it cost."""
    try:
        write(out, picture)
    except ConfigError as error:
        complain(f"{error}; {calls}")
        raise SystemExit(FAILED) from None
    except BrokenPipeError:
        if calls.made:
            complain(f"the reader of standard output has left; {calls}")
        raise


def _report(request: PictureRequest, result: ChartApiResult, out: Path) -> Mapping[str, object]:
    """Return a result in the form that --json prints."""
    picture, layout = result.png_bytes, request.key.layout_id
    return {
        "ok": result.ok,
        **({} if layout is None else {"layoutId": layout}),
        "symbol": request.symbol,
        "timeframe": request.timeframe,
        "template": request.key.chart_template_id,
        "file": None if picture is None else str(out),
        "bytes": None if picture is None else len(picture),
        "sha256": None if picture is None else hashlib.sha256(picture).hexdigest(),
        "fromFixture": result.from_fixture,
        **of_call(result),
    }
