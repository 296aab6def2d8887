"""How an export looks: its progress on standard error, the table of its manifest, and its plan."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from ...domain.faults import FaultKind
from ..export.chart_export import ExportPlan
from ..export.manifest import MANIFEST_NAME, ExportEnd, ExportFailure, ExportItem, Manifest
from .accounts_view import show_forecast
from .text import add_row, counted, is_terminal, printable, show_table, standard_output, table

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["following", "show_manifest", "show_plan"]

_MAX_ROWS: Final = 250
_MAX_PLANNED: Final = 20


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
    """Print a row for each chart of an export, the warnings, the help for each kind of error, the calls made, and the folder.

    The manifest is in the folder, too, if *saved*. Of many charts, those that failed or are doubtful come first, and the others
    are counted.
    """
    console = standard_output()
    ends: list[ExportEnd] = [*manifest.items, *manifest.failures]
    if len(ends) > _MAX_ROWS:  # rows need far more memory than ends
        ends.sort(key=_rank)
        del ends[_MAX_ROWS:]
    show_table(_wide(ends, manifest), _narrow(ends, manifest))
    if (more := manifest.requested - len(ends)) > 0:
        console.print(Text(f"and {counted(more, 'chart')} more, in {MANIFEST_NAME}"))
    for end in ends:
        for finding in end.warnings:
            console.print(Text(printable(f"{_chart(end)}: {finding}")), soft_wrap=True)
    kinds = {failure.kind for failure in manifest.failures}
    for kind in (kind for kind in FaultKind if kind in kinds):
        console.print(Text(f"{kind}: see {kind.help}"), soft_wrap=True)
    kept = sum(item.kept for item in manifest.items)
    replayed = sum(item.from_fixture and not item.kept for item in manifest.items)
    before = f"{counted(kept, 'chart')} kept, " if kept else ""
    console.print(Text(f"{before}{counted(replayed, 'chart')} from fixtures, {counted(calls, 'call')} made"))
    if saved:
        console.print(Text(f"pictures and {MANIFEST_NAME} are in {printable(str(out))}"), soft_wrap=True)


def show_plan(plan: ExportPlan) -> None:
    """Print what an export would do, in a line, then its calls, and when they can be made."""
    console, calls = standard_output(), len(plan.calls)
    parts = [
        f"{plan.kept:,} kept",
        f"{plan.from_fixtures:,} from fixtures",
        f"{plan.from_cache:,} from the cache",
        f"{calls:,} to be called for",
    ]
    if plan.missing:
        parts.append(f"{plan.missing:,} without a fixture")
    console.print(Text(f"{counted(plan.requested, 'chart')}: {', '.join(parts)}"))
    for key in plan.calls[:_MAX_PLANNED]:
        console.print(Text(printable(f"  {key}")), soft_wrap=True)
    if calls > _MAX_PLANNED:
        console.print(Text(f"  and {calls - _MAX_PLANNED:,} more"))
    if plan.forecast is not None:
        show_forecast(plan.forecast)


def _rank(end: ExportEnd) -> int:
    """Return a low number for an end that a person has to see."""
    return 0 if isinstance(end, ExportFailure) else 1 if end.warnings else 2


def _wide(ends: Sequence[ExportEnd], manifest: Manifest) -> Table:
    headings = ("symbol", "timeframe", "template", "pixels", "KB", "from", "outcome")
    rows = table(*headings, right=("pixels", "KB"), title=_title(manifest))
    for end in ends:
        size, source = _size_and_source(end)
        look = end.template if end.layout_id is None else f"layout {end.layout_id}"
        named = end.symbol or "", end.timeframe or "", look or ""
        add_row(rows, *named, size, _kilobytes(end), source, _outcome(end))
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
    source = "kept" if end.kept else "fixture" if end.from_fixture else f"account {end.account_id}"
    return f"{end.width} x {end.height}", source


def _outcome(end: ExportEnd) -> str:
    if isinstance(end, ExportFailure):
        return end.code
    return f"ok, {counted(len(end.warnings), 'warning')}" if end.warnings else "ok"


def _line(end: ExportEnd) -> str:
    warnings = "".join(f"; {finding}" for finding in end.warnings)
    if isinstance(end, ExportFailure):
        return printable(f"{_chart(end)}: {end.code}{f' ({end.kind})' if end.kind else ''}: {end.message}{warnings}")
    source = "kept" if end.kept else "fixture" if end.from_fixture else end.account_id
    return printable(f"{_chart(end)}: {end.file} ({source}){warnings}")


def _chart(end: ExportEnd) -> str:
    return str(end.key)
