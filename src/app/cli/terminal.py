"""How a run is shown to a person: bars and tables with rich on a terminal, plain lines otherwise."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ...domain.account.forecast import Forecast
from ...domain.fixture import FixtureEntry, FixtureKind, printable, sum_up
from ..manifest import MANIFEST_NAME, ExportFailure, ExportItem, Manifest
from ..pool import AccountStatus

__all__ = ["following", "show_accounts", "show_fixtures", "show_forecast", "show_manifest"]

_PLAIN_WIDTH: Final = 160
_BAR_WIDTH: Final = 6
_ROOM_FOR_REASONS: Final = 110  # columns
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))
_STYLES: Final = {"AVAILABLE": "green", "THROTTLED": "yellow", "EXHAUSTED": "red", "SUSPENDED": "bold red"}

End = ExportItem | ExportFailure


@contextmanager
def following(count: int) -> Iterator[Callable[[End], None]]:
    """Give a function that is told of each of *count* charts as it ends, and shows it on standard error."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain_lines(count)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("charts", total=count)

        def told(end: End) -> None:
            if isinstance(end, ExportFailure) or end.warnings:
                progress.console.print(Text(_line(end)))
            progress.advance(task)

        yield told


def _plain_lines(count: int) -> Callable[[End], None]:
    """Write one numbered line for each chart."""
    console, lock, done = Console(stderr=True, width=10_000), threading.Lock(), 0

    def told(end: End) -> None:
        nonlocal done
        with lock:
            done += 1
            console.print(Text(f"[{done}/{count}] {_line(end)}"), soft_wrap=True)

    return told


def _line(end: End) -> str:
    if isinstance(end, ExportFailure):
        return f"{_chart(end)}: {end.code}: {end.message}"
    warnings = "".join(f"; {finding}" for finding in end.warnings)
    return f"{_chart(end)}: {end.file} ({'fixture' if end.from_fixture else end.account_id}){warnings}"


def _chart(end: End) -> str:
    return f"{end.symbol} {end.timeframe} {end.template}"


def show_manifest(manifest: Manifest, out: Path) -> None:
    """Print what an export brought, and where it is."""
    table = Table(title=f"{len(manifest.items)} of {manifest.requested} charts", title_justify="left")
    for heading in ("symbol", "timeframe", "template"):
        table.add_column(heading)
    table.add_column("pixels", justify="right")
    table.add_column("KB", justify="right")
    for heading in ("from", "outcome"):
        table.add_column(heading)
    for item in manifest.items:
        source = "fixture" if item.from_fixture else f"account {item.account_id}"
        size = f"{item.width} x {item.height}"
        _row(
            table, item.symbol, item.timeframe, item.template, size, f"{item.bytes / 1000:.0f}", source, _outcome(item)
        )
    for failure in manifest.failures:
        _row(table, failure.symbol, failure.timeframe, failure.template, "", "", "", failure.code)
    console = _stdout()
    console.print(table)
    for item in manifest.items:
        for finding in item.warnings:
            console.print(Text(f"{_chart(item)}: {finding}"), soft_wrap=True)
    calls = sum(item.calls for item in manifest.items) + sum(failure.calls for failure in manifest.failures)
    replayed = sum(item.from_fixture for item in manifest.items)
    console.print(Text(f"{replayed} from fixtures, {calls} calls made"))
    console.print(Text(f"pictures and {MANIFEST_NAME} are in {out}"), soft_wrap=True)


def _outcome(item: ExportItem) -> str:
    count = len(item.warnings)
    return f"ok, {count} warning{'' if count == 1 else 's'}" if count else "ok"


def show_accounts(statuses: Sequence[AccountStatus]) -> None:
    """Print what each account has left and when it comes back; with a bar for its day on a terminal."""
    console, now = _stdout(), datetime.now().astimezone()
    narrow = console.width < _ROOM_FOR_REASONS
    table = Table(title="accounts, their UTC day", title_justify="left")
    for heading in ("account", "plan", "state", *(("day",) if console.is_terminal else ())):
        table.add_column(heading, no_wrap=True)
    for heading in ("used", "limit", "left"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("next (UTC)", no_wrap=True)
    if not narrow:
        table.add_column("why", overflow="fold")
    for status in statuses:
        style = _STYLES[status.state]
        bar = ProgressBar(max(status.limit, 1), status.used, _BAR_WIDTH, complete_style=style, finished_style=style)
        table.add_row(
            Text(status.account_id),
            Text(str(status.plan or "")),
            Text(status.state, style=style),
            *((bar,) if console.is_terminal else ()),
            *(Text(str(number)) for number in (status.used, status.limit, status.left)),
            Text(_when(status.available_at, now, "%m-%d %H:%M" if narrow else "%Y-%m-%d %H:%M:%S")),
            *(() if narrow else (Text(status.reason),)),
        )
    console.print(table)
    for status in statuses:
        if narrow and status.reason:
            console.print(Text(f"{status.account_id}: {status.reason}"))


def show_forecast(forecast: Forecast) -> None:
    """Print in a sentence or two what can be had."""
    charts = f"{forecast.charts:,} chart{'' if forecast.charts == 1 else 's'}"
    by = forecast.last_call_at
    if forecast.enough:
        line = f"yes: {charts} can be had today, the last call at {by:%H:%M:%S} UTC"
    else:
        line = f"no: {forecast.today:,} of {charts} can be had today (until {forecast.window_end:%Y-%m-%d %H:%M} UTC)"
        line += "; the rest never" if by is None else f"; the last call at {by:%Y-%m-%d %H:%M:%S} UTC"
    _stdout().print(Text(line), soft_wrap=True)


def show_fixtures(entries: Sequence[FixtureEntry], now: datetime) -> None:
    """Print what a folder holds for each chart, how old it is at *now*, and how many findings there are."""
    table = Table(title=sum_up(entries), title_justify="left")
    table.add_column("chart", overflow="fold")
    table.add_column("fixture", overflow="fold")
    for heading in ("KB", "age"):
        table.add_column(heading, justify="right")
    table.add_column("origin", overflow="fold")
    table.add_column("findings", justify="right")
    for entry in entries:
        table.add_row(
            Text(entry.chart),
            Text(_content(entry)),
            Text("" if entry.kind is FixtureKind.OTHER else f"{entry.size / 1000:.1f}"),
            Text("" if entry.recorded_at is None else _age(entry.recorded_at, now)),
            Text(printable(entry.origin or "")),
            Text(str(len(entry.findings) or ""), style="red"),
        )
    _stdout().print(table)


def _content(entry: FixtureEntry) -> str:
    """Say what a replay gives: the size of a picture, or the status of an error."""
    match entry.kind:
        case FixtureKind.PICTURE if entry.width is not None:
            return f"picture {entry.width} x {entry.height}"
        case FixtureKind.ERROR if entry.http_status is not None:
            return f"error {entry.http_status}: {printable(entry.message or '')}"
        case FixtureKind.PICTURE | FixtureKind.ERROR:
            return f"{entry.kind}, damaged"
        case _:
            return "none"


def _age(recorded_at: datetime, now: datetime) -> str:
    """Say how old something is in the largest unit that fits, rounded down: ``3 d``."""
    seconds = (now - recorded_at).total_seconds()
    if seconds < 0:
        return "in the future"
    return next((f"{seconds // size:,.0f} {unit}" for size, unit in _UNITS if seconds >= size), "now")


def _when(available_at: datetime | None, now: datetime, form: str) -> str:
    if available_at is None:
        return "when reinstated"
    return "now" if available_at <= now else available_at.strftime(form)


def _row(table: Table, *cells: str) -> None:
    """Add a row of plain text: nothing in a symbol is markup."""
    table.add_row(*map(Text, cells))


def _stdout() -> Console:
    """Give standard output, wide enough for a table where nobody's screen is."""
    console = Console()
    return console if console.is_terminal else Console(width=_PLAIN_WIDTH)
