"""How charts look that are fetched: the progress of an export on standard error, and the table of its manifest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..manifest import MANIFEST_NAME, ExportEnd, ExportFailure, ExportItem, Manifest
from .text import ROOM_FOR_ALL, add_row, counted, printable, standard_output, table

__all__ = ["following", "show_manifest"]


@contextmanager
def following(count: int) -> Iterator[Callable[[ExportEnd], None]]:
    """Return a function that reports the end of each of *count* charts: a bar on a terminal, else numbered lines."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _numbered_lines(count)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("charts", total=count)

        def on_end(end: ExportEnd) -> None:
            if isinstance(end, ExportFailure) or end.warnings:
                progress.console.print(Text(_line(end)), soft_wrap=True)
            progress.advance(task)

        yield on_end


def _numbered_lines(count: int) -> Callable[[ExportEnd], None]:
    """Return a function that writes one numbered line for each chart."""
    console, lock, done = Console(stderr=True, width=10_000), threading.Lock(), 0

    def on_end(end: ExportEnd) -> None:
        nonlocal done
        with lock:
            done += 1
            console.print(Text(f"[{done}/{count}] {_line(end)}"), soft_wrap=True)

    return on_end


def show_manifest(manifest: Manifest, out: Path, *, saved: bool = True) -> None:
    """Print a row for each chart of an export, the warnings, the calls made, and the folder; *saved*: with the manifest."""
    console = standard_output()
    wide = console.width >= ROOM_FOR_ALL
    rows = table(*(("symbol", "timeframe", "template") if wide else ("chart",)), title=_title(manifest))
    rows.columns[0].no_wrap = wide
    for heading in (("pixels",) if wide else ()) + ("KB",):
        rows.add_column(heading, justify="right", no_wrap=True)
    for heading in (("from",) if wide else ()) + ("outcome",):
        rows.add_column(heading, overflow="fold")
    ends: tuple[ExportEnd, ...] = (*manifest.items, *manifest.failures)
    for end in ends:
        kilobytes = f"{end.bytes / 1000:.0f}" if isinstance(end, ExportItem) else ""
        if wide:
            size, source = _size_and_source(end)
            add_row(rows, end.symbol, end.timeframe, end.template, size, kilobytes, source, _outcome(end))
        else:
            add_row(rows, _chart(end), kilobytes, _outcome(end))
    console.print(rows)
    for item in manifest.items:
        for finding in item.warnings:
            console.print(Text(printable(f"{_chart(item)}: {finding}")), soft_wrap=True)
    replayed = sum(item.from_fixture for item in manifest.items)
    calls = sum(end.calls for end in ends)
    console.print(Text(f"{counted(replayed, 'chart')} from fixtures, {counted(calls, 'call')} made"))
    if saved:
        console.print(Text(f"pictures and {MANIFEST_NAME} are in {printable(str(out))}"), soft_wrap=True)


def _title(manifest: Manifest) -> str:
    return f"{len(manifest.items):,} of {counted(manifest.requested, 'chart')}"


def _size_and_source(end: ExportEnd) -> tuple[str, str]:
    if isinstance(end, ExportFailure):
        return "", ""
    return f"{end.width} x {end.height}", "fixture" if end.from_fixture else f"account {end.account_id}"


def _outcome(end: ExportEnd) -> str:
    if isinstance(end, ExportFailure):
        return end.code
    return f"ok, {counted(len(end.warnings), 'warning')}" if end.warnings else "ok"


def _line(end: ExportEnd) -> str:
    if isinstance(end, ExportFailure):
        return printable(f"{_chart(end)}: {end.code}: {end.message}")
    warnings = "".join(f"; {finding}" for finding in end.warnings)
    return printable(f"{_chart(end)}: {end.file} ({'fixture' if end.from_fixture else end.account_id}){warnings}")


def _chart(end: ExportEnd) -> str:
    return f"{end.symbol} {end.timeframe} {end.template}"
