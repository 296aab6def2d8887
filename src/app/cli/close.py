"""The command ``chartimg next-close``, and the wait for a close: the moments at which a candle is whole."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Final

import attrs
import typer

from ...domain.chart import ChartRequest
from ...domain.chart.candle import SETTLE, Grid, next_close
from ...domain.chart.template import ANY_PATTERN, SYMBOL_MARK
from ...domain.check.catalog import Catalog
from ...domain.check.grid import grid_of
from ...domain.check.suggestion import hint, likely_interval
from ...domain.errors import ConfigError
from ...domain.ports import Clock
from ..bootstrap import open_catalog
from ..export.source import ChartSource
from .options import Json, emit
from .process import complain

__all__ = ["next_close_command", "wait_for_close"]

_MAX_NAP_SECONDS: Final = 30.0  # the clock may be set meanwhile


@attrs.frozen
class _NextClose:
    """The next close of a candle."""

    symbol: str
    timeframe: str
    closes_at: datetime


def next_close_command(
    timeframe: Annotated[str, typer.Argument(metavar="TIMEFRAME", help="The interval, such as 1h; case matters.")],
    *,
    symbol: Annotated[
        str, typer.Option(metavar="SYMBOL", help="Its exchange decides; a bare symbol is one of BINANCE.")
    ] = "BTCUSDT",
    as_json: Json = False,
) -> None:
    """Print when the candle that is forming now closes, in UTC. Elsewhere than at exchanges of coins it may close then."""
    catalog = open_catalog()
    full = symbol if ":" in symbol else ANY_PATTERN.replace(SYMBOL_MARK, symbol)
    closes_at = _next(datetime.now(UTC), timeframe, grid_of(full, catalog), catalog)
    emit(
        _NextClose(full, timeframe, closes_at),
        lambda: typer.echo(closes_at.isoformat(timespec="seconds")),
        as_json=as_json,
    )


def wait_for_close(source: ChartSource, requests: Iterable[ChartRequest]) -> None:
    """Wait until a candle of one of *requests* has closed, and until pictures show the close.

    Raises:
        ConfigError: an interval is unknown.
    """
    clock = source.clock
    grids = {(request.timeframe, source.grid_of(request.symbol)) for request in requests}
    now = clock.now()
    closes_at, timeframe = min((_next(now, timeframe, grid, source.rules), timeframe) for timeframe, grid in grids)
    complain(f"waiting for the close of {timeframe} at {closes_at:%Y-%m-%d %H:%M:%S} UTC")
    _sleep_until(clock, closes_at + SETTLE)


def _sleep_until(clock: Clock, moment: datetime) -> None:
    while (left := (moment - clock.now()).total_seconds()) > 0:
        clock.sleep(min(left, _MAX_NAP_SECONDS))


def _next(now: datetime, timeframe: str, grid: Grid, catalog: Catalog) -> datetime:
    """Return the next close.

    Raises:
        ConfigError: the interval is unknown.
    """
    closes_at = next_close(now, timeframe, grid) if timeframe in catalog.interval_set else None
    if closes_at is None:
        known = f"the intervals are {', '.join(catalog.intervals)}"
        raise ConfigError(
            f"{timeframe!a} is not an interval; {hint(likely_interval(timeframe, catalog.intervals), known)}"
        )
    return closes_at
