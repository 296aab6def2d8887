"""How charts look that are fetched: the progress of an export on standard error, and the table of its manifest."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from ..manifest import MANIFEST_NAME, ExportEnd, ExportFailure, ExportItem, Manifest
from .text import add_row, counted, is_terminal, printable, show_table, standard_output, table

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["following", "show_manifest"]


@contextmanager
def following(count: int) -> Iterator[Callable[[ExportEnd], None]]:
    """Return a function that reports the end of each of *count* charts: a bar on a terminal, else numbered lines."""
    if not is_terminal(sys.stderr):
        yield _numbered_lines(count)
        return
    console = Console(stderr=True)
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


def show_manifest(manifest: Manifest, out: Path, calls: int, *, saved: bool = True) -> None:
    """Print a row for each chart of an export, the warnings, the calls made, and the folder; *saved*: with the manifest."""
    console = standard_output()
    ends: tuple[ExportEnd, ...] = (*manifest.items, *manifest.failures)
    show_table(_wide(ends, manifest), _narrow(ends, manifest))
    for end in ends:
        for finding in end.warnings:
            console.print(Text(printable(f"{_chart(end)}: {finding}")), soft_wrap=True)
    replayed = sum(item.from_fixture for item in manifest.items)
    console.print(Text(f"{counted(replayed, 'chart')} from fixtures, {counted(calls, 'call')} made"))
    if saved:
        console.print(Text(f"pictures and {MANIFEST_NAME} are in {printable(str(out))}"), soft_wrap=True)


def _wide(ends: Sequence[ExportEnd], manifest: Manifest) -> Table:
    headings = ("symbol", "timeframe", "template", "pixels", "KB", "from", "outcome")
    rows = table(*headings, right=("pixels", "KB"), title=_title(manifest))
    for end in ends:
        size, source = _size_and_source(end)
        add_row(rows, end.symbol, end.timeframe, end.template, size, _kilobytes(end), source, _outcome(end))
    return rows


def _narrow(ends: Sequence[ExportEnd], manifest: Manifest) -> Table:
    rows = table("chart", "KB", "outcome", right=("KB",), title=_title(manifest))
    for end in ends:
        add_row(rows, _chart(end), _kilobytes(end), _outcome(end))
    return rows


def _kilobytes(end: ExportEnd) -> str:
    return f"{end.bytes / 1000:.0f}" if isinstance(end, ExportItem) else ""


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
    warnings = "".join(f"; {finding}" for finding in end.warnings)
    if isinstance(end, ExportFailure):
        return printable(f"{_chart(end)}: {end.code}{f' ({end.kind})' if end.kind else ''}: {end.message}{warnings}")
    return printable(f"{_chart(end)}: {end.file} ({'fixture' if end.from_fixture else end.account_id}){warnings}")


def _chart(end: ExportEnd) -> str:
    return f"{end.symbol} {end.timeframe} {end.template}"
